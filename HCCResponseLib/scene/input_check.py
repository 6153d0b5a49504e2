"""What is to be said of images before a map is computed from them."""

from dataclasses import dataclass
from enum import StrEnum

from ..errors import GeometryError, InputError
from .time_points import study_of
from .volumes import volume_geometry

__all__ = ["Finding", "Level", "check_grids", "check_one_examination", "require_no_error"]


class Level(StrEnum):
    """How much a finding matters: an error stops the computation, a warning makes the result doubtful, good is as it should be."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"
    GOOD = "good"


@dataclass(frozen=True)
class Finding:
    """What a look at the input before the computation found, in a sentence for the user."""

    level: Level
    text: str


def require_no_error(findings: list[Finding]) -> None:
    """Raise InputError with everything that is an error."""
    errors = [finding.text for finding in findings if finding.level == Level.ERROR]
    if errors:
        raise InputError(" ".join(errors))


def check_grids(volume_nodes) -> list[Finding]:
    """Tell which volumes do not lie on the grid of the first one, where their transforms place them."""
    findings, reference = [], None
    for node in volume_nodes:
        try:
            geometry = volume_geometry(node, world=True)
        except (GeometryError, InputError) as error:
            findings.append(Finding(Level.ERROR, str(error)))
            continue
        if reference is None:
            reference = (node, geometry)
        elif not geometry.matches(reference[1]):
            findings.append(
                Finding(
                    Level.ERROR,
                    f"'{node.GetName()}' does not lie on the grid of '{reference[0].GetName()}' (position, spacing or size differ); "
                    "choose volumes of one series, or resample it.",
                ),
            )
    return findings or [Finding(Level.GOOD, "All volumes lie on one grid.")]


def check_one_examination(nodes) -> list[Finding]:
    """Tell which nodes are of another examination than the first one: grids can be equal by chance, signals are not."""
    others = [node for node in nodes if study_of(node) != study_of(nodes[0])]
    first = nodes[0].GetName() if others else ""
    text = "'{}' is of another examination than '{}'; choose images of one."
    return [Finding(Level.ERROR, text.format(node.GetName(), first)) for node in others]
