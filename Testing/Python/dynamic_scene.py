"""A small dynamic series of known tissue in the scene, with an aorta; for tests."""

import numpy as np
from slicer_core_scene import SceneTestCase  # before slicer: it skips where there is none
import slicer

from HCCResponseLib.geometry import Geometry
from HCCResponseLib.quantification.arterial_input import parker
from HCCResponseLib.quantification.contrast import concentration_to_signal
from HCCResponseLib.quantification.pharmacokinetics import evaluate
from HCCResponseLib.scene.dynamic_series import add_dynamic_series
from HCCResponseLib.scene.flip_angles import set_flip_angle_deg, set_repetition_time_s
from HCCResponseLib.scene.segment_masks import add_segment, set_segment_mask

__all__ = [
    "ANGLE",
    "AORTA",
    "ARRIVAL_S",
    "BLOOD_T1_S",
    "GEOMETRY",
    "HEMATOCRIT",
    "RELAXIVITY",
    "TIMES",
    "TISSUE",
    "TR",
    "DynamicScene",
    "aif",
]

GEOMETRY = Geometry.from_parts((3, 12, 10), (2.5, 2.5, 6.0), (-20, 30, 12), [[0.8, 0, -0.6], [0, 1, 0], [0.6, 0, 0.8]])
TIMES = 4.3 * np.arange(60)
ANGLE, TR, RELAXIVITY, HEMATOCRIT, BLOOD_T1_S, ARRIVAL_S = 15.0, 0.0045, 5.0, 0.4, 1.48, 21.0

AORTA = np.zeros(GEOMETRY.shape, bool)
AORTA[:, 1:6, 1:6] = True
TISSUE = np.zeros(GEOMETRY.shape, bool)
TISSUE[:, 7:11, 1:9] = True
"""The rest is air."""


def aif(time_s):
    return parker(time_s, bolus_arrival_s=ARRIVAL_S, hematocrit=HEMATOCRIT)


class DynamicScene(SceneTestCase):
    """Extended Tofts tissue below an aorta full of blood."""

    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(4)
        count = int(TISSUE.sum())
        self.truth = {
            "ktrans": rng.uniform(0.05, 0.4, count),
            "ve": rng.uniform(0.1, 0.4, count),
            "vp": rng.uniform(0.01, 0.1, count),
            "t1": rng.uniform(0.5, 1.1, count),
        }

    def concentration(self, delay_s: float = 0.0) -> np.ndarray:
        return evaluate({**self.truth, "delay_s": delay_s}, TIMES, aif, model="extended_tofts")

    def signals(self, delay_s: float = 0.0) -> np.ndarray:
        sequence = dict(flip_angle_deg=ANGLE, repetition_time_s=TR, relaxivity=RELAXIVITY)
        signals = np.zeros((*GEOMETRY.shape, TIMES.size), np.float32)
        signals[TISSUE] = concentration_to_signal(self.concentration(delay_s), baseline=500.0, t1_s=self.truth["t1"], **sequence)
        blood = aif(TIMES) * (1 - HEMATOCRIT)
        signals[AORTA] = concentration_to_signal(blood, baseline=200.0, t1_s=BLOOD_T1_S, **sequence)
        return signals

    def add_series(self, signals=None, times=TIMES, angle=ANGLE, tr=TR, name="dce"):
        sequence = add_dynamic_series(self.signals() if signals is None else signals, times, GEOMETRY, name)
        set_flip_angle_deg(sequence, angle)
        set_repetition_time_s(sequence, tr)
        return sequence

    def add_outlines(self, sequence):
        """Return a segmentation and the IDs of the aorta and the tissue."""
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Outlines")
        segmentation.CreateDefaultDisplayNodes()
        ids = []
        for name, mask in (("Aorta", AORTA), ("Lesion 1", TISSUE)):
            ids.append(add_segment(segmentation, name))
            set_segment_mask(segmentation, ids[-1], mask, sequence.GetNthDataNode(0))
        return segmentation, *ids

    def on_grid(self, key: str) -> np.ndarray:
        """True values where there is tissue, NaN elsewhere."""
        values = np.full(GEOMETRY.shape, np.nan)
        values[TISSUE] = self.truth[key]
        return values
