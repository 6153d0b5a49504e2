"""What enhancement counts as viable: three ways to set the threshold, each with the numbers it rests on."""

from dataclasses import dataclass
from typing import ClassVar

from .inputs import Reference

__all__ = [
    "BEFORE_CONTRAST",
    "PHASE",
    "RELATIVE_ENHANCEMENT",
    "SUBTRACTION",
    "NecrosisThreshold",
    "PhaseThreshold",
    "ReferenceThreshold",
    "RelativeThreshold",
]

# What a threshold or a reference is compared with.
SUBTRACTION = "subtraction"
RELATIVE_ENHANCEMENT = "relative enhancement"
PHASE = "signal after contrast"
BEFORE_CONTRAST = "signal before contrast"


@dataclass(frozen=True)
class ReferenceThreshold:
    """Mean + k standard deviations of a reference region (liver or muscle), in signal units.

    On the subtraction (after minus before contrast) a voxel is viable above it. With muscle, which hardly enhances, k = 2 asks
    for more than its noise; with liver in the arterial phase, k = 2 asks for more enhancement than the liver's; in later phases
    viable tumour enhances less than liver, and k is negative.

    :param reference: signal of the region, from ``NecrosisAnalysis.measure_reference``.
    :param k: number of standard deviations.
    """

    reference: Reference
    k: float = 2.0
    quantity: ClassVar[str] = SUBTRACTION

    @property
    def value(self) -> float:
        """Threshold in signal units."""
        return self.reference.mean + self.k * self.reference.sd

    @property
    def parameters(self) -> dict[str, object]:
        """Settings and numbers, for the row of a measurement."""
        return {
            "threshold": "mean + k SD of a reference region",
            "value": self.value,
            "k": self.k,
            "reference": self.reference.name,
            "reference_mean": self.reference.mean,
            "reference_sd": self.reference.sd,
            "reference_voxels": self.reference.voxels,
        }


@dataclass(frozen=True)
class RelativeThreshold:
    """Percent enhancement, 100 (after - before) / before; a voxel is viable above it."""

    percent: float
    quantity: ClassVar[str] = RELATIVE_ENHANCEMENT

    @property
    def value(self) -> float:
        """Threshold as a ratio."""
        return self.percent / 100.0

    @property
    def parameters(self) -> dict[str, object]:
        """Settings, for the row of a measurement."""
        return {"threshold": "relative enhancement", "percent": self.percent}


@dataclass(frozen=True)
class PhaseThreshold:
    """Signal of one phase after contrast; a voxel is viable above it. Haemorrhage, bright before contrast, looks viable."""

    signal: float
    quantity: ClassVar[str] = PHASE

    @property
    def value(self) -> float:
        """Threshold in signal units."""
        return self.signal

    @property
    def parameters(self) -> dict[str, object]:
        """Settings, for the row of a measurement."""
        return {"threshold": "signal of one phase", "value": self.signal}


NecrosisThreshold = ReferenceThreshold | RelativeThreshold | PhaseThreshold
