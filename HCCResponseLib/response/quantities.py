"""The quantities that HCCResponse measures: DICOM code, unit, and how each is shown.

Arrays, tables and exports hold a quantity in its canonical unit (``unit``); volumes and panels show it in ``display_unit``:
shown value = canonical value x ``display_factor``.
Codes are those of DICOM PS3.16 (DCM, SCT, IBSI) and UCUM; what has no standard code is in the private scheme 99HCCRESPONSE.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import InputError

__all__ = [
    "COUNTS",
    "PRIVATE_SCHEME",
    "QUANTITIES",
    "STATISTICS",
    "Code",
    "Quantity",
    "canonical_factor",
    "canonical_unit",
    "find_quantity",
]

PRIVATE_SCHEME = "99HCCRESPONSE"


class Code(NamedTuple):
    """A coded concept: value, coding scheme designator, meaning."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class Quantity:
    """What a number measures.

    :param key: short name used in tables and node attributes, never translated.
    :param label: name to show.
    :param code: the concept.
    :param unit: canonical UCUM unit.
    :param display_unit: UCUM unit of shown values; its meaning is the text to show.
    :param display_factor: shown value = canonical value x factor.
    :param window: default lower and upper limit of the display, in the display unit; None where there is no usual one.
    :param decimals: digits after the point, in the display unit.
    """

    key: str
    label: str
    code: Code
    unit: Code
    display_unit: Code
    display_factor: float
    window: tuple[float, float] | None
    decimals: int

    def format(self, value: float) -> str:
        """Show a canonical ``value`` with its display unit ("1.23 10⁻³ mm²/s"); a value that is not a number is a dash."""
        if math.isnan(value):
            return "–"
        text = f"{value * self.display_factor:.{self.decimals}f}"
        return f"{text} {self.display_unit.meaning}".rstrip()


def _ucum(value: str, meaning: str) -> Code:
    return Code(value, "UCUM", meaning)


_DIFFUSIVITY = _ucum("mm2/s", "mm2/s")
# um2/ms is 10^-3 mm2/s exactly, and the only one of the two ways to write it that is among DICOM's units (CID 7181).
_DIFFUSIVITY_SHOWN = _ucum("um2/ms", "10⁻³ mm²/s")
_RATIO = _ucum("{ratio}", "ratio")
_PERCENT = _ucum("%", "%")
_PER_MINUTE = _ucum("/min", "/min")
_PER_SECOND = _ucum("/s", "/s")
_SECOND = _ucum("s", "s")
_MILLISECOND = _ucum("ms", "ms")
_MILLIMOLAR = _ucum("umol/ml", "mM")
_MILLIMOLAR_SECOND = _ucum("umol.s/ml", "mM s")
_MILLIMETRE = _ucum("mm", "mm")
_MILLILITRE = _ucum("ml", "mL")
_NO_UNIT = _ucum("1", "no units")
# Shown without a unit, or in spreads of the reference.
_SCORE_SHOWN = _ucum("1", "")
_SIGNAL_SHOWN = _ucum("1", "signal")
_SPREADS_SHOWN = _ucum("1", "spreads")


def _dcm(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning)


def _sct(value: str, meaning: str) -> Code:
    return Code(value, "SCT", meaning)


def _ibsi(value: str, meaning: str) -> Code:
    return Code(value, "IBSI", meaning)


def _private(value: str, meaning: str) -> Code:
    return Code(value, PRIVATE_SCHEME, meaning)


def _length(key: str, label: str, code: Code) -> Quantity:
    return Quantity(key, label, code, _MILLIMETRE, _MILLIMETRE, 1.0, None, 1)


def _volume(key: str, label: str, code: Code) -> Quantity:
    return Quantity(key, label, code, _MILLILITRE, _MILLILITRE, 1.0, None, 2)


def _fraction(key: str, label: str, code: Code) -> Quantity:
    return Quantity(key, label, code, _RATIO, _PERCENT, 100.0, None, 1)


def _score(key: str, label: str, code: Code) -> Quantity:
    return Quantity(key, label, code, _NO_UNIT, _SCORE_SHOWN, 1.0, None, 0)


def _spreads(key: str, label: str, code: Code) -> Quantity:
    return Quantity(key, label, code, _NO_UNIT, _SPREADS_SHOWN, 1.0, None, 1)


# fmt: off
_ALL = (
    Quantity("ADC", "ADC", _dcm("113041", "Apparent Diffusion Coefficient"), _DIFFUSIVITY, _DIFFUSIVITY_SHOWN, 1e3, (0.0, 3.0), 2),
    Quantity("D", "D", _dcm("113291", "Slow Diffusion Coefficient"), _DIFFUSIVITY, _DIFFUSIVITY_SHOWN, 1e3, (0.0, 3.0), 2),
    Quantity("D_STAR", "D*", _dcm("113292", "Fast Diffusion Coefficient"), _DIFFUSIVITY, _DIFFUSIVITY_SHOWN, 1e3, (0.0, 100.0), 1),
    Quantity("PERFUSION_FRACTION", "f", _dcm("113293", "Fast Diffusion Coefficient Fraction"), _RATIO, _PERCENT, 100.0, (0.0, 40.0), 1),
    Quantity("T1", "T1", _dcm("113063", "T1"), _SECOND, _MILLISECOND, 1e3, (0.0, 2500.0), 0),
    Quantity("KTRANS", "Ktrans", _dcm("126312", "Ktrans"), _PER_MINUTE, _PER_MINUTE, 1.0, (0.0, 1.0), 3),
    Quantity("KEP", "kep", _dcm("126313", "kep"), _PER_MINUTE, _PER_MINUTE, 1.0, (0.0, 3.0), 3),
    Quantity("VE", "ve", _dcm("126314", "ve"), _RATIO, _PERCENT, 100.0, (0.0, 100.0), 1),
    Quantity("VP", "vp", _dcm("126331", "vp"), _RATIO, _PERCENT, 100.0, (0.0, 30.0), 1),
    Quantity("BOLUS_ARRIVAL", "Bolus arrival", _dcm("126371", "Bolus Arrival Time"), _SECOND, _SECOND, 1.0, (0.0, 60.0), 1),
    Quantity("TIME_TO_PEAK", "Time to peak", _dcm("113069", "Time To Peak"), _SECOND, _SECOND, 1.0, (0.0, 180.0), 1),
    Quantity("M0", "M0", _dcm("113058", "Proton Density"), _NO_UNIT, _SIGNAL_SHOWN, 1.0, None, 0),
    Quantity("PLASMA_FLOW", "Plasma flow", _private("PlasmaFlow", "Plasma flow"), _PER_MINUTE, _PER_MINUTE, 1.0, (0.0, 2.0), 3),
    Quantity("PS", "PS", _private("PS", "Permeability-surface area product"), _PER_MINUTE, _PER_MINUTE, 1.0, (0.0, 1.0), 3),
    _fraction("ARTERIAL_FRACTION", "Arterial fraction", _private("ArterialFraction", "Arterial fraction of the inflow")),
    _fraction("DISTRIBUTION_VOLUME", "Distribution volume", _private("DistributionVol", "Distribution volume")),
    Quantity("MEAN_TRANSIT_TIME", "Mean transit time", _dcm("113052", "Mean Transit Time"), _SECOND, _SECOND, 1.0, (0.0, 60.0), 1),
    Quantity("ARTERIAL_DELAY", "Delay", _private("ArterialDelay", "Delay after the arterial input"), _SECOND, _SECOND, 1.0, (0.0, 10.0), 1),
    Quantity("PORTAL_DELAY", "Portal delay", _private("PortalDelay", "Delay after portal input"), _SECOND, _SECOND, 1.0, (0.0, 10.0), 1),
    Quantity(
        "FIT_RESIDUAL", "Residual", _private("FitResidual", "Root mean square residual of the fit"), _MILLIMOLAR, _MILLIMOLAR, 1.0, None, 3,
    ),
    Quantity("IAUC60", "IAUC60", _dcm("126321", "IAUC60"), _MILLIMOLAR_SECOND, _MILLIMOLAR_SECOND, 1.0, (0.0, 60.0), 1),
    Quantity(
        "ENHANCEMENT_AREA60", "Enhancement area 60 s", _private("EnhancementArea", "Area of relative enhancement over 60 s"),
        _SECOND, _SECOND, 1.0, (0.0, 120.0), 1,
    ),
    Quantity("WASH_IN", "Wash-in", _private("WashIn", "Steepest relative enhancement"), _PER_SECOND, _PER_SECOND, 1.0, (0.0, 0.2), 3),
    _volume("VOLUME", "Volume", _sct("118565006", "Volume")),
    _volume("COUNTED_VOLUME", "Volume of voxels", _ibsi("YEKZ", "Volume from Voxel Summation")),
    _volume("VOLUME_UNCERTAINTY", "Uncertainty of volume", _private("VolumeStdUncert", "Standard uncertainty of volume")),
    _volume("NECROTIC_VOLUME", "Necrosis volume", _private("NecroticVolume", "Volume of necrosis, haemorrhage included")),
    _volume("VIABLE_VOLUME", "Viable volume", _private("ViableVolume", "Volume of viable tumour")),
    _volume("HAEMORRHAGIC_VOLUME", "Haemorrhage volume", _private("HaemorrhageVol", "Volume of haemorrhagic necrosis")),
    _length("LONG_AXIS", "Long axis", _sct("103339001", "Long axis")),
    _length("SHORT_AXIS", "Short axis", _sct("103340004", "Short axis")),
    _length("VIABLE_DIAMETER", "Viable diameter", _private("ViableDiameter", "Longest diameter of viable tumour")),
    _length("VIABLE_SHORT_AXIS", "Viable short axis", _private("ViableShortAxis", "Longest perpendicular to the viable diameter")),
    _length("FERET_DIAMETER", "3D diameter", _ibsi("L0JK", "Maximum 3D Diameter of a Mesh")),
    _length("SPHERE_DIAMETER", "Sphere diameter", _private("SphereDiameter", "Diameter of the sphere of equal volume")),
    _length("EDGE_WIDTH", "Edge width", _private("EdgeWidth", "Width of the edge of a lesion")),
    _fraction("VISIBLE_EDGE", "Visible edge", _private("VisibleEdge", "Fraction of the outline along which the edge is visible")),
    _fraction("NECROTIC_FRACTION", "Necrotic fraction", _private("NecroticFraction", "Necrotic fraction of tumour volume")),
    _fraction("HAEMORRHAGIC_FRACTION", "Haemorrhagic fraction", _private("HaemorrhageFract", "Haemorrhagic fraction of tumour volume")),
    _score("NECROSIS_SCORE", "Necrosis score", _private("NecrosisScore", "Score class of necrosis, 0 to 4 (Horger 2009)")),
    _score("T1_GRADE", "T1 grade", _private("T1SignalGrade", "Signal grade on T1, 1 to 5 (van den Bos)")),
    _score("T2_GRADE", "T2 grade", _private("T2SignalGrade", "Signal grade on T2, 1 to 5 (van den Bos)")),
    _score("T1_GRADE_PROPOSAL", "Proposed T1 grade", _private("T1GradeProposal", "Signal grade on T1 proposed by software")),
    _score("T2_GRADE_PROPOSAL", "Proposed T2 grade", _private("T2GradeProposal", "Signal grade on T2 proposed by software")),
    _fraction("ENHANCEMENT", "Enhancement", _private("Enhancement", "Relative enhancement of tumour, S/S0 - 1")),
    _spreads("T1_CONTRAST", "T1 contrast", _private("T1LiverContrast", "Contrast to liver on T1 in spreads of liver")),
    _spreads("T2_CONTRAST", "T2 contrast", _private("T2LiverContrast", "Contrast to liver on T2 in spreads of liver")),
    _spreads("T1_HETEROGENEITY", "T1 heterogeneity", _private("T1Heterogeneity", "Spread of lesion over spread of liver on T1")),
    _spreads("T2_HETEROGENEITY", "T2 heterogeneity", _private("T2Heterogeneity", "Spread of lesion over spread of liver on T2")),
)
# fmt: on

QUANTITIES: dict[str, Quantity] = {quantity.key: quantity for quantity in _ALL}
"""All known quantities by key."""

STATISTICS: dict[str, Code] = {
    "mean": _sct("373098007", "Mean"),
    "median": _sct("373099004", "Median"),
    "standard_deviation": _sct("386136009", "Standard Deviation"),
    "minimum": _sct("255605001", "Minimum"),
    "maximum": _sct("56851009", "Maximum"),
    "percentile_10": _sct("371890005", "10th Percentile Value of population"),
    "percentile_25": _private("Percentile25", "25th percentile"),
    "percentile_75": _private("Percentile75", "75th percentile"),
    "percentile_90": _sct("371887004", "90th Percentile Value of population"),
    "n": _private("ValueCount", "Number of valid values"),
    "rejected": _private("RejectedCount", "Number of voxels without a valid value"),
}
"""How many voxels become one number: the derivation (DICOM TID 1419) of a value, by key. A plain measurement has none ("")."""

COUNTS = ("n", "rejected")
"""Statistics that count; all others are in the unit of their quantity."""


_UNIT_FACTORS = {
    "mm2/s": {"mm2/s": 1.0, "um2/ms": 1e-3, "um2/s": 1e-6, "10*-3.mm2/s": 1e-3, "10*-6.mm2/s": 1e-6, "10-6.mm2/s": 1e-6},
    "s": {"s": 1.0, "ms": 1e-3},
    "{ratio}": {"{ratio}": 1.0, "1": 1.0, "%": 1e-2},
    "/min": {"/min": 1.0, "/s": 60.0},
    "/s": {"/s": 1.0, "/min": 1 / 60},
    "umol/ml": {"umol/ml": 1.0, "mmol/L": 1.0},
    "umol.s/ml": {"umol.s/ml": 1.0, "mmol.s/L": 1.0, "mmol.min/L": 60.0},
    "mm": {"mm": 1.0, "cm": 10.0},
    "ml": {"ml": 1.0, "mL": 1.0, "cm3": 1.0, "mm3": 1e-3},
    "1": {"1": 1.0},
}
"""By canonical unit: UCUM units that a value may come in, with the factor to the canonical unit (10-6.mm2/s is DICOM's own spelling)."""


def canonical_unit(quantity: Quantity, statistic: str = "") -> Code:
    """Return the unit that a statistic of a quantity is kept in."""
    return _NO_UNIT if statistic in COUNTS else quantity.unit


def canonical_factor(quantity: Quantity, unit: str) -> float:
    """Return the factor that turns a value in the UCUM ``unit`` into the quantity's canonical unit.

    :raises InputError: the unit is not one of this quantity.
    """
    factors = _UNIT_FACTORS[quantity.unit.value]
    if unit not in factors:
        raise InputError(f"{quantity.label} cannot be in '{unit or 'no unit'}'; expected one of {', '.join(factors)}.")
    return factors[unit]


def find_quantity(key: str) -> Quantity:
    """Look up a quantity.

    :raises InputError: the key is not known.
    """
    try:
        return QUANTITIES[key]
    except KeyError:
        raise InputError(f"Quantity '{key}' is not known; known are {', '.join(QUANTITIES)}.") from None
