"""What the age of haemorrhage may be, from the signal grades of a lesion on T1 and T2 after the start of therapy.

Blood in dying tumour changes its signal as haemoglobin is broken down. The hint says when each pair of signals is expected
after therapy start, with the two sources side by side; they do not agree to the day. It is a hint, not a measurement.
"""

import math
from dataclasses import dataclass

from ..errors import InputError

__all__ = ["HORGER", "SECOND_REVIEW", "TimingHint", "timing_hint"]

HORGER = "Horger et al., BMC Cancer 2009;9:208"
SECOND_REVIEW = "Clin Mol Hepatol 2014;20:218"


@dataclass(frozen=True)
class TimingHint:
    """Expected age of a pair of signals.

    :param pattern: the two signals in words.
    :param substance: what gives these signals.
    :param from_day: first day after therapy start on which the first source expects it.
    :param until_day: last such day; None if open.
    :param sources: what each source says: pairs of sentence and citation.
    :param agrees: whether the day of the examination fits the first source; None if the day is not known.
    :param sentence: the hint for the reader.
    """

    pattern: str
    substance: str
    from_day: int
    until_day: int | None
    sources: tuple[tuple[str, str], ...]
    agrees: bool | None
    sentence: str


_HINTS = {
    (False, False): (
        "T1 low, T2 low",
        "deoxyhaemoglobin, acute",
        (1, 3),
        (("Low signal on T1 and T2 is expected on days 1 to 3: deoxyhaemoglobin in acute haemorrhage.", HORGER),),
    ),
    (True, False): (
        "T1 high, T2 low",
        "intracellular methaemoglobin",
        (4, None),
        (
            ("High signal on T1 with low signal on T2 is expected after day 3: methaemoglobin inside red cells.", HORGER),
            ("High signal on T1 with low signal on T2 belongs to the first week.", SECOND_REVIEW),
        ),
    ),
    (True, True): (
        "T1 high, T2 high",
        "extracellular methaemoglobin",
        (8, None),
        (
            ("High signal on T1 and T2 is expected after day 7: methaemoglobin outside red cells.", HORGER),
            ("High signal on T1 and T2 belongs to the first weeks.", SECOND_REVIEW),
        ),
    ),
}


def timing_hint(t1_grade: int, t2_grade: int, day: float | None = None) -> TimingHint | None:
    """Return the hint for a pair of signal grades.

    :param t1_grade: grade 1 to 5 on T1; 1 and 2 are low, 4 and 5 high.
    :param t2_grade: grade 1 to 5 on T2.
    :param day: days from the start of therapy to the examination, the day of the start being 0; None if not known.
    :return: None where the pair says nothing of haemorrhage: a grade of 3, T1 low with T2 high (as most untreated tumours),
        or an examination before therapy.
    :raises InputError: a grade is not 1 to 5, or the day is not a number.
    """
    for name, grade in (("T1", t1_grade), ("T2", t2_grade)):
        if grade not in (1, 2, 3, 4, 5):
            raise InputError(f"A signal grade is 1, 2, 3, 4 or 5; on {name} it is {grade}.")
    if day is not None and math.isnan(day):
        raise InputError("The day of the examination is not a number.")
    if 3 in (t1_grade, t2_grade) or (day is not None and day < 0):
        return None
    hint = _HINTS.get((t1_grade > 3, t2_grade > 3))
    if hint is None:
        return None
    pattern, substance, (first, last), sources = hint
    agrees = None
    expected = f"on days {first} to {last}" if last else f"later than day {first - 1}"
    sentence = f"{pattern}: {substance}, expected {expected} after therapy start ({sources[0][1]})"
    if day is not None:
        agrees = day > first - 1 and (last is None or day <= last)
        sentence += f"; day {day:g} {'fits' if agrees else 'does not fit'}"
    # The second source is told for itself: what fits the first need not fit it.
    sentence = " ".join([f"{sentence}.", *(f"{text.removesuffix('.')} ({source})." for text, source in sources[1:])])
    return TimingHint(pattern, substance, first, last, sources, agrees, sentence)
