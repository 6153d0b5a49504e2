"""The arterial and portal-venous input that a user chooses for a dynamic series: one table for each way to get it."""

import math
from dataclasses import dataclass

from ..errors import InputError
from .acquisition import field_strength_t
from .arterial_input import (
    BLOOD_T1_S,
    POPULATION_MODELS,
    InputKind,
    input_function,
    input_kind,
    inputs_of,
    measured_input,
    population_input,
    portal_input,
)

__all__ = ["IMPORTED", "MEASURED", "InputSettings", "blood_t1_of", "chosen_input", "kept_settings", "make_arterial", "make_portal"]

MEASURED, IMPORTED = str(InputKind.MEASURED), str(InputKind.IMPORTED)


@dataclass(frozen=True)
class InputSettings:
    """How an input is got.

    :param kind: key of :data:`~.arterial_input.POPULATION_MODELS`, :data:`MEASURED` or :data:`IMPORTED`.
    :param segment_id: segment in the vessel: where it is measured, or a population input finds when the bolus arrives.
    :param arrival_s: of a population input [s after the first image]; None: found in the segment.
    :param blood_t1_s: T1 of blood before contrast [s], for a measured one; likewise ``relaxivity`` [1/(s mM)] and ``b1_node``.
    """

    kind: str
    segmentation_node: object = None
    segment_id: str = ""
    arrival_s: float | None = None
    hematocrit: float = 0.42
    dose_mmol_per_kg: float = 0.1
    blood_t1_s: float = BLOOD_T1_S[1.5]
    relaxivity: float = 4.5
    b1_node: object = None


def blood_t1_of(sequence_node) -> float:
    """Return the usual T1 of blood [s] at the field strength of a series; that of 1.5 T where headers do not tell it."""
    field = field_strength_t(sequence_node) or 1.5
    return BLOOD_T1_S[min(BLOOD_T1_S, key=lambda known: abs(known - field))]


def chosen_input(sequence_node, kind: str, vessel: str = "artery"):
    """Return the table of a series that was made in a way, the newest; None where there is none.

    :param kind: as in :class:`InputSettings`; also "derived" for the portal vein.
    """
    return next((table for table in reversed(inputs_of(sequence_node, vessel)) if _way(table) == kind), None)


def kept_settings(table_node) -> dict[str, float]:
    """Return hematocrit and dose that a table was made with, by the names of :class:`InputSettings`; those that it tells."""
    found = {
        "hematocrit": _number(table_node.GetAttribute("HCC.Hematocrit")),
        "dose_mmol_per_kg": _number(table_node.GetAttribute("HCC.Dose")),
    }
    return {name: value for name, value in found.items() if math.isfinite(value)}


def make_arterial(sequence_node, settings: InputSettings):
    """Make or renew the arterial input of a series; an imported one is only looked up. Returns the table.

    :raises InputError: it cannot be made with these settings; nothing is changed then.
    """
    table = chosen_input(sequence_node, settings.kind)
    region = (settings.segmentation_node, [settings.segment_id]) if settings.segment_id else None
    if settings.kind == IMPORTED:
        if table is None:
            raise InputError("No arterial input was imported for this series yet: import a CSV file.")
        input_function(table)
        return table
    if settings.kind in POPULATION_MODELS:
        if region is None and settings.arrival_s is None:
            raise InputError(
                "When does the bolus arrive? Outline the aorta in HCC Lesion Segmentation, choose a segment that lies in an artery, "
                "or enter the time under More settings.",
            )
        return population_input(
            sequence_node,
            model=settings.kind,
            arrival_s=settings.arrival_s,
            region=region,
            hematocrit=settings.hematocrit,
            dose_mmol_per_kg=settings.dose_mmol_per_kg,
            table_node=table,
        )
    if region is None:
        raise InputError("Choose the segment in the artery that the input is measured in, or a population input.")
    return _measured(sequence_node, settings, "artery", table)


def make_portal(sequence_node, arterial_node, settings: InputSettings):
    """Make or renew the portal-venous input: measured in the segment of the settings, derived from the arterial one without any.

    :raises InputError: it cannot be made with these settings; nothing is changed then.
    """
    if settings.segment_id:
        return _measured(sequence_node, settings, "portal vein", chosen_input(sequence_node, MEASURED, "portal vein"))
    return portal_input(arterial_node, sequence_node, table_node=chosen_input(sequence_node, str(InputKind.DERIVED), "portal vein"))


def _measured(sequence_node, settings: InputSettings, vessel: str, table):
    return measured_input(
        sequence_node,
        settings.segmentation_node,
        settings.segment_id,
        blood_t1_s=settings.blood_t1_s,
        relaxivity=settings.relaxivity,
        hematocrit=settings.hematocrit,
        dose_mmol_per_kg=settings.dose_mmol_per_kg,
        vessel=vessel,
        b1_node=settings.b1_node,
        table_node=table,
    )


def _way(table_node) -> str:
    return table_node.GetAttribute("HCC.PopulationModel") or str(input_kind(table_node))


def _number(text) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan
