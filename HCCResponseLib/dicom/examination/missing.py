"""What an examination of the liver should hold and does not, and which of several series to take."""

from collections.abc import Sequence

from ...response.roles import Role
from ..contrast_agent import AgentKind, agent_kind
from ..recognition import Confidence, Recognition
from .phases import usual_time_s

__all__ = ["choose", "missing_images"]

PHASES = (Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED)
_BEFORE_CONTRAST = (
    ((Role.T1_IN_PHASE,), "in-phase T1-weighted images"),
    ((Role.T1_OPPOSED_PHASE,), "opposed-phase T1-weighted images"),
    ((Role.T2, Role.T2_FAT_SUPPRESSED, Role.HASTE), "T2-weighted images"),
    ((Role.DWI,), "diffusion-weighted images"),
)


def missing_images(recognitions: Sequence[Recognition]) -> tuple[str, ...]:
    """Tell what is not there of what CT/MRI LI-RADS v2018 requires (diffusion: suggests), a sentence each.

    Phases are asked for where there is one after contrast and no high-rate dynamic series; the hepatobiliary one where the
    headers name gadoxetate.
    """
    roles = {one.role for one in recognitions}
    found = [f"No {what} were found." for wanted, what in _BEFORE_CONTRAST if not roles & set(wanted)]
    after = roles & {Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED, Role.HEPATOBILIARY}
    if not after and Role.DCE not in roles:
        return (*found, "No images after contrast were recognised.")
    if after:
        timed = sorted({(one.time_s, one.role.title) for one in recognitions if one.role in after and one.time_s is not None})
        listing = ", ".join(f"{title.lower()} at {seconds:.0f} s" for seconds, title in timed)
        there = f" (found: {listing})" if listing else ""
        wanted = [role for role in PHASES if role not in roles and (Role.DCE not in roles or role is Role.NATIVE)]
        agents = {agent_kind(one.contrast_agent) for recognition in recognitions for one in recognition.series}
        if AgentKind.GADOXETATE in agents and Role.HEPATOBILIARY not in roles:
            wanted.append(Role.HEPATOBILIARY)
        found += [f"The {_name(role)} is missing{there}." for role in wanted]
    return tuple(found)


def choose(recognitions: Sequence[Recognition], role: Role) -> Recognition | None:
    """Return the best of several recognitions of one role: the most reliable, then the phase nearest to its usual time.

    Of native images the last before the injection is taken; where nothing else decides, the first.
    """
    ranks = list(Confidence)
    found = [one for one in recognitions if one.role is role]

    def rank(one: Recognition) -> tuple:
        away = 0.0
        if one.time_s is not None:
            away = -one.time_s if role is Role.NATIVE else abs(one.time_s - usual_time_s(role))
        return (ranks.index(one.confidence), away)

    return min(found, key=rank, default=None)


def _name(role: Role) -> str:
    return "native T1-weighted series" if role is Role.NATIVE else role.title.lower()
