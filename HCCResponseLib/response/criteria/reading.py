"""A case as one reader measured it: which rows count, and what to tell where they are not plain.

Readers are never mixed within a criterion. Its rows come from one source: the chosen reader where he measured any of them in the
case, and the rows without a reader (what the program measured) where he measured none. Of several measurements of one thing by the
same source the latest counts, and a note says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...errors import InputError
from ..case import Case, Lesion
from ..finding import Finding, LesionState
from ..measurement import Measurement
from ..quantities import find_quantity
from .timeline import examination_label

__all__ = ["Reading", "choose_reader", "readers_of"]


def readers_of(case: Case) -> tuple[str, ...]:
    """Names of everybody who measured or found something, sorted; rows without a reader have none."""
    return tuple(sorted({one.reader for one in (*case.measurements, *case.findings)} - {""}))


def choose_reader(case: Case, reader: str | None) -> str:
    """Return the reader to use: the one asked for, else the only one, else "" where nobody is named.

    :raises InputError: several readers and none chosen, or one who measured nothing.
    """
    names = readers_of(case)
    if reader is None:
        if len(names) > 1:
            raise InputError(f"{len(names)} readers measured this case ({', '.join(names)}); choose one. Readers are never mixed.")
        return names[0] if names else ""
    if reader and reader not in names:
        raise InputError(f"Reader '{reader}' measured nothing in this case; known are {', '.join(names) or 'none'}.")
    return reader


@dataclass(frozen=True)
class Reading:
    """One reader's rows, by lesion and examination.

    :param case: what is read.
    :param reader: the chosen reader.
    :param source: reader whose rows are used: ``reader``, or "" where he measured none of the quantities.
    :param rows: the rows of ``source``, by lesion, examination, quantity and statistic.
    :param findings: by lesion and examination.
    :param notes: what holds for all rows.
    """

    case: Case
    reader: str
    source: str
    rows: dict[tuple[str, int, str, str], tuple[Measurement, ...]]
    findings: dict[tuple[str, int], Finding]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, case: Case, reader: str | None, quantities_of: Callable[[Lesion], Sequence[str]]) -> "Reading":
        """Gather the rows that a criterion uses.

        :param quantities_of: which quantities it uses of a lesion.
        :raises InputError: see :func:`choose_reader`.
        """
        reader = choose_reader(case, reader)
        used = {lesion.uid: set(quantities_of(lesion)) for lesion in case.lesions}
        measured = [row for row in case.measurements if row.quantity in used.get(row.lesion_uid, ())]
        source, notes = reader, ()
        if reader and measured and all(row.reader != reader for row in measured):
            source = ""
            names = dict.fromkeys(find_quantity(row.quantity).label for row in measured if not row.reader)
            if names:
                notes = (f"{', '.join(names)}: measured by the program, not by reader {reader}.",)
        rows: dict[tuple[str, int, str, str], list[Measurement]] = {}
        for row in measured:
            if row.reader == source:
                rows.setdefault((row.lesion_uid, row.time_point, row.quantity, row.statistic), []).append(row)
        own = [one for one in case.findings if one.reader == reader] or [one for one in case.findings if not one.reader]
        findings = {(one.lesion_uid, one.time_point): one for one in own}
        return cls(case, reader, source, {key: tuple(found) for key, found in rows.items()}, findings, notes)

    def row(self, lesion_uid: str, time_point: int, quantity: str, statistic: str = "") -> Measurement | None:
        """Return the measurement that counts: the latest, of equally late ones the last in the table; None without one."""
        rows = self.rows.get((lesion_uid, time_point, quantity, statistic), ())
        return max(enumerate(rows), key=lambda one: (one[1].measured_at, one[0]))[1] if rows else None

    def note(self, lesion_uid: str, time_point: int, quantity: str, statistic: str = "") -> str:
        """Say which of several measurements counts; empty where there is one."""
        count = len(self.rows.get((lesion_uid, time_point, quantity, statistic), ()))
        if count < 2:
            return ""
        row = self.row(lesion_uid, time_point, quantity, statistic)
        how = f" ({row.method})" if row.method else ""
        return (
            f"{find_quantity(quantity).label} of {self.name(lesion_uid)} at {examination_label(self.case, time_point)}: "
            f"the latest of {count} measurements{how} was used."
        )

    def state(self, lesion_uid: str, time_point: int) -> LesionState | None:
        """Return what the reader said of a lesion in an examination, or None."""
        finding = self.findings.get((lesion_uid, time_point))
        return finding.state if finding else None

    def others(self, lesion_uid: str, time_point: int, quantity: str) -> str:
        """Say who else measured it, for a source that did not; empty where nobody did."""
        who = {row.reader for row in self.case.find(lesion_uid=lesion_uid, time_point=time_point, quantity=quantity)} - {self.source}
        names = [f"reader {name}" if name else "the program" for name in sorted(who)]
        return f" (measured by {' and '.join(names)}, which is not mixed in)" if names else ""

    def name(self, lesion_uid: str) -> str:
        """What to call a lesion."""
        lesion = self.case.lesion(lesion_uid)
        return lesion.identifier if lesion and lesion.identifier else lesion_uid
