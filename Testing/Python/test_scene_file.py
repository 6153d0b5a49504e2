"""One file with everything: saved and loaded in the application, by the tests, and by a process that set nothing up."""

import subprocess
import sys
import unittest
import zipfile
from unittest import mock

import numpy as np
from reference_data import REPOSITORY
from slicer_core_scene import SceneTestCase  # before slicer: it skips where there is none
import slicer
from test_scene_segments import add_segmentation

from HCCResponseLib.errors import Cancelled, HCCResponseError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.case import Case, Lesion, LesionKind, TimePoint
from HCCResponseLib.response.finding import Finding, LesionState
from HCCResponseLib.response.quantities import QUANTITIES
from HCCResponseLib.response.region_types import RegionType
from HCCResponseLib.response.roles import Role
from HCCResponseLib.scene.case import case_from_scene
from HCCResponseLib.scene.diameter_lines import diameter_lines, line_length_mm, line_was_moved
from HCCResponseLib.scene.dynamic_series import add_dynamic_series, dynamic_signals
from HCCResponseLib.scene.findings import set_finding
from HCCResponseLib.scene.lesion_attributes import set_exclusion, set_lesion
from HCCResponseLib.scene.lesion_diameters import measure_diameters
from HCCResponseLib.scene.lesion_volume import measure_volume
from HCCResponseLib.scene.linked_segments import linked_segment, set_linked_mask
from HCCResponseLib.scene.measurement_rows import reading_of
from HCCResponseLib.scene.parameter_maps import make_parameter_map, map_quantity, map_values
from HCCResponseLib.scene.roles import set_role
from HCCResponseLib.scene.scene_file import load_scene, save_scene
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.segments import segment_mask
from HCCResponseLib.scene.subject_hierarchy import place_beside, study_item, subject_hierarchy_item
from HCCResponseLib.scene.time_points import set_time_point
from HCCResponseLib.scene.volumes import add_volume, volume_array

SHAPE = (8, 24, 24)
GEOMETRY = Geometry.from_parts(SHAPE, (1.5, 1.5, 3.0), (3, 4, 5), [[0.8, 0, -0.6], [0, 1, 0], [0.6, 0, 0.8]])

WITHOUT_SET_UP = """
import sys
from pathlib import Path
from HCCResponseLib.response.case import Case
from HCCResponseLib.scene.case import case_from_scene, case_to_scene
from HCCResponseLib.scene.scene_file import load_scene, save_scene
load_scene(sys.argv[1])
case = case_from_scene()
save_scene(sys.argv[2])
load_scene(sys.argv[2])
assert case_from_scene() == case
Path(sys.argv[3]).write_text(case.to_json(), encoding="utf-8")
"""


def ball(centre, radius) -> np.ndarray:
    return ((np.indices(SHAPE) - np.reshape(centre, (3, 1, 1, 1))) ** 2).sum(axis=0) <= radius**2


class SceneFileTest(SceneTestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(3)
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        self.values = rng.normal(100, 10, SHAPE).astype(np.float32)
        self.signals = rng.normal(100, 10, (*SHAPE, 5)).astype(np.float32)
        for index, day in enumerate(("2026-03-01", "2026-04-12")):
            study = study_item(patient_id="P", patient_name="Ä^B", study_uid=f"1.2.{index}", study_date=day)
            set_time_point(study, TimePoint(index, weeks_from_baseline=6.0 * index, treatment="TACE | 50 %", afp_ng_ml=1 / 3))
            volume = add_volume(self.values + index, GEOMETRY, f"T1: {index}/2")
            set_role(volume, Role.ARTERIAL)
            hierarchy.SetItemParent(subject_hierarchy_item(volume), study)
            node = add_segmentation("Outlines")
            node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
            place_beside(node, volume)
            self.outline(node, volume, index)
            if index == 1:
                add_dynamic_series(self.signals, 5.5 * np.arange(5), GEOMETRY, "DCE", study_item=study)
                maps = np.where(self.values > 100, 1e-3, np.nan)
                make_parameter_map(maps, None, GEOMETRY, QUANTITIES["ADC"], "ADC", role=Role.ADC, source_nodes=[volume])
                set_finding(study, Finding(1, "2.25.1", LesionState.NO_ENHANCEMENT, reader="A", comment="a|b"))
        self.case = case_from_scene()

    def outline(self, node, volume, index: int) -> None:
        segment_id = add_segment(node, "Lesion 1")
        set_segment_mask(node, segment_id, ball((4, 12, 12), 6 + index), volume)
        set_lesion(node, segment_id, Lesion("2.25.1", "L|1", LesionKind.TARGET, dose_gy=50.4, fractions=28))
        set_exclusion(node, segment_id, "ill-defined | edge 9 mm")
        set_linked_mask(node, segment_id, RegionType.NECROTIC, ball((4, 12, 12), 3), volume)
        reading = reading_of(node, "A")
        measure_diameters(node, segment_id, reading)
        measure_volume(node, segment_id, reading, volume_node=volume)
        diameter_lines(node)[0].SetNthControlPointPosition(0, 1.0, 2.0, 3.0)

    def test_everything_comes_back(self):
        lengths = [line_length_mm(line) for line in diameter_lines(slicer.util.getNode("Outlines"))]
        fractions = []
        path = save_scene(self.folder / "new" / "a case.mrb", fractions.append)
        self.assertEqual(fractions, [0.0, 1.0])
        self.assertGreaterEqual(len(self.case.measurements), 6)
        self.assertEqual([one.role for one in self.case.images], [Role.ARTERIAL, Role.ARTERIAL, Role.ADC, Role.DCE])
        for _ in range(2):
            load_scene(path)
            self.assertEqual(case_from_scene(), self.case)
            self.assertEqual(Case.from_json(case_from_scene().to_json()), self.case)
            np.testing.assert_array_equal(volume_array(slicer.util.getNode("T1: 1/2")), self.values + 1)
            signals, times = dynamic_signals(slicer.util.getNode("DCE"))
            np.testing.assert_array_equal(signals, self.signals)
            np.testing.assert_allclose(times, 5.5 * np.arange(5))
            adc = slicer.util.getNode("ADC")
            self.assertEqual(map_quantity(adc).key, "ADC")
            np.testing.assert_array_equal(np.isfinite(map_values(adc)[0]), self.values > 100)
            node = slicer.util.getNode("Outlines")
            lines = diameter_lines(node)
            self.assertEqual([line_length_mm(line) for line in lines], lengths)
            self.assertEqual([line_was_moved(line) for line in lines], [True, False])
            part = linked_segment(node, "2.25.1", RegionType.NECROTIC)
            np.testing.assert_array_equal(segment_mask(node, part, slicer.util.getNode("T1: 0/2")), ball((4, 12, 12), 3))
            save_scene(path)

    @unittest.skipIf(hasattr(slicer, "app"), "the application always has a scene")
    def test_a_process_that_set_nothing_up(self):
        path = save_scene(self.folder / "case.mrb")
        files = [str(self.folder / name) for name in ("case.mrb", "again.mrb", "case.json")]
        done = subprocess.run([sys.executable, "-c", WITHOUT_SET_UP, *files], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(Case.from_json((self.folder / "case.json").read_text(encoding="utf-8")), self.case)
        self.assertTrue(path.is_file())

    def test_a_damaged_file_is_refused_and_the_scene_stays(self):
        whole = save_scene(self.folder / "case.mrb").read_bytes()
        damaged = bytearray(whole)
        damaged[len(damaged) // 2] ^= 0xFF
        with zipfile.ZipFile(self.folder / "other.mrb", "w") as bundle:
            bundle.writestr("readme.txt", "no scene")
        for name, content, says in (
            ("cut.mrb", whole[: len(whole) // 2], "only a part of one"),
            ("flipped.mrb", bytes(damaged), "damaged|only a part"),
            ("text.mrb", b"text", "no scene file"),
        ):
            (self.folder / name).write_bytes(content)
            with self.assertRaisesRegex(InputError, says):
                load_scene(self.folder / name)
        for name, says in (("other.mrb", "no scene in it"), ("missing.mrb", "no such file")):
            with self.assertRaisesRegex(InputError, says):
                load_scene(self.folder / name)
        self.assertEqual(case_from_scene(), self.case)

    def test_any_name_of_a_node_can_be_loaded_again(self):
        names = ["T1 & T2", "<b>", 'say "so"', "a|b;c^d", "50 %26", "é→", "line\nbreak", "x" * 300, "C:\\data/x", ".", "T1 & T2"]
        nodes = [add_volume(self.values + n, GEOMETRY, name) for n, name in enumerate(names)]
        self.assertEqual(nodes[0].GetName(), "T1 + T2", "so that it can be loaded when Slicer itself saves it")
        for node, name in zip(nodes, names, strict=True):
            node.SetName(name)
        path = save_scene(self.folder / "T1 & T2.mrb")
        self.assertEqual([node.GetStorageNode().GetFileName() or "" for node in nodes], [""] * len(names))
        for _ in range(2):
            load_scene(path)
            found = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")[-len(names) :]
            self.assertEqual([node.GetName() for node in found], names)
            for n, node in enumerate(found):
                np.testing.assert_array_equal(volume_array(node), self.values + n)
            save_scene(path)

    def test_an_earlier_file_stays_when_saving_fails(self):
        path = save_scene(self.folder / "case.mrb")
        before = path.read_bytes()
        with mock.patch("HCCResponseLib.scene.scene_file._broken", return_value="cut"), self.assertRaises(HCCResponseError):
            save_scene(path)
        with self.assertRaises(Cancelled):
            save_scene(path, lambda fraction: False)
        with self.assertRaises(Cancelled):
            load_scene(path, lambda fraction: False)
        with self.assertRaisesRegex(InputError, "'case.mrb', not as 'case.mrml'"):
            save_scene(self.folder / "case.mrml")
        (self.folder / "file").write_text("x")
        with self.assertRaisesRegex(HCCResponseError, "could not be saved"):
            save_scene(self.folder / "file" / "case.mrb")
        slicer.util.getNode("T1: 1/2").SetName("a\x01b")
        with self.assertRaisesRegex(HCCResponseError, "a character that no scene file can hold"):
            save_scene(path)
        slicer.util.getNode("a\x01b").SetName("T1: 1/2")
        self.assertEqual(path.read_bytes(), before)
        self.assertEqual(sorted(one.name for one in self.folder.iterdir()), ["case.mrb", "file"])
        self.assertEqual(case_from_scene(), self.case)


if __name__ == "__main__":
    unittest.main()
