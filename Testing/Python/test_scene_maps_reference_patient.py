"""Maps in the scene on the digital reference patient: its true T1 and Ktrans, with inputs measured and published."""

import functools
import unittest

import numpy as np
from slicer_core_scene import SceneTestCase  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.phantom.reference_patient import patient_truth, reference_patient
from HCCResponseLib.scene.arterial_input import input_function, input_warnings, measured_input, population_input
from HCCResponseLib.scene.dynamic_series import add_dynamic_series
from HCCResponseLib.scene.flip_angles import set_flip_angle_deg, set_repetition_time_s
from HCCResponseLib.scene.map_region import core_of
from HCCResponseLib.scene.parameter_maps import map_values
from HCCResponseLib.scene.perfusion import check_dynamic, compute_perfusion
from HCCResponseLib.scene.relaxometry import check_flip_angles, compute_t1
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask
from HCCResponseLib.scene.volumes import add_volume

VFA = ("VFA_5deg", "VFA_10deg", "VFA_15deg")


@functools.cache
def examination():
    """Images of the baseline examination on the perfusion grid, its outlines and its truth."""
    patient = reference_patient(small=True)
    first = patient.examinations[0]
    images = {one.plan.key: np.stack(list(one.volumes)) for one in first.images() if one.plan.key in {*VFA, "DCE"}}
    outlines = {one.name: one.mask for one in first.outlines("perfusion", parts=True)}
    return images, outlines, first.geometry("perfusion"), patient_truth(patient)


class TestReferencePatient(SceneTestCase):
    def setUp(self):
        super().setUp()
        images, self.outlines, geometry, truth = examination()
        self.truth, self.relaxivity = truth["examinations"][0], truth["relaxivity_per_s_mm"]
        self.blood_t1_s = truth["tissues"]["aortic blood"]["t1_s"]
        self.volumes = [add_volume(images[key][0], geometry, key) for key in VFA]
        times = self.truth["perfusion"]["frame_times_s"]
        self.sequence = add_dynamic_series(np.moveaxis(images["DCE"], 0, -1), times, geometry, "DCE")
        for node, key in zip((*self.volumes, self.sequence), (*VFA, "DCE"), strict=True):
            set_flip_angle_deg(node, self.truth["series"][key]["flip_angle_deg"])
            set_repetition_time_s(node, self.truth["series"][key]["repetition_time_s"])
        self.segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Outlines")
        self.segmentation.CreateDefaultDisplayNodes()
        self.aorta = add_segment(self.segmentation, "Aorta")
        set_segment_mask(self.segmentation, self.aorta, self.outlines["aorta"], self.volumes[0])

    def cores(self):
        """Yield name, pure voxels and truth of the parts of lesions that are large enough on the coarse grid."""
        for lesion in self.truth["lesions"]:
            for part, known in lesion["parts"].items():
                core = core_of(self.outlines[f"{lesion['identifier']} {part}"])
                if core.sum() >= 15:
                    yield f"{lesion['identifier']} {part}", core, known

    def test_t1(self):
        self.assertEqual({str(finding.level) for finding in check_flip_angles(self.volumes)}, {"good"})
        t1 = map_values(compute_t1(self.volumes))[0]
        names = []
        for name, core, known in self.cores():
            names.append(name)
            self.assertAlmostEqual(np.nanmedian(t1[core]) / known["t1_s"], 1, delta=0.03, msg=name)
        self.assertEqual(len(names), 3, names)

    def test_inputs_and_ktrans(self):
        measured = measured_input(
            self.sequence, self.segmentation, self.aorta,
            blood_t1_s=self.blood_t1_s, relaxivity=self.relaxivity, hematocrit=self.truth["hematocrit"],
        )
        true_plasma = np.array(self.truth["perfusion"]["arterial_plasma_mm"])
        plasma = input_function(measured).plasma
        self.assertAlmostEqual(plasma.sum() / true_plasma.sum(), 1, delta=0.03)
        self.assertAlmostEqual(plasma.max() / true_plasma.max(), 1, delta=0.05)
        self.assertEqual(input_warnings(measured), [])
        published = population_input(
            self.sequence, region=(self.segmentation, [self.aorta]), hematocrit=self.truth["hematocrit"],
        )
        self.assertAlmostEqual(input_function(published).arrival_s, self.truth["perfusion"]["arterial_input_start_s"], delta=0.3)

        t1_map = compute_t1(self.volumes)
        lesions = np.logical_or.reduce([mask for name, mask in self.outlines.items() if name.startswith("HCC")])
        segment_id = add_segment(self.segmentation, "Lesions")
        set_segment_mask(self.segmentation, segment_id, lesions, self.volumes[0])
        region = (self.segmentation, [segment_id])
        for table in (measured, published):
            findings = check_dynamic(self.sequence, input_node=table, t1_map=t1_map, region=region)
            self.assertEqual([finding.text for finding in findings if finding.level in ("error", "warning")], [])
            maps = compute_perfusion(self.sequence, table, relaxivity=self.relaxivity, t1_map=t1_map, region=region)
            ktrans = map_values(maps["KTRANS"])[0]
            for name, core, known in self.cores():
                self.assertAlmostEqual(np.nanmedian(ktrans[core]), known["ktrans"], delta=0.05 * known["ktrans"] + 0.001, msg=name)


if __name__ == "__main__":
    unittest.main()
