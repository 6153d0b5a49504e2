"""What an image volume is in a liver examination: the value of the node attribute ``HCC.Role``."""

from enum import StrEnum

__all__ = ["Role"]


class Role(StrEnum):
    """Role of an image volume; the value is what is stored, ``title`` is what is shown."""

    T1 = "T1"
    T1_IN_PHASE = "T1_IN_PHASE"
    T1_OPPOSED_PHASE = "T1_OPPOSED_PHASE"
    T1_FAT_SUPPRESSED = "T1_FAT_SUPPRESSED"
    T2 = "T2"
    T2_FAT_SUPPRESSED = "T2_FAT_SUPPRESSED"
    HASTE = "HASTE"
    NATIVE = "NATIVE"
    ARTERIAL = "ARTERIAL"
    PORTAL_VENOUS = "PORTAL_VENOUS"
    DELAYED = "DELAYED"
    HEPATOBILIARY = "HEPATOBILIARY"
    SUBTRACTION = "SUBTRACTION"
    DWI = "DWI"
    ADC = "ADC"
    DIFFUSION_MAP = "DIFFUSION_MAP"
    DCE = "DCE"
    VFA = "VFA"
    T1_MAP = "T1_MAP"

    @property
    def title(self) -> str:
        """Name of the role as a radiologist reads it."""
        return _TITLES[self]


_TITLES = {
    Role.T1: "T1-weighted",
    Role.T1_IN_PHASE: "T1-weighted, in phase",
    Role.T1_OPPOSED_PHASE: "T1-weighted, opposed phase",
    Role.T1_FAT_SUPPRESSED: "T1-weighted, fat-suppressed",
    Role.T2: "T2-weighted",
    Role.T2_FAT_SUPPRESSED: "T2-weighted, fat-suppressed",
    Role.HASTE: "T2-weighted, single shot (HASTE)",
    Role.NATIVE: "T1-weighted before contrast",
    Role.ARTERIAL: "Arterial phase",
    Role.PORTAL_VENOUS: "Portal venous phase",
    Role.DELAYED: "Delayed phase",
    Role.HEPATOBILIARY: "Hepatobiliary phase",
    Role.SUBTRACTION: "Subtraction",
    Role.DWI: "Diffusion-weighted",
    Role.ADC: "ADC map",
    Role.DIFFUSION_MAP: "Other diffusion map made by the scanner",
    Role.DCE: "Dynamic contrast-enhanced series",
    Role.VFA: "Variable flip angle series",
    Role.T1_MAP: "T1 map",
}
