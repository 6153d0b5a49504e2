"""The upper abdomen of the reference patient: which tissue lies where.

Organs are solids painted one over the other. Proportions follow axial MRI of an adult man with a cirrhotic liver, drawn by eye;
nothing comes from images of a patient.
"""

from functools import cache

from .organs import adrenal_glands, arteries_and_veins, chest, digestive_tract, kidneys, liver_and_vessels, spleen
from .structure import Structure
from .trunk import aorta, trunk

__all__ = ["abdomen"]


@cache
def abdomen() -> tuple[Structure, ...]:
    """Everything but the lesions, in the order of painting."""
    return (
        *trunk(),
        *kidneys(),
        *digestive_tract(),
        *chest(),
        *adrenal_glands(),
        *spleen(),
        *aorta(),
        *arteries_and_veins(),
        *liver_and_vessels(),
    )
