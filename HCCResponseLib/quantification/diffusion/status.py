"""Why a voxel of a diffusion map has a value, or has none."""

from ..voxel_status import VoxelStatus

__all__ = ["DiffusionStatus"]


class DiffusionStatus(VoxelStatus):
    """Code of one voxel in the ``status`` array of a diffusion fit; ``explanation`` says it in words."""

    OK = 0, "fitted"
    MASKED_OUT = 1, "outside the mask"
    NOT_FINITE = 2, "a signal is not a number or infinite"
    NO_SIGNAL = 3, "no signal at any b-value (air, padding)"
    NOT_POSITIVE = 4, "the signal is zero or negative at some b-value"
    NO_DECAY = 5, "the signal does not fall with the b-value (noise, motion or misregistration)"
    NO_SOLUTION = 6, "the signal falls too steeply for a finite diffusion coefficient"
    NO_PERFUSION = 7, "no perfusion fraction above zero: f is 0, and there is no D*"
    D_STAR_UNKNOWN = 8, "too few low b-values for D*: D and f only"
    D_STAR_AT_LIMIT = 9, "D* lies at or beyond the limits of the search: D and f only"
    NOT_SEPARATED = 10, "perfusion and diffusion cannot be told apart (D* too close to D)"
    D_AT_LIMIT = 11, "D lies at or beyond the limits of the search (noise floor, motion)"
    NO_TISSUE = 12, "only fast decay was found (vessel): D cannot be told"
