"""Source images and scanner-made maps told apart, in several vendors' and languages' habits."""

import unittest
from pathlib import Path

from dicom_folder import GRIDS, DicomFolderTestCase, diffusion_volumes, place_signals

from HCCResponseLib.dicom import Frame, Series, read_diffusion, recognise
from HCCResponseLib.dicom.recognition import FrameKind, frame_kinds
from HCCResponseLib.errors import InputError
from HCCResponseLib.phantom.dicom_series import VENDORS, Volume
from HCCResponseLib.response.roles import Role


def series(description: str, image_type: str, b_values=(800.0,), modality: str = "MR", **frame) -> Series:
    kind = tuple(image_type.split("\\"))
    frames = tuple(Frame(Path(f"{n}"), 0, f"1.2.{n}", 4, 4, image_type=kind, b_value=b, **frame) for n, b in enumerate(b_values))
    return Series("1.2", "1", frames, description=description, modality=modality)


def kind(*arguments, **keywords) -> FrameKind:
    return frame_kinds(series(*arguments, **keywords))[0]


class MapTest(unittest.TestCase):
    def test_image_type_decides(self):
        for image_type, expected in (
            ("DERIVED\\PRIMARY\\DIFFUSION\\ADC\\ND\\NORM", FrameKind.ADC),
            ("ORIGINAL\\PRIMARY\\ADC\\ADC\\SE", FrameKind.ADC),
            ("DERIVED\\PRIMARY\\DIFFUSION\\FA", FrameKind.ANISOTROPY),
            ("DERIVED\\PRIMARY\\DIFFUSION\\COLFA", FrameKind.ANISOTROPY),
            ("DERIVED\\PRIMARY\\DIFFUSION\\EXP", FrameKind.EXPONENTIAL_ADC),
            ("DERIVED\\PRIMARY\\EADC\\EADC\\SE", FrameKind.EXPONENTIAL_ADC),
            ("DERIVED\\PRIMARY\\DIFFUSION\\CALC_BVALUE\\TRACEW\\ND", FrameKind.COMPUTED),
            ("ORIGINAL\\PRIMARY\\PHASE MAP\\P\\SE", FrameKind.COMPONENT),
            ("ORIGINAL\\PRIMARY\\DIFFUSION\\REAL", FrameKind.COMPONENT),
            ("DERIVED\\PRIMARY\\DIFFUSION\\TRACEW\\ND\\DIS2D", FrameKind.TRACE),
            ("ORIGINAL\\PRIMARY\\DIFFUSION\\NONE\\ND\\NORM", FrameKind.SOURCE),
            ("ORIGINAL\\PRIMARY\\M_SE\\M\\SE", FrameKind.SOURCE),
            ("ORIGINAL\\PRIMARY\\OTHER", FrameKind.SOURCE),
        ):
            with self.subTest(image_type=image_type):
                self.assertEqual(kind("ep2d_diff_b50_800", image_type), expected)

    def test_descriptions_of_adc_maps(self):
        for description in (
            "ADC", "ep2d_diff_ADC", "dADC", "DWI ADC", "ADC (10^-6 mm²/s)", "Apparent Diffusion Coefficient (mm2/s)", "ADC-Karte",
            "carte ADC foie", "Cartographie CDA", "coefficient de diffusion apparent", "Mapa ADC", "coeficiente de difusión aparente",
            "coefficiente di diffusione apparente", "ADCマップ", "ADCmap", "scheinbarer Diffusionskoeffizient",
        ):
            with self.subTest(description=description):
                self.assertEqual(kind(description, "DERIVED\\SECONDARY\\PROCESSED"), FrameKind.ADC)
                self.assertEqual(recognise(series(description, "DERIVED\\SECONDARY")).role, Role.ADC)

    def test_descriptions_of_other_maps(self):
        for description, expected in (
            ("eADC", FrameKind.EXPONENTIAL_ADC),
            ("Exponential Apparent Diffusion Coefficient", FrameKind.EXPONENTIAL_ADC),
            ("Fractional Anisotropy", FrameKind.ANISOTROPY),
            ("DTI FA", FrameKind.ANISOTROPY),
            ("ep2d_diff_CALC_BVAL", FrameKind.COMPUTED),
            ("cDWI b1400", FrameKind.COMPUTED),
            ("Synthetic b1500", FrameKind.COMPUTED),
        ):
            with self.subTest(description=description):
                self.assertEqual(kind(description, "DERIVED\\SECONDARY\\PROCESSED"), expected)
                self.assertEqual(recognise(series(description, "DERIVED\\SECONDARY")).role, Role.DIFFUSION_MAP)

    def test_computed_images_of_two_b_values_are_no_source(self):
        self.assertEqual(kind("ep2d_diff_CALC_BVAL", "DERIVED\\PRIMARY", (1000.0, 1500.0)), FrameKind.COMPUTED)

    def test_a_protocol_that_mentions_adc_is_still_a_source(self):
        self.assertEqual(kind("DWI b50 b800 + ADC", "DERIVED\\SECONDARY\\COMBINED", (50.0, 800.0)), FrameKind.SOURCE)
        self.assertEqual(kind("DWI_ADC b800", "ORIGINAL\\PRIMARY\\OTHER"), FrameKind.SOURCE)
        for description in ("abdomen ADCC", "Ax DWI broadcast", "DWI exp b800", "FAT sat DWI", "Ax DWI TENSOR R2"):
            with self.subTest(description=description):
                self.assertEqual(kind(description, "DERIVED\\SECONDARY"), FrameKind.SOURCE)

    def test_traces(self):
        self.assertEqual(kind("ep2d_diff_TRACEW", "DERIVED\\SECONDARY"), FrameKind.TRACE)
        self.assertEqual(kind("DWI", "ORIGINAL\\PRIMARY\\M_SE\\M\\SE", directionality="ISOTROPIC"), FrameKind.TRACE)
        self.assertEqual(kind("DWI isotropic voxels", "ORIGINAL\\PRIMARY\\OTHER", gradient_direction=(1.0, 0.0, 0.0)), FrameKind.SOURCE)


class RoleTest(unittest.TestCase):
    def test_source_images(self):
        found = recognise(series("DWI", "ORIGINAL\\PRIMARY\\OTHER", (0.0, 0.003, 50.0, 800.0)))
        self.assertIs(found.role, Role.DWI)
        self.assertIn("b = 0, 50, 800 s/mm2", found.reason)

    def test_traces_are_source_images(self):
        found = recognise(series("ep2d_diff", "DERIVED\\PRIMARY\\DIFFUSION\\TRACEW", (50.0, 800.0)))
        self.assertIs(found.role, Role.DWI)
        self.assertIn("trace-weighted", found.reason)

    def test_b_zero_alone_is_diffusion_only_where_the_name_says_so(self):
        self.assertIs(recognise(series("DWI b0", "ORIGINAL\\PRIMARY\\OTHER", (0.0,))).role, Role.DWI)
        # GE and Philips write b = 0 into images of every kind
        self.assertIsNone(recognise(series("LAVA Flex", "ORIGINAL\\PRIMARY\\OTHER", (0.0,))).role)

    def test_what_is_no_diffusion(self):
        for description in (
            "t1_vibe", "vibe FA 15", "Synthetic T1", "calculated T2 map", "difference portal - native", "time-resolved MRA", "T1 isotropic",
        ):
            self.assertIsNone(recognise(series(description, "ORIGINAL\\PRIMARY\\M", (None,))).role)
        self.assertIsNone(recognise(series("DWI", "ORIGINAL\\PRIMARY", modality="CT")).role)
        self.assertIsNone(recognise(Series("1", "1", (), description="DWI")).role)

    def test_titles(self):
        self.assertEqual(len({role.title for role in Role}), len(Role))
        for role in Role:
            self.assertEqual(role.value, role.name)
            self.assertTrue(role.title[0].isupper())


class WrittenSeriesTest(DicomFolderTestCase):
    def test_maps_of_every_vendor_are_recognised_and_never_fitted(self):
        signals = place_signals(GRIDS["axial"])
        for vendor, enhanced in ((v, e) for v in VENDORS for e in (False, True)):
            with self.subTest(vendor=vendor, enhanced=enhanced):
                volumes = [Volume(signals, 800.0, derived="ADC")]
                found = self.written(volumes, vendor=vendor, enhanced=enhanced, number=3, description="liver")
                self.assertIs(recognise(found).role, Role.ADC)
                with self.assertRaisesRegex(InputError, "Series 3 'liver'.*no source images.*ADC map"):
                    read_diffusion(found)

    def test_maps_inside_a_source_series_are_left_out_and_noted(self):
        signals = place_signals(GRIDS["axial"])
        volumes = [*diffusion_volumes(signals), Volume(signals, 800.0, derived="ADC")]
        for vendor, enhanced in (("philips", False), ("philips", True), ("siemens", False)):
            with self.subTest(vendor=vendor, enhanced=enhanced):
                found = self.written(volumes, vendor=vendor, enhanced=enhanced)
                self.assertRegex(recognise(found).reason, "also holds 4 x ADC map")
                diffusion = read_diffusion(found)
                self.assertEqual(diffusion.averages, (1, 3, 3))
                self.assertRegex(" ".join(diffusion.notes), "left out: 4 x ADC map")


if __name__ == "__main__":
    unittest.main()
