"""Matching lesions of two examinations: every kind, reasons, and the reader's word that stays."""

import dataclasses
import json
import unittest

import numpy as np

from HCCResponseLib.errors import GeometryError, InputError
from HCCResponseLib.geometry import Geometry
from HCCResponseLib.lesions.outlining import LesionMatch, Registration, match_lesions
from HCCResponseLib.lesions.outlining.grid import kji_to_lps
from HCCResponseLib.phantom.lesion_images import rigid_lps

BEFORE = Geometry.from_parts((30, 60, 60), (2.0, 2.0, 4.0))
AFTER = Geometry.from_parts((40, 70, 70), (1.8, 1.8, 3.1), (-3.0, 2.0, -1.0), rigid_lps(degrees=8, axis=(1, 2, 0))[:3, :3])


def ball(geometry, centre, radius):
    points = kji_to_lps(geometry, np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1))
    return np.linalg.norm(points - np.asarray(centre, float), axis=-1) <= radius


def kinds(matching):
    return {(match.kind, match.before, match.after) for match in matching.matches}


def match(before, after, **options):
    """Match balls, given as {uid: (centre, radius)}."""
    return match_lesions(
        {uid: ball(BEFORE, *given) for uid, given in before.items()},
        BEFORE,
        {uid: ball(AFTER, *given) for uid, given in after.items()},
        AFTER,
        **options,
    )


class BadInputTest(unittest.TestCase):
    def test_no_lesions_at_all(self):
        self.assertEqual(match({}, {}).matches, ())

    def test_empty_outline_and_other_grid(self):
        with self.assertRaisesRegex(InputError, "lesion a is empty"):
            match_lesions({"a": np.zeros(BEFORE.shape, bool)}, BEFORE, {}, AFTER)
        with self.assertRaises(GeometryError):
            match_lesions({"a": np.ones((2, 2, 2), bool)}, BEFORE, {}, AFTER)

    def test_failed_registration_is_refused(self):
        with self.assertRaisesRegex(InputError, "not registered safely"):
            match({}, {}, registration=Registration(np.eye(4), problems=("Nothing fits.",)))


class ProposalTest(unittest.TestCase):
    def test_a_small_new_lesion_at_the_edge_of_a_vanished_one_is_not_the_same(self):
        found = match({"gone": ((50, 50, 60), 16)}, {"fresh": ((67, 50, 60), 5)})
        self.assertEqual(kinds(found), {("vanished", ("gone",), ()), ("new", (), ("fresh",))})
        shrunk = match({"large": ((50, 50, 60), 16)}, {"rest": ((54, 50, 60), 5)})
        self.assertEqual(kinds(shrunk), {("same", ("large",), ("rest",))})

    def test_same_new_and_vanished(self):
        found = match(
            {"a": ((40, 40, 50), 12), "gone": ((90, 90, 80), 7)},
            {"x": ((42, 41, 52), 9), "fresh": ((90, 40, 30), 6)},
        )
        self.assertEqual(kinds(found), {("same", ("a",), ("x",)), ("vanished", ("gone",), ()), ("new", (), ("fresh",))})
        reasons = {match.kind: match.reasons for match in found.matches}
        self.assertRegex(reasons["same"][0], r"overlaps, centres \d+\.\d mm apart, volume -\d+%")
        self.assertIn("nearest is", reasons["new"][0])

    def test_merged_and_split(self):
        found = match(
            {"a": ((40, 40, 50), 8), "b": ((56, 40, 50), 7), "c": ((90, 90, 80), 14)},
            {"ab": ((48, 40, 50), 17), "c1": ((83, 90, 80), 5), "c2": ((98, 90, 80), 5)},
        )
        self.assertEqual(kinds(found), {("merged", ("a", "b"), ("ab",)), ("split", ("c",), ("c1", "c2"))})
        self.assertEqual(len(next(m for m in found.matches if m.kind == "merged").reasons), 2)

    def test_touching_neighbours_are_not_merged_by_a_small_misfit(self):
        found = match(
            {"a": ((40, 40, 50), 10), "b": ((60, 40, 50), 10)},
            {"x": ((44, 40, 50), 10), "y": ((64, 40, 50), 10)},
        )
        self.assertEqual(kinds(found), {("same", ("a",), ("x",)), ("same", ("b",), ("y",))})

    def test_several_with_several_is_left_to_the_reader(self):
        found = match(
            {"a": ((40, 40, 50), 10), "b": ((58, 40, 50), 10)},
            {"x": ((48, 40, 50), 16), "y": ((58, 40, 50), 9)},
        )
        self.assertEqual([m.kind for m in found.matches], ["unclear"])

    def test_near_without_overlap_and_the_limits_of_that(self):
        small = {"a": ((40, 40, 50), 4)}
        self.assertEqual(kinds(match(small, {"x": ((49, 40, 50), 4)})), {("same", ("a",), ("x",))})
        self.assertEqual({k for k, _b, _a in kinds(match(small, {"x": ((49, 40, 50), 4)}, tolerance_mm=5))}, {"new", "vanished"})
        self.assertEqual({k for k, _b, _a in kinds(match({"a": ((40, 40, 50), 3)}, {"x": ((53, 40, 50), 9)}))}, {"new", "vanished"})

    def test_nearest_pairs_have_the_least_distance_in_total(self):
        found = match(
            {"a": ((40, 40, 50), 3), "b": ((50, 40, 50), 3)},
            {"x": ((47.5, 40, 50), 2.5), "y": ((60, 40, 50), 3)},
            tolerance_mm=12,
        )
        # b and x overlap a little or are nearest; a must not be given y, 20 mm off.
        self.assertNotIn(("same", ("a",), ("y",)), kinds(found))

    def test_registration_is_used_in_the_right_direction(self):
        motion = rigid_lps((25, -10, 15), 6, (0, 1, 2), (50, 50, 50))
        moved = (motion @ [40, 40, 50, 1])[:3]
        before, after = {"a": ((40, 40, 50), 8)}, {"x": (moved, 8)}
        self.assertEqual({k for k, _b, _a in kinds(match(before, after))}, {"new", "vanished"})
        found = match(before, after, registration=Registration(motion))
        self.assertEqual(kinds(found), {("same", ("a",), ("x",))})
        self.assertLess(found.pairs[0].distance_mm, 1.0)
        self.assertGreater(found.pairs[0].overlap, 0.85)

    def test_place_outside_the_other_image_is_neither_new_nor_vanished(self):
        cut = Geometry((8, *AFTER.shape[1:]), AFTER.ijk_to_lps)
        found = match_lesions({"a": ball(BEFORE, (60, 60, 90), 8)}, BEFORE, {}, cut)
        self.assertEqual(kinds(found), {("unclear", ("a",), ())})
        self.assertIn("outside the later image", found.matches[0].reasons[0])

    def test_one_voxel_lesions(self):
        before = np.zeros(BEFORE.shape, bool)
        before[12, 20, 20] = True
        after = np.zeros(BEFORE.shape, bool)
        after[12, 20, 21] = True
        self.assertEqual(kinds(match_lesions({"a": before}, BEFORE, {"x": after}, BEFORE)), {("same", ("a",), ("x",))})

    def test_a_carried_identity_is_the_same_lesion_wherever_it_lies(self):
        found = match({"a": ((40, 40, 50), 8)}, {"a": ((90, 80, 70), 8)})
        self.assertEqual(kinds(found), {("same", ("a",), ("a",))})
        self.assertIn("same identity", found.matches[0].reasons[0])

    def test_every_lesion_is_in_exactly_one_match(self):
        rng = np.random.default_rng(4)
        for _repeat in range(15):
            before, after = (
                {f"{side}{n}": (rng.uniform((25, 25, 20), (95, 95, 95)), rng.uniform(3, 18)) for n in range(rng.integers(0, 6))}
                for side in "ba"
            )
            found = match(before, after)
            self.assertEqual(sorted(uid for m in found.matches for uid in m.before), sorted(before))
            self.assertEqual(sorted(uid for m in found.matches for uid in m.after), sorted(after))
            self.assertTrue(all(m.reasons for m in found.matches))


class DecisionTest(unittest.TestCase):
    def setUp(self):
        self.before = {"a": ((40, 40, 50), 12), "b": ((90, 90, 80), 7)}
        self.after = {"x": ((42, 41, 52), 9), "y": ((90, 40, 30), 6)}
        self.found = match(self.before, self.after)

    def test_the_reader_overrules_and_the_rest_is_proposed_anew(self):
        decided = self.found.decide(["a"], ["y"], "Dr A")
        self.assertEqual(kinds(decided), {("same", ("a",), ("y",)), ("vanished", ("b",), ()), ("new", (), ("x",))})
        self.assertEqual(decided.matches[0].decided_by, "Dr A")
        self.assertEqual(kinds(self.found), kinds(match(self.before, self.after)))

    def test_kinds_follow_from_the_numbers(self):
        for before, after, kind in (
            ([], ["x"], "new"), (["a"], [], "vanished"), (["a"], ["x", "y"], "split"), (["a", "b"], ["x"], "merged"),
        ):
            decided = self.found.decide(before, after, "Dr A")
            self.assertEqual(decided.matches[0].kind, kind)

    def test_a_later_decision_about_the_same_lesion_replaces_the_earlier(self):
        decided = self.found.decide(["a"], ["y"], "Dr A").decide([], ["y"], "Dr B")
        self.assertEqual(kinds(decided), {("new", (), ("y",)), ("same", ("a",), ("x",)), ("vanished", ("b",), ())})
        self.assertEqual([m.decided_by for m in decided.matches if m.decided_by], ["Dr B"])

    def test_withdrawing_brings_the_proposal_back(self):
        decided = self.found.decide(["a"], ["y"], "Dr A")
        self.assertEqual(kinds(decided.withdraw(decided.matches[0])), kinds(self.found))
        with self.assertRaises(InputError):
            self.found.withdraw(self.found.matches[0])

    def test_decisions_survive_new_outlines_and_json(self):
        decided = self.found.decide(["a"], ["y"], "Dr A")
        text = json.dumps([dataclasses.asdict(m) for m in decided.matches if m.decided_by])
        kept = [LesionMatch(**read) for read in json.loads(text)]
        self.assertEqual(kept[0], decided.matches[0])
        grown = match(self.before, {**self.after, "x": ((42, 41, 52), 11)}, decisions=kept)
        self.assertIn(("same", ("a",), ("y",)), kinds(grown))
        gone = match(self.before, {"x": self.after["x"]}, decisions=kept)
        self.assertEqual(kinds(gone), {("same", ("a",), ("x",)), ("vanished", ("b",), ())})
        self.assertIn("no longer applies", gone.notes[0])

    def test_wrong_decisions(self):
        wrong = ((["z"], [], "Dr A"), ([], ["a"], "Dr A"), ([], [], "Dr A"), (["a"], ["x"], ""), (["a", "a"], [], "Dr A"))
        for before, after, reader in wrong:
            with self.assertRaises(InputError):
                self.found.decide(before, after, reader)


if __name__ == "__main__":
    unittest.main()
