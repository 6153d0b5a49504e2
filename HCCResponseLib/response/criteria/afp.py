"""Response of alpha-fetoprotein (AFP): a decrease of more than 80 % from the baseline (Cha et al., Yonsei Med J 2013;54:1178)."""

import math
from dataclasses import dataclass

from ...errors import InputError
from ..case import Case
from ..change import percent_change
from .limits import above, show, show_change
from .timeline import examination_label, timeline

__all__ = ["AFP_DECREASE_PERCENT", "AfpResponse", "afp_response", "afp_responses"]

AFP_DECREASE_PERCENT = 80.0


@dataclass(frozen=True)
class AfpResponse:
    """Whether AFP responded: None where it cannot be told; the change in percent, NaN where there is none; one sentence."""

    time_point: int
    response: bool | None
    percent: float
    reason: str


def afp_response(baseline_ng_ml: float, value_ng_ml: float) -> bool:
    """Return whether AFP fell by more than 80 %.

    :raises InputError: a value is negative or not a number, or the baseline is 0.
    """
    if not (0.0 < baseline_ng_ml < math.inf and 0.0 <= value_ng_ml < math.inf):
        raise InputError(f"AFP response needs a baseline above 0 and a value from 0 ng/mL, found {baseline_ng_ml} and {value_ng_ml}.")
    return above(-percent_change(baseline_ng_ml, value_ng_ml), AFP_DECREASE_PERCENT)


def afp_responses(case: Case) -> tuple[AfpResponse, ...]:
    """Return the response of AFP in every follow-up; nothing where AFP was never entered."""
    points = timeline(case)
    if all(one.afp_ng_ml is None for one in points):
        return ()
    baseline = next((one.afp_ng_ml for one in points if one.index == 0), None)
    found = []
    for one in points:
        if one.index == 0:
            continue
        when = examination_label(case, one.index)
        if one.afp_ng_ml is None or not baseline:
            why = f"AFP at {when} is not known" if baseline else "AFP at baseline is not known or 0"
            found.append(AfpResponse(one.index, None, math.nan, f"NE: {why}."))
            continue
        response = afp_response(baseline, one.afp_ng_ml)
        percent = percent_change(baseline, one.afp_ng_ml)
        reason = (
            f"{'response' if response else 'no response'}: AFP {show(one.afp_ng_ml, 'ng/mL')} at {when}, "
            f"{show_change(percent, -AFP_DECREASE_PERCENT)} from {show(baseline, 'ng/mL')} at baseline."
        )
        found.append(AfpResponse(one.index, response, percent, reason))
    return tuple(found)
