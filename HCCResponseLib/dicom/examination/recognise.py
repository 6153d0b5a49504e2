"""What the series of an examination are, judged together: flip angle sets and dynamic phases depend on each other."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...response.roles import Role
from ..checks import check_one_examination
from ..contrast_agent import AgentKind
from ..diffusion_exports import diffusion_exports
from ..image_kind import ImageKind, split_series
from ..recognition import Confidence, Recognition, recognise, recognise_part
from ..recognition.diffusion import recognise_diffusion
from ..recognition.hints import names_hepatobiliary, phase_named
from ..recognition.time_parts import series_times
from ..series import Series
from .acquisition import Acquisition, acquisitions, protocol_of
from .flip_angle_sets import flip_angle_sets
from .high_rate_runs import high_rate_runs
from .injection import Injection, agent_of, find_injection, is_after_contrast, told_injections
from .phases import phase_at

__all__ = ["recognise_examination"]

T1_WEIGHTED = {Role.T1, Role.T1_FAT_SUPPRESSED, Role.T1_IN_PHASE, Role.T1_OPPOSED_PHASE}
IN_AND_OPPOSED = {Role.T1_IN_PHASE, Role.T1_OPPOSED_PHASE}


def recognise_examination(series: Sequence[Series]) -> tuple[Recognition, ...]:
    """Tell the role of every series of one examination.

    Series that are read together share a recognition: b-values exported one by one, a flip angle set, a dynamic series with
    a series for each time point. A series of several phases, or of several kinds of images, has a recognition for each part.
    Every series is in at least one recognition, those of no use with role None. :func:`missing_images` tells what is not there.

    :param series: all series of one study of one patient.
    :return: recognitions in the order of the series.
    :raises InputError: the series are of several patients or studies.
    """
    series = tuple(series)
    check_one_examination(series)
    found = _diffusion(series)
    taken = {id(one) for recognition in found for one in recognition.series}
    rest: list[Recognition] = []
    for one in series:
        if id(one) in taken:
            continue
        if one.modality not in {"MR", ""} or not one.frames or recognise_diffusion(one) is not None:
            found.append(recognise(one))
        else:
            rest += [recognise_part(part) for part in split_series(one)]
    found += _t1_weighted(rest)
    order = {one.series_uid: n for n, one in reversed(list(enumerate(series)))}
    return tuple(sorted(found, key=lambda recognition: min(order[one.series_uid] for one in recognition.series)))


def _diffusion(series: Sequence[Series]) -> list[Recognition]:
    found = []
    for export in diffusion_exports(series):
        if len(export) == 1:
            one = recognise(export[0])
            count = len(export[0].b_values)
            few = "only one b-value" if count else "no b-value"
            warnings = (f"{export[0].label}: {few} was found; an ADC map needs two or more.",) if count < 2 else ()
            found.append(replace(one, warnings=(*one.warnings, *warnings)))
        else:
            values = ", ".join(f"{b:g}" for b in sorted({b for one in export for b in one.b_values}))
            reason = f"Diffusion-weighted source images, a series for each b-value: b = {values} s/mm2."
            found.append(Recognition(Role.DWI, reason, export))
    return found


def _t1_weighted(parts: Sequence[Recognition]) -> list[Recognition]:
    """Tell flip angle sets, high-rate series and phases; other parts keep what they are by themselves."""
    everything = acquisitions(parts, [part.role in T1_WEIGHTED for part in parts])
    told, warnings = told_injections(everything)
    single = [one for one in everything if one.weighting.role in T1_WEIGHTED]
    found: list[Recognition] = []
    used: set[int] = set()

    def take(sets: list[tuple[Recognition, list[Acquisition]]]) -> None:
        for recognition, members in sets:
            found.append(recognition)
            used.update(id(one) for one in members)

    after = [one for one in single if is_after_contrast(one, single, told)]
    take(flip_angle_sets([one for one in single if one not in after], after))
    single = [one for one in single if id(one) not in used]
    take(high_rate_runs(single))
    single = [one for one in single if id(one) not in used]
    timed = sorted((one for one in single if np.isfinite(one.start_s) and _may_be_phase(one)), key=lambda one: one.start_s)
    injection = find_injection(timed, told)
    agent = agent_of(everything)
    phases = {id(one): _phase(one, timed, injection, agent) for one in single}
    first = next((one for one in timed if (phases[id(one)].time_s or 0.0) > 0), None)
    for one in everything:
        if id(one) in used:
            continue
        recognition = phases.get(id(one), one.weighting)
        more = one.warnings
        if one is first:
            more = (*more, *(injection.warnings if injection else ()), *warnings)
        found.append(replace(recognition, series=(one.series,), warnings=(*recognition.warnings, *more)))
    return _paired(found)


def _may_be_phase(one: Acquisition) -> bool:
    """A phase is fat-suppressed, or at least a volume, or told to be after contrast; Dixon's and paired echoes serve to judge fat."""
    if one.physics.kind in {ImageKind.IN_PHASE, ImageKind.OPPOSED_PHASE} or one.series.part.startswith("TE "):
        return False
    told = bool(one.series.contrast_agent) and one.weighting.role is not Role.T1_OPPOSED_PHASE
    return one.physics.fat_suppressed or bool(one.physics.volumetric) or told


def _phase(one: Acquisition, timed: Sequence[Acquisition], injection: Injection | None, agent: AgentKind) -> Recognition:
    named = _named_phase(one.series.description, agent) if _may_be_phase(one) else None
    if injection is None or not np.isfinite(one.start_s):
        return _phase_by_name(one, named, agent)
    seconds = injection.time_since(one.start_s)
    if one not in timed:
        if seconds > 0:
            reason = f"{one.physics}; it began {_when(seconds)} after {injection.how}, where fat is no longer judged."
            return Recognition(None, reason, (one.series,), injection.confidence)
        return one.weighting
    if seconds <= 0:
        return _before(one, timed, injection, named)
    phase = phase_at(seconds, agent)
    confidence = injection.confidence
    if confidence is Confidence.SURE and not (one.physics.fat_suppressed or one.physics.volumetric):
        confidence = Confidence.LIKELY
    warnings = []
    role = phase.role
    if named is not None and named is not role:
        if injection.told:
            says = f"its name says {named.title.lower()}, its time {role.title.lower()}"
            warnings.append(f"{one.series.label}: {says}; the time is used.")
            confidence = Confidence.LIKELY
        else:
            role = named
    elif not phase.is_nominal(seconds) and injection.told:
        confidence = Confidence.LIKELY
    agent_warnings = _agent_warnings(one, role, agent)
    if agent_warnings and confidence is Confidence.SURE:
        confidence = Confidence.LIKELY
    usual = f"; usual are {phase.nominal}" if role is phase.role and role is not Role.NATIVE else ""
    also = f"; it is named {role.title.lower()}" if named is role and not injection.told else ""
    reason = f"It began {_when(seconds)} after {injection.how}{usual}{also}. {one.physics}."
    return Recognition(role, reason, (one.series,), confidence, (*warnings, *agent_warnings), seconds)


def _named_phase(description: str, agent: AgentKind) -> Role | None:
    """The phase that a description names; late minutes after an extracellular agent are a delayed phase."""
    named = phase_named(description)
    late = named is Role.HEPATOBILIARY and agent is AgentKind.EXTRACELLULAR and not names_hepatobiliary(description)
    return Role.DELAYED if late else named


def _agent_warnings(one: Acquisition, role: Role, agent: AgentKind) -> tuple[str, ...]:
    """Only agents that the liver takes up have a hepatobiliary phase."""
    if role is not Role.HEPATOBILIARY:
        return ()
    if agent is AgentKind.EXTRACELLULAR:
        return (f"{one.series.label}: it is named hepatobiliary phase, but the agent is extracellular and has none; check its role.",)
    if agent is AgentKind.UNKNOWN and not names_hepatobiliary(one.series.description):
        return (f"{one.series.label}: the headers do not name the contrast agent; after an extracellular one it is a delayed phase.",)
    return ()


def _before(one: Acquisition, timed: Sequence[Acquisition], injection: Injection, named: Role | None) -> Recognition:
    """Before contrast: NATIVE where the same was repeated after it."""
    own = protocol_of(one.series, one.physics)[1:]
    later = [other for other in timed if injection.time_since(other.start_s) > 0 and protocol_of(other.series, other.physics)[1:] == own]
    if not later and named is not Role.NATIVE:
        return one.weighting
    seconds = injection.time_since(one.start_s)
    reason = f"It began {_when(-seconds)} before {injection.how}. {one.physics}."
    return Recognition(Role.NATIVE, reason, (one.series,), injection.confidence, (), seconds)


def _phase_by_name(one: Acquisition, named: Role | None, agent: AgentKind) -> Recognition:
    """Without an injection to count from, a phase is what it is called."""
    contrast = one.series.contrast_agent
    many = series_times(one.series).count > 1
    if many:
        reason = f"It holds several time points, and neither their times nor the injection are known. {one.physics}."
        return Recognition(None, reason, (one.series,), Confidence.DOUBTFUL)
    if named is not None and (contrast or named is not Role.NATIVE):
        reason = f"Named as {named.title.lower()}; the headers do not tell the time after the injection. {one.physics}."
        return Recognition(named, reason, (one.series,), Confidence.DOUBTFUL, _agent_warnings(one, named, agent))
    if contrast and one.weighting.role not in IN_AND_OPPOSED:
        warning = f"{one.series.label}: a contrast agent is named ({contrast}), but its phase cannot be told; choose its role."
        return replace(one.weighting, confidence=Confidence.LIKELY, warnings=(*one.weighting.warnings, warning))
    return one.weighting


def _when(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _paired(found: list[Recognition]) -> list[Recognition]:
    """In and opposed phase are sure where both were acquired of the same slices."""
    grids: dict[Role, list] = {Role.T1_IN_PHASE: [], Role.T1_OPPOSED_PHASE: []}
    for one in found:
        if one.role in grids:
            grids[one.role].append(_grid(one.series[0]))
    partner = {Role.T1_IN_PHASE: grids[Role.T1_OPPOSED_PHASE], Role.T1_OPPOSED_PHASE: grids[Role.T1_IN_PHASE]}
    return [
        replace(one, confidence=Confidence.SURE)
        if one.role in partner and one.confidence is Confidence.LIKELY and _grid(one.series[0]) in partner[one.role]
        else one
        for one in found
    ]


def _grid(series: Series) -> tuple:
    frame = series.frames[0]
    return (frame.rows, frame.columns, len({one.position_lps for one in series.frames}), frame.row_direction_lps)
