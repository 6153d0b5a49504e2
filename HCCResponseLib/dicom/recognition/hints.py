"""What series descriptions say, in several languages: hints for where the headers are silent."""

import re

from ...response.roles import Role

__all__ = [
    "names_bolus_tracking",
    "names_dynamic",
    "names_fat_suppression",
    "names_flip_angles",
    "names_hepatobiliary",
    "names_localizer",
    "phase_named",
]


def _words(*patterns: str) -> re.Pattern:
    """Any of these as whole words: not inside a longer run of letters."""
    return re.compile(r"(?<![^\W\d_])(?:" + "|".join(patterns) + r")(?![^\W\d_])")


_FAT_SUPPRESSED = re.compile(
    _words("q?fs", "spair", "spir", "stir", "tirm", "fatsat", "fat-?supp?", "sat ?fat").pattern
    + r"|fat[ _-]?sat|fat[ _-]?suppr|fettges[aä]t|fettunterdr|satur\w* (?:de )?(?:la )?graisse|suppression de (?:la )?graisse"
    + r"|saturaci\w+ grasa|satur\w+ (?:del )?grasso|soppressione (?:del )?grasso|脂肪抑制|压脂|抑脂",
)
_LOCALIZER = re.compile(
    _words("loc", "survey", "scout", "aahscout", "3[ -]?pl(?:ane)?", "calib\\w*", "asset cal", "ref(?:erence)?[ _]?scan").pattern
    + r"|locali[sz]|topogram|rep[eé]rage|位置決め|定位",
)
_BOLUS_TRACKING = re.compile(r"bolus|smart ?prep|fluoro")
_DYNAMIC = re.compile(_words("dce", "dyn", "dynam\\w*", "perf", "perfus\\w*", "twist", "disco").pattern)
_FLIP_ANGLES = re.compile(_words("vfa", "dfa", "fa[ _=-]?\\d+(?:deg)?", "flip\\w*", "t1[ _-]?map\\w*", "despot1?").pattern)

_HEPATOBILIARY = (
    _words("hbp", "hep(?:ato)?[ _-]?bil\\w*", "hepatocyt\\w*", "hepatozyt\\w*", "leberspez\\w*", "hépatobiliaire").pattern + "|肝細胞|肝胆"
)

_PHASES = (
    (Role.HEPATOBILIARY, _HEPATOBILIARY + r"|(?<!\d)(?:1\d|2\d|30)[ _-]?min"),
    (Role.ARTERIAL, _words("art\\d?", "arter\\w*", "artér\\w*").pattern + r"|動脈|动脉"),
    (
        Role.PORTAL_VENOUS,
        _words("porto?", "port(?:al|o)\\w*", "pv", "pvp", "ven(?:ous)?", "venös\\w*", "venoes\\w*", "veineu\\w*", "venos[ao]").pattern
        + r"|門脈|门脉|門静脈|静脉|静脈",
    ),
    (
        Role.DELAYED,
        _words(
            "delay\\w*", "late", "equil\\w*", "transitional", "interstit\\w*", "spät\\w*", "spaet\\w*", "tardi\\w*", "tardí\\w*",
        ).pattern + r"|平衡|延[迟遲]|遅延|移行|(?<!\d)[2-9][ _-]?min",
    ),
    (
        Role.NATIVE,
        _words(
            "pre", "pre[ _-]?(?:contrast|gd|con|km|gad)\\w*", "nativ\\w*", "plain", "unenh\\w*", "non[ _-]?(?:contrast|enh\\w*)",
            "basal\\w*", "(?:vor|ohne)[ _-]?km", "sans (?:inj\\w*|contraste)", "sin contraste", "senza (?:mdc|contrasto)",
        ).pattern + r"|造影前|平扫|単純",
    ),
)
_PHASES = tuple((role, re.compile(pattern)) for role, pattern in _PHASES)


def names_fat_suppression(description: str) -> bool:
    """Tell whether a description speaks of fat suppression."""
    return bool(_FAT_SUPPRESSED.search(description.casefold()))


def names_localizer(description: str) -> bool:
    """Tell whether a description speaks of a localizer or a calibration."""
    return bool(_LOCALIZER.search(description.casefold()))


def names_bolus_tracking(description: str) -> bool:
    """Tell whether a description speaks of watching the bolus arrive (CARE Bolus, SmartPrep, BolusTrak)."""
    return bool(_BOLUS_TRACKING.search(description.casefold()))


def names_dynamic(description: str) -> bool:
    """Tell whether a description speaks of a dynamic series that is measured to be fitted."""
    return bool(_DYNAMIC.search(description.casefold()))


def names_flip_angles(description: str) -> bool:
    """Tell whether a description speaks of a series for T1 mapping."""
    return bool(_FLIP_ANGLES.search(description.casefold()))


def names_hepatobiliary(description: str) -> bool:
    """Tell whether a description names the hepatobiliary phase in words, not by minutes alone."""
    return bool(re.search(_HEPATOBILIARY, description.casefold()))


def phase_named(description: str) -> Role | None:
    """Return the one dynamic phase that a description names; None where it names none or several."""
    found = [role for role, words in _PHASES if words.search(description.casefold())]
    # "late arterial" and "delayed 20 min" each name one phase and a word that belongs to another
    if len(found) == 2 and Role.DELAYED in found and found[0] in {Role.ARTERIAL, Role.HEPATOBILIARY}:
        found.remove(Role.DELAYED)
    return found[0] if len(found) == 1 else None
