"""A criterion on the sum of lesion sizes, over all examinations of a case: what RECIST 1.1, mRECIST, EASL and WHO have in common."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..case import Lesion
from ..change import nadir, percent_change
from ..measurement import Measurement
from ..methods import same_method
from .category import Assessment, Category, CriterionResult, keys_of
from .lesion_size import LesionSize, measure_lesions
from .limits import above, at_least, show, show_change
from .new_lesions import ANY_NEW_LESION, NewLesionRule, find_new_lesions
from .non_targets import assess_non_targets
from .overall import overall_response
from .reading import Reading
from .size_rule import SizeRule
from .targets import Selection
from .timeline import examination_label, timeline

__all__ = ["History", "Outcome", "evaluate", "outcome_of_sizes"]



@dataclass(frozen=True)
class Outcome:
    """Response of the targets: category (None without targets), clause for the sentence, rows beside those of the sizes."""

    category: Category | None
    reason: str
    numbers: dict[str, float]
    rows: tuple[Measurement, ...] = ()


@dataclass(frozen=True)
class History:
    """Sizes of the targets up to an examination.

    :param indices: of the examinations, in order of time; the first is the baseline, the last is assessed.
    :param sizes: of each examination.
    :param after_complete_response: an earlier examination was a complete response overall.
    """

    reading: Reading
    rule: SizeRule
    targets: tuple[Lesion, ...]
    indices: tuple[int, ...]
    sizes: tuple[tuple[LesionSize, ...], ...]
    after_complete_response: bool

    @property
    def sums(self) -> tuple[float, ...]:
        """Sum of each examination; NaN where a target is missing."""
        return tuple(math.fsum(one.value for one in sizes) for sizes in self.sizes)

    @property
    def smallest(self) -> tuple[int, float] | None:
        """Nadir: position among the earlier examinations and the sum; None where there is none."""
        earlier = self.sums[:-1]
        return nadir(earlier) if any(not math.isnan(one) for one in earlier) else None

    @property
    def measured_now(self) -> float:
        """Sum of the targets that have a size now: what the whole sum is at least."""
        return math.fsum(one.value for one in self.sizes[-1] if not math.isnan(one.value))

    @property
    def numbers(self) -> dict[str, float]:
        """Sum, baseline, nadir and the changes against both."""
        unit = {"mm": "mm", "mm²": "mm2", "mL": "ml"}[self.rule.unit]
        now, baseline = self.sums[-1], self.sums[0]
        numbers = {f"sum_{unit}": now, f"baseline_{unit}": baseline}
        if len(self.sums) > 1:
            position, smallest = self.smallest or (0, math.nan)
            numbers |= {
                f"nadir_{unit}": smallest,
                "nadir_time_point": float(self.indices[position]) if self.smallest else math.nan,
                "change_from_baseline_percent": percent_change(baseline, now),
                "change_from_nadir_percent": percent_change(smallest, now),
                f"change_from_nadir_{unit}": now - smallest,
            }
        return numbers

    @property
    def rows(self) -> tuple[Measurement, ...]:
        """Measurements of this examination, of the baseline and of the nadir."""
        positions = [len(self.sizes) - 1, 0, *([self.smallest[0]] if self.smallest else [])]
        return tuple(row for position in positions for one in self.sizes[position] for row in one.rows)

    def label(self, position: int) -> str:
        """What to call an examination."""
        return examination_label(self.reading.case, self.indices[position])


def evaluate(
    reading: Reading,
    rule: SizeRule,
    selection: Selection,
    *,
    outcome_of: Callable[[History], Outcome] | None = None,
    new_lesion_rule: NewLesionRule = ANY_NEW_LESION,
    new_lesion_reading: Reading | None = None,
    other_progression: Callable[[Reading, int], str] | None = None,
) -> CriterionResult:
    """Assess every examination of a case.

    :param reading: rows of the quantities that the rule uses.
    :param selection: targets, non-targets and new lesions.
    :param outcome_of: response of the targets; :func:`outcome_of_sizes` if None.
    :param new_lesion_rule: which new lesions count.
    :param new_lesion_reading: longest diameters (lymph nodes: short axes) for that question; ``reading`` if None.
    :param other_progression: any further progression in an examination, as a clause of a sentence; "" for none.
    :raises InputError: the examinations are not in order of time, a size is negative, or lesions are merged in a circle.
    """
    case = reading.case
    points = timeline(case)
    targets = selection.targets
    new = find_new_lesions(new_lesion_reading or reading, selection, new_lesion_rule)
    notes = (*reading.notes, *selection.notes)
    if not points or points[0].index != 0:
        missing = tuple(_assessment(rule, one.index, Category.NE, "there is no baseline examination (time point 0)") for one in points)
        return CriterionResult(rule.name, reading.reader, missing, notes)
    indices = tuple(one.index for one in points)
    sizes = tuple(measure_lesions(reading, rule, targets, index) for index in indices)
    assessments: list[Assessment] = []
    for position, index in enumerate(indices):
        earlier_complete = any(one.category is Category.CR for one in assessments)
        history = History(reading, rule, targets, indices[: position + 1], sizes[: position + 1], earlier_complete)
        if position == 0:
            assessments.append(_baseline(history))
            continue
        outcome = (outcome_of or outcome_of_sizes)(history)
        others = assess_non_targets(reading, rule, selection.non_targets, index, after_complete_response=earlier_complete)
        seen = [one for one in new if one.since <= index]
        arrived = [one for one in seen if one.counts]
        more = other_progression(reading, index) if other_progression else ""
        category = overall_response(outcome.category, others.category, bool(arrived or more))
        waiting = [*_waiting(reading, selection, index), *(one.reason for one in seen if one.counts is None)]
        if waiting and category is not Category.PD:
            category = Category.NE
        reasons = [*waiting, outcome.reason, others.reason]
        # What decides comes first.
        if category is Category.PD:
            reasons = [one.reason for one in (outcome, others) if one.category is Category.PD]
            reasons += [*(one.reason for one in arrived), more]
            reasons += [one.reason for one in (outcome, others) if one.category is not Category.PD and one.category is not None]
        assessments.append(
            replace(
                _assessment(rule, index, category, "; ".join(filter(None, reasons)) or "there are no lesions to assess"),
                numbers=outcome.numbers,
                measurements=keys_of((*history.rows, *outcome.rows, *others.rows, *(row for one in arrived for row in one.rows))),
                target=outcome.category,
                non_target=others.category,
                new_lesions=tuple(one.lesion.uid for one in arrived),
                notes=(*_notes(history), *(_sentence(one.reason) for one in seen if one.counts is False)),
            ),
        )
    return CriterionResult(rule.name, reading.reader, tuple(assessments), notes)


def outcome_of_sizes(history: History) -> Outcome:
    """Classify the targets by the limits of the rule: complete response, progression, partial response, stable disease."""
    rule, numbers = history.rule, history.numbers
    if not history.targets:
        return Outcome(None, "", {})
    sizes, now, baseline = history.sizes[-1], history.sums[-1], history.sums[0]
    problems = [one.problem for one in sizes if one.problem]
    if math.isnan(baseline) or baseline == 0.0:
        why = "; ".join(one.problem for one in history.sizes[0] if one.problem)
        why = why or f"the {rule.what} at baseline is 0 {rule.unit}, there is nothing to follow"
        return Outcome(Category.NE, why, numbers)
    back = [one for one in sizes if not one.gone and one.value > 0.0]
    if history.after_complete_response and back:
        names = " and ".join(f"{history.reading.name(one.lesion.uid)} ({show(one.value, rule.unit)})" for one in back)
        return Outcome(Category.PD, f"{names} {'is' if len(back) == 1 else 'are'} there again after complete response", numbers)
    position, smallest = history.smallest
    nadir_text = f"{show(smallest, rule.unit)} at {history.label(position)}"
    if not problems and all(one.gone for one in sizes):
        nodes = [f"{history.reading.name(one.lesion.uid)} is {one.remark}" for one in sizes if one.value > 0.0]
        return Outcome(Category.CR, "; ".join(["all targets gone", *nodes]), numbers)
    if _grows_enough(rule, smallest, history.measured_now):
        least = f"at least {_size(history, history.measured_now)} ({'; '.join(problems)})" if problems else _size(history, now)
        clause = f"{rule.what} {least}, {_growth(rule, smallest, history.measured_now)} over the nadir of {nadir_text}"
        return Outcome(Category.PD, clause, numbers)
    if problems:
        return Outcome(Category.NE, "; ".join(problems), numbers)
    change = percent_change(baseline, now)
    from_baseline = f"{show_change(change, -rule.partial_percent)} from {show(baseline, rule.unit)} at baseline"
    if at_least(-change, rule.partial_percent):
        return Outcome(Category.PR, f"{rule.what} {_size(history, now)}, {from_baseline}", numbers)
    clause = f"{rule.what} {_size(history, now)}, {from_baseline}"
    if now < smallest < baseline:
        clause += ", the smallest so far"
    elif position > 0:
        clause += f" and {_growth(rule, smallest, now)} over the nadir of {nadir_text}"
    if _grows_too_little(rule, smallest, now):
        clause += f"; growth under {show(rule.progression_absolute, rule.unit)} is no progression"
    return Outcome(Category.SD, clause, numbers)


def _grows_enough(rule: SizeRule, smallest: float, now: float) -> bool:
    """Return whether growth over the nadir is progression."""
    return _reaches_percent(rule, smallest, now) and at_least(now - smallest, rule.progression_absolute)


def _grows_too_little(rule: SizeRule, smallest: float, now: float) -> bool:
    """Return whether growth over the nadir reaches the percentage of progression, but not the length."""
    return _reaches_percent(rule, smallest, now) and not at_least(now - smallest, rule.progression_absolute)


def _reaches_percent(rule: SizeRule, smallest: float, now: float) -> bool:
    # Over a nadir of 0 any growth is more than every percentage.
    percent = math.inf if smallest == 0.0 and now > 0.0 else percent_change(smallest, now)
    return (at_least if rule.progression_includes_limit else above)(percent, rule.progression_percent)


def _growth(rule: SizeRule, smallest: float, now: float) -> str:
    """Growth in words: "+20.0 % and +5 mm"."""
    percent = percent_change(smallest, now)
    absolute = show(now - smallest, rule.unit, rule.progression_absolute, sign=True)
    return absolute if math.isnan(percent) else f"{show_change(percent, rule.progression_percent)} and {absolute}"


def _size(history: History, value: float) -> str:
    """The sum with what is special about its parts: "45 mm (L2: too small to measure, taken as 5 mm)"."""
    remarks = [f"{history.reading.name(one.lesion.uid)}: {one.remark}" for one in history.sizes[-1] if one.remark]
    return show(value, history.rule.unit) + (f" ({'; '.join(remarks)})" if remarks else "")


def _baseline(history: History) -> Assessment:
    rule = history.rule
    if not history.targets:
        text = "no targets"
    elif math.isnan(history.sums[0]):
        text = "; ".join(one.problem for one in history.sizes[0] if one.problem)
    else:
        count = len(history.targets)
        text = f"{rule.what} {_size(history, history.sums[0])} of {count} target{'s' if count > 1 else ''}"
    return replace(
        _assessment(rule, history.indices[0], Category.BASELINE, text),
        numbers=history.numbers if history.targets else {},
        measurements=keys_of(history.rows),
        notes=tuple(dict.fromkeys(note for one in history.sizes[0] for note in one.notes)),
    )


def _waiting(reading: Reading, selection: Selection, index: int) -> list[str]:
    """Clauses on lesions that nobody has decided on and that keep this examination's response from being told."""
    return [
        f"{reading.name(one.lesion.uid)} is not decided on ({one.reason})" for one in selection.undecided if one.undecided_since <= index
    ]


def _notes(history: History) -> tuple[str, ...]:
    """Sentences on single numbers, and on methods that changed since the baseline."""
    notes = [note for one in history.sizes[-1] for note in one.notes]
    first = {(row.lesion_uid, row.quantity): row.method for one in history.sizes[0] for row in one.rows if row.value > 0.0}
    for row in (row for one in history.sizes[-1] for row in one.rows if row.value > 0.0):
        method = first.get((row.lesion_uid, row.quantity), row.method)
        if not same_method(row.quantity, method, row.method):
            notes.append(
                f"{history.reading.name(row.lesion_uid)} was measured in another way ({row.method or 'not said how'}) "
                f"than at baseline ({method or 'not said how'}).",
            )
    return tuple(dict.fromkeys(notes))


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _assessment(rule: SizeRule, index: int, category: Category, reason: str) -> Assessment:
    return Assessment(rule.name, index, category, f"{category}: {reason}.")
