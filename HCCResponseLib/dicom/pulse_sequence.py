"""How a series was excited and read, in one vocabulary for classic and enhanced files of all manufacturers."""

import re
from dataclasses import dataclass
from enum import StrEnum

from pydicom.dataset import Dataset

from .headers import PrivateElements, number, sequence_item, text, texts

__all__ = ["Echo", "PulseSequence", "pulse_sequence"]

GE_ACQUISITION = "GEMS_ACQU_01"
PHILIPS_IMAGING = "Philips Imaging DD 001"

FAT_SUPPRESSION_OPTIONS = {"FS", "SFS", "WE", "FATSAT", "FAT_SAT", "SPIR", "SPAIR"}
"""Values of ScanOptions: FS of the standard, SFS and WE (water excitation) of Siemens, and names of methods."""

_SINGLE_SHOT_NAMES = re.compile(r"^\*?h\w{0,2}2d|haste|ssh|ss[_ -]?(?:fse|tse)|(?<![a-z])fase")
_BALANCED_NAMES = re.compile(r"trufi|tfi[23]d|fiesta|b-?[ft]fe|true ?ssfp|bssfp")


class Echo(StrEnum):
    """What refocuses the signal."""

    SPIN = "spin echo"
    GRADIENT = "gradient echo"
    BOTH = "spin and gradient echo"
    PLANAR = "echo-planar"
    UNKNOWN = "sequence of unknown echo"


@dataclass(frozen=True)
class PulseSequence:
    """How the images of a series were excited and read. None is what the headers do not tell.

    :param inverted: an inversion pulse precedes the excitation.
    :param balanced: balanced steady-state free precession (TrueFISP, FIESTA, bFFE).
    :param fat_suppressed: by a spectral pulse or selective excitation.
    :param single_shot: all lines of an image from one excitation (HASTE, SSFSE, FASE, SSh TSE).
    :param volumetric: 3D encoding; False: slice by slice.
    :param echo_train_length: echoes after one excitation.
    :param field_t: field strength, T.
    :param names: the manufacturer's names of the sequence, lower case.
    """

    echo: Echo = Echo.UNKNOWN
    inverted: bool | None = None
    balanced: bool = False
    fat_suppressed: bool | None = None
    single_shot: bool = False
    volumetric: bool | None = None
    echo_train_length: int | None = None
    field_t: float | None = None
    names: tuple[str, ...] = ()


def pulse_sequence(dataset: Dataset) -> PulseSequence:
    """Read the pulse sequence of a file, classic or enhanced."""
    names = _names(dataset)
    read = _enhanced if "SharedFunctionalGroupsSequence" in dataset or "EchoPulseSequence" in dataset else _classic
    field = number(dataset, "MagneticFieldStrength")
    return PulseSequence(
        volumetric={"3D": True, "2D": False}.get(text(dataset, "MRAcquisitionType").upper()),
        # some systems write millitesla or gauss
        field_t=next((value for value in (field, field / 1e3, field / 1e4) if 0.1 <= value <= 9.5), None) if field else None,
        names=names,
        **read(dataset, names),
    )


def _names(dataset: Dataset) -> tuple[str, ...]:
    elements = PrivateElements(dataset)
    found = (
        text(dataset, "SequenceName"),
        text(dataset, "PulseSequenceName"),
        elements.text(0x0019, GE_ACQUISITION, 0x9C),
        elements.text(0x0019, GE_ACQUISITION, 0x9E),
        elements.text(0x2001, PHILIPS_IMAGING, 0x20),
    )
    return tuple(dict.fromkeys(name.casefold() for name in found if name))


def _named(names: tuple[str, ...], words: re.Pattern) -> bool:
    return any(words.search(name) for name in names)


def _classic(dataset: Dataset, names: tuple[str, ...]) -> dict:
    kinds = {value.upper() for value in texts(dataset, "ScanningSequence")}
    variants = {value.upper() for value in texts(dataset, "SequenceVariant")}
    options = {value.upper() for value in texts(dataset, "ScanOptions")}
    if "EP" in kinds:
        echo = Echo.PLANAR
    else:
        echo = {(True, True): Echo.BOTH, (True, False): Echo.SPIN, (False, True): Echo.GRADIENT}.get(
            ("SE" in kinds, "GR" in kinds), Echo.UNKNOWN,
        )
    train = number(dataset, "EchoTrainLength")
    return {
        "echo": echo,
        "inverted": "IR" in kinds if kinds else None,
        # GE calls its spoiled gradient echoes SS\\SP, its balanced ones SS
        "balanced": echo is Echo.GRADIENT and (_named(names, _BALANCED_NAMES) or ("SS" in variants and not variants & {"SP", "MP"})),
        "fat_suppressed": True if options & FAT_SUPPRESSION_OPTIONS else None,
        # GE writes an echo train length of 1 for its single shots
        "single_shot": _named(names, _SINGLE_SHOT_NAMES) or (echo is Echo.SPIN and "SS_GEMS" in options),
        "echo_train_length": int(train) if train else None,
    }


def _enhanced(dataset: Dataset, names: tuple[str, ...]) -> dict:
    first, shared = sequence_item(dataset, "PerFrameFunctionalGroupsSequence"), sequence_item(dataset, "SharedFunctionalGroupsSequence")

    def group(name: str) -> Dataset | None:
        return sequence_item(first, name) or sequence_item(shared, name)

    kind = text(dataset, "EchoPulseSequence").upper()
    echo = {"SPIN": Echo.SPIN, "GRADIENT": Echo.GRADIENT, "BOTH": Echo.BOTH}.get(kind, Echo.UNKNOWN)
    if text(dataset, "EchoPlanarPulseSequence").upper() == "YES":
        echo = Echo.PLANAR
    modifier = group("MRModifierSequence")
    inversion = text(modifier, "InversionRecovery").upper()
    suppression = text(dataset, "SpectrallySelectedSuppression").upper()
    excitation = text(modifier, "SpectrallySelectedExcitation").upper()
    train = number(group("MRTimingAndRelatedParametersSequence"), "RFEchoTrainLength")
    suppressed = suppression in {"FAT", "FAT_AND_WATER"} or excitation == "WATER"
    return {
        "echo": echo,
        "inverted": {"YES": True, "NO": False}.get(inversion),
        "balanced": text(dataset, "SteadyStatePulseSequence").upper() == "FREE_PRECESSION"
        or (echo is Echo.GRADIENT and _named(names, _BALANCED_NAMES)),
        "fat_suppressed": suppressed if suppression or excitation else None,
        "single_shot": (echo is Echo.SPIN and text(dataset, "SegmentedKSpaceTraversal").upper() == "FULL")
        or _named(names, _SINGLE_SHOT_NAMES),
        "echo_train_length": int(train) if train else None,
    }
