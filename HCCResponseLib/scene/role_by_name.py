"""What a volume is by its name alone: for images without DICOM headers. Names mislead, so only plain ones are believed."""

import re

from ..response.roles import Role

__all__ = ["dynamic_named", "role_named"]


def _words(*patterns: str) -> re.Pattern:
    """Any of these as whole words: not inside a longer run of letters."""
    return re.compile(r"(?<![^\W\d_])(?:" + "|".join(patterns) + r")(?![^\W\d_])")


_FAST_T1 = _words("vibe", "lava", "thrive", "e-?thrive", "flash", "fl[23]d", "spgr", "mdixon", "starvibe", "quick")
_T1, _T2 = _words("t1\\w?"), _words("t2\\w?")
_HASTE = _words("haste", "ssfse", "ss-?fse", "ssh?-?tse", "fase")
_DIFFUSION, _ADC = _words("dwi", "diff\\w*", "ep2d", "epi?-?dwi", "trace\\w?"), _words("adc\\w?")
_B_VALUE = re.compile(r"(?<![a-z0-9])b(?:[-_ ]?val(?:ue)?)?[-_ =]*\d{1,4}(?![.\d])")
_IN_PHASE = _words("in[-_ ]?phase", "in", "ip")
_OPPOSED = _words("opp(?:osed)?(?:[-_ ]?phase)?", "out[-_ ]?(?:of[-_ ]?)?phase", "op")
_SUBTRACTION = _words("sub(?:tr\\w*)?")
_DYNAMIC = _words("dyn\\w*", "dce\\w*", "perf\\w*", "twist\\w*", "disco", "tricks", "4d-?thrive", "grasp")


def role_named(name: str) -> Role | None:
    """Return the one role that a name speaks for; None where it speaks for none or several."""
    from ..dicom.recognition.hints import names_fat_suppression, names_flip_angles, phase_named

    text = name.casefold()

    def says(words: re.Pattern) -> bool:
        return bool(words.search(text))

    if says(_ADC):
        return None if says(_B_VALUE) else Role.ADC
    if says(_SUBTRACTION):
        return Role.SUBTRACTION if says(_T1) or says(_FAST_T1) else None
    if says(_DIFFUSION):
        return None if says(_T1) or says(_T2) else Role.DWI
    t1, t2 = says(_T1) or says(_FAST_T1), says(_T2) or says(_HASTE)
    if t1 == t2:
        # without a weighting only the phases after contrast are told by their names
        phase = phase_named(name)
        return None if t1 or phase is Role.NATIVE else phase
    if says(_HASTE):
        return Role.HASTE
    if t2:
        return Role.T2_FAT_SUPPRESSED if names_fat_suppression(name) else Role.T2
    if names_flip_angles(name):
        return Role.VFA
    phase = phase_named(name)
    if phase is not None:
        return phase
    if says(_IN_PHASE) != says(_OPPOSED):
        return Role.T1_IN_PHASE if says(_IN_PHASE) else Role.T1_OPPOSED_PHASE
    return Role.T1_FAT_SUPPRESSED if names_fat_suppression(name) else Role.T1


def dynamic_named(name: str) -> bool:
    """Tell whether a name speaks of a dynamic contrast-enhanced series."""
    return bool(_DYNAMIC.search(name.casefold()))
