"""The images of an examination, read one recognition after the other; what cannot be read does not lose the rest."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ...errors import InputError
from ...progress import Progress, subrange
from ...response.roles import Role
from ..diffusion import DiffusionSeries, read_diffusion
from ..dynamic import DynamicSeries, read_dynamic
from ..flip_angles import FlipAngleSeries, read_flip_angles
from ..recognition import Recognition
from ..series import Frame
from ..signals import Scaling, suitable_scaling
from ..volume import ImageSeries, read_volume

__all__ = ["Reading", "comparable_scaling", "read_examination"]

Images = DiffusionSeries | DynamicSeries | FlipAngleSeries | ImageSeries

_OF_SEVERAL_SERIES: dict[Role, Callable[..., Images]] = {
    Role.DWI: read_diffusion,
    Role.DCE: read_dynamic,
    Role.VFA: read_flip_angles,
}
_COMPARED = {Role.T1_FAT_SUPPRESSED, Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED, Role.HEPATOBILIARY}
"""Their signals are compared with each other, so they get one scaling."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What came of one recognition: images, or the reason why there are none.

    :param images: :class:`DiffusionSeries` for DWI, :class:`DynamicSeries` for DCE, :class:`FlipAngleSeries` for VFA,
        :class:`ImageSeries` for every other role; None where they could not be read.
    :param error: why not, as a sentence; '' where they could.
    """

    recognition: Recognition
    images: Images | None
    error: str = ""


def read_examination(
    recognitions: Sequence[Recognition], *, roles: Collection[Role] | None = None, progress: Progress | None = None,
) -> Iterator[Reading]:
    """Read the images of the recognitions that have a role, one after the other, so that only one needs to be in memory.

    Signals are those that the scanner displays, or Philips' private scaling where Philips displays images differently that
    are to be compared.

    :param recognitions: what :func:`recognise_examination` gave.
    :param roles: which to read; None: all, but not the diffusion maps other than ADC.
    :param progress: told the finished fraction; may cancel.
    :raises Cancelled: ``progress`` returned False.
    """
    wanted = set(Role) - {Role.DIFFUSION_MAP} if roles is None else set(roles)
    chosen = [one for one in recognitions if one.role in wanted]
    total = sum(len(_frames(one)) for one in chosen)
    done = 0
    for one in chosen:
        part = subrange(progress, done / total, (done + len(_frames(one))) / total)
        done += len(_frames(one))
        yield _reading(one, comparable_scaling(one, recognitions), part)


def comparable_scaling(one: Recognition, recognitions: Sequence[Recognition]) -> Scaling:
    """Return the scaling in which the images of a recognition can be compared with each other, and phases with other phases.

    :param recognitions: of the whole examination.
    """
    compared = [each for each in recognitions if each.role in _COMPARED] if one.role in _COMPARED else [one]
    return suitable_scaling([frame for each in compared for frame in _frames(each)])


def _reading(one: Recognition, scaling: Scaling, progress: Progress | None) -> Reading:
    try:
        if one.role in _OF_SEVERAL_SERIES:
            return Reading(one, _OF_SEVERAL_SERIES[one.role](one.series, scaling=scaling, progress=progress))
        return Reading(one, read_volume(one.series[0], scaling=scaling, progress=progress))
    except InputError as error:
        return Reading(one, None, str(error))


def _frames(one: Recognition) -> list[Frame]:
    return [frame for series in one.series for frame in series.frames]
