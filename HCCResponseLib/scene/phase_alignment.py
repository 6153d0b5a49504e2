"""Moving a volume onto another one of the same examination: phases between which the patient breathed.

The motion is a linear transform node above the volume, visible and changeable like any other; all measurements take it into account.
"""

import numpy as np
import slicer

from ..errors import InputError
from ..geometry import LPS_TO_RAS
from ..progress import Progress
from .escaped_text import safe_node_name
from .segments import segment_mask
from .subject_hierarchy import place_beside
from .volumes import transform_to_world, volume_array, volume_geometry

__all__ = ["align_volume"]


def align_volume(volume_node, reference_node, segmentation_node, segment_id: str, *, progress: Progress | None = None):
    """Move a volume rigidly onto a reference volume, so that they fit round a lesion.

    :return: the transform node, and the :class:`~HCCResponseLib.lesions.outlining.registration.Registration` with its figures.
    :raises InputError: the volumes could not be registered safely, the message says why; nothing is changed then.
    :raises GeometryError: a parent transform is not linear, or shears an image.
    :raises Cancelled: ``progress`` returned False; nothing is changed then.
    """
    from ..lesions.outlining import register_examinations

    found = register_examinations(
        volume_array(volume_node),
        volume_geometry(volume_node, world=True),
        volume_array(reference_node),
        volume_geometry(reference_node, world=True),
        region=segment_mask(segmentation_node, segment_id, volume_node),
        progress=progress,
    )
    if not found.trusted:
        raise InputError(f"'{volume_node.GetName()}' was not moved: {' '.join(found.problems)}")
    motion = LPS_TO_RAS @ np.asarray(found.matrix) @ LPS_TO_RAS @ transform_to_world(volume_node)
    name = f"{volume_node.GetName()} to {reference_node.GetName()}"
    transform_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", safe_node_name(name))
    transform_node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(motion))
    volume_node.SetAndObserveTransformNodeID(transform_node.GetID())
    place_beside(transform_node, volume_node)
    return transform_node, found
