"""A scene as a case and a case as a scene: the same facts both ways, also where the scene is not as it should be."""

import dataclasses
import json
import math
import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer
from test_scene_segments import add_segmentation

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import Case, Image, Lesion, LesionKind, TimePoint
from HCCResponseLib.response.finding import Exclusion, Finding, LesionState
from HCCResponseLib.response.measurement import Measurement
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.acquisition import set_acquisition
from HCCResponseLib.scene.case import case_and_notes, case_from_scene, case_to_scene
from HCCResponseLib.scene.findings import finding_of, findings, findings_of_patient, remove_finding, set_finding
from HCCResponseLib.scene.lesion_attributes import segments_of_lesion, set_exclusion, set_lesion
from HCCResponseLib.scene.lesion_identity import lesion_identity
from HCCResponseLib.scene.measurement_table import add_measurements, measurement_table, measurements
from HCCResponseLib.scene.patient_lesions import set_lesion_order
from HCCResponseLib.scene.proposals import accept_proposal, mark_proposed
from HCCResponseLib.scene.roles import set_role
from HCCResponseLib.scene.segment_masks import add_segment
from HCCResponseLib.scene.segment_tags import set_tag
from HCCResponseLib.scene.segment_types import set_segment_type
from HCCResponseLib.scene.study_nodes import nodes_of_study
from HCCResponseLib.scene.subject_hierarchy import patient_id, study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import patients, set_study_date, set_time_point, set_time_points, studies, study_at, time_point
from HCCResponseLib.scene.undo import Undo
from HCCResponseLib.scene.volumes import add_volume

ODD = 'a|b "c" <d>&#124; 50 %;\t^~\r\ne\\n ü→'
"""Text with everything that files of a scene use as a separator."""


def row(time_point: int = 0, lesion_uid: str = "2.25.1", value: float = 1.0, **changed) -> Measurement:
    fields = dict(patient="P", quantity="VOLUME", unit="ml", datetime="2026-03-01T10:00:00+01:00", reader="A", lesion_name="L1")
    return Measurement(time_point=time_point, lesion_uid=lesion_uid, value=value, **(fields | changed))


def full_case() -> Case:
    """Every field of a case, with values that are hard to keep."""
    return Case(
        patient="P",
        name="Müller^Änne",
        time_points=(
            TimePoint(0, "1.2.2", "2026-03-01", 0.0, dose="50.4 Gy in 28", afp_ng_ml=1 / 3),
            TimePoint(1, "1.2.3", "2026-04-01", 31 / 7, ODD, afp_ng_ml=0.0),
            TimePoint(4),
        ),
        images=(
            Image(1, None, name="unknown"),
            Image(0, Role.DWI, "1.2.2.1", ODD, slice_thickness_mm=5.0),
            Image(0, Role.DWI, "1.2.2.1", "the same series twice"),
        ),
        lesions=(
            Lesion("2.25.2", "L2", LesionKind.TARGET, in_field=True, dose_gy=50.4, fractions=28, typical_enhancement=False),
            Lesion("2.25.1", ODD, LesionKind.NON_TARGET, organ="", ill_defined=True, previously_treated=True, proven=True),
            Lesion("2.25.3", "node", LesionKind.NEW, "lymph node", lymph_node=True, porta_hepatis=True, in_field=False),
            Lesion("2.25.4", "", tumour_thrombus=True, typical_enhancement=True, split_from="2.25.2"),
            Lesion("2.25.5", "never measured"),
        ),
        measurements=(
            row(1, "2.25.2", math.nan, quantity="LONG_AXIS", unit="mm", method='by hand, "twice"', source_series="1.2.3.4"),
            row(0, value=math.pi, lesion_name="an older name"),
            row(0, value=math.e, reader="B"),
            row(7, value=9.0, method="of an examination that nobody has"),
            row(0, "2.25.99", 3.0, lesion_name="muscle"),
            row(0, value=2.0, patient=""),
        ),
        findings=(
            Finding(1, "2.25.3", LesionState.MERGED, "2.25.2", "B", ODD),
            Finding(0, "2.25.1", LesionState.PRESENT, reader="B"),
            Finding(0, "2.25.1", LesionState.NOT_EVALUABLE, reader="A"),
            Finding(4, "2.25.2", LesionState.ABSENT),
        ),
        exclusions=(Exclusion("2.25.5", ODD), Exclusion("2.25.2", "ill-defined")),
    )


def hierarchy():
    return slicer.mrmlScene.GetSubjectHierarchyNode()


def put(node, item: int) -> None:
    hierarchy().SetItemParent(subject_hierarchy_item(node), item)


class CaseTestCase(SceneTestCase):
    def assert_same(self, one: Case, other: Case) -> None:
        # NaN equals NaN as text; the text has every field.
        self.assertEqual(json.loads(one.to_json()), json.loads(other.to_json()))


class RoundTripTest(CaseTestCase):
    def test_a_case_comes_back_from_a_scene_and_from_its_file(self):
        case = full_case()
        patient = case_to_scene(case)
        self.assert_same(case_from_scene(patient), case)
        self.assert_same(case_from_scene(), case)
        for _ in range(2):
            reopen(self.folder / "case.mrb")
            self.assert_same(case_from_scene(), case)
            self.assert_same(Case.from_json(case_from_scene().to_json()), case)

    def test_small_cases(self):
        for case in (
            Case("P"),
            Case(""),
            Case("P|1", lesions=(Lesion("2.25.1", "L1"), Lesion("2.25.2", "L2")), exclusions=(Exclusion("2.25.2", "x"),)),
            Case("P", time_points=(TimePoint(3),), lesions=(Lesion("2.25.1", "L1"),)),
            Case("P", measurements=(row(),)),
        ):
            slicer.mrmlScene.Clear(0)
            case_to_scene(case)
            self.assert_same(case_from_scene(), case)
            reopen(self.folder / "case.mrb")
            self.assert_same(case_from_scene(), case)

    def test_segments_stand_where_lesions_were_seen(self):
        patient = case_to_scene(full_case())
        where = {}
        for study in studies(patient):
            for node in nodes_of_study(study, "vtkMRMLSegmentationNode"):
                ids = [node.GetSegmentation().GetNthSegmentID(n) for n in range(node.GetSegmentation().GetNumberOfSegments())]
                where[time_point(study).index] = [lesion_identity(node, one).uid for one in ids]
        self.assertEqual(where, {0: ["2.25.1", "2.25.3", "2.25.4", "2.25.5"], 1: ["2.25.2"]})

    def test_a_patient_is_not_put_in_twice_nor_mixed_with_another(self):
        case = full_case()
        case_to_scene(dataclasses.replace(case, measurements=()))
        with self.assertRaisesRegex(InputError, "'P' already"):
            case_to_scene(case)
        with self.assertRaisesRegex(InputError, "measurement of patient 'P'"):
            case_to_scene(dataclasses.replace(case, patient="Q"))
        self.assertEqual(len(patients()), 1)

    def test_what_fails_on_the_way_leaves_nothing_behind(self):
        for _ in range(2):
            slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode").SetAttribute("HCC.Measurements", "1")
        with self.assertRaisesRegex(InputError, "2 measurement tables"):
            case_to_scene(full_case())
        self.assertEqual(patients(), [])
        self.assertEqual(slicer.util.getNodesByClass("vtkMRMLSegmentationNode"), [])

    def test_two_patients(self):
        case = full_case()
        rows = [one for one in case.measurements if one.patient]
        case = dataclasses.replace(case, measurements=rows)
        other = dataclasses.replace(case, patient="Q", name="", measurements=[dataclasses.replace(one, patient="Q") for one in rows])
        items = [case_to_scene(case), case_to_scene(other)]
        self.assert_same(case_from_scene(items[0]), case)
        self.assert_same(case_from_scene(items[1]), other)
        # the same lesions stand in both (a copied case): what is said in one stays there
        node, segment_id = segments_of_lesion("2.25.2")[-1]
        set_lesion(node, segment_id, Lesion("2.25.2", "changed"))
        set_exclusion(node, segment_id, "")
        self.assert_same(case_from_scene(items[0]), case)
        self.assertEqual(case_from_scene(items[1]).lesion("2.25.2").identifier, "changed")
        with self.assertRaisesRegex(InputError, "2 patients; choose one"):
            case_from_scene()
        slicer.mrmlScene.Clear(0)
        with self.assertRaisesRegex(InputError, "no patient"):
            case_from_scene()

    def test_renaming_everything_changes_only_names_of_images(self):
        case = full_case()
        patient = case_to_scene(case)
        for item in (patient, *studies(patient)):
            hierarchy().SetItemName(item, "renamed")
        for node in slicer.util.getNodesByClass("vtkMRMLStorableNode"):
            node.SetName("renamed")
            if node.IsA("vtkMRMLSegmentationNode"):
                for n in range(node.GetSegmentation().GetNumberOfSegments()):
                    node.GetSegmentation().GetNthSegment(n).SetName("renamed")
        self.assert_same(case_from_scene(patient), case)
        reopen(self.folder / "case.mrb")
        self.assert_same(case_from_scene(), case)


class ExaminationsTestCase(CaseTestCase):
    """A scene as users make one."""

    def setUp(self):
        super().setUp()
        self.items = [
            study_item(patient_id="P", patient_name="A^B", study_uid=f"1.2.{n}", study_date=day) for n, day in enumerate(("2026-03-01", ""))
        ]
        (self.patient,) = patients()
        set_time_points({item: TimePoint(n, weeks_from_baseline=4.0 * n) for n, item in enumerate(self.items)})
        self.nodes = [add_segmentation(name) for name in ("Baseline", "Week 4")]
        for node, item in zip(self.nodes, self.items, strict=True):
            put(node, item)

    def lesion(self, time_point: int, uid: str, name: str = "L1", **attributes) -> str:
        segment_id = add_segment(self.nodes[time_point], name)
        set_lesion(self.nodes[time_point], segment_id, Lesion(uid, name, **attributes))
        return segment_id

    def volume(self, name: str, time_point: int = 0, role: Role | None = None, uid: str = ""):
        node = add_volume(np.zeros((2, 3, 4), np.float32), Geometry.from_parts((2, 3, 4), (1, 1, 1)), name)
        set_role(node, role)
        if uid:
            node.SetAttribute("HCC.SeriesInstanceUID", uid)
        put(node, self.items[time_point])
        return node

    def notes(self) -> str:
        return "\n".join(case_and_notes(self.patient)[1])


class SceneTest(ExaminationsTestCase):
    def test_images_are_the_series_of_the_examinations(self):
        for b in (0, 400):
            set_acquisition(self.volume(f"ep2d b{b}", role=Role.DWI, uid="1.2.0.5"), slice_thickness_mm=6.0)
        gone = self.volume("T1", 1, Role.T1)
        self.volume("nobody said what", 1)
        self.volume("Ktrans", 1).SetAttribute("HCC.Quantity", "KTRANS")
        self.volume("ADC", 1, Role.ADC).SetAttribute("HCC.Quantity", "ADC")
        put(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode"), self.items[1])
        sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "DCE")
        set_role(sequence, Role.DCE)
        sequence.SetDataNodeAtValue(gone, "0")
        put(sequence, self.items[1])
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
        proxy = self.volume("proxy", 1)
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        browser.AddProxyNode(proxy, sequence, False)
        proxy.SetName("proxy")
        expected = (
            Image(0, Role.DWI, "1.2.0.5", "ep2d b0", 6.0),
            Image(1, Role.T1, name="T1"),
            Image(1, None, name="nobody said what"),
            Image(1, Role.ADC, name="ADC"),
            Image(1, Role.DCE, name="DCE"),
        )
        self.assertEqual(case_from_scene().images, expected)
        slicer.mrmlScene.RemoveNode(gone)
        self.assertEqual(case_from_scene().images, expected[:1] + expected[2:])

    def test_a_loaded_volume_takes_the_place_of_what_was_only_known(self):
        slicer.mrmlScene.Clear(0)
        case_to_scene(full_case())
        self.patient, = patients()
        self.items = [study_at(self.patient, n) for n in (0, 1)]
        self.volume("DWI", role=Role.DWI, uid="1.2.2.1")
        self.assertEqual(case_from_scene().images, (Image(0, Role.DWI, "1.2.2.1", "DWI"), Image(1, None, name="unknown")))

    def test_one_lesion_of_all_examinations_in_the_users_order(self):
        self.lesion(0, "2.25.1", kind=LesionKind.TARGET)
        self.lesion(1, "2.25.1", kind=LesionKind.TARGET)
        self.lesion(1, "2.25.2", "L2")
        self.assertEqual([one.uid for one in case_from_scene().lesions], ["2.25.1", "2.25.2"])
        set_lesion_order(self.patient, ["2.25.2"])
        self.assertEqual([one.uid for one in case_from_scene().lesions], ["2.25.2", "2.25.1"])
        self.assertEqual(self.notes(), "")

    def test_outlines_of_the_segment_editor_are_lesions_as_soon_as_they_say_so(self):
        plain, typed, waiting = (add_segment(self.nodes[0], name) for name in ("plain", "typed", "waiting"))
        for one in (typed, waiting):
            set_segment_type(self.nodes[0], one, RegionType.LESION)
        mark_proposed(self.nodes[0], waiting, "grown")
        self.assertEqual([one.identifier for one in case_from_scene().lesions], ["typed"])
        self.assertIsNone(lesion_identity(self.nodes[0], plain))
        self.assertIsNone(lesion_identity(self.nodes[0], waiting))
        accept_proposal(self.nodes[0], waiting)
        self.assertEqual([one.identifier for one in case_from_scene().lesions], ["typed", "waiting"])

    def test_where_examinations_disagree_the_earliest_counts_and_a_note_says_so(self):
        self.lesion(0, "2.25.1", kind=LesionKind.TARGET)
        later = self.lesion(1, "2.25.1", kind=LesionKind.TARGET)
        segment = self.nodes[1].GetSegmentation().GetSegment(later)
        set_tag(segment, "HCC.Kind", "non-target")
        set_tag(segment, "HCC.Excluded", "ill-defined")
        case = case_from_scene()
        self.assertEqual(case.lesions, (Lesion("2.25.1", "L1", LesionKind.TARGET),))
        self.assertEqual(case.exclusions, (Exclusion("2.25.1", "ill-defined"),))
        self.assertIn("(kind); the earlier counts", self.notes())
        set_lesion(self.nodes[0], segments_of_lesion("2.25.1")[0][1], case.lesions[0])
        self.assertEqual(self.notes(), "")

    def test_an_undamaged_examination_counts_before_a_damaged_one(self):
        first = self.lesion(0, "2.25.1", kind=LesionKind.TARGET)
        self.lesion(1, "2.25.1", kind=LesionKind.TARGET)
        set_tag(self.nodes[0].GetSegmentation().GetSegment(first), "HCC.Kind", "")
        set_tag(self.nodes[0].GetSegmentation().GetSegment(first), "HCC.Fractions", "many")
        self.assertEqual(case_from_scene().lesions, (Lesion("2.25.1", "L1", LesionKind.TARGET),))
        self.assertIn("HCC.Fractions holds 'many'", self.notes())

    def test_rows_that_are_nobodys_are_told(self):
        add_measurements([row(), row(patient="", reader="B"), row(patient="X")])
        self.assertEqual(len(case_from_scene().measurements), 2)
        self.assertIn("patient 'X' (1) are kept, but the scene has no such patient", self.notes())
        study_item(patient_id="Q", patient_name="", study_uid="1.2.9")
        self.assertEqual(len(case_from_scene(self.patient).measurements), 1)
        self.assertIn("patient '' (1) are kept", self.notes())

    def test_damage_is_passed_over_with_a_note(self):
        segment_id = self.lesion(0, "2.25.1", dose_gy=10.0, fractions=2)
        twin = self.lesion(0, "2.25.3", "twin")
        segment = self.nodes[0].GetSegmentation().GetSegment(segment_id)
        for tag, text, says in (
            ("HCC.DoseGy", "a lot", "HCC.DoseGy holds 'a lot'"),
            ("HCC.DoseGy", "", "both the dose in Gy"),
            ("HCC.Kind", "big", "'big' is none of"),
            ("HCC.InField", "?", "HCC.InField"),
        ):
            set_tag(segment, tag, text)
            self.assertIn(says, self.notes())
            self.assertEqual(case_from_scene().lesions[0].uid, "2.25.1")
        set_tag(self.nodes[0].GetSegmentation().GetSegment(twin), "HCC.TrackingUID", "2.25.1")
        self.assertIn("'twin' of 'Baseline' has the identity of another segment", self.notes())
        set_tag(segment, "HCC.TrackingUID", "not a UID")
        self.assertIn("not a DICOM unique identifier", self.notes())
        for attribute, text, says in (
            ("HCC.Findings", "{", "findings kept in it are damaged"),
            ("HCC.Images", '[{"colour": 1}]', "image kept at a study"),
            ("HCC.TimePoint", "first", "are not numbers"),
        ):
            hierarchy().SetItemAttribute(self.items[1], attribute, text)
            self.assertIn(says, self.notes())
        self.assertEqual([one.index for one in case_from_scene().time_points], [0])
        hierarchy().SetItemAttribute(self.items[1], "HCC.TimePoint", "0")
        self.assertIn("has the number 0 of another study", self.notes())
        for name in ("HCC.Lesions", "HCC.LesionOrder"):
            hierarchy().SetItemAttribute(self.patient, name, "[{")
        self.assertIn("HCC.LesionOrder is damaged", self.notes())
        hierarchy().SetItemAttribute(self.patient, "HCC.Lesions", '[{"lesion": {"uid": "x", "identifier": ""}}]')
        self.assertIn("kept at the patient is damaged", self.notes())

    def test_damaged_and_doubled_rows_are_passed_over_with_a_note(self):
        self.lesion(0, "2.25.1")
        add_measurements([row(value=1.0), row(value=2.0, reader="B"), row(value=3.0, reader="C")])
        node = measurement_table()
        node.GetTable().GetColumnByName("unit").SetValue(0, "m")
        for name in ("reader", "datetime"):
            node.GetTable().GetColumnByName(name).SetValue(2, {"reader": "B", "datetime": "2026-03-02T10:00:00"}[name])
        self.assertEqual([one.value for one in case_from_scene().measurements], [3.0])
        self.assertIn("row 1 is passed over", self.notes())
        self.assertIn("stands there twice", self.notes())
        copy = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "another scene's")
        copy.SetAttribute("HCC.Measurements", "1")
        self.assertIn("2 measurement tables", self.notes())
        self.assertEqual(len(case_from_scene().measurements), 1)
        node.GetTable().RemoveColumnByName("unit")
        self.assertIn("column unit is missing", self.notes())
        self.assertEqual(case_from_scene().measurements, ())

    def test_deleted_lesions_and_examinations_keep_their_rows_and_say_so(self):
        segment_id = self.lesion(0, "2.25.1")
        self.lesion(1, "2.25.2", "piece", split_from="2.25.1")
        add_measurements([row(0), row(1, "2.25.2", lesion_name="piece")])
        set_finding(self.items[1], Finding(1, "2.25.1", LesionState.SPLIT, reader="A"))
        whole = case_from_scene()
        self.nodes[0].GetSegmentation().RemoveSegment(segment_id)
        case = case_from_scene()
        self.assertEqual((case.measurements, case.findings), (whole.measurements, whole.findings))
        self.assertEqual(case.lesion("2.25.1"), Lesion("2.25.1", "L1"))
        self.assertIn("'L1' has no outline any more, but a finding", self.notes())
        remove_finding(self.items[1], "2.25.1", "A")
        hierarchy().RemoveItem(self.items[1])
        case = case_from_scene()
        self.assertEqual(case.measurements, whole.measurements)
        self.assertIn("Measurements of time point 1 (1) are kept", self.notes())
        self.assertIn("of 'piece' (1) are kept, but it has no outline any more", self.notes())

    def test_a_lesion_cannot_be_its_own_part(self):
        for n, uid, other in ((0, "2.25.1", "2.25.2"), (1, "2.25.2", "2.25.1")):
            self.lesion(n, uid, split_from=other)
        self.assertEqual(sum(bool(one.split_from) for one in case_from_scene().lesions), 1)
        self.assertIn("part of itself", self.notes())

    def test_studies_without_number_or_date_and_nodes_outside(self):
        self.lesion(0, "2.25.1")
        self.lesion(1, "2.25.2", "L2")
        add_measurements([row(1, "2.25.2")])
        set_time_point(self.items[1], None)
        case = case_from_scene()
        self.assertEqual([one.index for one in case.time_points], [0])
        self.assertEqual([one.uid for one in case.lesions], ["2.25.1", "2.25.2"])
        self.assertEqual(len(case.measurements), 1)
        self.assertIn("is no time point yet", self.notes())
        put(self.nodes[1], hierarchy().GetSceneItemID())
        self.assertEqual([one.uid for one in case_from_scene().lesions], ["2.25.1"])
        self.assertIn("'Week 4' stands below no study", self.notes())
        outside = add_volume(np.zeros((2, 2, 2)), Geometry.from_parts((2, 2, 2), (1, 1, 1)), "outside")
        set_role(outside, Role.T1)
        self.assertEqual(case_from_scene().images, ())
        set_study_date(self.items[0], "")
        self.assertEqual(case_from_scene().time_points[0].date, "")

    def test_a_patient_without_an_identifier(self):
        hierarchy().RemoveItemAttribute(self.patient, "DICOM.PatientID")
        name = patient_id(self.patient)
        add_measurements([row(patient=name)])
        hierarchy().SetItemName(self.patient, "renamed")
        case = case_from_scene()
        self.assertEqual((case.patient, len(case.measurements)), (name, 1))

    def test_scene_to_case_to_json_and_to_another_scene(self):
        self.lesion(0, "2.25.1", kind=LesionKind.TARGET)
        self.volume("T1", 0, Role.T1, "1.2.0.1")
        add_measurements([row(value=1 / 3), row(1, value=math.nan)])
        set_finding(self.items[1], Finding(1, "2.25.1", LesionState.TOO_SMALL, reader="A"))
        case = case_from_scene()
        self.assert_same(Case.from_json(case.to_json()), case)
        slicer.mrmlScene.Clear(0)
        case_to_scene(Case.from_json(case.to_json()))
        self.assert_same(case_from_scene(), case)


class FindingsTest(ExaminationsTestCase):
    def test_each_reader_has_one_word_on_a_lesion_in_an_examination(self):
        first = Finding(0, "2.25.1", LesionState.TOO_SMALL, reader="A", comment=ODD)
        second = Finding(0, "2.25.1", LesionState.MERGED, "2.25.2", "B")
        for one in (Finding(0, "2.25.1", LesionState.ABSENT, reader="A"), second, first):
            set_finding(self.items[0], one)
        self.assertEqual(findings(self.items[0]), [first, second])
        self.assertEqual(finding_of(self.items[0], "2.25.1", "B"), second)
        self.assertIsNone(finding_of(self.items[0], "2.25.1"))
        self.assertEqual(findings_of_patient(self.patient, reader="A"), [first])
        with self.assertRaisesRegex(InputError, "is not time point 0"):
            set_finding(self.items[1], first)
        with self.assertRaisesRegex(InputError, "below a patient and a study"):
            set_finding(0, first)
        reopen(self.folder / "case.mrb")
        (patient,) = patients()
        self.assertEqual(findings(study_at(patient, 0)), [first, second])
        self.assertTrue(remove_finding(study_at(patient, 0), "2.25.1", "A"))
        self.assertFalse(remove_finding(study_at(patient, 0), "2.25.1", "A"))
        self.assertEqual(findings_of_patient(patient), [second])

    def test_they_follow_the_number_of_their_examination(self):
        set_finding(self.items[1], Finding(1, "2.25.1", LesionState.ABSENT, reader="A"))
        set_time_point(self.items[1], TimePoint(6))
        self.assertEqual([one.time_point for one in findings_of_patient(self.patient)], [6])
        set_time_point(self.items[1], None)
        self.assertEqual(findings(self.items[1]), [])
        set_time_point(self.items[1], TimePoint(2))
        self.assertEqual([one.time_point for one in findings_of_patient(self.patient)], [2])

    def test_undo(self):
        undo = Undo()
        undo.save()
        set_finding(self.items[0], Finding(0, "2.25.1", LesionState.ABSENT, reader="A"))
        undo.save(self.nodes[0])
        remove_finding(self.items[0], "2.25.1", "A")
        undo.undo()
        self.assertEqual(len(findings(self.items[0])), 1)
        undo.undo()
        self.assertEqual(findings(self.items[0]), [])
        undo.redo()
        self.assertEqual(len(findings(self.items[0])), 1)
        slicer.mrmlScene.Clear(0)
        undo.undo()
        self.assertEqual(measurements(), [])


if __name__ == "__main__":
    unittest.main()
