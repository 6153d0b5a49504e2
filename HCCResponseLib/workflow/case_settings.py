"""What the images do not tell of a case: ``hccresponse.json`` in the case folder. Every part of it may be left out.

::

    {
      "patient": "P7",
      "relaxivity": 5.2,
      "examinations": {
        "2024-03-04": {"time_point": 0, "treatment": "none", "hematocrit": 0.42, "afp_ng_ml": 210.0},
        "2024-04-01": {"treatment": "sorafenib 800 mg daily", "dose": "50.4 Gy in 28", "roles": {"11": "ARTERIAL", "14": null}}
      },
      "lesions": {"HCC 1": {"kind": "target", "in_field": true}},
      "findings": [{"time_point": 2, "lesion": "HCC 1", "state": "too small to measure", "reader": "A"}],
      "exclusions": {"HCC 3": "treated by radiofrequency before"},
      "labels": {"1": "HCC 1", "2": "liver reference"},
      "outlines": {"drawn/second.nii.gz": "2024-04-01"}
    }

An examination is named by its study UID or its date. Roles are given by series number; null leaves a series out.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from ..errors import InputError
from ..response.roles import Role

__all__ = ["SETTINGS_FILE", "CaseSettings", "ExaminationSettings", "read_settings"]

SETTINGS_FILE = "hccresponse.json"


@dataclass(frozen=True)
class ExaminationSettings:
    """Of one examination; None where nothing is said.

    :param hematocrit: fraction; of a blood sample of about that day.
    :param roles: by series number as text; None leaves the series out.
    """

    time_point: int | None = None
    weeks_from_baseline: float | None = None
    treatment: str = ""
    dose: str = ""
    afp_ng_ml: float | None = None
    hematocrit: float | None = None
    roles: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class CaseSettings:
    """Of a case.

    :param relaxivity: of the contrast agent in blood and tissue [1/(s mM)]; None: that of the agent that the headers name.
    :param examinations: by study UID or date.
    :param lesions: fields of :class:`~..response.case.Lesion` by the lesion's name; ``split_from`` is a name too.
    :param findings: fields of :class:`~..response.finding.Finding`, with ``lesion`` (its name) for the tracking UID.
    :param exclusions: reason by the lesion's name.
    :param labels: names of the numbers of label maps.
    :param outlines: examination by path of an outline file, relative to the case folder.
    """

    patient: str = ""
    relaxivity: float | None = None
    examinations: Mapping[str, ExaminationSettings] = field(default_factory=dict)
    lesions: Mapping[str, Mapping] = field(default_factory=dict)
    findings: tuple[Mapping, ...] = ()
    exclusions: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    outlines: Mapping[str, str] = field(default_factory=dict)


def read_settings(path: Path) -> CaseSettings:
    """Read a settings file; without one nothing is set.

    :raises InputError: it is not JSON, or a part of it is unknown or cannot be; the message names it.
    """
    path = Path(path)
    if not path.is_file():
        return CaseSettings()
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))  # with the mark that editors on Windows write
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"'{path.name}' is not valid JSON: {error}.") from None
    made = _made(CaseSettings, content, path.name)
    for name in ("examinations", "lesions", "exclusions", "labels", "outlines"):
        if not isinstance(made.get(name, {}), dict):
            raise InputError(f"{path.name}: '{name}' must be an object with names.")
    findings = made.get("findings", [])
    if not isinstance(findings, list) or not all(isinstance(one, dict) for one in findings):
        raise InputError(f"{path.name}: 'findings' must be a list of objects.")
    made["findings"] = tuple(findings)
    made["examinations"] = {
        key: _examination(one, f"{path.name}: examination '{key}'") for key, one in made.get("examinations", {}).items()
    }
    for key, value in made.get("lesions", {}).items():
        if not isinstance(value, dict):
            raise InputError(f"{path.name}: lesion '{key}': an object with fields was expected, found {value!r}.")
    for name in ("exclusions", "labels", "outlines"):
        for key, value in made.get(name, {}).items():
            if not isinstance(value, str):
                raise InputError(f"{path.name}: {name} of '{key}' must be text, found {value!r}.")
    if not isinstance(made.get("patient", ""), str):
        raise InputError(f"{path.name}: patient must be text, found {made['patient']!r}.")
    _check_number(made.get("relaxivity"), 0.0, 100.0, f"{path.name}: relaxivity")
    return CaseSettings(**made)


def _examination(content, where: str) -> ExaminationSettings:
    made = _made(ExaminationSettings, content, where)
    _check_number(made.get("hematocrit"), 0.0, 1.0, f"{where}: hematocrit (a fraction)")
    for name in ("weeks_from_baseline", "afp_ng_ml"):
        _check_number(made.get(name), -math.inf, math.inf, f"{where}: {name}")
    index = made.get("time_point")
    if index is not None and (isinstance(index, bool) or not isinstance(index, int) or index < 0):
        raise InputError(f"{where}: the time point must be 0 (baseline), 1, 2, ..., found {index!r}.")
    for name in ("treatment", "dose"):
        if not isinstance(made.get(name, ""), str):
            raise InputError(f"{where}: {name} must be text, found {made[name]!r}.")
    roles = made.get("roles", {})
    if not isinstance(roles, dict):
        raise InputError(f"{where}: 'roles' must be an object of series numbers.")
    for number, role in roles.items():
        if role is not None and role not in Role.__members__.values():
            raise InputError(f"{where}: the role '{role}' of series {number} is not known; known are {', '.join(Role)}.")
    return ExaminationSettings(**made)


def _made(kind: type, content, where: str) -> dict:
    if not isinstance(content, dict):
        raise InputError(f"{where}: an object with fields was expected, found {content!r}.")
    known = [one.name for one in fields(kind)]
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise InputError(f"{where}: unknown field {', '.join(unknown)}; known are {', '.join(known)}.")
    return dict(content)


def _check_number(value, low: float, high: float, what: str) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not low < value < high):
        between = "" if math.isinf(low) else f" above {low:g} and below {high:g}"
        raise InputError(f"{what} must be a number{between}, found {value!r}.")
