"""The trunk of the reference patient: skin, fat, muscles, ribs, spine and aorta."""

from functools import cache

from .solids import Solid, column, ellipsoid, half_space, layer, tube
from .structure import TRUNK, Structure

__all__ = ["aorta", "cavity", "trunk"]

_ENDLESS = 1000.0


@cache
def cavity() -> Solid:
    """Chest and abdomen inside the wall."""
    return column((0, -5), (139, 84), 2.5)


def trunk() -> list[Structure]:
    """Everything from the skin to the cavity, and the spine."""
    return [*_wall(), *_ribs(), *_back(), *_vertebrae()]


def aorta() -> list[Structure]:
    """Wall and blood; the branches move with the organs they feed."""
    course = ((16, 30, 200), (15, 28, 60), (11, 24, 0), (8, 24, -60), (7, 25, -200))
    return [
        _fixed("muscle", tube(course, (12, 12, 11.6, 11, 11)), fine=True),
        _fixed("aortic blood", tube(course, (11, 11, 10.6, 10, 10)), fine=True),
    ]


def _fixed(tissue: str, solid: Solid, over: tuple[str, ...] | None = None, fine: bool = False) -> Structure:
    return Structure(tissue, solid, TRUNK, over, fine)


def _wall() -> list[Structure]:
    groove = column((0, 122), (16, 12))
    body = column((0, 3), (166, 110), 2.3).without(groove, 24).uneven(2.0, 140, seed=11)
    muscles = column((0, -3), (150, 95), 2.4)
    for side in (-1, 1):
        muscles = muscles.joined(ellipsoid((36 * side, 80, 0), (34, 23, _ENDLESS)), 8)
    # fat between the layers of the flank
    seam = layer(column((0, -4), (145, 90), 2.45), 1.4).uneven(1.2, 40, seed=14)
    flank = half_space((0, 1, 0), (0, 45, 0)).within(half_space((0, -1, 0), (0, -62, 0)))
    white_line = column((0, -97), (5, 9))
    return [
        _fixed("skin", body),
        _fixed("subcutaneous fat", body.grown(-2.2).uneven(0.5, 30, seed=12)),
        _fixed("muscle", muscles.uneven(2.2, 60, seed=13)),
        _fixed("visceral fat", cavity()),
        _fixed("subcutaneous fat", white_line, over=("muscle",)),
        _fixed("subcutaneous fat", seam.within(flank), over=("muscle",)),
    ]


def _ribs() -> list[Structure]:
    margin = half_space((0, -0.75, -1), (0, -30, -46))
    breast = half_space((0, 1, 0), (0, -62, 0)).within(column((0, 0), (74, 300)))
    bony = margin.without(breast)
    return [
        _fixed("cortical bone", _rib_cage(4.4, 6.4).within(bony), over=("muscle", "subcutaneous fat"), fine=True),
        _fixed("marrow", _rib_cage(3.0, 5.0).within(bony), over=("cortical bone",), fine=True),
    ]


def _rib_cage(thickness_mm: float, height_mm: float) -> Solid:
    """Bands round the wall, 27 mm apart, that run down as they come forward; half thickness and half height."""
    middle = column((0, -4), (144, 89), 2.45)

    def depth(x, y, z):
        across = (z - 0.62 * y + 0.05 * abs(x) + 400.0) % 27.0 - 13.5
        radial = middle.depth(x, y, z) / thickness_mm
        return ((radial * radial + (across / height_mm) ** 2) ** 0.5 - 1) * thickness_mm

    return Solid(depth, (-160, -100, -_ENDLESS), (160, 100, _ENDLESS))


def _back() -> list[Structure]:
    """Muscles along the spine and the crura of the diaphragm."""
    erector = ellipsoid((-37, 80, 0), (27, 17, _ENDLESS)).joined(ellipsoid((37, 80, 0), (27, 17, _ENDLESS)))
    cleft = tube(((-58, 84, -200), (-58, 84, 200)), (2.6, 2.6)).joined(tube(((58, 84, -200), (58, 84, 200)), (2.6, 2.6)))
    psoas = [tube(((27 * side, 42, -10), (36 * side, 50, -60), (42 * side, 50, -110)), (3, 12, 17)) for side in (-1, 1)]
    right_crus = tube(((-16, 34, -70), (-11, 24, -20), (-9, 18, 30), (-12, 12, 90)), (4, 5, 4, 3))
    left_crus = tube(((24, 36, -70), (26, 27, -20), (22, 12, 20), (14, 4, 60)), (3.5, 4, 3, 2.5))
    return [
        _fixed("muscle", erector),
        _fixed("subcutaneous fat", cleft),
        _fixed("subcutaneous fat", column((0, 99), (3.2, 16))),
        _fixed("visceral fat", layer(ellipsoid((0, 60, 0), (58, 30, _ENDLESS)), 2.0), over=("muscle",)),
        *(_fixed("muscle", solid) for solid in (*psoas, right_crus, left_crus)),
    ]


def _vertebrae() -> list[Structure]:
    section = (0, 53)
    spine = [_fixed("cortical bone", column(section, (24.5, 18.5), 2.4)), _fixed("marrow", column(section, (23, 17), 2.4))]
    for disc in (-77, -42, -7, 28, 63):
        spine += [
            _fixed("cortical bone", column(section, (24.5, 18.5), 2.4, (disc - 5.5, disc + 5.5))),
            _fixed("disc", column(section, (23.5, 17.5), 2.4, (disc - 4.2, disc + 4.2))),
            # the basivertebral vein, half-way between two discs
            _fixed("systemic vein", tube(((0, 72, disc + 17), (0, 58, disc + 17)), (1.8, 1.0)), fine=True),
        ]
        level = disc + 12
        arches = [
            (((12 * side, 68, level), (13 * side, 79, level), (7 * side, 87, level - 4)), (5.5, 5, 4), (4, 3.4, 2.4)) for side in (-1, 1)
        ]
        processes = [(((13 * side, 79, level), (36 * side, 84, level + 2)), (4.5, 3.2), (3.0, 1.8)) for side in (-1, 1)]
        spinous = (((0, 87, level - 4), (0, 103, level - 16)), (3.6, 4), (2.2, 2.6))
        for course, outer, inner in (*arches, *processes, spinous):
            spine += [_fixed("cortical bone", tube(course, outer)), _fixed("marrow", tube(course, inner))]
    canal = (
        ("visceral fat", ellipsoid((0, 79, 0), (12.5, 9.5, _ENDLESS))),
        ("spinal fluid", ellipsoid((0, 78, 0), (10, 7.6, _ENDLESS))),
        ("spinal cord", ellipsoid((0, 78.5, 0), (4.6, 3.6, _ENDLESS))),
    )
    return spine + [_fixed(tissue, solid) for tissue, solid in canal]
