"""Which series make up one diffusion acquisition: scanners export it whole, or with a series for each b-value."""

from collections import defaultdict
from collections.abc import Iterable

from ..response.roles import Role
from .recognition import recognise
from .series import Series

__all__ = ["diffusion_exports"]


def diffusion_exports(series: Iterable[Series]) -> list[tuple[Series, ...]]:
    """Group the diffusion source series as :func:`read_diffusion` takes them; other series are passed over.

    A series of two or more b-values stands alone. Those of one b-value belong together where patient, study, frame of
    reference, matrix and number of images are the same.

    :param series: series of any roles, patients and studies.
    :return: the groups: whole series first, then the joined ones, each in the order they came in.
    """
    whole, split = [], defaultdict(list)
    for one in series:
        if recognise(one).role is not Role.DWI:
            continue
        if len(one.b_values) > 1:
            whole.append((one,))
        else:
            slices = (one.frame_of_reference_uid, len(one.frames), one.frames[0].rows, one.frames[0].columns)
            split[one.patient_key, one.study_uid, slices].append(one)
    return whole + [tuple(group) for group in split.values()]
