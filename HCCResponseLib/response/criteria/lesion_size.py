"""Size of a lesion in one examination: from the rows, from the reader's word, merged and split lesions followed."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ...errors import InputError
from ..case import Lesion
from ..finding import LesionState
from ..measurement import Measurement
from ..quantities import find_quantity
from .limits import at_least, show
from .reading import Reading
from .size_rule import NORMAL_NODE_MM, SizeRule, is_viable
from .timeline import examination_label

__all__ = ["LesionSize", "measure_lesions"]

_GONE = (LesionState.ABSENT, LesionState.NORMAL_SIGNAL)


@dataclass(frozen=True)
class LesionSize:
    """Size of one outline.

    :param lesion: the lesion that carries it.
    :param value: in the unit of the rule; NaN where it is not known.
    :param gone: nothing is left; of a lymph node: it is normal.
    :param rows: measurements used.
    :param problem: why there is no value; empty where there is one.
    :param remark: what the number is, where it is no plain measurement ("too small to measure, taken as 5 mm").
    :param notes: sentences for the reader.
    """

    lesion: Lesion
    value: float
    gone: bool = False
    rows: tuple[Measurement, ...] = ()
    problem: str = ""
    remark: str = ""
    notes: tuple[str, ...] = ()


def measure_lesions(reading: Reading, rule: SizeRule, lesions: Iterable[Lesion], time_point: int) -> tuple[LesionSize, ...]:
    """Return the sizes that stand for these lesions in an examination, each outline once.

    A lesion that split is its parts, each from the examination on that first shows it. Lesions that merged have one joint size,
    that of the lesion which carries it, be it one of these lesions or not.

    :raises InputError: lesions are merged in a circle, or a size is negative.
    """
    carried: dict[str, list[str]] = {}
    sizes = []
    for lesion in lesions:
        pieces = _pieces(reading, rule, lesion, time_point)
        if not pieces:
            problem = f"{reading.name(lesion.uid)} is split at {examination_label(reading.case, time_point)}, but no part of it is there"
            sizes.append(LesionSize(lesion, math.nan, problem=problem))
        for piece in pieces:
            carried.setdefault(_carrier(reading, piece, time_point), []).append(piece.uid)
    for uid, pieces in carried.items():
        size = _measure(reading, rule, reading.case.lesion(uid), time_point)
        names = [reading.name(piece) for piece in dict.fromkeys([uid, *pieces])]
        if len(names) > 1 and not size.remark:
            size = replace(size, remark=f"joint size of {' and '.join(names)}")
        elif size.lesion.split_from and size.value > 0.0 and not size.remark:
            size = replace(size, remark=f"part of {reading.name(size.lesion.split_from)}, {show(size.value, rule.unit)}")
        sizes.append(size)
    return tuple(sizes)


def _pieces(reading: Reading, rule: SizeRule, lesion: Lesion, time_point: int) -> list[Lesion]:
    """Return the lesion itself, unless it is said to be split, and all parts that have appeared."""
    pieces = [] if reading.state(lesion.uid, time_point) is LesionState.SPLIT else [lesion]
    for part in reading.case.lesions:
        if part.split_from == lesion.uid and _has_appeared(reading, rule, part, time_point):
            pieces += _pieces(reading, rule, part, time_point)
    return pieces


def _carrier(reading: Reading, lesion: Lesion, time_point: int) -> str:
    """Return the UID of the lesion whose outline holds this one: its own, or that of the one it merged with."""
    seen = [lesion.uid]
    while (finding := reading.findings.get((seen[-1], time_point))) and finding.state is LesionState.MERGED:
        if finding.merged_with in seen:
            names = " and ".join(map(reading.name, seen))
            raise InputError(f"{names} are said to be merged with each other; one of them must carry the joint size.")
        seen.append(finding.merged_with)
    return seen[-1]


def _measure(reading: Reading, rule: SizeRule, lesion: Lesion, time_point: int) -> LesionSize:
    name, when = reading.name(lesion.uid), examination_label(reading.case, time_point)
    quantities = rule.quantities_of(reading.case, lesion)
    rows = [reading.row(lesion.uid, time_point, quantity) for quantity in quantities]
    measured = [row for row in rows if row is not None and not math.isnan(row.value)]
    negative = next((row for row in measured if row.value < 0.0), None)
    if negative is not None:
        raise InputError(f"{find_quantity(negative.quantity).label} of {name} at {when} is {negative.value:g}; a size cannot be negative.")
    # The reader's word stands above a number.
    state = reading.state(lesion.uid, time_point)
    said = f"The reader says {name} at {when} is {state}; its measured size is not used."
    notes = (said,) if any(row.value > 0.0 for row in measured) else ()
    if state in _GONE or (state is LesionState.NO_ENHANCEMENT and is_viable(quantities)):
        return LesionSize(lesion, 0.0, True, remark=str(state), notes=notes)
    if state is LesionState.TOO_SMALL:
        remark = f"{state}, taken as {show(rule.too_small, rule.unit)}"
        # A lymph node too small to measure is a normal one.
        return LesionSize(lesion, rule.too_small, lesion.lymph_node, remark=remark, notes=notes)
    if state is LesionState.NOT_EVALUABLE:
        return LesionSize(lesion, math.nan, problem=f"{name} is not evaluable at {when}", notes=notes)
    if len(measured) < len(quantities):
        missing = next(q for q, row in zip(quantities, rows, strict=True) if row is None or math.isnan(row.value))
        looked_for = reading.row(lesion.uid, time_point, missing) is not None
        label = find_quantity(missing).label.lower()
        problem = f"the {label} of {name} could not be measured at {when}" if looked_for else f"{name} has no {label} at {when}"
        return LesionSize(lesion, math.nan, problem=problem + reading.others(lesion.uid, time_point, missing))
    notes = tuple(filter(None, (reading.note(lesion.uid, time_point, quantity) for quantity in quantities)))
    if state is LesionState.PROGRESSION:
        notes += (f"The reader says {name} at {when} is unequivocally progressing; of a lesion that is measured only its size counts.",)
    value = float(rule.combine(row.value for row in measured))
    gone = value == 0.0
    remark = ""
    short_axis = next((row.value for row in measured if row.quantity == "SHORT_AXIS"), math.nan)
    if lesion.lymph_node and short_axis > 0.0 and not at_least(short_axis, NORMAL_NODE_MM):
        gone, remark = True, f"a normal node of {show(short_axis, 'mm', NORMAL_NODE_MM)}"
    return LesionSize(lesion, value, gone, tuple(measured), remark=remark, notes=notes)


def _has_appeared(reading: Reading, rule: SizeRule, lesion: Lesion, time_point: int) -> bool:
    quantities = rule.quantities_of(reading.case, lesion)
    return any(
        (lesion.uid, index) in reading.findings
        or any((row := reading.row(lesion.uid, index, quantity)) is not None and not row.value <= 0.0 for quantity in quantities)
        for index in (one.index for one in reading.case.time_points if one.index <= time_point)
    )
