"""Colours of pictures and plots: those of Okabe and Ito, which colour-blind people tell apart, and greys.

No colour stands alone: categories and regions are always named in words too.
"""

from ..response.criteria import Category

__all__ = ["CATEGORY_COLOURS", "GREY", "INK", "LINE_COLOURS", "PART_COLOURS", "category_colour"]

INK = "#1f2933"
GREY = "#9aa5b1"

CATEGORY_COLOURS = {
    Category.CR: ("#00527a", "#ffffff"),
    Category.PR: ("#0072b2", "#ffffff"),
    Category.SD: ("#cbd2d9", INK),
    Category.NON_CR_NON_PD: ("#cbd2d9", INK),
    Category.PD: ("#c24e00", "#ffffff"),
    Category.NE: ("#ffffff", "#52606d"),
    Category.BASELINE: ("#ffffff", "#52606d"),
}
"""Background and text by category."""

LINE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#56b4e9", "#8c510a", "#5f6b76", "#e69f00", "#cc79a7")
"""Lesions, in the order of the case; after the last it begins again, with other markers."""

PART_COLOURS = {"lesion": "#ffffff", "viable": "#e69f00", "necrotic": "#56b4e9", "haemorrhagic": "#cc79a7"}
"""Outlines on pictures."""


def category_colour(category: Category) -> str:
    """The background of a category."""
    return CATEGORY_COLOURS[category][0]
