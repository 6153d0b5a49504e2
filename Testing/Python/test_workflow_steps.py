"""Steps of a job: done once, never half, done again when anything they are made of changes."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from HCCResponseLib.workflow.steps import FileDigests, StepStore


class TestSteps(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory())) / "results"
        self.store = StepStore(self.folder)
        self.made = 0

    def make(self, folder: Path) -> dict:
        self.made += 1
        (folder / "map.txt").write_text(f"{self.made}")
        return {"number": self.made}

    def test_done_once(self):
        first = self.store.run("adc", {"files": ["a"]}, self.make)
        again = StepStore(self.folder).run("adc", {"files": ["a"]}, self.make)
        self.assertEqual((first.reused, again.reused, self.made), (False, True, 1))
        self.assertEqual(again.record, {"number": 1})
        self.assertEqual((again.folder / "map.txt").read_text(), "1")

    def test_done_again_when_inputs_or_the_program_change(self):
        self.store.run("adc", {"files": ["a"]}, self.make)
        changed = self.store.run("adc", {"files": ["b"]}, self.make)
        self.assertEqual((changed.reused, (changed.folder / "map.txt").read_text()), (False, "2"))
        with mock.patch("HCCResponseLib.workflow.steps.program_digest", return_value="another"):
            self.assertFalse(self.store.run("adc", {"files": ["b"]}, self.make).reused)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["adc"])

    def test_a_failure_keeps_the_earlier_result_and_leaves_nothing_half(self):
        self.store.run("adc", {"files": ["a"]}, self.make)

        def fail(folder):
            (folder / "map.txt").write_text("half")
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.store.run("adc", {"files": ["b"]}, fail)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["adc"])
        self.assertTrue(self.store.run("adc", {"files": ["a"]}, self.make).reused)

    def test_what_a_crash_left_is_taken_away_and_never_taken_for_a_result(self):
        (self.folder / ".unfinished-x" / "adc").mkdir(parents=True)
        (self.folder / "adc").mkdir()
        (self.folder / "adc" / "map.txt").write_text("half")
        for content in (None, "", "[]", "{}", '{"key": 1}'):
            if content is not None:
                (self.folder / "adc" / "step.json").write_text(content)
            self.assertFalse(StepStore(self.folder).run("adc", {}, self.make).reused)
            (self.folder / "adc" / "step.json").unlink()
        self.assertFalse((self.folder / ".unfinished-x").exists())

    def test_a_copy_has_the_digest_of_the_original(self):
        for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
            (self.folder / name).write_text(text)
        digests = FileDigests().of(self.folder / "a", self.folder / "b", self.folder / "c", self.folder / "a")
        self.assertEqual(len(digests), 3)
        self.assertEqual(len(set(digests)), 2)
        self.assertEqual(digests, FileDigests().of(self.folder / "c", self.folder / "b", self.folder / "a"))


if __name__ == "__main__":
    unittest.main()
