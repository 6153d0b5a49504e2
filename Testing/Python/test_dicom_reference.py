"""Two real diffusion series: Philips (classic, private scaling, b = 0.001 ... that are b = 0) and GE (list element)."""

import unittest
from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from reference_data import reference_path, requires_reference

from HCCResponseLib.dicom import read_diffusion, recognise, scan_folder
from HCCResponseLib.response.roles import Role


class PhilipsTest(unittest.TestCase):
    @requires_reference("dwi_philips")
    def test_series(self):
        scan = scan_folder(reference_path("dwi_philips"))
        self.assertEqual((len(scan.series), scan.skipped), (1, ()))
        series = scan.series[0]
        self.assertEqual((series.label, len(series.frames)), ("Series 701 'DTI_Biobank_2mm_MB3S2_EPI'", 544))
        self.assertIs(recognise(series).role, Role.DWI)

        diffusion = read_diffusion(series)
        self.assertEqual(diffusion.b_values.tolist(), [0, 1000])
        self.assertEqual((diffusion.directions_per_b, diffusion.averages), ((0, 12), (5, 12)))
        self.assertEqual(diffusion.signals.shape, (32, 112, 112, 2))
        self.assertTrue(np.isfinite(diffusion.signals).all())
        self.assertEqual(diffusion.warnings, ())

        # ITK reads the files of each volume on its own; the volumes are told by instance number modulo 17
        by_place = sorted(series.frames, key=lambda f: (f.position_lps[2], f.instance_number))
        volumes = []
        for n in range(17):
            reader = sitk.ImageSeriesReader()
            reader.SetFileNames([str(by_place[17 * k + n].path) for k in range(32)])
            image = reader.Execute()
            volumes.append(sitk.GetArrayFromImage(image).astype(float))
        np.testing.assert_allclose(diffusion.geometry.spacing_mm, image.GetSpacing(), rtol=1e-6)
        np.testing.assert_allclose(diffusion.geometry.origin_lps, image.GetOrigin(), atol=1e-6)
        np.testing.assert_allclose(diffusion.geometry.direction_lps.ravel(), image.GetDirection(), atol=1e-6)
        b = np.array([by_place[n].b_value for n in range(17)])
        volumes = np.stack(volumes, axis=-1)
        np.testing.assert_allclose(diffusion.signals[..., 0], volumes[..., b < 1].mean(axis=-1), rtol=1e-5)
        with np.errstate(divide="ignore"):
            expected = np.exp(np.log(volumes[..., b > 1]).mean(axis=-1))
        np.testing.assert_allclose(diffusion.signals[..., 1], expected, rtol=1e-5)

        lowest = replace(series, frames=tuple(by_place[: 2 * 17]))
        floating = read_diffusion(lowest, scaling="philips_private")
        factor = 1.51477411477411 * 0.026934709399938583
        np.testing.assert_allclose(floating.signals * factor, diffusion.signals[:2], rtol=1e-5)


class GeTest(unittest.TestCase):
    @requires_reference("dwi_ge")
    def test_series(self):
        scan = scan_folder(reference_path("dwi_ge"))
        self.assertEqual((len(scan.series), scan.skipped), (1, ()))
        series = scan.series[0]
        self.assertIs(recognise(series).role, Role.DWI)
        # the b = 0 images have the private element only
        self.assertEqual({f.b_value_source for f in series.frames if f.b_value == 0}, {"private (0043,xx39) of GEMS_PARM_01"})
        diffusion = read_diffusion(series)
        self.assertEqual(diffusion.b_values.tolist(), [0, 1000])
        self.assertEqual((diffusion.directions_per_b, diffusion.averages), ((0, 6), (1, 6)))
        self.assertEqual(diffusion.signals.shape, (2, 256, 256, 2))
        np.testing.assert_allclose(diffusion.geometry.spacing_mm, (1.0156, 1.0156, 3.0), rtol=1e-5)
        self.assertEqual((diffusion.notes, diffusion.warnings), ((), ()))
        # a simulator wrote one and the same image for every b-value and direction of a slice: the truth of its ADC is 0
        np.testing.assert_allclose(diffusion.signals[..., 1], diffusion.signals[..., 0], rtol=1e-6)


if __name__ == "__main__":
    unittest.main()
