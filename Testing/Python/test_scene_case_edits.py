"""Five hundred random edits of a scene: no measurement is lost or comes to another examination, and the case stays valid."""

import dataclasses
import json
import unittest

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer
from test_scene_segments import add_segmentation

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import Case, Lesion, LesionKind, TimePoint
from HCCResponseLib.response.finding import Finding, LesionState
from HCCResponseLib.response.measurement import Measurement
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.case import case_from_scene, case_to_scene
from HCCResponseLib.scene.diameter_lines import add_diameter_line, remove_line
from HCCResponseLib.scene.findings import findings_of_patient, remove_finding, set_finding
from HCCResponseLib.scene.identity_change import change_identity
from HCCResponseLib.scene.lesion_attributes import lesion_segments, readable_lesion, set_exclusion, set_lesion
from HCCResponseLib.scene.lesion_identity import lesion_identity, new_lesion_identity
from HCCResponseLib.scene.measurement_table import add_measurements, measurement_table, measurements, remove_measurements
from HCCResponseLib.scene.patient_lesions import set_lesion_order
from HCCResponseLib.scene.roles import set_role
from HCCResponseLib.scene.segment_masks import add_segment
from HCCResponseLib.scene.segment_tags import set_tag
from HCCResponseLib.scene.subject_hierarchy import patient_id, study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import patients, set_time_points, studies, study_of, time_point
from HCCResponseLib.scene.undo import Undo
from HCCResponseLib.scene.volumes import add_volume

TEXTS = ("L1", "", "renamed", 'a|b "c"', "&#124; ü;\t\n", "L1")
NODE_NAMES = ("L1", "renamed", 'a|b "c"', "T1 & T2")
"""Slicer's scene files keep neither tabs in names nor empty ones."""
EDITS_OF_AN_EXAMPLE = 50
EXAMPLES = 10


def hierarchy():
    return slicer.mrmlScene.GetSubjectHierarchyNode()


class Editor:
    """A scene of two patients with three examinations each, and what must be found in it whatever is done."""

    def __init__(self, folder):
        self.folder = folder
        self.rows: dict[str, list] = {}
        """By method: patient, study UID, lesion UID, value."""
        slicer.mrmlScene.Clear(0)
        for patient in ("P", "Q"):
            for n in range(3):
                study = study_item(patient_id=patient, patient_name="A^B", study_uid=f"1.{ord(patient)}.{n}")
                set_time_points({study: TimePoint(n)})
                node = add_segmentation("Outlines")
                hierarchy().SetItemParent(subject_hierarchy_item(node), study)
                for name in ("L1", "L2"):
                    set_lesion(node, add_segment(node, name), Lesion(f"2.25.{ord(patient)}{name[1]}", name, LesionKind.TARGET))
        for n in range(12):
            self.measure(n, n)

    # what there is to choose from

    def study(self, n: int) -> int:
        items = [item for patient in patients() for item in studies(patient)]
        return items[n % len(items)]

    def segmentation(self, n: int):
        nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        return nodes[n % len(nodes)] if nodes else None

    def segment(self, n: int) -> tuple:
        found = [(node, one) for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") for one in lesion_segments(node)]
        found = [one for one in found if readable_lesion(*one)[0] is not None]
        return found[n % len(found)] if found else (None, "")

    def of_class(self, n: int, name: str):
        nodes = slicer.util.getNodesByClass(name)
        return nodes[n % len(nodes)] if nodes else None

    def row(self, n: int) -> Measurement | None:
        rows = measurements()
        return rows[n % len(rows)] if rows else None

    # edits; each is given two numbers

    def rename_node(self, a: int, b: int) -> None:
        self.of_class(a, "vtkMRMLStorableNode").SetName(NODE_NAMES[b % len(NODE_NAMES)])

    def rename_item(self, a: int, b: int) -> None:
        items = [*patients(), *(item for patient in patients() for item in studies(patient))]
        hierarchy().SetItemName(items[a % len(items)], TEXTS[b % len(TEXTS)])

    def rename_segment(self, a: int, b: int) -> None:
        node, segment_id = self.segment(a)
        if node is not None:
            node.GetSegmentation().GetSegment(segment_id).SetName(TEXTS[b % len(TEXTS)])

    def add_image(self, a: int, b: int) -> None:
        node = add_volume(np.zeros((2, 2, 2), np.float32), Geometry.from_parts((2, 2, 2), (1, 1, 1)), NODE_NAMES[b % len(NODE_NAMES)])
        set_role(node, list(Role)[b % len(Role)])
        hierarchy().SetItemParent(subject_hierarchy_item(node), self.study(a))

    def delete_image(self, a: int, _b: int) -> None:
        node = self.of_class(a, "vtkMRMLScalarVolumeNode")
        if node is not None:
            slicer.mrmlScene.RemoveNode(node)

    def add_line(self, a: int, b: int) -> None:
        node, segment_id = self.segment(a)
        if node is not None:
            add_diameter_line(node, segment_id, "LONG_AXIS", (0, 0, 0), (b, 1, 0), reader="A")

    def delete_line(self, a: int, _b: int) -> None:
        node = self.of_class(a, "vtkMRMLMarkupsLineNode")
        if node is not None:
            remove_line(node)

    def measure(self, a: int, b: int) -> None:
        node, segment_id = self.segment(a)
        study = study_of(node) if node is not None else 0
        point = time_point(study) if study else None
        if point is None:
            return
        patient, method = patient_id(study), f"m{len(self.rows)}"
        uid, value = lesion_identity(node, segment_id).uid, b / 7
        self.rows[method] = [patient, point.study_uid, uid, value]
        add_measurements([Measurement(patient, point.index, uid, "VOLUME", value, "ml", "2026-03-01T10:00:00", method=method, reader="A")])

    def measure_again(self, a: int, b: int) -> None:
        row = self.row(a)
        if row is not None:
            self.rows[row.method][3] = b / 3
            add_measurements([dataclasses.replace(row, value=b / 3, datetime="2026-03-02T10:00:00")])

    def delete_measurement(self, a: int, _b: int) -> None:
        row = self.row(a)
        if row is not None:
            del self.rows[row.method]
            self.rows[f"deleted {row.method}"] = None
            remove_measurements([row])

    def renumber(self, a: int, b: int) -> None:
        of_patient = studies(patients()[a % 2])
        numbers = [None if (number := (a // 2 + b * place) % 5) == 4 else number for place, _item in enumerate(of_patient)]
        if len(of_patient) and b % 3 == 0:
            of_patient, numbers = of_patient[:1], numbers[:1]
        points = zip(of_patient, numbers, strict=True)
        set_time_points({item: None if n is None else TimePoint(n, treatment=TEXTS[b % len(TEXTS)]) for item, n in points})

    def find(self, a: int, b: int) -> None:
        node, segment_id = self.segment(a)
        study = self.study(b)
        point = time_point(study)
        if point is not None and node is not None and study_of(node):
            uid = lesion_identity(node, segment_id).uid
            state = (LesionState.ABSENT, LesionState.SPLIT, LesionState.TOO_SMALL)[b % 3]
            set_finding(study, Finding(point.index, uid, state, reader="AB"[b % 2], comment=TEXTS[b % len(TEXTS)]))

    def take_back(self, a: int, _b: int) -> None:
        study = self.study(a)
        for finding in findings_of_patient(hierarchy().GetItemParent(study))[:1]:
            remove_finding(study, finding.lesion_uid, finding.reader)

    def decide(self, a: int, b: int) -> None:
        node, segment_id = self.segment(a)
        if node is not None:
            lesion = readable_lesion(node, segment_id)[0]
            set_lesion(node, segment_id, dataclasses.replace(lesion, kind=list(LesionKind)[b % 3], organ=TEXTS[b % len(TEXTS)]))
            set_exclusion(node, segment_id, TEXTS[a % len(TEXTS)])

    def damage(self, a: int, b: int) -> None:
        node, segment_id = self.segment(a)
        if node is not None:
            tag = ("HCC.Kind", "HCC.DoseGy", "HCC.SplitFrom", "HCC.InField")[b % 4]
            set_tag(node.GetSegmentation().GetSegment(segment_id), tag, f"2.25.{b}")

    def order(self, a: int, b: int) -> None:
        patient = patients()[a % 2]
        uids = [one.uid for one in case_from_scene(patient).lesions]
        set_lesion_order(patient, uids[b % 3 :])

    def outline(self, a: int, b: int) -> None:
        node = self.segmentation(a)
        if node is not None:
            segment_id = add_segment(node, TEXTS[b % len(TEXTS)])
            set_lesion(node, segment_id, Lesion(new_lesion_identity("").uid, TEXTS[b % len(TEXTS)]))

    def delete_outline(self, a: int, _b: int) -> None:
        node, segment_id = self.segment(a)
        if node is not None:
            node.GetSegmentation().RemoveSegment(segment_id)

    def move_outlines(self, a: int, b: int) -> None:
        node = self.segmentation(a)
        if node is not None:
            target = hierarchy().GetSceneItemID() if b % 4 == 0 else self.study(b)
            hierarchy().SetItemParent(subject_hierarchy_item(node), target)

    def change_lesion(self, a: int, _b: int) -> None:
        node, segment_id = self.segment(a)
        study = study_of(node) if node is not None else 0
        point = time_point(study) if study else None
        if point is None:
            return
        old, new = lesion_identity(node, segment_id).uid, new_lesion_identity("apart")
        # as in use: the rows of all patients that name this lesion at this time point are those of this examination
        moved = {row.method for row in measurements(lesion_uid=old, time_point=point.index)}
        change_identity(node, segment_id, new, point.index)
        for method in moved:
            self.rows[method][2] = new.uid

    def undo(self, a: int, b: int) -> None:
        node = self.segmentation(a)
        if node is None:
            return
        undo, rows = Undo(), {method: row and list(row) for method, row in self.rows.items()}
        undo.save(node)
        for edit in (self.measure, self.measure_again, self.decide, self.find, self.renumber):
            try:
                edit(a + b, b)
            except InputError:
                pass
        undo.undo()
        self.rows = rows

    def add_or_remove_column(self, _a: int, b: int) -> None:
        node, name = measurement_table(), f"note {b % 2}"
        if node.GetTable().GetColumnByName(name) is None:
            node.AddColumn().SetName(name)
        else:
            node.RemoveColumn(next(n for n in range(node.GetNumberOfColumns()) if node.GetTable().GetColumnName(n) == name))

    def save_and_load(self, _a: int, _b: int) -> None:
        before = [case_from_scene(patient).to_json() for patient in patients()]
        reopen(self.folder / "case.mrb")
        assert [case_from_scene(patient).to_json() for patient in patients()] == before

    def reload_from_json(self, _a: int, _b: int) -> None:
        before = [case_from_scene(patient).to_json() for patient in patients()]
        slicer.mrmlScene.Clear(0)
        for text in before:
            case_to_scene(Case.from_json(text))
        assert [case_from_scene(patient).to_json() for patient in patients()] == before


FREQUENT = ("measure", "measure", "measure_again", "renumber", "renumber", "find")
HELPERS = ("__init__", "study", "segmentation", "segment", "of_class", "row")
NAMES = [name for name, member in vars(Editor).items() if callable(member) and name not in HELPERS]
edits = st.tuples(st.sampled_from([*FREQUENT, *NAMES]), st.integers(0, 99), st.integers(0, 99))


class EditsTest(SceneTestCase):
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(edits, min_size=EDITS_OF_AN_EXAMPLE, max_size=EDITS_OF_AN_EXAMPLE))
    def test_no_measurement_is_lost(self, chosen):
        editor = Editor(self.folder)
        for number, (name, a, b) in enumerate(chosen):
            try:
                getattr(editor, name)(a, b)
            except InputError:
                pass  # refused with a reason: then nothing may have changed
            self.check(editor, f"after edit {number}: {name}({a}, {b})")

    def check(self, editor: Editor, when: str) -> None:
        cases = {case.patient: case for case in map(case_from_scene, patients())}
        for case in cases.values():
            self.assertEqual(json.loads(Case.from_json(case.to_json()).to_json()), json.loads(case.to_json()), when)
        expected = {method: row for method, row in editor.rows.items() if row is not None}
        found = {row.method: row for case in cases.values() for row in case.measurements}
        self.assertEqual(found.keys(), expected.keys(), when)
        self.assertEqual(sum(len(case.measurements) for case in cases.values()), len(expected), when)
        for method, (patient, study_uid, lesion_uid, value) in expected.items():
            row = found[method]
            self.assertEqual((row.patient, row.lesion_uid, row.value), (patient, lesion_uid, value), when)
            points = cases[patient].time_points
            now = next((one.index for one in points if one.study_uid == study_uid), None)
            if now is None:
                self.assertNotIn(row.time_point, [one.index for one in points], f"{when}: it passes for another examination")
            else:
                self.assertEqual(row.time_point, now, when)


if __name__ == "__main__":
    unittest.main()
