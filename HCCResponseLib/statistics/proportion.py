"""Exact interval of a proportion, and of the area under an ROC curve."""

from scipy import stats

from ..errors import InputError

__all__ = ["auc_interval", "clopper_pearson"]


def clopper_pearson(successes: float, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of successes/total.

    :param successes: 0 to ``total``; need not be whole, see :func:`auc_interval`.
    :param total: at least 1.
    :param confidence: between 0 and 1.
    :raises InputError: one of these is not so.
    """
    if total < 1 or not 0.0 <= successes <= total or not 0.0 < confidence < 1.0:
        raise InputError(f"No interval for {successes} of {total} at a confidence of {confidence}.")
    tail = (1.0 - confidence) / 2.0
    lower = 0.0 if successes == 0 else float(stats.beta.ppf(tail, successes, total - successes + 1))
    upper = 1.0 if successes == total else float(stats.beta.isf(tail, successes + 1, total - successes))
    return lower, upper


def auc_interval(auc: float, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of an area under the ROC curve, taken as the proportion auc of ``total`` patients.

    :raises InputError: the area is not 0 to 1, or see :func:`clopper_pearson`.
    """
    if not 0.0 <= auc <= 1.0:
        raise InputError(f"The area under an ROC curve is 0 to 1, found {auc}.")
    return clopper_pearson(auc * total, total, confidence)
