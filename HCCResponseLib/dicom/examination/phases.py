"""Dynamic phases of the liver by the time after the injection of the contrast agent.

Nominal times: late arterial 20 to 40 s, portal venous 60 to 80 s, delayed (with gadoxetate: transitional) 2 to 5 min,
hepatobiliary about 20 min with gadoxetate (CT/MRI LI-RADS v2018, American College of Radiology, technical recommendations), from
10 min on (van Kessel et al., Eur Radiol 2012;22:2153-2160, who also give 60 to 120 min for gadobenate). What lies between the
nominal times belongs to the nearer one.
"""

from dataclasses import dataclass

from ...response.roles import Role
from ..contrast_agent import AgentKind

__all__ = ["Phase", "phase_at", "usual_time_s"]

ARRIVAL_S = 10.0
"""The agent needs longer from the arm to the abdominal aorta."""


@dataclass(frozen=True)
class Phase:
    """A phase and its times after the start of the injection, s.

    :param begins_s: from here on images are of this phase.
    :param nominal_s: when they should be acquired.
    """

    role: Role
    begins_s: float
    nominal_s: tuple[float, float]

    def is_nominal(self, time_s: float) -> bool:
        """Tell whether a time is the nominal one."""
        return self.nominal_s[0] <= time_s <= self.nominal_s[1]

    @property
    def nominal(self) -> str:
        """The nominal times in words."""
        factor, unit = (60, "min") if self.nominal_s[0] >= 120 else (1, "s")
        return f"{self.nominal_s[0] / factor:g} to {self.nominal_s[1] / factor:g} {unit}"


_VASCULAR = (
    Phase(Role.NATIVE, float("-inf"), (float("-inf"), 0.0)),
    Phase(Role.ARTERIAL, ARRIVAL_S, (20.0, 40.0)),
    Phase(Role.PORTAL_VENOUS, 50.0, (60.0, 80.0)),
    Phase(Role.DELAYED, 100.0, (120.0, 300.0)),
)
_HEPATOBILIARY = {
    AgentKind.GADOXETATE: Phase(Role.HEPATOBILIARY, 540.0, (600.0, 1800.0)),
    AgentKind.UNKNOWN: Phase(Role.HEPATOBILIARY, 540.0, (600.0, 1800.0)),
    AgentKind.GADOBENATE: Phase(Role.HEPATOBILIARY, 2700.0, (3600.0, 7200.0)),
}
_USUAL_S = {Role.ARTERIAL: 30.0, Role.PORTAL_VENOUS: 70.0, Role.DELAYED: 180.0, Role.HEPATOBILIARY: 1200.0}


def phase_at(time_s: float, agent: AgentKind) -> Phase:
    """Return the phase at a time after the start of the injection [s]; NATIVE before the agent arrives."""
    late = _HEPATOBILIARY.get(agent)
    phases = _VASCULAR if late is None else (*_VASCULAR, late)
    return next(phase for phase in reversed(phases) if time_s >= phase.begins_s)


def usual_time_s(role: Role) -> float:
    """Return the time after the injection at which a phase is usually acquired [s]."""
    return _USUAL_S[role]
