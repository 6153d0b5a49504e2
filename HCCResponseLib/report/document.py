"""The report of a case as one HTML page that loads nothing."""

import base64
import functools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from ..errors import InputError
from ..progress import Progress, report_progress
from ..response.case import Case, Image
from ..response.course import spider, swimmer, waterfall
from ..response.criteria import CaseAssessment, examination_label, week_of
from ..response.lesion_grid import LesionGrid
from ..version import __version__
from .colours import CATEGORY_COLOURS, PART_COLOURS
from .figure import require_packages
from .lesion_picture import LesionPicture
from .parts import hidden_sentences, part_grids
from .picture_drawing import picture_png
from .plots import grades_fit, quantity_svg, spider_svg, swimmer_svg, waterfall_svg
from .sections import (
    MAIN_CRITERIA,
    answer_of,
    caution_sentences,
    course_rows,
    criterion_rows,
    grids_of,
    key_grids,
    lesion_table,
    method_rows,
    method_warnings,
    program_note,
    t1_grade_text,
    treatment_text,
)
from .text import plain_text

__all__ = ["Plot", "report_html"]

_TEMPLATE = "report.html.j2"
_COURSES = (("LONG_AXIS", "RECIST 1.1"), ("VIABLE_DIAMETER", "mRECIST"), ("VOLUME", "Volume (exploratory)"))
_LIMITS = (-30.0, 20.0)
_MOST_COLUMNS = 4
"""Examinations that find room with their changes beside their values; with more the changes stand below."""
_LONG_NAME = 16
"""Characters of a lesion's name that find room where two tables stand beside each other."""
_OVER_TIME = ("ADC", "KTRANS", "VIABLE_VOLUME", "NECROTIC_FRACTION", "VOLUME", "LONG_AXIS")


@dataclass(frozen=True)
class Plot:
    """A drawn plot: data URI, description in words, and what it leaves out."""

    uri: str
    text: str
    notes: tuple[str, ...] = ()
    wide: bool = False


@dataclass(frozen=True)
class _Picture:
    """A drawn picture; an ADC map has its T1 grade below it, and is withheld where there is none (no ``uri``)."""

    uri: str
    text: str
    below: str = ""


@dataclass(frozen=True)
class _PictureRow:
    """Pictures of one examination, one for each title; None where there is none."""

    label: str
    pictures: tuple[_Picture | None, ...]


@dataclass(frozen=True)
class _PictureTable:
    titles: tuple[str, ...]
    rows: tuple[_PictureRow, ...]
    legend: tuple[tuple[str, str], ...]


def report_html(
    case: Case,
    assessment: CaseAssessment,
    *,
    pictures: Iterable[LesionPicture] = (),
    deidentified: bool = False,
    warnings: Sequence[str] = (),
    progress: Progress | None = None,
) -> str:
    """Return the report.

    :param assessment: of the same case.
    :param pictures: of its lesions.
    :param deidentified: the case has no name, identifiers and dates, and the report says so.
    :param warnings: sentences to print beside the report's own.
    :raises InputError: matplotlib or Jinja2 is not installed, or a picture belongs to no lesion or examination of the case.
    :raises Cancelled: ``progress`` returned False.
    """
    require_packages("matplotlib", "jinja2")
    pictures = tuple(pictures)
    _check(case, pictures)
    reader = assessment.reader
    grids = grids_of(case, reader)
    parts = part_grids(case, reader)
    columns = tuple((one, examination_label(case, one.index)) for one in case.time_points)
    drawn = _draw(pictures, progress)
    lesions = []
    for lesion in case.lesions:
        own = [(picture, uri) for picture, uri in drawn if picture.lesion_uid == lesion.uid]
        table = _picture_table(case, grids, own)
        lesions.append(lesion_table(case, assessment, grids, lesion, (table,) if table else ()))
    plots = _plots(case, assessment, grids) if len(case.time_points) > 1 else ()
    report_progress(progress, 0.95)
    weeks = [week_of(case, one.index) for one in case.time_points]
    found = {one.lesion_uid for one in case.findings}
    page = _environment().get_template(_TEMPLATE).render(
        case=case,
        assessment=assessment,
        answer=answer_of(case, assessment, grids),
        columns=columns,
        criteria=criterion_rows(case, assessment),
        key_grids=key_grids(grids),
        part_grids=[(one, one.rows) for one in parts.values()],
        grids=grids,
        lesions=[one for one in lesions if one.rows or one.pictures or one.lesion.uid in found],
        plots=plots,
        courses=course_rows(case, assessment, grids),
        cautions=caution_sentences(case, assessment, grids),
        methods=method_rows(grids) + method_rows(parts, "Parts of lesions: "),
        sources=SOURCES,
        main_criteria=MAIN_CRITERIA,
        warnings=_warnings(case, assessment, grids, parts, pictures, warnings),
        weeks=weeks,
        images=lambda index: Counter(_role(one) for one in case.images if one.time_point == index).items(),
        graded="ADC" in grids and grades_fit(grids["ADC"]),
        proposed="ADC" in grids and any(cell.t1_grade_proposed for row in grids["ADC"].rows for cell in row.cells),
        treatment=treatment_text,
        week_of=week_of,
        label=lambda index: examination_label(case, index),
        category_colours=CATEGORY_COLOURS,
        deidentified=deidentified,
        dense=len(columns) > _MOST_COLUMNS,
        long_names=any(len(one.identifier) > _LONG_NAME for one in case.lesions),
        # The day of the report would tell when the patient was examined.
        made="" if deidentified else datetime.now().astimezone().strftime("%Y-%m-%d"),
        version=__version__,
    )
    report_progress(progress, 1.0)
    return page


def _role(image: Image) -> str:
    return image.role.title if image.role else "not named"


@functools.cache
def _environment():
    """Jinja2 with our folder of templates; everything that is not ours is escaped, and made plain text first."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files(__package__.rpartition(".")[0]).joinpath("Resources", "report")

    def load(name: str) -> str:
        try:
            return folder.joinpath(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError(f"The template {name} is missing; the installation is not complete, install HCCResponse again.") from None

    environment = Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    environment.filters["css_text"] = _css_text
    environment.filters["clip"] = plain_text
    environment.filters["initial"] = lambda text: text[:1].upper() + text[1:]
    return environment


def _plain(value):
    """Text without what cannot be seen; data URIs are ours and long, and what a macro made is escaped already."""
    if not isinstance(value, str) or hasattr(value, "__html__") or isinstance(value, _Uri):
        return "" if value is None else value
    return plain_text(value)


class _Uri(str):
    """A data URI: base64 of a picture that was drawn here."""

    __slots__ = ()


def _css_text(text: str) -> str:
    """Text for a quoted string in a style sheet: every character but letters and digits by its number."""
    return "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):06x}" for c in plain_text(text, 80))


def _uri(content: bytes, kind: str) -> _Uri:
    return _Uri(f"data:image/{kind};base64,{base64.b64encode(content).decode()}")


def _check(case: Case, pictures: tuple[LesionPicture, ...]) -> None:
    indices = {one.index for one in case.time_points}
    for picture in pictures:
        if case.lesion(picture.lesion_uid) is None or picture.time_point not in indices:
            raise InputError(
                f"The picture '{picture.title[:60]}' belongs to lesion {picture.lesion_uid[:64]} at time point {picture.time_point}, "
                "which the case does not have; make the pictures again from this case.",
            )


def _draw(pictures: tuple[LesionPicture, ...], progress: Progress | None) -> list[tuple[LesionPicture, _Uri]]:
    drawn = []
    for number, picture in enumerate(pictures):
        report_progress(progress, 0.85 * number / len(pictures))
        drawn.append((picture, _uri(picture_png(picture), "png")))
    return drawn


def _picture_table(case: Case, grids: dict[str, LesionGrid], drawn: list[tuple[LesionPicture, _Uri]]) -> _PictureTable | None:
    """Examinations below each other, what the pictures show beside each other; of two of the same place the last."""
    if not drawn:
        return None
    titles = tuple(dict.fromkeys(picture.title for picture, _uri in drawn))
    places = {(picture.time_point, picture.title): (picture, uri) for picture, uri in drawn}
    rows = []
    for index in sorted({time_point for time_point, _title in places}):
        label = examination_label(case, index)
        found = [places.get((index, title)) for title in titles]
        rows.append(
            _PictureRow(label, tuple(_shown_picture(grids, *one, label) if one else None for one in found)),
        )
    legend = {one.label: one.colour for picture, _uri in drawn for one in picture.overlays}
    order = [*PART_COLOURS, *legend]
    return _PictureTable(titles, tuple(rows), tuple(sorted(legend.items(), key=lambda one: order.index(one[0]))))


def _shown_picture(grids: dict[str, LesionGrid], picture: LesionPicture, uri: _Uri, label: str) -> _Picture:
    text = f"{picture.title}, {label}"
    if not picture.title.startswith("ADC"):
        return _Picture(uri, text)
    grade = t1_grade_text(grids, picture.lesion_uid, picture.time_point)
    return _Picture(uri, text, grade) if grade else _Picture("", text, "T1 grade missing")


def _plots(case: Case, assessment: CaseAssessment, grids: dict[str, LesionGrid]) -> tuple[Plot, ...]:
    reader = assessment.reader
    order = tuple(one.uid for one in case.lesions)
    plots = []
    for draw, gather, what in ((waterfall_svg, waterfall, "Best change of each lesion"), (spider_svg, spider, "Change over time")):
        made = 0
        for quantity, criterion in _COURSES:
            if quantity not in grids or made == 2:
                continue
            course = gather(case, quantity, reader=reader, result=assessment.criteria.get(criterion))
            if course.bars if gather is waterfall else course.lines:
                limits = _LIMITS if criterion in MAIN_CRITERIA else ()
                picture = _uri(draw(course, limits=limits, order=order), "svg+xml")
                plots.append(Plot(picture, f"{what}: {course.title}", course.missing if gather is waterfall else ()))
                made += 1
    # The exploratory criteria stand in the table; here they would hide the rest.
    shown = [name for name in assessment.criteria if name in MAIN_CRITERIA] or list(assessment.criteria)
    picture = _uri(swimmer_svg(swimmer(case, assessment, criteria=shown)), "svg+xml")
    plots.append(Plot(picture, "Categories, findings and treatment over time", wide=True))
    shown = [key for key in _OVER_TIME if key in grids and _has_numbers(grids[key]) and grades_fit(grids[key])][:4]
    plots += [Plot(_uri(quantity_svg(grids[key], order=order), "svg+xml"), f"{grids[key].title} over time") for key in shown]
    return tuple(plots)


def _has_numbers(grid: LesionGrid) -> bool:
    return any(not math.isnan(cell.value) and not row.excluded for row in grid.rows for cell in row.cells)


def _warnings(
    case: Case,
    assessment: CaseAssessment,
    grids: dict[str, LesionGrid],
    parts: dict[str, LesionGrid],
    pictures: tuple[LesionPicture, ...],
    more: Sequence[str],
) -> tuple[str, ...]:
    found = [*more, *assessment.notes]
    found += filter(None, [program_note(grids, assessment.reader)])
    found += [*method_warnings(grids), *method_warnings(parts)]
    found += hidden_sentences(case, assessment.reader)
    if any(week_of(case, one.index) is None for one in case.time_points):
        found.append("The weeks of some examinations are not known; plots number the examinations instead.")
    if pictures:
        shown = {one.lesion_uid for one in pictures}
        found += [f"There are no pictures of {one.identifier or one.uid}." for one in case.lesions if one.uid not in shown]
    return tuple(dict.fromkeys(found))


SOURCES = (
    (
        "RECIST 1.1",
        "Eisenhauer et al., Eur J Cancer 2009;45:228. Longest diameters (nodes: short axis); PR −30 %, PD +20 % and 5 mm over the nadir.",
    ),
    (
        "mRECIST",
        "Lencioni and Llovet, Semin Liver Dis 2010;30:52. The same limits on the longest arterially enhancing (viable) diameters.",
    ),
    ("EASL", "Bruix et al., J Hepatol 2001;35:421. Products of enhancing diameters; PR −50 %, PD more than +25 %."),
    ("WHO", "Miller et al., Cancer 1981;47:207. The limits of EASL on products of whole-lesion diameters."),
    ("MD Anderson (bone)", "As used for bone metastases of liver cancer by Lee, Yoo et al., Sci Rep 2021;11:10459. PR −50 %, PD +25 %."),
    ("Choi (exploratory on MRI)", "Choi et al., J Clin Oncol 2007;25:1753. Made for CT; enhancement stands in for density."),
    ("Volume (exploratory)", "Limits of RECIST 1.1 carried over to a sphere: PR −65.7 %, PD +72.8 %."),
    ("Viable volume (exploratory)", "The same limits on the volume of viable tumour."),
    (
        "Signal grades, necrosis",
        "Horger et al., BMC Cancer 2009;9:208, after van den Bos. Classes of necrosis: none, (0, 25), [25, 50), [50, 75), [75, 100] %.",
    ),
)
"""Where each criterion comes from, and its limits in a few words."""
