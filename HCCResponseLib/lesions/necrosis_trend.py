"""Necrosis against the previous examination, and growth that may be necrosis (Horger et al., BMC Cancer 2009;9:208)."""

from dataclasses import dataclass
from enum import Enum

from ..errors import InputError

__all__ = ["GrowthCaution", "NecrosisChange", "NecrosisTrend", "growth_caution", "necrosis_trend"]

UNCHANGED_PERCENTAGE_POINTS = 5.0
"""Default change of NV/TV up to which necrosis counts as unchanged; a fifth of a score class. The paper graded by eye."""

GROWTH_PERCENT = 20.0
"""Growth of the volume or the diameter above which new or increasing necrosis may explain it."""


_ROUNDING = 1e-6
"""Percent growth closer than this to the limit is at the limit, as 50 to 60 mm is +20 % and no more."""


class NecrosisTrend(Enum):
    """Course of necrosis."""

    ABSENT_AT_BASELINE = "absent at baseline"
    PRESENT_AT_BASELINE = "present at baseline"
    DE_NOVO = "new"
    """None in the previous examination."""
    INCREASE = "increase"
    """Progressive."""
    UNCHANGED = "unchanged"
    DECREASE = "decrease"

    @property
    def is_new_or_increasing(self) -> bool:
        """What the paper counts as new or progressive necrosis."""
        return self in (NecrosisTrend.DE_NOVO, NecrosisTrend.INCREASE)


@dataclass(frozen=True)
class NecrosisChange:
    """Trend with the numbers it rests on: NV/TV as fractions, the change in percentage points (None at baseline).

    :param comparable: both examinations were measured with the same settings, as far as is known.
    """

    trend: NecrosisTrend
    fraction: float
    previous_fraction: float | None
    change_percentage_points: float | None
    sentence: str
    comparable: bool = True


@dataclass(frozen=True)
class GrowthCaution:
    """Whether growth comes with new or increasing necrosis, and why (percent growth; None where not known).

    :param viable_growth_percent: growth of the viable volume.
    :param viable_grows: that is above the limit too: necrosis does not explain the growth, and the sentence says so.
    """

    caution: bool
    volume_growth_percent: float | None
    diameter_growth_percent: float | None
    sentence: str
    viable_growth_percent: float | None = None
    viable_grows: bool = False


def necrosis_trend(
    fraction: float,
    previous_fraction: float | None = None,
    *,
    unchanged_percentage_points: float = UNCHANGED_PERCENTAGE_POINTS,
    settings_difference: str = "",
) -> NecrosisChange:
    """Compare necrosis with the previous examination.

    :param fraction: NV/TV now, 0 to 1.
    :param previous_fraction: NV/TV in the previous examination; None at baseline.
    :param unchanged_percentage_points: changes of NV/TV up to this are no change; from or to none at all they always are one.
    :param settings_difference: in which settings (threshold, rim) the two measurements differ, now and before, in words
        ("rim layers 1 and 0"): the change may come from that, and the sentence says so; empty when they do not differ.
    :raises InputError: a fraction is not from 0 to 1.
    """
    for value in (fraction, previous_fraction):
        if value is not None and not 0.0 <= value <= 1.0:
            raise InputError(f"The necrotic part of a tumour must be from 0 to 1, found {value}.")
    now = f"{100 * fraction:.1f} %"
    if previous_fraction is None:
        trend = NecrosisTrend.PRESENT_AT_BASELINE if fraction > 0.0 else NecrosisTrend.ABSENT_AT_BASELINE
        sentence = f"Necrosis {trend.value}" + (f": {now} of the tumour." if fraction > 0.0 else ".")
        return NecrosisChange(trend, fraction, None, None, sentence)
    change = 100.0 * (fraction - previous_fraction)
    before = f"{100 * previous_fraction:.1f} %"
    if previous_fraction == 0.0 and fraction > 0.0:
        trend, sentence = NecrosisTrend.DE_NOVO, f"New necrosis: {now} of the tumour, none before."
    elif fraction == 0.0 and previous_fraction > 0.0:
        trend, sentence = NecrosisTrend.DECREASE, f"Necrosis gone: none now, {before} of the tumour before."
    else:
        trend = NecrosisTrend.UNCHANGED
        if abs(change) > unchanged_percentage_points:
            trend = NecrosisTrend.INCREASE if change > 0.0 else NecrosisTrend.DECREASE
        sentence = f"Necrosis {trend.value}: {now} of the tumour, {before} before ({change:+.1f} percentage points)."
    if settings_difference:
        sentence += f" Measured differently now and before ({settings_difference}): the change may come from that; measure both alike."
    return NecrosisChange(trend, fraction, previous_fraction, change, sentence, comparable=not settings_difference)


def growth_caution(
    trend: NecrosisTrend,
    *,
    volume_growth_percent: float | None = None,
    diameter_growth_percent: float | None = None,
    fractions: tuple[float, float] | None = None,
    growth_percent: float = GROWTH_PERCENT,
) -> GrowthCaution:
    """Tell whether a lesion's growth comes with new or increasing necrosis: possible pseudoprogression.

    :param trend: course of necrosis since the same earlier examination as the growth.
    :param volume_growth_percent: growth of the tumour volume, negative for shrinkage; None if not known.
    :param diameter_growth_percent: growth of the longest diameter; None if not known.
    :param fractions: NV/TV in that earlier examination and now, which with the volumes tell how the viable part grew; None if not known.
    :param growth_percent: growth above this counts.
    :raises InputError: neither growth is known.
    """
    known = {"volume": volume_growth_percent, "diameter": diameter_growth_percent}
    known = {name: value for name, value in known.items() if value is not None}
    if not known:
        raise InputError("Growth needs the volume or the diameter of both examinations.")
    viable = _viable_growth(volume_growth_percent, fractions)
    viable_grows = viable is not None and viable > growth_percent + _ROUNDING
    grown = [f"{name} {value:+.1f} %" for name, value in known.items() if value > growth_percent + _ROUNDING]
    caution = bool(grown) and trend.is_new_or_increasing
    if caution:
        necrosis = "new" if trend is NecrosisTrend.DE_NOVO else "increasing"
        more = f"{' and '.join(grown)} (more than {growth_percent:g} %) with {necrosis} necrosis"
        if viable is None:
            sentence = f"Growth is necrotic: {more}; possible pseudoprogression."
        elif viable_grows:
            sentence = f"Growth is necrotic only in part: {more}, but viable volume {viable:+.1f} % too; viable tumour progresses."
        else:
            sentence = f"Growth is necrotic: {more}, viable volume {viable:+.1f} %; possible pseudoprogression."
    elif grown:
        sentence = f"Growth without new or increasing necrosis: {' and '.join(grown)}."
    else:
        sentence = f"No growth above {growth_percent:g} %: {' and '.join(f'{name} {value:+.1f} %' for name, value in known.items())}."
    return GrowthCaution(caution, volume_growth_percent, diameter_growth_percent, sentence, viable, viable_grows)


def _viable_growth(volume_growth_percent: float | None, fractions: tuple[float, float] | None) -> float | None:
    """Growth of TV - NV in percent; None where it is not known, or where nothing was viable before."""
    if volume_growth_percent is None or fractions is None or fractions[0] >= 1.0:
        return None
    return 100.0 * ((1.0 + volume_growth_percent / 100.0) * (1.0 - fractions[1]) / (1.0 - fractions[0]) - 1.0)
