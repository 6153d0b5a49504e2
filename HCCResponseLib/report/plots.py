"""Plots of a case as SVG: waterfall, spider, swimmer, and a quantity over time."""

import math
from itertools import pairwise

from ..response.course import SUM, Event, EventKind, Spider, Swimmer, Waterfall
from ..response.criteria import Category
from ..response.lesion_grid import LesionGrid
from .colours import CATEGORY_COLOURS, GREY, INK, LINE_COLOURS
from .figure import figure_bytes, figure_text, new_figure

__all__ = ["grades_fit", "quantity_svg", "spider_svg", "swimmer_svg", "waterfall_svg"]

_MARKERS = "osD^vP"
_SMALL, _NORMAL = 7.0, 8.0
_LIMIT = dict(color="#7b8794", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
_WIDTH, _HEIGHT = 3.6, 1.78
"""Inches of a plot that takes half a page."""
_AXIS_POINTS = 140
"""Length of its axis of time, from the first mark to the last."""
_MARK_POINTS = 9.0
"""Room that a mark with a digit takes."""


def waterfall_svg(waterfall: Waterfall, *, limits: tuple[float, ...] = (), order: tuple[str, ...] = ()) -> bytes:
    """Draw a waterfall plot.

    :param limits: percent at which dashed lines are drawn.
    :param order: UIDs of the lesions in the order of the case, for their colours.
    """
    figure, axes = _plot(f"Best change of {_lower(waterfall.title)}", "change, %")
    values = [one.percent for one in waterfall.bars]
    for place, one in enumerate(waterfall.bars):
        colour = GREY if one.inside_repeatability else _colour(one.lesion_uid, order)[0]
        axes.bar(place, one.percent, width=0.62, color=colour, zorder=2)
        above = one.percent >= 0
        offset = (0, 2 if above else -2)
        axes.annotate(
            f"{one.percent:+.0f} %".replace("-", "−"),
            (place, one.percent),
            offset,
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=_SMALL,
            color=INK,
            bbox=dict(boxstyle="square,pad=0.08", facecolor="white", edgecolor="none"),
        )
    for limit in limits:
        axes.axhline(limit, **_LIMIT)
    axes.axhline(0, color=INK, linewidth=0.8, zorder=3)
    short = SUM if len(values) < 6 else "Sum"
    axes.set_xticks(range(len(values)), [figure_text(one.label if one.lesion_uid else short, 16) for one in waterfall.bars])
    if len(values) > 5:
        axes.tick_params(axis="x", rotation=35)
        for label in axes.get_xticklabels():
            label.set_ha("right")
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, max(len(values), 3) - 0.4)
    _room(axes, [*values, *limits, 0.0], 0.18)
    return figure_bytes(figure, "svg")


def spider_svg(spider: Spider, *, limits: tuple[float, ...] = (), order: tuple[str, ...] = ()) -> bytes:
    """Draw a spider plot; changes inside the repeatability have hollow grey markers."""
    figure, axes = _plot(f"Course of {_lower(spider.title)}", "change, %")
    for line in spider.lines:
        colour, marker = _colour(line.lesion_uid, order)
        is_sum = line.label == SUM and not line.lesion_uid
        x, y = [one.x for one in line.points], [one.percent for one in line.points]
        axes.plot(x, y, color=colour, linewidth=2.2 if is_sum else 1.4, zorder=3 if is_sum else 2)
        for one in line.points:
            edge, face = (GREY, "white") if one.inside_repeatability and one.percent else (colour, colour)
            axes.plot(one.x, one.percent, marker, markersize=5, markerfacecolor=face, markeredgecolor=edge, zorder=4)
    for limit in limits:
        axes.axhline(limit, **_LIMIT)
    axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
    axes.set_xlabel(spider.x_label, fontsize=_NORMAL, color=INK)
    _ticks(axes, sorted({point.x for one in spider.lines for point in one.points}))
    _room(axes, [*(point.percent for one in spider.lines for point in one.points), *limits, 0.0], 0.08)
    last = [(line.points[-1], line) for line in spider.lines]
    _names_at_the_end(axes, [(one.x, one.percent, line.label, _colour(line.lesion_uid, order)[0]) for one, line in last])
    return figure_bytes(figure, "svg")


def quantity_svg(grid: LesionGrid, *, order: tuple[str, ...] = ()) -> bytes:
    """Draw the values of a quantity over time; beside an ADC stands the T1 grade, and changes inside the repeatability are grey."""
    weeks = {one.time_point: one.week for one in grid.columns}
    by_week = None not in weeks.values()
    figure, axes = _plot(f"{grid.quantity.label}{f' ({grid.statistic})' if grid.statistic else ''}", grid.unit or grid.quantity.label)
    courses = []
    for row in grid.rows:
        points = [
            ((weeks[one.time_point] if by_week else one.time_point), one.value * grid.quantity.display_factor, one)
            for one in row.cells
            if not math.isnan(one.value)
        ]
        if points and not row.excluded:
            courses.append((row, points))
    graded = any(cell.t1_grade is not None for _row, points in courses for _x, _y, cell in points)
    ends = []
    for number, (row, points) in enumerate(courses):
        colour, marker = _colour(row.lesion.uid, order)
        # Marks with a grade inside are large; lesions stand beside each other, so that none hides another's grade.
        style = dict(transform=_moved(axes, _MARK_POINTS * (number - (len(courses) - 1) / 2) if graded else 0.0), clip_on=False)
        axes.plot([x for x, _y, _cell in points], [y for _x, y, _cell in points], color=colour, linewidth=1.4, zorder=2, **style)
        for x, y, cell in points:
            edge, face = (GREY, "white") if cell.inside_repeatability else (colour, colour)
            mark = dict(markersize=9 if graded else 5, markerfacecolor=face, markeredgecolor=edge)
            axes.plot(x, y, "o" if graded else marker, zorder=4, **mark, **style)
            if cell.t1_grade is not None:
                ink = INK if cell.inside_repeatability else "white"
                axes.text(x, y, f"{cell.t1_grade}", ha="center", va="center_baseline", fontsize=6.5, color=ink, zorder=5, **style)
        ends.append((points[-1][0], points[-1][1], row.name, colour))
    used = [x for _row, points in courses for x, _y, _cell in points]
    values = [y for _row, points in courses for _x, y, _cell in points]
    axes.set_xlabel("weeks from baseline" if by_week else "examination", fontsize=_NORMAL, color=INK)
    _ticks(axes, sorted(set(used)))
    if used:
        # What is moved does not count when matplotlib scales its axes.
        room = (0.1 if graded else 0.05) * ((max(used) - min(used)) or 1.0)
        axes.set_xlim(min(used) - room, max(used) + room)
    _room(axes, [*values, 0.0], 0.12)
    _names_at_the_end(axes, ends, offset=4 + 5 * len(courses) if graded else 7)
    return figure_bytes(figure, "svg")


def grades_fit(grid: LesionGrid) -> bool:
    """Return whether marks with the T1 grade inside find room beside each other; True for quantities without grades."""
    rows = [row for row in grid.rows if any(not math.isnan(one.value) for one in row.cells) and not row.excluded]
    if not any(one.t1_grade is not None for row in rows for one in row.cells):
        return True
    weeks = [one.week for one in grid.columns]
    places = [float(one.time_point) for one in grid.columns] if None in weeks else weeks
    gap = min((after - before for before, after in pairwise(places)), default=1.0)
    span = (places[-1] - places[0]) or 1.0
    return gap / span * _AXIS_POINTS > _MARK_POINTS * len(rows)


def swimmer_svg(swimmer: Swimmer) -> bytes:
    """Draw a swimmer plot: criteria with their categories, lesions with what was found, treatments below the axis of time."""
    lanes, rows = swimmer.lanes, len(swimmer.lanes) + bool(swimmer.treatments)
    height = 0.85 + 0.185 * rows
    figure = new_figure(_WIDTH * 2 + 0.1, height)
    axes = figure.add_axes((0.14, 0.5 / height, 0.84, 1 - 0.8 / height))
    figure.text(0.006, 1 - 0.08 / height, "Course of the case", fontsize=8.5, fontweight="bold", color=INK, va="top")
    ticks = sorted({place for place, _label in swimmer.ticks})
    span = (ticks[-1] - ticks[0]) or 1.0
    criteria = sum(1 for one in lanes if not one.lesion_uid)
    for number, lane in enumerate(lanes):
        y = rows - 1 - number
        axes.plot([lane.start, lane.stop], [y, y], color="#e4e7eb", linewidth=7, solid_capstyle="round", zorder=1)
        found: dict[float, list[Event]] = {}
        for event in lane.events:
            if event.kind is EventKind.CATEGORY:
                _box(axes, event.x, y, str(event.category), *CATEGORY_COLOURS[event.category or Category.NE])
            else:
                found.setdefault(event.x, []).append(event)
        for x, events in found.items():
            _events(axes, x, y, events, to_the_left=x > ticks[0] + 0.6 * span)
    for number, treatment in enumerate(swimmer.treatments):
        colour = ("#b9d4e8", "#f3d8bf", "#cfe5dc")[number % 3]
        axes.barh(0, treatment.stop - treatment.start, left=treatment.start, height=0.62, color=colour, zorder=1)
        middle = (treatment.start + treatment.stop) / 2
        most = max(6, int(95 * (treatment.stop - treatment.start) / span))
        axes.text(middle, 0, figure_text(treatment.label, most), ha="center", va="center", fontsize=6.5, color=INK, clip_on=True)
    names = [figure_text(one.label, 18) for one in lanes] + (["treatment"] if swimmer.treatments else [])
    axes.set_yticks(range(rows - 1, -1, -1), names, fontsize=_NORMAL, color=INK)
    axes.tick_params(axis="y", length=0)
    if 0 < criteria < rows:
        axes.axhline(rows - criteria - 0.5, color="#cbd2d9", linewidth=0.8)
    if swimmer.treatments and len(lanes) > criteria:
        axes.axhline(0.5, color="#cbd2d9", linewidth=0.8)
    axes.set_ylim(-0.6, rows - 0.4)
    axes.set_xlim(ticks[0] - 0.03 * span, ticks[-1] + 0.05 * span)
    for tick in ticks:
        axes.axvline(tick, color="#e4e7eb", linewidth=0.7, zorder=0)
    _ticks(axes, ticks)
    axes.set_xlabel(swimmer.x_label, fontsize=_NORMAL, color=INK)
    _clean(axes, left=False)
    return figure_bytes(figure, "svg")


def _plot(title: str, y_label: str):
    figure = new_figure(_WIDTH, _HEIGHT)
    axes = figure.add_axes((0.145, 0.23, 0.665, 0.61))
    figure.text(0.012, 0.965, figure_text(title, 70), fontsize=8.5, fontweight="bold", color=INK, va="top")
    axes.set_ylabel(figure_text(y_label, 40), fontsize=_NORMAL, color=INK)
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.7, zorder=0)
    _clean(axes)
    return figure, axes


def _clean(axes, *, left: bool = True) -> None:
    axes.set_axisbelow(True)
    for side in ("top", "right") + (() if left else ("left",)):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#9aa5b1")
    axes.tick_params(labelsize=_SMALL, colors=INK, color="#9aa5b1")


def _ticks(axes, places: list[float]) -> None:
    """A tick for each examination, without those that would run into their neighbours."""
    if not places:
        return
    gap = (places[-1] - places[0]) / 14
    kept: list[float] = []
    for place in places:
        if not kept or place - kept[-1] >= gap:
            kept.append(place)
    axes.set_xticks(kept, [f"{one:.1f}".removesuffix(".0") for one in kept])


def _room(axes, values: list[float], part: float) -> None:
    low, high = min(values), max(values)
    room = part * ((high - low) or 1.0)
    axes.set_ylim(low - (room if low < 0 else 0.0), high + room)


def _names_at_the_end(axes, ends: list[tuple[float, float, str, str]], offset: float = 7) -> None:
    """Names at the ends of lines, moved apart where they would cover each other."""
    if not ends:
        return
    low, high = axes.get_ylim()
    least = 0.105 * (high - low)
    last = max(one[0] for one in ends)
    ends = sorted(ends, key=lambda one: one[1])
    places: list[float] = []
    for _x, y, _name, _colour in ends:
        places.append(max(y, places[-1] + least) if places else y)
    top = high
    for number in reversed(range(len(places))):
        places[number] = min(places[number], top)
        top = places[number] - least
    for (_x, _y, name, colour), place in zip(ends, places, strict=True):
        axes.annotate(
            figure_text("Sum" if name == SUM else name, 12),
            (last, place),
            (offset, 0),
            textcoords="offset points",
            va="center",
            fontsize=_SMALL,
            color=colour,
            annotation_clip=False,
        )


def _events(axes, x: float, y: float, events: list[Event], *, to_the_left: bool) -> None:
    """Symbols of what happened at one examination, side by side, and their words beside them."""
    side = -1 if to_the_left else 1
    for place, event in enumerate(events):
        symbol, colour = {EventKind.SIGNAL_RISE: ("^", "#0072b2"), EventKind.NECROSIS: ("D", "#c24e00")}.get(event.kind, ("o", INK))
        axes.plot(x, y, symbol, color=colour, markersize=4.2, zorder=4, transform=_moved(axes, side * 7 * place))
    axes.annotate(
        figure_text(", ".join(one.label for one in events), 60),
        (x, y),
        (side * 7 * len(events), 0),
        textcoords="offset points",
        va="center_baseline",
        ha="right" if to_the_left else "left",
        fontsize=6.5,
        color=INK,
        zorder=5,
    )


def _moved(axes, points: float):
    """Transform of the data, moved to the right by so many points."""
    from matplotlib.transforms import ScaledTranslation

    return axes.transData + ScaledTranslation(points / 72, 0, axes.figure.dpi_scale_trans)


def _box(axes, x: float, y: float, text: str, background: str, colour: str) -> None:
    edge = "#52606d" if background == "#ffffff" else background
    style = dict(boxstyle="round,pad=0.25", facecolor=background, edgecolor=edge, linewidth=0.6)
    axes.text(x, y, text, ha="center", va="center", fontsize=6.5, fontweight="bold", color=colour, bbox=style, zorder=4)


def _colour(lesion_uid: str, order: tuple[str, ...]) -> tuple[str, str]:
    """Colour and marker of a lesion; the sum has ink."""
    if not lesion_uid:
        return INK, "o"
    number = order.index(lesion_uid) if lesion_uid in order else 0
    return LINE_COLOURS[number % len(LINE_COLOURS)], _MARKERS[(number + number // len(LINE_COLOURS)) % len(_MARKERS)]


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
