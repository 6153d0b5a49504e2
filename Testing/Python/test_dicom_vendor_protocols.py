"""Liver protocols written in the habits of five manufacturers, recognised from their files; pulse sequences read from headers."""

import unittest
from datetime import datetime, timedelta

import numpy as np
from dicom_folder import DicomFolderTestCase
from dicom_protocols import edit_tags, private
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from HCCResponseLib.dicom import find_examinations, read_examination
from HCCResponseLib.dicom.contrast_agent import AgentKind, agent_kind, contrast_agent
from HCCResponseLib.dicom.headers import quiet_pydicom
from HCCResponseLib.dicom.pulse_sequence import Echo, pulse_sequence
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.phantom.dicom_series import Volume
from HCCResponseLib.response.roles import Role

BEGIN = datetime(2024, 3, 1, 9, 30)
INJECTION_S = 1500.0
GRID = Geometry.from_parts((2, 4, 4), (2.0, 2.0, 5.0))
STUDY = "1.2.826.9"

NATIVE, ARTERIAL, PORTAL, DELAYED, LATE = Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED, Role.HEPATOBILIARY
INSIDE, OPPOSED = Role.T1_IN_PHASE, Role.T1_OPPOSED_PHASE


def row(description: str, seconds: float, te, tr: float, angle: float, *roles: Role | None, phases=(0,), name=None, **tags) -> dict:
    """A series: seconds after the injection, TE and TR in milliseconds, what its parts are, its phases, private name and elements."""
    return {"description": description, "seconds": seconds, "te": te if isinstance(te, tuple) else (te,), "tr": tr, "angle": angle,
            "roles": list(roles), "phases": phases, "name": name, "tags": tags}


def gradient(*arguments, **tags) -> dict:
    return row(*arguments, **{"ScanningSequence": "GR", "SequenceVariant": "SP", "MRAcquisitionType": "3D", "ScanOptions": None, **tags})


def flash(*arguments, **tags) -> dict:
    return gradient(*arguments, **{"MRAcquisitionType": "2D", "ScanOptions": "PFP", **tags})


def spin(*arguments, **tags) -> dict:
    options = {"MRAcquisitionType": "2D", "EchoTrainLength": 17, "ScanOptions": None}
    return row(*arguments, **{"ScanningSequence": "SE", "SequenceVariant": "SK", **options, **tags})


def siemens(*arguments, **tags) -> dict:
    return gradient(*arguments, SequenceName="*fl3d1_ns", ScanOptions=["PFP", "SFS"], **tags)


def lava(*arguments, **tags) -> dict:
    options = ["FAST_GEMS", "EDR_GEMS", "ACC_GEMS", "FS"]
    return gradient(*arguments, name="efgre3d", SequenceVariant=["SS", "SP", "SK"], ScanOptions=options, **tags)


def dixon(*arguments, kind: str, **tags) -> dict:
    return gradient(*arguments, ImageType=["DERIVED", "PRIMARY", "DIXON", kind], **tags)


def thrive(*arguments, **tags) -> dict:
    kind = ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"]
    return gradient(*arguments, name="T1TFE", SequenceVariant="MP", ScanOptions="FS", ImageType=kind, **tags)


def quick(*arguments) -> dict:
    return gradient("t1_quick3d_tra_bh_fs", *arguments, SequenceName="gre_fsp_3d", ScanOptions=["PFP", "FS"])


def canon(*arguments) -> dict:
    return gradient(*arguments, SequenceName="FFE3D")


PROTOCOLS = {
    "siemens": [
        spin("localizer_haste", -900, 90, 1000, 150, None, SequenceName="*h2d1_128"),
        spin("t2_haste_cor_mbh", -850, 92, 1200, 160, Role.HASTE, SequenceName="*h2d1_179", ScanOptions="PFP"),
        spin("t2_haste_fs_tra", -800, 92, 1200, 160, Role.HASTE, SequenceName="*hfs2d1_179", ScanOptions=["PFP", "FS"]),
        spin("t2_blade_fs_tra_p2_trig", -700, 85, 2600, 140, Role.T2_FAT_SUPPRESSED, SequenceName="*tseR2d1rr35", ScanOptions="FS"),
        spin("t2_tse_tra", -680, 85, 2600, 140, Role.T2, SequenceName="*tse2d1_17"),
        flash("t2_trufi_cor", -650, 1.9, 4.3, 60, None, SequenceVariant="SS", SequenceName="*tfi2d1_256"),
        flash("t1_fl2d_in_tra", -600, 4.76, 150, 70, INSIDE, SequenceName="*fl2d1"),
        flash("t1_fl2d_opp_tra", -580, 2.38, 150, 70, OPPOSED, SequenceName="*fl2d1"),
        siemens("t1_vibe_fs_tra_bh_pre", -60, 1.35, 3.5, 10, NATIVE),
        siemens("t1_vibe_fs_tra_bh_dyn", 28, 1.35, 3.5, 10, ARTERIAL),
        siemens("t1_vibe_fs_tra_bh_dyn", 68, 1.35, 3.5, 10, PORTAL),
        siemens("t1_vibe_dyn_SUB", 28, 1.35, 3.5, 10, Role.SUBTRACTION, ImageType=["DERIVED", "PRIMARY", "M", "SUB", "ND"]),
        dixon("t1_vibe_dixon_tra_bh_W", 190, 2.39, 6.7, 9, DELAYED, kind="WATER", SequenceName="*fl3d2"),
        dixon("t1_vibe_dixon_tra_bh_F", 190, 2.39, 6.7, 9, None, kind="FAT", SequenceName="*fl3d2"),
        siemens("t1_vibe_fs_tra_20min", 1200, 1.35, 3.5, 30, LATE),
        gradient("T1_Images", 1300, 1.1, 3.5, 5, Role.T1_MAP, ImageType=["DERIVED", "PRIMARY", "T1 MAP", "ND"]),
    ],
    "ge": [
        spin("3-Plane Loc SSFSE", -900, 80, 1200, 90, None, ScanOptions=["FAST_GEMS", "SEQ_GEMS", "SS_GEMS"]),
        spin("Cor SSFSE BH", -850, 85, 1400, 90, Role.HASTE, EchoTrainLength=1, ScanOptions=["FAST_GEMS", "SS_GEMS", "ACC_GEMS", "PFP"]),
        spin("Cor BH", -850, 85, 1400, 90, Role.HASTE, EchoTrainLength=1, name="ssfse"),
        spin("Ax T2 PROPELLER RTr", -700, 90, 6000, 110, Role.T2_FAT_SUPPRESSED, ScanOptions=["FAST_GEMS", "PROP_GEMS", "FS"]),
        spin("Ax T2 FRFSE", -650, 90, 6000, 110, Role.T2, name="frfse", ScanOptions=["FAST_GEMS", "TRF_GEMS"]),
        flash("Ax 2D BH", -640, 1.7, 3.9, 55, None, name="2dfiesta", SequenceVariant="SS", ScanOptions="FAST_GEMS"),
        dixon("InPhase: Ax LAVA-Flex", -600, 4.2, 6.5, 12, INSIDE, kind="IN_PHASE"),
        dixon("OutPhase: Ax LAVA-Flex", -600, 2.1, 6.5, 12, OPPOSED, kind="OUT_PHASE"),
        lava("Ax LAVA pre", -60, 1.7, 3.7, 12, NATIVE),
        lava("Ax LAVA multiphase", 25, 1.7, 3.7, 12, ARTERIAL, PORTAL, DELAYED, phases=(0, 42, 160)),
        dixon("WATER: Ax LAVA-Flex 20min", 1210, 1.3, 3.9, 12, LATE, kind="WATER"),
        dixon("FAT: Ax LAVA-Flex 20min", 1210, 1.3, 3.9, 12, None, kind="FAT"),
    ],
    "philips": [
        flash("Survey", -900, 5, 11, 20, None),
        spin("T2W_SSh_TSE", -850, 80, 900, 90, Role.HASTE, name="TSE", EchoTrainLength=71, ScanOptions="PFP"),
        spin("T2W_TSE_SPAIR_RT", -700, 70, 1800, 90, Role.T2_FAT_SUPPRESSED, name="TSE", ScanOptions="FS"),
        flash("BTFE_BH", -650, 1.6, 3.2, 60, None, name="B-TFE"),
        flash("dual FFE", -600, (2.3, 4.6), 180, 80, OPPOSED, INSIDE, name="T1FFE"),
        thrive("e-THRIVE nativ", -60, 1.8, 3.8, 10, NATIVE),
        thrive("dyn e-THRIVE", 18, 1.8, 3.8, 10, ARTERIAL, ARTERIAL, PORTAL, DELAYED, phases=(0, 12, 48, 165)),
        gradient("mDIXON W 20 min", 1205, 1.3, 3.6, 10, LATE, name="FFE", ImageType=["DERIVED", "PRIMARY", "W", "W", "DERIVED"]),
    ],
    "uih": [
        flash("scout", -900, 2, 5, 20, None),
        spin("t2_ssfse_cor", -850, 90, 1000, 120, Role.HASTE, EchoTrainLength=96, SequenceName="fse_ssh"),
        spin("t2_arms_fse_tra_fs", -700, 85, 3000, 130, Role.T2_FAT_SUPPRESSED, ScanOptions="FS", SequenceName="fse_arms"),
        flash("t1_gre_ip", -600, 4.55, 120, 60, INSIDE, SequenceName="gre"),
        flash("t1_gre_op", -590, 2.28, 120, 60, OPPOSED, SequenceName="gre"),
        quick(-60, 1.4, 3.3, 10, NATIVE),
        quick(32, 1.4, 3.3, 10, ARTERIAL),
        quick(66, 1.4, 3.3, 10, PORTAL),
        quick(185, 1.4, 3.3, 10, DELAYED),
        quick(1150, 1.4, 3.3, 10, LATE),
    ],
    "canon": [
        spin("Locator 位置決め", -900, 80, 900, 90, None, SequenceName="FASE2D"),
        spin("T2 cor", -850, 80, 2000, 90, Role.HASTE, SequenceName="FASE2D"),
        spin("FSE T2 FatSat", -700, 80, 4500, 90, Role.T2_FAT_SUPPRESSED, SequenceName="FSE2D"),
        flash("FFE2D in", -600, 4.6, 160, 75, INSIDE, SequenceName="FE_slt"),
        flash("FFE2D out", -590, 2.3, 160, 75, OPPOSED, SequenceName="FE_slt"),
        canon("Quick 3Ds 脂肪抑制 pre", -60, 1.8, 4.8, 12, NATIVE),
        canon("Quick 3Ds 脂肪抑制 動脈", 30, 1.8, 4.8, 12, ARTERIAL),
        canon("Quick 3Ds 脂肪抑制 門脈", 71, 1.8, 4.8, 12, PORTAL),
        canon("Quick 3Ds 脂肪抑制 平衡", 180, 1.8, 4.8, 12, DELAYED),
        canon("Quick 3Ds 脂肪抑制 肝細胞", 1205, 1.8, 4.8, 12, LATE),
    ],
}
NAMES = {"ge": (0x0019, "GEMS_ACQU_01", 0x9C, "LO"), "philips": (0x2001, "Philips Imaging DD 001", 0x20, "LO")}
"""Where the manufacturers keep the name of a sequence privately."""


class ProtocolsTest(DicomFolderTestCase):
    def write_series(self, vendor: str, number: int, series: dict) -> None:
        signals = np.full(GRID.shape, 100.0)
        phases, start = series["phases"], BEGIN + timedelta(seconds=INJECTION_S + series["seconds"])
        volumes = [Volume(signals, seconds=float(phase), echo_time_s=echo * 1e-3) for phase in phases for echo in series["te"]]
        options = {"repetition_time_s": series["tr"] * 1e-3, "flip_angle_deg": series["angle"]}
        paths = self.write(volumes, GRID, vendor=vendor, description="series", number=number, start=start, **options)
        tags = {"SeriesDescription": series["description"], "SpecificCharacterSet": "ISO_IR 192", "StudyInstanceUID": STUDY}
        tags |= series["tags"]
        if series["seconds"] > 0:
            tags |= {"ContrastBolusAgent": "Primovist", "ContrastBolusStartTime": f"{BEGIN + timedelta(seconds=INJECTION_S):%H%M%S}"}
        changes = [private(*NAMES[vendor], series["name"])] if series["name"] else []
        edit_tags(self.edit, paths, *changes, ProtocolName="", **tags)
        if vendor in {"ge", "philips"} and len(phases) > 1:
            for n, path in enumerate(paths):
                t = n // GRID.shape[0]
                timing = {"AcquisitionTime": f"{start:%H%M%S}", "TriggerTime": phases[t] * 1000, "TemporalPositionIdentifier": t + 1}
                edit_tags(self.edit, [path], **timing)

    def write_diffusion(self, vendor: str, number: int) -> None:
        volumes = [Volume(np.full(GRID.shape, 100.0), b) for b in (0.0, 800.0)]
        paths = self.write(volumes, GRID, vendor=vendor, number=number, description="DWI", start=BEGIN + timedelta(seconds=500))
        edit_tags(self.edit, paths, StudyInstanceUID=STUDY)

    def test_every_vendor(self):
        for vendor, protocol in PROTOCOLS.items():
            with self.subTest(vendor):
                for path in self.folder.iterdir():
                    path.unlink()
                for number, series in enumerate(protocol, start=1):
                    self.write_series(vendor, number, series)
                self.write_diffusion(vendor, 99)
                examinations = find_examinations(self.scan())
                self.assertEqual(len(examinations), 1)
                found = examinations[0].recognitions
                told: dict[int, list] = {}
                for one in found:
                    told.setdefault(one.series[0].number, []).append(one.role)
                expected = {number: series["roles"] for number, series in enumerate(protocol, start=1)}
                self.assertEqual(told, {**expected, 99: [Role.DWI]})
                self.assertEqual(examinations[0].missing, ())
                readings = list(read_examination(found))
                self.assertEqual([reading.error for reading in readings if reading.error], [])
                self.assertEqual(len(readings), sum(one.role is not None for one in found))


class PulseSequenceTest(unittest.TestCase):
    def read(self, **attributes) -> object:
        d = Dataset()
        for name, value in attributes.items():
            setattr(d, name, value)
        return pulse_sequence(d)

    def test_echo(self):
        for kinds, expected in ((["SE"], Echo.SPIN), (["GR"], Echo.GRADIENT), (["EP", "SE"], Echo.PLANAR), (["SE", "GR"], Echo.BOTH),
                                (["RM"], Echo.UNKNOWN), (["SE", "IR"], Echo.SPIN)):
            self.assertIs(self.read(ScanningSequence=kinds).echo, expected)
        self.assertTrue(self.read(ScanningSequence=["SE", "IR"]).inverted)
        self.assertIsNone(self.read().inverted)

    def test_field_strength_units(self):
        for value, expected in ((1.5, 1.5), (3, 3.0), (15000, 1.5), (30000, 3.0), (1500, 1.5), (0, None)):
            self.assertEqual(self.read(MagneticFieldStrength=value).field_t, expected)

    def test_enhanced(self):
        shared, modifier, timing = Dataset(), Dataset(), Dataset()
        modifier.InversionRecovery, modifier.SpectrallySelectedExcitation = "YES", "WATER"
        timing.RFEchoTrainLength = 24
        shared.MRModifierSequence, shared.MRTimingAndRelatedParametersSequence = Sequence([modifier]), Sequence([timing])
        found = self.read(
            SharedFunctionalGroupsSequence=Sequence([shared]), EchoPulseSequence="SPIN", SegmentedKSpaceTraversal="FULL",
            SpectrallySelectedSuppression="NONE", MRAcquisitionType="2D", PulseSequenceName="*h2d1_128",
        )
        self.assertEqual(
            (found.echo, found.inverted, found.fat_suppressed, found.single_shot, found.echo_train_length, found.volumetric, found.names),
            (Echo.SPIN, True, True, True, 24, False, ("*h2d1_128",)),
        )
        for suppression, expected in (("FAT", True), ("FAT_AND_WATER", True), ("NONE", False), ("WATER", False)):
            self.assertIs(self.read(EchoPulseSequence="GRADIENT", SpectrallySelectedSuppression=suppression).fat_suppressed, expected)
        self.assertTrue(self.read(EchoPulseSequence="GRADIENT", SteadyStatePulseSequence="FREE_PRECESSION").balanced)
        self.assertIs(self.read(EchoPulseSequence="SPIN", EchoPlanarPulseSequence="YES").echo, Echo.PLANAR)


class ContrastAgentTest(unittest.TestCase):
    def test_names(self):
        for name, kind in (
            ("Primovist 10 ml", AgentKind.GADOXETATE), ("EOVIST", AgentKind.GADOXETATE), ("MultiHance", AgentKind.GADOBENATE),
            ("Gadovist 1.0", AgentKind.EXTRACELLULAR), ("gadoterate meglumine", AgentKind.EXTRACELLULAR), ("Gd", AgentKind.UNKNOWN),
            ("YES", AgentKind.UNKNOWN),
        ):
            self.assertIs(agent_kind(name), kind)

    def test_classic_and_enhanced(self):
        d = Dataset()
        d.ContrastBolusAgent, d.ContrastBolusStartTime = "Gadovist", "093015.5"
        self.assertEqual(contrast_agent(d, BEGIN), ("Gadovist", datetime(2024, 3, 1, 9, 30, 15, 500000)))
        item, profile = Dataset(), Dataset()
        item.CodeMeaning, profile.ContrastBolusStartTime = "Gadobutrol", "093015"
        item.ContrastAdministrationProfileSequence = Sequence([profile])
        d = Dataset()
        d.ContrastBolusAgentSequence = Sequence([item])
        self.assertEqual(contrast_agent(d, BEGIN), ("Gadobutrol", datetime(2024, 3, 1, 9, 30, 15)))

    def test_none(self):
        for name in ("", "NONE", "No", "N"):
            d = Dataset()
            d.ContrastBolusAgent = name
            self.assertEqual(contrast_agent(d, BEGIN), ("", None))
        with quiet_pydicom():
            d.ContrastBolusStartTime = "soon"
            self.assertIsNone(contrast_agent(d, BEGIN)[1])
        d.ContrastBolusStartTime = "0930"
        self.assertIsNone(contrast_agent(d, None)[1])

    def test_the_day_of_the_injection_is_the_nearest(self):
        d = Dataset()
        d.ContrastBolusAgent, d.ContrastBolusStartTime = "Gadovist", "235950"
        self.assertEqual(contrast_agent(d, datetime(2024, 3, 2, 0, 0, 20))[1], datetime(2024, 3, 1, 23, 59, 50))
        d.ContrastBolusStartTime = "000010"
        self.assertEqual(contrast_agent(d, datetime(2024, 3, 1, 23, 58))[1], datetime(2024, 3, 2, 0, 0, 10))


if __name__ == "__main__":
    unittest.main()
