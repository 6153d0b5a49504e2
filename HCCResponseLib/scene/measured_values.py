"""What the measurement table says of a map: one row a lesion, in shown units, for the tables of panels."""

from dataclasses import dataclass

from .measurement_table import measurements
from .parameter_maps import map_provenance, map_quantity

__all__ = ["MeasuredValues", "measured_values"]


@dataclass(frozen=True)
class MeasuredValues:
    """Statistics of one lesion in the map's display unit; NaN where the table has none."""

    lesion_uid: str
    lesion_name: str
    mean: float
    median: float
    standard_deviation: float
    percentile_10: float
    percentile_90: float
    n: int
    rejected: int
    volume_ml: float


def measured_values(map_node, *, time_point: int, reader: str, patient: str = "", table_node=None) -> list[MeasuredValues]:
    """Return the measurements that were made of a map, in the order of the table.

    A map that was computed again with other images or another estimator has no values until it is measured again.

    :raises InputError: the table holds a row that is no measurement.
    """
    quantity = map_quantity(map_node)
    if quantity is None:
        return []
    provenance = map_provenance(map_node)
    rows: dict[str, dict] = {}
    names = {}
    for one in measurements(
        table_node,
        patient=patient,
        time_point=time_point,
        reader=reader,
        method=provenance.method,
        source_series=provenance.source_series,
    ):
        rows.setdefault(one.lesion_uid, {})[one.quantity, one.statistic] = one.value
        names[one.lesion_uid] = one.lesion_name
    nan = float("nan")
    return [
        MeasuredValues(
            lesion_uid=uid,
            lesion_name=names[uid],
            **{
                statistic: found.get((quantity.key, statistic), nan) * quantity.display_factor
                for statistic in ("mean", "median", "standard_deviation", "percentile_10", "percentile_90")
            },
            n=int(found.get(("VOXEL_COUNT", ""), 0)),
            rejected=int(found.get(("REJECTED_COUNT", ""), 0)),
            volume_ml=found.get(("VOLUME", ""), nan),
        )
        for uid, found in rows.items()
        if any(key[0] == quantity.key for key in found)
    ]
