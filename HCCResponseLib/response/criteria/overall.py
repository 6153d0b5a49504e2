"""Targets, non-targets and new lesions together: the overall response (RECIST 1.1, tables 1 and 2)."""

from ...errors import InputError
from .category import Category

__all__ = ["overall_response"]

_OF_TARGETS = (Category.CR, Category.PR, Category.SD, Category.PD, Category.NE, None)
_OF_NON_TARGETS = (Category.CR, Category.NON_CR_NON_PD, Category.PD, Category.NE, None)


def overall_response(target: Category | None, non_target: Category | None, new_lesion: bool = False) -> Category:
    """Return the overall response.

    :param target: of the targets; None where there are none.
    :param non_target: of the non-targets; None where there are none. NE: not all were evaluated.
    :param new_lesion: at least one new lesion counts.
    :raises InputError: a category that targets or non-targets cannot have.
    """
    if target not in _OF_TARGETS or non_target not in _OF_NON_TARGETS:
        raise InputError(f"Targets cannot be {target} with non-targets {non_target}.")
    if new_lesion or Category.PD in (target, non_target):
        return Category.PD
    if target is None:
        return non_target or Category.NE
    if target is Category.CR and non_target not in (Category.CR, None):
        return Category.PR
    return target
