"""Pharmacokinetic models of contrast-enhanced series: parameters from concentration curves, for whole volumes in seconds.

``fit`` gives the maps (``prepare_fit`` where a model is fitted again and again), ``evaluate`` the curves that parameters mean,
``choose_model`` the model that each voxel supports.

The way of a voxel through the files: ``voxels`` reads it, ``compression`` projects it into the small space of the model's curves.
``score`` finds its parameters where one look along kep is enough; elsewhere ``varpro`` does, with ``profile`` (how well each parameter
explains it), ``interpolation`` between the nodes of the ``axis``, ``climb`` to the top and ``bounds``. ``enhancement_test`` asks whether it
enhances at all, ``uncertainty`` how sure the numbers are, ``status`` says what they mean. The curves come from ``input_function`` and
``convolution``; the models are ``tofts``, ``patlak``, ``exchange`` and ``dual_input``, all ``separable``, all with ``delay``.
"""

from .bounds import Bounds
from .evaluation import evaluate
from .fitting import PreparedFit, fit, prepare_fit
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
    "PreparedFit",
    "Status",
    "choose_model",
    "evaluate",
    "fit",
    "prepare_fit",
]
