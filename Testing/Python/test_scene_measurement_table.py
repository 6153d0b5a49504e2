"""The measurement table: what goes in comes out, exactly, whatever the user or a saved scene does to the table in between."""

import math
import unittest

import numpy as np
from slicer_core_scene import SceneTestCase, reopen  # before slicer: it skips where there is none
import slicer
import vtk

from HCCResponseLib.errors import InputError
from HCCResponseLib.response.measurement import Measurement
from HCCResponseLib.scene.measurement_table import (
    COLUMNS,
    add_measurements,
    measurement_table,
    measurements,
    merge_measurement_tables,
    remove_measurements,
)


def measurement(**changes) -> Measurement:
    fields = dict(
        patient="P1",
        time_point=1,
        lesion_uid="2.25.1",
        quantity="ADC",
        value=1.2345678901234567e-3,
        unit="mm2/s",
        datetime="2026-08-21T10:55:10+02:00",
        statistic="mean",
        method="WLLS, b = 0, 400, 800 s/mm2",
        source_series="1.2.3",
        reader="A",
        lesion_name="Lesion 1",
    )
    return Measurement(**(fields | changes))


def voxel_count(value: int, **changes) -> Measurement:
    return measurement(value=value, unit="1", statistic="n", **changes)


class TestAddAndRead(SceneTestCase):
    def test_an_empty_scene_has_no_measurements_and_gets_no_table_by_asking(self):
        self.assertEqual(measurements(), [])
        self.assertEqual(remove_measurements([measurement()]), 0)
        self.assertIsNone(measurement_table(create=False))

    def test_what_goes_in_comes_out(self):
        rows = [measurement(lesion_uid=f"2.25.{n}", value=1e-3 / 3 + n) for n in range(5)] + [voxel_count(1234567)]
        add_measurements(rows)
        self.assertEqual(measurements(), rows)

    def test_columns_are_typed(self):
        add_measurements([measurement()])
        table = measurement_table().GetTable()
        self.assertEqual([table.GetColumnName(n) for n in range(table.GetNumberOfColumns())], list(COLUMNS))
        self.assertIsInstance(table.GetColumnByName("value"), vtk.vtkDoubleArray)
        self.assertIsInstance(table.GetColumnByName("time_point"), vtk.vtkIntArray)
        self.assertIsInstance(table.GetColumnByName("lesion_uid"), vtk.vtkStringArray)

    def test_a_second_run_replaces_its_row_and_keeps_its_place(self):
        add_measurements([measurement(), measurement(statistic="median")])
        again = measurement(value=9e-4, datetime="2026-08-22T09:00:00+02:00", lesion_name="renamed")
        add_measurements([again])
        self.assertEqual(measurements(), [again, measurement(statistic="median")])

    def test_another_reader_stands_beside(self):
        a, b = measurement(), measurement(reader="B", value=1e-3)
        add_measurements([a])
        add_measurements([b])
        self.assertEqual(measurements(), [a, b])
        self.assertEqual(measurements(reader="B"), [b])

    def test_repeats_in_one_call_leave_the_last(self):
        add_measurements([measurement(value=1e-3), measurement(value=2e-3)])
        self.assertEqual(measurements(), [measurement(value=2e-3)])

    def test_filters(self):
        rows = [measurement(statistic=s, time_point=t) for s in ("mean", "median") for t in (0, 1)] + [voxel_count(12)]
        add_measurements(rows)
        self.assertEqual(measurements(quantity="ADC", statistic="median", time_point=0), [rows[2]])
        self.assertEqual(measurements(statistic="n"), [rows[4]])
        self.assertEqual(measurements(patient="nobody"), [])

    def test_not_measurable_is_kept(self):
        add_measurements([measurement(value=math.nan)])
        self.assertTrue(math.isnan(measurements()[0].value))

    def test_any_text_comes_back(self):
        row = measurement(lesion_name='so-called "cyst", Läsion　病変 & more; \\ \' |', reader=' Dr. "X" ')
        add_measurements([row])
        self.assertEqual(measurements(), [row])

    def test_remove(self):
        rows = [measurement(lesion_uid=f"2.25.{n}") for n in range(4)]
        add_measurements(rows)
        self.assertEqual(remove_measurements([rows[1], rows[3], measurement(lesion_uid="2.25.9")]), 2)
        self.assertEqual(measurements(), [rows[0], rows[2]])

    def test_many(self):
        rows = [measurement(lesion_uid=f"2.25.{n}", value=n / 7) for n in range(500)]
        add_measurements(rows)
        add_measurements(rows)
        self.assertEqual(measurements(), rows)


class TestWhatUsersDo(SceneTestCase):
    def setUp(self):
        super().setUp()
        self.rows = [measurement(), measurement(statistic="median", value=1.1e-3)]
        add_measurements(self.rows)
        self.node = measurement_table()
        self.table = self.node.GetTable()

    def test_renaming_the_node(self):
        self.node.SetName("My values")
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "HCC Measurements")
        self.assertIs(measurement_table(), self.node)
        self.assertEqual(measurements(), self.rows)

    def test_moving_columns(self):
        moved = vtk.vtkTable()
        for index in reversed(range(self.table.GetNumberOfColumns())):
            moved.AddColumn(self.table.GetColumn(index))
        self.node.SetAndObserveTable(moved)
        self.assertEqual(measurements(), self.rows)
        add_measurements([measurement(reader="B")])
        self.assertEqual(measurements(), [*self.rows, measurement(reader="B")])
        self.assertEqual(self.node.GetTable().GetColumnName(0), "exact_value")

    def test_columns_of_their_own_are_kept(self):
        remark = vtk.vtkStringArray()
        remark.SetName("remark")
        score = vtk.vtkDoubleArray()
        score.SetName("score")
        for row in range(2):
            remark.InsertNextValue(f"look again {row}")
            score.InsertNextValue(row + 0.5)
        self.node.AddColumn(remark)
        self.node.AddColumn(score)
        add_measurements([measurement(value=5e-4), measurement(reader="B")])
        table = self.node.GetTable()
        self.assertEqual([table.GetValueByName(row, "remark").ToString() for row in range(3)], ["look again 0", "look again 1", ""])
        self.assertEqual([table.GetValueByName(row, "score").ToDouble() for row in range(3)], [0.5, 1.5, 0.0])
        self.assertEqual(measurements()[0].value, 5e-4)

    def test_editing_a_value(self):
        column = next(n for n in range(self.node.GetNumberOfColumns()) if self.node.GetColumnName(n) == "value")
        self.node.SetCellText(0, column, "0.002")
        self.assertEqual(measurements()[0].value, 0.002)
        self.assertEqual(measurements()[1].value, 1.1e-3)

    def test_deleting_a_row(self):
        self.node.RemoveRow(0)
        self.assertEqual(measurements(), self.rows[1:])

    def test_a_value_column_of_text(self):
        texts = vtk.vtkStringArray()
        texts.SetName("value")
        for text in ("0.0012345678901234567", "high"):
            texts.InsertNextValue(text)
        changed = vtk.vtkTable()
        for index in range(self.table.GetNumberOfColumns()):
            column = self.table.GetColumn(index)
            changed.AddColumn(texts if column.GetName() == "value" else column)
        self.node.SetAndObserveTable(changed)
        with self.assertRaisesRegex(InputError, "row 2.*'high'"):
            measurements()

    def test_a_broken_row_is_named_and_loses_nothing(self):
        self.table.SetValueByName(1, "quantity", vtk.vtkVariant("SUV"))
        with self.assertRaisesRegex(InputError, "'HCC Measurements', row 2.*SUV"):
            measurements()
        add_measurements([measurement(reader="B")])
        table = self.node.GetTable()
        self.assertEqual([table.GetValueByName(row, "quantity").ToString() for row in range(3)], ["ADC", "SUV", "ADC"])

    def test_a_blank_row_is_named(self):
        self.node.AddEmptyRow()
        with self.assertRaisesRegex(InputError, "row 3"):
            measurements()

    def test_a_missing_column_is_named(self):
        self.node.RemoveColumn(list(COLUMNS).index("reader"))
        with self.assertRaisesRegex(InputError, "reader"):
            measurements()

    def test_two_tables_are_told(self):
        other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "Imported")
        other.SetAttribute("HCC.Measurements", "1")
        with self.assertRaisesRegex(InputError, "'HCC Measurements', 'Imported'"):
            add_measurements([measurement(reader="B")])
        self.assertEqual(measurements(self.node), self.rows)

    def add_table(self, rows, **own_column):
        """Another measurement table, as a scene that is added brings along."""
        self.node.SetAttribute("HCC.Measurements", None)
        add_measurements(rows)
        other = measurement_table()
        for name, texts in own_column.items():
            column = vtk.vtkStringArray()
            column.SetName(name)
            for text in texts:
                column.InsertNextValue(text)
            other.AddColumn(column)
        self.node.SetAttribute("HCC.Measurements", "1")
        return other

    def test_tables_of_scenes_that_were_put_together_are_merged(self):
        newer = measurement(value=9e-4, datetime="2026-08-21T12:00:00+02:00")
        older = measurement(statistic="median", value=7e-4, datetime="2026-08-20T12:00:00+02:00")
        added = measurement(patient="P2", lesion_uid="2.25.2")
        self.add_table([newer, older, added], remark=["first", "second", "third"])
        self.assertEqual(merge_measurement_tables(), 1)
        self.assertEqual(measurements(), [newer, self.rows[1], added])
        self.assertIs(measurement_table(), self.node)
        table = self.node.GetTable()
        self.assertEqual([table.GetValueByName(row, "remark").ToString() for row in range(3)], ["first", "", "third"])
        self.assertEqual(merge_measurement_tables(), 0)

    def test_a_broken_row_of_a_table_that_was_added_is_named_and_nothing_is_merged(self):
        other = self.add_table([measurement(reader="B"), measurement(reader="C")])
        other.GetTable().SetValueByName(1, "unit", vtk.vtkVariant("furlong"))
        with self.assertRaisesRegex(InputError, "row 2.*furlong"):
            merge_measurement_tables()
        self.assertEqual(measurements(self.node), self.rows)
        self.assertEqual(other.GetNumberOfRows(), 2)

    def test_names_for_people_stand_before_identities_for_programs(self):
        self.assertLess(COLUMNS.index("lesion_name"), 3)
        self.assertGreater(COLUMNS.index("lesion_uid"), COLUMNS.index("value"))

    def test_an_error_on_the_way_leaves_the_table_as_it_was(self):
        with self.assertRaises(AttributeError):
            add_measurements([measurement(reader="B"), None])
        self.assertEqual(measurements(), self.rows)

    def test_undo(self):
        scene = slicer.mrmlScene
        self.node.SetUndoEnabled(True)
        self.addCleanup(scene.SetUndoFlag, scene.GetUndoFlag())
        scene.SetUndoOn()
        scene.SaveStateForUndo()
        add_measurements([measurement(reader="B")])
        self.assertEqual(len(measurements()), 3)
        scene.Undo()
        self.assertEqual(measurements(), self.rows)


class TestSavedScenes(SceneTestCase):
    def test_everything_comes_back_exactly(self):
        rng = np.random.default_rng(1)
        rows = [measurement(lesion_uid=f"2.25.{n}", value=value) for n, value in enumerate(rng.lognormal(-6, 3, 50))]
        rows += [voxel_count(12345678), measurement(lesion_name='"quoted" Ä病', reader="O'B", method="", source_series="")]
        add_measurements(rows)
        for _ in range(2):
            reopen(self.folder / "case.mrb")
            self.assertEqual(measurements(), rows)
        self.assertIsInstance(measurement_table().GetTable().GetColumnByName("time_point"), vtk.vtkIntArray)
        self.assertEqual(measurement_table().GetTable().GetValueByName(50, "value").ToDouble(), 12345700)

    def test_measuring_goes_on_after_loading(self):
        add_measurements([measurement()])
        reopen(self.folder / "case.mrb")
        add_measurements([measurement(value=2e-3), measurement(reader="B")])
        self.assertEqual(measurements(), [measurement(value=2e-3), measurement(reader="B")])

    def test_images_without_a_patient_come_back(self):
        rows = [measurement(patient="", reader="", method="", source_series="", lesion_name="", statistic=s) for s in ("mean", "median")]
        add_measurements(rows)
        remark = vtk.vtkStringArray()
        remark.SetName("remark")
        for text in ("", "look again"):
            remark.InsertNextValue(text)
        measurement_table().AddColumn(remark)
        reopen(self.folder / "case.mrb")
        self.assertEqual(measurements(), rows)
        self.assertEqual([measurement_table().GetTable().GetValueByName(row, "remark").ToString() for row in (0, 1)], ["", "look again"])

    def test_not_measurable_comes_back(self):
        add_measurements([measurement(value=math.nan)])
        reopen(self.folder / "case.mrb")
        self.assertTrue(math.isnan(measurements()[0].value))


if __name__ == "__main__":
    unittest.main()
