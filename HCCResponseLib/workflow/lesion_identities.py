"""Which outlines of different examinations are the same lesion: by tracking UID, else by name."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

from pydicom.uid import generate_uid

from ..errors import InputError
from ..response.case import Lesion
from ..response.lesion_parts import part_uid
from .case_inputs import CaseExamination
from .case_settings import SETTINGS_FILE, CaseSettings
from .outline import Outline

__all__ = ["LesionOutlines", "lesion_named", "lesion_outlines", "part_uid"]

_FIELDS = [one.name for one in fields(Lesion) if one.name not in ("uid", "identifier")]

LesionOutlines = dict[int, dict[str, Outline]]
"""By time point: outline by tracking UID."""


def lesion_outlines(
    patient: str,
    examinations: Iterable[CaseExamination],
    settings: CaseSettings,
) -> tuple[tuple[Lesion, ...], LesionOutlines, tuple[str, ...]]:
    """Find the lesions of a case.

    An outline without a tracking UID is the lesion that has its name elsewhere; upper and lower case and blanks do not count. A
    lesion that no file gives a UID gets one made of patient and name, which stays the same in every run.

    :return: the lesions, their outlines, and sentences on outlines that cannot be used.
    :raises InputError: the settings name a lesion that is not there, or give it a field that it does not have.
    """
    examinations = list(examinations)
    everything = [
        (one.index, outline) for one in examinations for outline in one.outlines if outline.region_type and outline.region_type.is_lesion
    ]
    uid_of: dict[str, str] = {}
    doubtful = set()
    for _index, outline in everything:
        key = _plain(outline.name)
        if outline.tracking_uid and uid_of.setdefault(key, outline.tracking_uid) != outline.tracking_uid:
            doubtful.add(key)
    found: LesionOutlines = {one.index: {} for one in examinations}
    names: dict[str, str] = {}
    problems = []
    for index, outline in everything:
        key = _plain(outline.name)
        uid = outline.tracking_uid
        if not uid and key in doubtful:
            problems.append(f"Outline '{outline.name}' in {outline.path.name}: several lesions have this name; give it a tracking UID.")
            continue
        uid = uid or uid_of.get(key) or str(generate_uid(entropy_srcs=[patient, key]))
        if uid in found[index]:
            first = found[index][uid].path.name
            problems.append(
                f"Lesion '{outline.name}' is outlined twice at time point {index} ({first}, {outline.path.name}); the first is used.",
            )
            continue
        found[index][uid] = outline
        names.setdefault(uid, outline.identifier or outline.name)
    return _lesions(names, settings), found, tuple(problems)


def _lesions(names: dict[str, str], settings: CaseSettings) -> tuple[Lesion, ...]:
    said = {_plain(name): fields for name, fields in settings.lesions.items()}
    known = {_plain(name) for name in names.values()}
    if unknown := [name for name in settings.lesions if _plain(name) not in known]:
        raise InputError(
            f"{SETTINGS_FILE} tells of lesion {', '.join(unknown)}, which is not outlined; outlined are {_listed(names.values())}.",
        )
    lesions = []
    for uid, name in names.items():
        content = dict(said.get(_plain(name), {}))
        if whole := next((other for other, known in names.items() if _plain(known) == _plain(str(content.get("split_from", "")))), ""):
            content["split_from"] = whole
        if unknown := sorted(set(content) - set(_FIELDS)):
            raise InputError(f"{SETTINGS_FILE}: lesion '{name}': unknown field {', '.join(unknown)}; known are {', '.join(_FIELDS)}.")
        try:
            lesions.append(Lesion(**({"uid": uid, "identifier": name} | content)))
        except TypeError as error:
            raise InputError(f"{SETTINGS_FILE}: lesion '{name}' has a field of the wrong type ({error}).") from None
    return tuple(lesions)


def lesion_named(name: str, lesions: Iterable[Lesion]) -> Lesion:
    """Return the lesion of a name; upper and lower case and blanks do not count.

    :raises InputError: there is none.
    """
    for one in lesions:
        if _plain(one.identifier) == _plain(str(name)):
            return one
    raise InputError(f"lesion '{name}' is not outlined; outlined are {_listed([one.identifier for one in lesions])}.")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
