"""Pharmacokinetic models of contrast-enhanced series: parameters from concentration curves, for whole volumes in seconds.

``fit`` gives the maps, ``evaluate`` the curves that parameters mean, ``choose_model`` the model that each voxel supports.

The way of a voxel through the files: ``voxels`` reads it, ``compression`` projects it into the small space of the model's curves,
``score`` or ``varpro`` finds its parameters, with ``bounds`` and ``interpolation``; ``enhancement_test`` asks whether it enhances at all,
``uncertainty`` how sure the numbers are. The curves: ``input_function`` and ``convolution``; the models: ``tofts``, ``patlak``,
``exchange``, ``dual_input``, with ``delay``.
"""

from .bounds import Bounds
from .evaluation import evaluate
from .fitting import fit
from .input_function import CoarseSamplingWarning
from .model_choice import ModelChoice, choose_model
from .models import MODELS
from .result import PharmacokineticFit
from .status import EXPLANATIONS, Status

__all__ = [
    "EXPLANATIONS",
    "MODELS",
    "Bounds",
    "CoarseSamplingWarning",
    "ModelChoice",
    "PharmacokineticFit",
    "Status",
    "choose_model",
    "evaluate",
    "fit",
]
