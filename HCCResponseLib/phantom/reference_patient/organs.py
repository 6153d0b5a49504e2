"""The organs of the reference patient's chest and abdomen."""

from functools import cache

import numpy as np

from .solids import Solid, column, ellipsoid, half_space, layer, tube
from .structure import TRUNK, Structure
from .trunk import cavity
from .vessels import hepatic_veins, portal_veins

__all__ = ["adrenal_glands", "arteries_and_veins", "chest", "digestive_tract", "kidneys", "liver", "liver_and_vessels", "spleen"]

_EVERYWHERE = (-1000.0,) * 3, (1000.0,) * 3


@cache
def liver() -> Solid:
    """The liver with its veins and lesions."""
    right = ellipsoid((-64, 2, 0), (70, 78, 80), tilt_deg=-6)
    left = ellipsoid((4, -48, 24), (76, 31, 37), turn_deg=8).joined(ellipsoid((-20, -42, 10), (40, 38, 42)), 20)
    caudate = ellipsoid((-6, 10, 22), (17, 15, 24))
    whole = right.joined(left, 34).joined(caudate, 10)
    for impression, seam_mm in (
        (ellipsoid((-52, 62, -58), (36, 38, 54)), 16),  # right kidney
        (ellipsoid((18, 4, -34), (56, 44, 52)), 18),  # stomach, duodenum and hilum
        (ellipsoid((-46, -62, -52), (20, 30, 34), tilt_deg=20), 12),  # gallbladder
        (ellipsoid((44, 8, 30), (44, 42, 70)), 16),  # stomach
        (tube(((-6, -84, -12), (-8, -58, -6), (-10, -40, 2)), (6, 5, 2.5)), 10),  # fissure of the round ligament
        (tube(((-2, -34, 6), (6, -20, 26), (2, -12, 44)), (2.5, 3, 2)), 8),  # fissure of the venous ligament
        (column((-24, 24), (13, 11)), 6),  # inferior vena cava
    ):
        whole = whole.without(impression, seam_mm)
    return whole.within(cavity().grown(-4), 14).uneven(1.6, 34, seed=3)


def liver_and_vessels() -> list[Structure]:
    """The liver and the veins that are painted into it."""
    splenic = tube(((88, 28, 12), (66, 22, 6), (40, 6, -4), (14, -6, -12), (-6, -9, -14)), (3.6, 4.2, 4.6, 4.8, 5.5))
    mesenteric = tube(((-6, -9, -14), (-7, -6, -50), (-6, -6, -120)), (5.6, 5.4, 5.0))
    cava = tube(((-14, -10, 96), (-22, 6, 66), (-25, 21, 40), (-24, 25, 0)), (12, 12.5, 12, 12))
    return [
        Structure("liver", liver()),
        Structure("hepatic vein", cava, fine=True),
        Structure("portal vein", splenic, fine=True),
        Structure("portal vein", mesenteric, fine=True),
        *(Structure("portal vein", solid, over=over, fine=True) for solid, over in portal_veins(liver())),
        *(Structure("hepatic vein", solid, over=over, fine=True) for solid, over in hepatic_veins(liver())),
    ]


def arteries_and_veins() -> list[Structure]:
    """Oesophagus, lower vena cava, and the branches of aorta and vena cava."""
    arteries = (
        (((11, 17, 6), (10, 4, 8), (0, -2, 4), (-16, -10, 2), (-26, -14, 6)), (3.6, 3.4, 2.6, 2.4, 2.0)),  # coeliac trunk, hepatic
        (((10, 4, 8), (26, 4, 12), (44, 16, 8), (62, 18, 14), (80, 26, 10)), (3, 2.6, 2.4, 2.4, 2.2)),  # splenic
        (((9, 16, -8), (7, 6, -18), (4, 3, -50), (2, 2, -120)), (3.6, 3.6, 3.4, 3)),  # superior mesenteric
        (((0, 27, -24), (-24, 40, -30), (-44, 44, -36)), (3, 2.8, 2.4)),  # right renal
        (((16, 27, -20), (32, 42, -22), (46, 46, -24)), (3, 2.8, 2.4)),  # left renal
    )
    veins = (
        (((-22, 26, -34), (-36, 42, -36), (-46, 46, -38)), (5, 4, 3.6)),
        (((-12, 20, -26), (4, 12, -24), (26, 30, -22), (46, 48, -24)), (4.6, 4, 4, 3.6)),
    )
    return [
        Structure("muscle", tube(((4, 14, 200), (8, 14, 60), (20, 2, 44)), (7, 7, 6)), TRUNK),
        Structure("systemic vein", ellipsoid((-22, 26, -40), (13, 10.5, 200)), TRUNK),
        *(Structure("aortic blood", tube(*course), fine=True) for course in arteries),
        *(Structure("systemic vein", tube(*course), fine=True) for course in veins),
    ]


def chest() -> list[Structure]:
    """Lungs over the diaphragm, and the heart."""

    def above_diaphragm(x, y, z):
        right = np.sqrt(((x + 62) / 84) ** 2 + ((y - 2) / 86) ** 2)
        left = np.sqrt(((x - 68) / 78) ** 2 + ((y - 4) / 84) ** 2)
        # the domes are steep: 0.6 turns height into distance
        return (np.maximum(84 - 90 * right**2.4, 74 - 92 * left**2.4) - z) * 0.6

    lung = cavity().within(Solid(above_diaphragm, *_EVERYWHERE), 4)
    pericardium = ellipsoid((10, -38, 100), (72, 57, 42))
    return [
        Structure("muscle", lung.grown(2.2), over=("visceral fat",)),
        Structure("lung", lung, over=("visceral fat", "muscle")),
        Structure("visceral fat", pericardium),
        Structure("muscle", layer(pericardium, 1.6)),
        Structure("heart muscle", ellipsoid((18, -40, 100), (56, 40, 38), turn_deg=25)),
        Structure("aortic blood", ellipsoid((34, -28, 102), (28, 18, 32), turn_deg=25)),
        Structure("systemic vein", ellipsoid((-2, -58, 100), (32, 15, 32), turn_deg=15)),
    ]


def kidneys() -> list[Structure]:
    """Both kidneys in their fat."""
    return [*_kidney(-1, (-60, 50, -56)), *_kidney(1, (62, 48, -40))]


def _kidney(side: int, centre: tuple[float, float, float]) -> list[Structure]:
    centre = np.array(centre, float)
    turn = 25.0 * side

    def near(x: float, y: float, z: float) -> tuple[float, float, float]:
        return tuple(centre + (x * side, y, z))

    hilum = ellipsoid(near(-24, -11, 0), (14, 11, 20))
    kidney = ellipsoid(near(0, 0, 0), (25, 30, 54), turn_deg=turn).without(hilum, 8).uneven(0.9, 24, seed=20 + side)
    sinus = ellipsoid(near(-10, -4, 0), (13, 11, 30), turn_deg=turn)
    generator = np.random.default_rng(30 + side)
    pyramids = []
    for height in np.linspace(-34, 34, 5):
        for angle in np.radians(np.linspace(-95, 95, 5) + generator.uniform(-8, 8, 5)):
            outwards = np.array((np.cos(angle), np.sin(angle), height / 60))
            place = outwards / np.linalg.norm(outwards) * (13.0 - 0.004 * height**2)
            solid = ellipsoid(near(place[0], place[1], height + place[2]), (5.6, 5.6, 6.4))
            pyramids.append(Structure("renal medulla", solid, over=("renal cortex",)))
    return [
        Structure("visceral fat", ellipsoid(near(0, 0, 0), (33, 38, 64), turn_deg=turn), over=("visceral fat",)),
        Structure("renal cortex", kidney),
        *pyramids,
        Structure("visceral fat", sinus, over=("renal cortex", "renal medulla")),
        Structure("bile", tube((near(-4, -2, -14), near(-5, -2, 12)), (3.4, 3.0)), over=("visceral fat",), fine=True),  # renal pelvis
        Structure("systemic vein", tube((near(-6, -3, 3), near(-17, -8, 0)), (3.0, 3.6)), over=("visceral fat",), fine=True),
    ]


def adrenal_glands() -> list[Structure]:
    """Two small Ys."""
    right = tube(((-34, 34, -4), (-30, 40, -2), (-36, 52, -6)), (2.2, 2.8, 2.2)).joined(tube(((-30, 40, -2), (-27, 52, -4)), (2.6, 2.0)))
    left = tube(((36, 30, 0), (38, 38, 2), (46, 48, -2)), (2.2, 2.8, 2.2)).joined(tube(((38, 38, 2), (36, 50, 0)), (2.6, 2.0)))
    return [Structure("adrenal gland", solid, fine=True) for solid in (right, left)]


def spleen() -> list[Structure]:
    """The spleen along the wall, hollow towards the stomach."""
    whole = ellipsoid((106, 32, 22), (34, 50, 52), turn_deg=14).within(cavity().grown(-4), 10)
    return [Structure("spleen", whole.without(ellipsoid((70, 12, 18), (38, 46, 70)), 14).uneven(1.2, 30, seed=51))]


def digestive_tract() -> list[Structure]:
    """Bowel, pancreas, stomach and gallbladder."""
    return [*_small_bowel(), *_colon(), *_pancreas_and_duodenum(), *_stomach(), *_gallbladder()]


def _small_bowel() -> list[Structure]:
    generator = np.random.default_rng(45)
    structures = []
    for centre in (
        (14, -44, -66), (40, -34, -70), (62, -8, -72), (34, -4, -82), (8, -24, -84), (66, -42, -62), (88, -30, -80), (-14, -58, -78),
    ):
        points = [tuple(np.array(centre) + generator.uniform(-15, 15, 3)) for _ in range(4)]
        loop = tube(points, generator.uniform(8.5, 11, 4)).uneven(1.6, 12, seed=int(generator.integers(1 << 30)))
        structures.append(Structure("bowel wall", loop, over=("visceral fat",)))
        structures.append(Structure("bowel content", loop.grown(-3.2), over=("bowel wall",)))
    return structures


def _colon() -> list[Structure]:
    course = (
        (-92, -36, -62), (-78, -52, -70), (-50, -74, -66), (0, -82, -74), (52, -78, -70), (96, -52, -48), (112, -18, -24), (112, 10, -40),
        (114, 18, -110),
    )
    colon = tube(course, (17, 18, 17, 16, 16, 17, 17, 15, 14)).uneven(4.0, 26, seed=42).within(cavity().grown(-5), 6)
    gas = half_space((0, 1, 0.1), (0, -66, -70)).joined(ellipsoid((110, -14, -26), (12, 12, 12)))
    return [
        Structure("bowel wall", colon, over=("visceral fat", "bowel wall", "bowel content")),
        Structure("stool", colon.grown(-2.4), over=("bowel wall",)),
        Structure("gas", colon.grown(-3.4).within(gas), over=("stool",)),
    ]


def _pancreas_and_duodenum() -> list[Structure]:
    course = ((-22, -6, -40), (-20, -10, -24), (-2, -18, -14), (18, -16, -6), (40, 0, 0), (64, 14, 8), (84, 26, 12))
    pancreas = tube(course, (13, 12, 9, 9, 10, 9, 7)).uneven(2.0, 11, seed=43)
    course = ((-14, -42, -34), (-36, -28, -30), (-42, -8, -40), (-42, 2, -66), (-22, 8, -86))
    duodenum = tube(course, (11, 12, 12, 12, 12)).uneven(1.5, 16, seed=44)
    return [
        Structure("pancreas", pancreas),
        Structure("bowel wall", duodenum),
        Structure("bowel content", duodenum.grown(-3.4)),
    ]


def _stomach() -> list[Structure]:
    antrum = tube(((56, -52, -12), (30, -62, -34), (4, -56, -40), (-14, -44, -34)), (27, 21, 16, 10))
    fundus = ellipsoid((66, 6, 46), (42, 44, 34), turn_deg=-20)
    body = ellipsoid((66, -34, 14), (38, 38, 42), turn_deg=20)
    stomach = fundus.joined(body, 30).joined(antrum, 22).within(cavity().grown(-5), 10)
    lumen = stomach.grown(-4.2).uneven(1.6, 14, seed=41)
    return [
        Structure("bowel wall", stomach),
        Structure("stomach content", lumen),
        Structure("gas", lumen.within(half_space((0, 1, 0.05), (0, -46, 20))), over=("stomach content",)),
    ]


def _gallbladder() -> list[Structure]:
    neck = tube(((-44, -34, -34), (-36, -20, -22), (-30, -14, -16)), (7, 4, 3))
    gallbladder = ellipsoid((-46, -54, -50), (14, 20, 31), tilt_deg=26).joined(neck, 8)
    return [Structure("muscle", gallbladder.grown(1.4)), Structure("bile", gallbladder)]
