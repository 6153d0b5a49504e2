"""The volume of a lesion as a result."""

from ...lesions.volume import LesionVolume
from .method import method_text
from .result import ProcedureResult

__all__ = ["volume_result"]


def volume_result(found: LesionVolume) -> ProcedureResult:
    """From the smooth surface, by voxels, its uncertainty, and the diameter of the sphere of that volume."""
    values = {
        "VOLUME": found.surface_ml,
        "COUNTED_VOLUME": found.counted_ml,
        "VOLUME_UNCERTAINTY": found.standard_uncertainty_ml,
        "SPHERE_DIAMETER": found.sphere_diameter_mm,
    }
    settings = {"slices": found.slices, **({"reaches_the_image_border": True} if found.touches_border else {})}
    return ProcedureResult(values, method_text("Volume", found.method, settings))
