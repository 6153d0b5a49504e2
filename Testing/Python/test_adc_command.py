"""``hccresponse adc`` from DICOM files to maps and numbers, and its errors."""

import contextlib
import io
import json
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import SimpleITK as sitk
from reference_data import reference_path, requires_reference

from HCCResponseLib.command import main
from HCCResponseLib.command.progress_bar import ProgressBar
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.body import remove_specks
from HCCResponseLib.phantom.abdomen import diffusion_examination
from HCCResponseLib.phantom.dicom_series import SeriesHeader, Volume, write_series
from HCCResponseLib.workflow.image_files import geometry_of_image, image_from_array, write_volume
from HCCResponseLib.workflow.label_maps import Region, read_regions, write_segmentation


def run(*arguments) -> tuple[int, str, str]:
    """Run the command; returns exit status, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stopped:
            status = stopped.code
    return status, out.getvalue(), err.getvalue()


class CommandCase(unittest.TestCase):
    """An examination on disk, made once for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="hccresponse-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.examination = diffusion_examination(shape=(9, 40, 52), spacing_mm=(7.0, 7.0, 14.0))
        write_series(cls.folder / "dicom", cls.examination.volumes, cls.examination.geometry, SeriesHeader(number=5))

    def setUp(self):
        self.output = Path(self.enterContext(tempfile.TemporaryDirectory())) / "results"


class AdcCommandTest(CommandCase):
    def test_map_is_true_and_lies_where_the_images_lie(self):
        status, out, _err = run("adc", self.folder / "dicom", "--output", self.output)
        self.assertEqual(status, 0)
        image = sitk.ReadImage(str(self.output / "adc.nrrd"))
        self.assertEqual(image.GetPixelID(), sitk.sitkFloat32)
        self.assertTrue(geometry_of_image(image).matches(self.examination.geometry))
        values = sitk.GetArrayFromImage(image)
        for name in ("liver", "spleen", "stomach"):
            found = np.median(values[self.examination.regions[name]])
            self.assertAlmostEqual(found, 1e3 * self.examination.true_adc(name), delta=0.02 * found)
        nifti = sitk.ReadImage(str(self.output / "adc.nii.gz"))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(nifti), values)
        self.assertTrue(geometry_of_image(nifti).matches(self.examination.geometry, tolerance_mm=0.05))
        valid = sitk.GetArrayFromImage(sitk.ReadImage(str(self.output / "adc_valid.nrrd")))
        np.testing.assert_array_equal(valid > 0, values > 0)
        for line in ("read  ", "fitted", "measured", "wrote "):
            self.assertIn(line, out)

    def test_record_says_how_the_map_was_made(self):
        status, _out, _err = run("adc", self.folder / "dicom", "--output", self.output, "--method", "nlls", "--b-values", "50,400,800")
        self.assertEqual(status, 0)
        record = json.loads((self.output / "adc.json").read_text(encoding="utf-8"))
        self.assertEqual(record["b_values"], [50.0, 400.0, 800.0])
        self.assertEqual(record["estimator"], "nlls")
        self.assertEqual(record["quantity"]["code"], "113041")
        self.assertEqual(record["source"][0]["series_number"], 5)
        self.assertTrue(record["source"][0]["series_uid"].startswith("1.2."))
        self.assertIn("HCCResponse", record["software"])
        self.assertEqual(sum(record["voxels_by_status"].values()), 9 * 40 * 52)

    def test_picture_has_something_to_see(self):
        run("adc", self.folder / "dicom", "--output", self.output)
        pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(self.output / "adc.png")))
        self.assertGreater(min(pixels.shape[:2]), 400)
        self.assertGreater(len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)), 100)

    def test_without_matplotlib_everything_but_the_picture_is_written(self):
        with mock.patch.dict(sys.modules, {"matplotlib": None}):
            status, out, _err = run("adc", self.folder / "dicom", "--output", self.output)
        self.assertEqual(status, 0)
        self.assertIn("hccresponse[report]", out)
        self.assertEqual({path.name for path in self.output.iterdir()}, {"adc.nrrd", "adc.nii.gz", "adc_valid.nrrd", "adc.json"})

    def test_outlines_on_another_grid_are_measured_on_the_grid_of_the_map(self):
        # The outline has voxels of a quarter the size, shifted by a fraction of a voxel, and only covers the lesion.
        centre, radius = np.array([-62.0, 42.0, -14.0]), 24.0
        grid = Geometry.from_parts((40, 60, 60), (1.75, 1.75, 3.5), centre - [51.3, 52.1, 69.7])
        k, j, i = np.indices(grid.shape)
        points = np.einsum("ab,b...->a...", grid.ijk_to_lps, np.stack([i, j, k, np.ones_like(i)]))[:3]
        inside = np.linalg.norm(points - centre[:, None, None, None], axis=0) < radius
        mask = self.output.parent / "ball.nrrd"
        write_volume(mask, inside, grid)
        status, _out, _err = run("adc", self.folder / "dicom", "--mask", mask, "--output", self.output)
        self.assertEqual(status, 0)
        region = json.loads((self.output / "adc.json").read_text(encoding="utf-8"))["regions"][0]
        self.assertEqual(region["name"], "label 1")
        coarse = self.examination.geometry
        k, j, i = np.indices(coarse.shape)
        points = np.einsum("ab,b...->a...", coarse.ijk_to_lps, np.stack([i, j, k, np.ones_like(i)]))[:3]
        indices = np.einsum("ab,b...->a...", np.linalg.inv(grid.ijk_to_lps), np.concatenate([points, np.ones((1, *coarse.shape))]))[:3]
        nearest = np.rint(indices).astype(int)
        within = np.all((nearest >= 0) & (nearest < np.array(grid.shape[::-1])[:, None, None, None]), axis=0)
        expected = np.zeros(coarse.shape, bool)
        expected[within] = inside[nearest[2][within], nearest[1][within], nearest[0][within]]
        self.assertEqual(region["statistics"]["n"] + region["statistics"]["rejected"], int(expected.sum()))

    def test_segment_names_are_kept_and_may_repeat(self):
        outlines = self.output.parent / "outlines.seg.nrrd"
        regions = [Region("lesion", self.examination.regions["liver"]), Region("lesion", self.examination.regions["spleen"])]
        write_segmentation(outlines, regions, self.examination.geometry)
        run("adc", self.folder / "dicom", "--mask", outlines, "--output", self.output)
        found = json.loads((self.output / "adc.json").read_text(encoding="utf-8"))["regions"]
        self.assertEqual([region["name"] for region in found], ["lesion", "lesion"])
        self.assertEqual([region["statistics"]["n"] for region in found], [int(region.mask.sum()) for region in regions])

    def test_layers_of_a_segmentation_and_labels_stored_as_floats(self):
        liver, spleen = self.examination.regions["liver"], self.examination.regions["spleen"]
        overlapping = self.output.parent / "layers.seg.nrrd"
        grid = self.examination.geometry
        image = sitk.Compose([image_from_array(mask.astype(np.uint8), grid) for mask in (liver, liver | spleen)])
        for index, name in enumerate(("liver", "both")):
            image.SetMetaData(f"Segment{index}_Name", name)
            image.SetMetaData(f"Segment{index}_ID", f"Segment_{index}")
            image.SetMetaData(f"Segment{index}_LabelValue", "1")
            image.SetMetaData(f"Segment{index}_Layer", str(index))
        sitk.WriteImage(image, str(overlapping))
        found = read_regions(overlapping, grid)
        self.assertEqual([(region.name, region.segment_id) for region in found], [("liver", "Segment_0"), ("both", "Segment_1")])
        np.testing.assert_array_equal(found[0].mask, liver)
        np.testing.assert_array_equal(found[1].mask, liver | spleen)
        floats = self.output.parent / "floats.nii.gz"
        write_volume(floats, 2.0 * liver, grid)
        (region,) = read_regions(floats, grid)
        self.assertEqual((region.name, region.label), ("label 2", 2))
        np.testing.assert_array_equal(region.mask, liver)

    def test_an_outline_that_reaches_out_of_the_image_is_called_so(self):
        # A block of 20 mL of which the lower half lies below the lowest slice.
        grid = self.examination.geometry
        below = (grid.ijk_to_lps @ [26, 20, -0.5, 1])[:3] - np.array([9.0, 9.0, 20.0])
        block = Geometry.from_parts((40, 20, 20), (1.0, 1.0, 1.0), below)
        mask = self.output.parent / "block.nrrd"
        write_volume(mask, np.ones(block.shape, bool), block)
        status, out, _err = run("adc", self.folder / "dicom", "--mask", mask, "--output", self.output)
        self.assertEqual(status, 0)
        self.assertIn("lie outside the image", out)
        region = json.loads((self.output / "adc.json").read_text(encoding="utf-8"))["regions"][0]
        self.assertAlmostEqual(region["outside_image_ml"], 8.0, delta=1.0)

    def test_headers_say_what_the_numbers_are(self):
        run("adc", self.folder / "dicom", "--output", self.output)
        nrrd = sitk.ReadImage(str(self.output / "adc.nrrd"))
        self.assertEqual(nrrd.GetMetaData("unit"), "10^-3 mm2/s")
        self.assertEqual(nrrd.GetMetaData("method"), "WLLS, b = 0, 50, 400, 800 s/mm2")
        nifti = sitk.ReadImage(str(self.output / "adc.nii.gz"))
        self.assertTrue(nifti.GetMetaData("ITK_FileNotes").startswith("ADC; 10^-3 mm2/s; WLLS"))

    def test_a_second_run_replaces_the_first(self):
        run("adc", self.folder / "dicom", "--output", self.output)
        first = (self.output / "adc.nrrd").read_bytes()
        run("adc", self.folder / "dicom", "--output", self.output)
        self.assertEqual((self.output / "adc.nrrd").read_bytes(), first)


class AdcCommandErrorsTest(CommandCase):
    def assert_refused(self, *arguments, says: tuple[str, ...]):
        status, out, err = run("adc", *arguments, "--output", self.output)
        self.assertEqual(status, 1, out + err)
        for text in says:
            self.assertIn(text, err)
        self.assertNotIn("Traceback", err)
        self.assertFalse(self.output.exists(), "a refused run wrote results")

    def test_folder_that_does_not_exist(self):
        self.assert_refused(self.output / "nowhere", says=("nowhere", "not a folder"))

    def test_folder_without_dicom(self):
        folder = self.output.parent / "letters"
        folder.mkdir()
        (folder / "letter.txt").write_text("no image")
        self.assert_refused(folder, says=("no DICOM image", "letter.txt"))

    def test_folder_with_other_series_only(self):
        folder = self.output.parent / "t1"
        image = np.full(self.examination.geometry.shape, 100.0)
        write_series(folder, [Volume(image)], self.examination.geometry, SeriesHeader(description="t1_vibe", number=2))
        self.assert_refused(folder, says=("No diffusion series", "t1_vibe"))

    def test_two_diffusion_series_ask_for_a_choice(self):
        folder = self.output.parent / "two"
        for number in (5, 7):
            write_series(folder, self.examination.volumes, self.examination.geometry, SeriesHeader(number=number), seed=number)
        self.assert_refused(folder, says=("2 diffusion series", "Series 5", "Series 7", "--series"))
        self.assert_refused(folder, "--series", "6", says=("number 6", "Series 5"))
        self.assertEqual(run("adc", folder, "--series", "7", "--output", self.output)[0], 0)

    def test_diffusion_series_of_two_patients(self):
        folder = self.output.parent / "patients"
        for number, patient in ((5, "A"), (7, "B")):
            header = SeriesHeader(number=number, patient_id=patient, patient_name=f"Patient^{patient}")
            write_series(folder, self.examination.volumes, self.examination.geometry, header)
        for choice in ((), ("--series", "7")):
            self.assert_refused(folder, *choice, says=("2 patients", "Patient^A (ID A)", "Patient^B (ID B)", "one patient"))

    def test_b_value_that_was_not_acquired(self):
        self.assert_refused(self.folder / "dicom", "--b-values", "0,1000", says=("b = 1000", "0, 50, 400, 800"))

    def test_one_b_value(self):
        self.assert_refused(self.folder / "dicom", "--b-values", "800", says=("b = 800 was asked for", "two different b-values"))

    def test_masks_that_cannot_be_used(self):
        grid = self.examination.geometry
        broken = self.output.parent / "broken.nrrd"
        broken.write_text("not an image")
        self.assert_refused(self.folder / "dicom", "--mask", broken, says=("broken.nrrd",))
        self.assert_refused(self.folder / "dicom", "--mask", self.output / "none.nrrd", says=("does not exist",))
        empty = self.output.parent / "empty.nrrd"
        write_volume(empty, np.zeros(grid.shape, np.uint8), grid)
        self.assert_refused(self.folder / "dicom", "--mask", empty, says=("no label",))
        aside = self.output.parent / "aside.nrrd"
        write_volume(aside, np.ones(grid.shape, np.uint8), Geometry.from_parts(grid.shape, grid.spacing_mm, (2000.0, 0.0, 0.0)))
        self.assert_refused(self.folder / "dicom", "--mask", aside, says=("outside the image",))
        grey = self.output.parent / "grey.nrrd"
        write_volume(grey, np.full(grid.shape, 0.5, np.float32), grid)
        self.assert_refused(self.folder / "dicom", "--mask", grey, says=("not a label map", "whole numbers"))
        negative = self.output.parent / "negative.nrrd"
        write_volume(negative, np.full(grid.shape, -3.0, np.float32), grid)
        self.assert_refused(self.folder / "dicom", "--mask", negative, says=("not a label map",))
        vectors = self.output.parent / "vectors.nrrd"
        sitk.WriteImage(sitk.Compose([image_from_array(np.ones(grid.shape, np.uint8), grid)] * 2), str(vectors))
        self.assert_refused(self.folder / "dicom", "--mask", vectors, says=("one number a voxel",))
        self.assert_refused(self.folder / "dicom", "--mask", self.folder, says=("is a folder",))

    def test_output_that_is_a_file(self):
        self.output.write_text("mine")
        status, _out, err = run("adc", self.folder / "dicom", "--output", self.output)
        self.assertEqual(status, 1)
        self.assertIn("is a file", err)
        self.assertEqual(self.output.read_text(), "mine")

    def test_stopping_writes_nothing(self):
        with mock.patch.object(ProgressBar, "__call__", side_effect=KeyboardInterrupt):
            status, _out, err = run("adc", self.folder / "dicom", "--output", self.output)
        self.assertEqual((status, err), (130, "hccresponse: stopped\n"))
        self.assertFalse(self.output.exists())

    def test_images_that_do_not_differ_are_called_so(self):
        folder = self.output.parent / "same"
        image = self.examination.volumes[0].signals
        write_series(folder, [Volume(image, 0.0), Volume(image, 800.0)], self.examination.geometry)
        status, out, _err = run("adc", folder, "--output", self.output)
        self.assertEqual(status, 3)
        self.assertIn("the images are the same at every b-value", out)
        self.assertIn("No voxel has an ADC", json.loads((self.output / "adc.json").read_text(encoding="utf-8"))["warnings"][0])

    def test_misspelt_command(self):
        self.assertEqual(run("adc")[0], 2)
        for wrong in ("low,high", "", ","):
            self.assertEqual(run("adc", "folder", "--b-values", wrong)[0], 2)

    def test_help_and_version(self):
        status, out, _err = run("--help")
        self.assertEqual(status, 0)
        self.assertIn("adc", out)
        self.assertIn("exit status", out)
        self.assertIn("hccresponse", run("--version")[1])


class MontageTest(unittest.TestCase):
    def test_letters_name_the_sides_of_the_patient(self):
        from HCCResponseLib.report.montage import orientation_letters

        axial = Geometry.from_parts((3, 4, 5), (1, 1, 1))
        self.assertEqual(orientation_letters(axial), ("R", "L", "A", "P"))
        sagittal = Geometry.from_parts((3, 4, 5), (1, 1, 1), direction_lps=[[0, 0, 1], [1, 0, 0], [0, -1, 0]])
        self.assertEqual(orientation_letters(sagittal), ("A", "P", "S", "I"))
        coronal = Geometry.from_parts((3, 4, 5), (1, 1, 1), direction_lps=[[1, 0, 0], [0, 0, 1], [0, -1, 0]])
        self.assertEqual(orientation_letters(coronal), ("R", "L", "S", "I"))
        turned = Geometry.from_parts((3, 4, 5), (1, 1, 1), direction_lps=np.diag([-1.0, -1.0, 1.0]))
        self.assertEqual(orientation_letters(turned), ("L", "R", "P", "A"))

    def test_flat_and_empty_images_make_a_picture(self):
        from HCCResponseLib.report.montage import write_montage

        with tempfile.TemporaryDirectory() as folder:
            for shape in ((2, 1, 40), (1, 40, 1), (1, 1, 1)):
                path = Path(folder) / "flat.png"
                grid = Geometry.from_parts(shape, (2.0, 2.0, 5.0))
                write_montage(path, np.full(shape, np.nan), grid, title="$flat$", unit="", window=(0.0, 3.0))
                self.assertGreater(path.stat().st_size, 0)
                path.unlink()


class BodyTest(unittest.TestCase):
    def test_specks_go_and_limbs_and_holes_stay(self):
        body = np.zeros((4, 40, 60), bool)
        body[:, 8:32, 10:50] = True
        body[:, 15:20, 25:30] = False  # a signal void inside stays one
        arm = np.zeros_like(body)
        arm[:, 10:16, 53:58] = True
        air = np.random.default_rng(1).random(body.shape) < 0.01
        air[:, 6:34, 8:59] = False
        found = remove_specks(body | arm | air)
        np.testing.assert_array_equal(found, body | arm)
        self.assertEqual(int(remove_specks(np.zeros_like(body)).sum()), 0)
        thin = np.zeros_like(body)
        thin[0, 0] = True
        np.testing.assert_array_equal(remove_specks(thin), thin)


class ProgressBarTest(unittest.TestCase):
    def test_draws_for_people_only_and_wipes_itself_away(self):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        for stream, drawn in ((io.StringIO(), False), (Terminal(), True)):
            bar = ProgressBar("working", stream)
            bar._start -= 10.0  # as if it had begun ten seconds ago
            self.assertTrue(bar(0.5))
            self.assertEqual("50%" in stream.getvalue(), drawn)
            bar.close()
            self.assertEqual(stream.getvalue().endswith("\r"), drawn)


class RealSeriesTest(unittest.TestCase):
    @requires_reference("dwi_philips")
    def test_philips_brain(self):
        with tempfile.TemporaryDirectory() as folder:
            status, _out, err = run("adc", reference_path("dwi_philips"), "--output", folder)
            self.assertEqual(status, 0, err)
            record = json.loads((Path(folder) / "adc.json").read_text(encoding="utf-8"))
            values = sitk.GetArrayFromImage(sitk.ReadImage(str(Path(folder) / "adc.nrrd")))
        self.assertEqual(record["b_values"], [0.0, 1000.0])
        self.assertEqual(record["directions_per_b_value"], {"0": 0, "1000": 12})
        # The commonest ADC of a brain is that of its tissue; the brightest part of the map is fluid.
        counts, edges = np.histogram(values[values > 0.2], bins=np.arange(0.2, 4.0, 0.02))
        self.assertGreater(edges[counts.argmax()], 0.6)
        self.assertLess(edges[counts.argmax()], 0.9)

    @requires_reference("dwi_ge")
    def test_ge_phantom_of_equal_images(self):
        # The pixels of this public series are the same at both b-values, so no voxel may get an ADC.
        with tempfile.TemporaryDirectory() as folder:
            status, out, err = run("adc", reference_path("dwi_ge"), "--output", folder)
            self.assertEqual(status, 3, err)
            record = json.loads((Path(folder) / "adc.json").read_text(encoding="utf-8"))
            self.assertFalse(sitk.GetArrayFromImage(sitk.ReadImage(str(Path(folder) / "adc_valid.nrrd"))).any())
        self.assertEqual(record["b_values"], [0.0, 1000.0])
        self.assertEqual(record["directions_per_b_value"], {"0": 0, "1000": 6})
        self.assertIn("the images are the same at every b-value", out)


if __name__ == "__main__":
    unittest.main()
