"""Curves at a point and in a segment: samples, fit and parameters against truth; what stands in the way is told, not raised."""

import unittest

import numpy as np
from dynamic_scene import ARRIVAL_S, BLOOD_T1_S, GEOMETRY, HEMATOCRIT, RELAXIVITY, TIMES, TISSUE, DynamicScene
import slicer
from vtk.util.numpy_support import vtk_to_numpy

from HCCResponseLib.errors import InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.response.quantities import QUANTITIES
from HCCResponseLib.scene.arterial_input import measured_input, population_input, portal_input
from HCCResponseLib.scene.b_values import set_b_value
from HCCResponseLib.scene.curve_plot import remove_chart, show_curves
from HCCResponseLib.scene.flip_angles import set_flip_angle_deg, set_repetition_time_s
from HCCResponseLib.scene.parameter_maps import make_parameter_map, map_values
from HCCResponseLib.scene.perfusion import compute_perfusion
from HCCResponseLib.scene.voxel_curve import Curve, curve_at, curve_of_segment, diffusion_curve_at, flip_angle_curve_at, input_curve
from HCCResponseLib.scene.volumes import add_volume


def point_of(voxel) -> np.ndarray:
    """RAS of a voxel (k, j, i), a little beside its centre."""
    return (GEOMETRY.ijk_to_ras @ [*(np.array(voxel[::-1]) + (0.3, -0.2, 0.1)), 1.0])[:3]


class TestDynamic(DynamicScene):
    def setUp(self):
        super().setUp()
        self.sequence = self.add_series()
        self.input = population_input(self.sequence, arrival_s=ARRIVAL_S, hematocrit=HEMATOCRIT)
        self.t1_map = make_parameter_map(self.on_grid("t1"), None, GEOMETRY, QUANTITIES["T1"], "T1")
        self.settings = dict(relaxivity=RELAXIVITY, t1_map=self.t1_map)
        self.number = 17
        self.voxel = tuple(int(n) for n in np.argwhere(TISSUE)[self.number])

    def test_concentration_and_fit_at_a_point(self):
        count = slicer.mrmlScene.GetNumberOfNodes()
        curve = curve_at(self.sequence, point_of(self.voxel), self.input, **self.settings)
        self.assertEqual((curve.problem, curve.note, curve.name), ("", "", "dce"))
        np.testing.assert_allclose(curve.x, TIMES, rtol=1e-6)
        expected = self.concentration()[self.number]
        np.testing.assert_allclose(curve.y, expected, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(np.interp(TIMES, curve.fit_x, curve.fit_y), expected, atol=0.05 * expected.max())
        for key, name in (("KTRANS", "ktrans"), ("VE", "ve"), ("VP", "vp")):
            self.assertAlmostEqual(curve.parameters[key] / self.truth[name][self.number], 1, delta=0.005)
        self.assertNotIn("ARTERIAL_DELAY", curve.parameters)
        self.assertRegex(curve.text, r"Ktrans 0\.\d{3} /min")
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)

    def test_it_is_what_the_maps_say(self):
        for options in (dict(model="tofts"), dict(model="patlak"), dict(delay_s=(-2.0, 6.0)), dict(model="dual_input"), dict(baseline=3)):
            if options.get("model") == "dual_input":
                options["portal_node"] = portal_input(self.input, self.sequence)
            maps = compute_perfusion(self.sequence, self.input, **self.settings, **options)
            curve = curve_at(self.sequence, point_of(self.voxel), self.input, **self.settings, **options)
            self.assertEqual(set(curve.parameters), set(maps))
            for key, node in maps.items():
                self.assertAlmostEqual(curve.parameters[key], map_values(node)[0][self.voxel], delta=2e-4 * max(1, curve.parameters[key]))

    def test_signal_with_and_without_input(self):
        signals = self.signals()[self.voxel]
        curve = curve_at(self.sequence, point_of(self.voxel))
        np.testing.assert_array_equal(curve.y, signals)
        self.assertEqual((curve.fit_x.size, curve.y_title), (0, "Signal"))
        curve = curve_at(self.sequence, point_of(self.voxel), self.input, show="signal", **self.settings)
        np.testing.assert_array_equal(curve.y, signals)
        np.testing.assert_allclose(np.interp(TIMES, curve.fit_x, curve.fit_y), signals, rtol=0.03)
        with self.assertRaisesRegex(InputError, "'concentration' or 'signal'"):
            curve_at(self.sequence, point_of(self.voxel), show="both")

    def test_t1_map_on_another_grid(self):
        grid = Geometry.from_parts((40, 40, 40), (1.5, 1.5, 1.5), (-30, 25, -10))
        coarse = make_parameter_map(np.full(grid.shape, 0.8), None, grid, QUANTITIES["T1"], "other T1")
        one = curve_at(self.sequence, point_of(self.voxel), self.input, relaxivity=RELAXIVITY, t1_map=coarse)
        other = curve_at(self.sequence, point_of(self.voxel), self.input, relaxivity=RELAXIVITY, t1_s=0.8)
        np.testing.assert_allclose(one.y, other.y, rtol=1e-5, atol=1e-6)

    def test_mean_of_a_segment(self):
        segmentation, aorta, tissue = self.add_outlines(self.sequence)
        curve = curve_of_segment(self.sequence, segmentation, tissue, self.input, **self.settings)
        self.assertEqual((curve.name, curve.problem), ("Lesion 1", ""))
        np.testing.assert_allclose(curve.y, self.concentration().mean(axis=0), rtol=0.1, atol=0.01)
        self.assertIn("no segment 'x'", curve_of_segment(self.sequence, segmentation, "x", self.input).problem)
        blood = dict(blood_t1_s=BLOOD_T1_S, relaxivity=RELAXIVITY, hematocrit=HEMATOCRIT)
        plotted = input_curve(measured_input(self.sequence, segmentation, aorta, **blood))
        self.assertEqual((plotted.x.size, plotted.y_title), (60, "Plasma concentration (mM)"))
        self.assertGreater(plotted.fit_y.max(), 5)
        self.assertEqual(input_curve(self.input).x.size, 0)
        chart = show_curves([plotted])
        names = [chart.GetNthPlotSeriesNode(n).GetName() for n in range(2)]
        self.assertEqual(names, ["AIF measured in Aorta", "AIF measured in Aorta, samples"])
        self.assertIn("No arterial input", input_curve(None).problem)

    def test_what_stands_in_the_way_is_told(self):
        point = point_of(self.voxel)
        air = point_of((0, 0, 0))
        for arguments, settings, message in (
            ((None, point), {}, "No dynamic series"),
            ((self.sequence, point + 500), {}, "beside 'dce'"),
            ((self.sequence, point, self.input), dict(t1_s=0.8), "relaxivity"),
            ((self.sequence, point, self.input), dict(relaxivity=5.0), "T1 before contrast"),
            ((self.sequence, air, self.input), dict(relaxivity=5.0, t1_s=0.8), "No fit: the baseline signal"),
            ((self.sequence, air, self.input), self.settings, "No fit: the T1 before contrast"),
            ((self.sequence, point, self.input), self.settings | dict(model="other"), "no pharmacokinetic model"),
        ):
            with self.subTest(message):
                self.assertIn(message, curve_at(*arguments, **settings).problem)
        set_flip_angle_deg(self.sequence, None)
        self.assertIn("flip angle", curve_at(self.sequence, point, self.input, **self.settings).problem)

    def test_no_enhancement_is_a_note(self):
        signals = self.signals()
        signals[self.voxel] = 500 + np.random.default_rng(1).normal(0, 3, TIMES.size)
        sequence = self.add_series(signals)
        table = population_input(sequence, arrival_s=ARRIVAL_S, hematocrit=HEMATOCRIT)
        curve = curve_at(sequence, point_of(self.voxel), table, **self.settings)
        self.assertIn("no enhancement above the noise", curve.note)
        self.assertEqual((curve.parameters["KTRANS"], curve.fit_x.size), (0.0, 0))


class TestOtherImages(DynamicScene):
    def test_diffusion(self):
        b_values = (0.0, 20.0, 50.0, 100.0, 200.0, 400.0, 800.0)
        nodes = []
        for b in b_values[::-1]:
            nodes.append(add_volume(np.full(GEOMETRY.shape, 900 * np.exp(-1.1e-3 * b), np.float32), GEOMETRY, f"b{b:g}"))
            set_b_value(nodes[-1], b)
        point = point_of((1, 2, 3))
        curve = diffusion_curve_at(nodes, point)
        self.assertAlmostEqual(curve.parameters["ADC"], 1.1e-3, delta=1e-8)
        np.testing.assert_allclose(curve.y, np.log(900) - 1.1e-3 * np.array(b_values), rtol=1e-6)
        np.testing.assert_allclose(curve.fit_y, np.log(900) - 1.1e-3 * curve.fit_x, rtol=1e-6)
        self.assertEqual(curve.text, "ADC 1.10 10⁻³ mm²/s")
        ivim = diffusion_curve_at(nodes, point, model="ivim")
        self.assertAlmostEqual(ivim.parameters["D"], 1.1e-3, delta=1e-6)
        self.assertLess(ivim.parameters["PERFUSION_FRACTION"], 1e-4)
        np.testing.assert_allclose(ivim.fit_y, np.log(900) - 1.1e-3 * ivim.fit_x, rtol=1e-5)
        self.assertIn("needs two or more", diffusion_curve_at(nodes[2:], point, model="ivim").problem)
        self.assertIn("7 volumes have 2 b-values", diffusion_curve_at(nodes, point, [0, 1]).problem)
        self.assertIn("beside 'b800'", diffusion_curve_at(nodes, point + 999).problem)
        self.assertIn("No volumes", diffusion_curve_at([], point).problem)
        set_b_value(nodes[1], None)
        self.assertIn("b-value of 'b400' is not known", diffusion_curve_at(nodes, point).problem)
        self.assertIn("No fit", diffusion_curve_at(nodes[::-1], point, b_values[::-1]).problem)

    def test_flip_angles(self):
        e = np.exp(-0.0045 / 0.8)
        nodes = []
        for angle in (15.0, 5.0, 10.0):
            a = np.radians(angle)
            node = add_volume(np.full(GEOMETRY.shape, 9000 * np.sin(a) * (1 - e) / (1 - e * np.cos(a))), GEOMETRY, f"vfa {angle:g}")
            set_flip_angle_deg(node, angle)
            set_repetition_time_s(node, 0.0045)
            nodes.append(node)
        point = point_of((1, 2, 3))
        curve = flip_angle_curve_at(nodes, point)
        self.assertAlmostEqual(curve.parameters["T1"], 0.8, places=6)
        np.testing.assert_array_equal(curve.x, [5, 10, 15])
        np.testing.assert_allclose(np.interp(curve.x, curve.fit_x, curve.fit_y), curve.y, rtol=1e-3)
        self.assertEqual(curve.text, "T1 800 ms, M0 9000 signal")
        self.assertIn("looks like milliseconds", flip_angle_curve_at(nodes, point, repetition_time=4.5).problem)
        set_repetition_time_s(nodes[0], None)
        self.assertIn("repetition time of 'vfa 15'", flip_angle_curve_at(nodes, point).problem)


class TestChart(DynamicScene):
    def curve(self, name, factor=1.0):
        x, fine = np.arange(5.0), np.linspace(0, 4, 9)
        return Curve(name, "Time (s)", "Concentration (mM)", x, factor * x, fine, factor * fine, {"ADC": 1.1e-3})

    def columns(self, chart, number) -> dict:
        table = chart.GetNthPlotSeriesNode(number).GetTableNode().GetTable()
        return {table.GetColumnName(n): vtk_to_numpy(table.GetColumn(n)) for n in range(table.GetNumberOfColumns())}

    def test_points_and_lines(self):
        chart = show_curves([self.curve("Läsion", 2.0)])
        self.assertEqual(chart.GetNumberOfPlotSeriesNodes(), 2)
        line, points = chart.GetNthPlotSeriesNode(0), chart.GetNthPlotSeriesNode(1)
        self.assertEqual((line.GetName(), points.GetName()), ("Läsion fit", "Läsion"))
        self.assertEqual(points.GetLineStyle(), points.LineStyleNone)
        self.assertEqual(line.GetMarkerStyle(), line.MarkerStyleNone)
        self.assertEqual(line.GetColor(), points.GetColor())
        np.testing.assert_array_equal(self.columns(chart, 1)["y"], 2 * np.arange(5))
        self.assertEqual((chart.GetXAxisTitle(), chart.GetYAxisTitle()), ("Time (s)", "Concentration (mM)"))
        self.assertEqual((tuple(chart.GetXAxisRange()), chart.GetYAxisRange()[0]), ((0.0, 4.0), 0.0))
        self.assertFalse(chart.GetTitleVisibility() or chart.GetLegendVisibility())
        for node in (line, points, line.GetTableNode()):
            self.assertTrue(node.GetHideFromEditors())

    def test_nodes_are_used_again(self):
        chart = show_curves([self.curve("a")])
        count = slicer.mrmlScene.GetNumberOfNodes()
        self.assertIs(show_curves([self.curve("b", 3.0)], chart_node=chart), chart)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)
        self.assertEqual(self.columns(chart, 0)["y"].max(), 12)
        show_curves([self.curve("b"), self.curve("c", 0.5)], chart_node=chart, title="Two")
        self.assertEqual((chart.GetNumberOfPlotSeriesNodes(), chart.GetLegendVisibility(), chart.GetTitle()), (4, True, "Two"))
        show_curves([Curve("d", "b", "S", np.array([0.0, 1.0]), np.array([np.nan, 1.0]), problem="No fit: noise.")], chart_node=chart)
        self.assertEqual((chart.GetNumberOfPlotSeriesNodes(), chart.GetTitle()), (1, ""))
        np.testing.assert_array_equal(np.unique(self.columns(chart, 0)["x"]), [1.0])
        show_curves([], chart_node=chart)
        self.assertEqual(chart.GetNumberOfPlotSeriesNodes(), 0)
        show_curves([self.curve("b"), self.curve("c")], chart_node=chart)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count + 4)
        remove_chart(chart)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode"), 0)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode"), 0)


if __name__ == "__main__":
    unittest.main()
