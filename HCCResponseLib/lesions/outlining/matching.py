"""Which lesion of one examination is which of another, when both were outlined apart.

The software proposes with reasons; what the user decides is kept and only what is left is proposed anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ...errors import InputError
from ...geometry import Geometry
from ..inputs import require_mask
from .grid import kji_to_lps, lps_to_kji
from .registration import Registration

__all__ = ["LesionMatch", "LesionMatching", "LesionPair", "match_lesions"]

_SURE_OVERLAP = 0.5  # of the smaller lesion: one and the same place
_SOME_OVERLAP = 0.2  # counts only between lesions that overlap with no other more
_MOST_VOLUME_RATIO = 8.0  # between lesions that are near, or overlap only in part


@dataclass(frozen=True)
class LesionPair:
    """What is known of an earlier and a later lesion.

    :param before, after: their tracking UIDs.
    :param overlap: shared volume over the volume of the smaller, 0 to 1, after registration.
    :param distance_mm: between the centres, after registration.
    :param volume_ratio: later volume over earlier.
    """

    before: str
    after: str
    overlap: float
    distance_mm: float
    volume_ratio: float


@dataclass(frozen=True)
class LesionMatch:
    """Lesions of two examinations that belong together.

    :param kind: "same", "new", "vanished", "merged", "split" or "unclear".
    :param before: tracking UIDs in the earlier examination, ``after`` in the later one.
    :param reasons: sentences with the figures.
    :param decided_by: the reader whose word this is; "" for a proposal.

    Holds only text, so that ``dataclasses.asdict``, JSON and ``LesionMatch(**read)`` bring it back.
    """

    kind: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    decided_by: str = ""

    def __post_init__(self):
        """Lists, as JSON has them, become tuples."""
        for name in ("before", "after", "reasons"):
            object.__setattr__(self, name, tuple(getattr(self, name)))


@dataclass(frozen=True)
class LesionMatching:
    """All lesions of two examinations, each in exactly one match; decisions first.

    Immutable: ``decide`` and ``withdraw`` return a new one, so that undo is keeping the old one.

    :param matches: decisions and proposals.
    :param pairs: what the proposals are made of, for every earlier and later lesion.
    :param tolerance_mm: how far apart lesions that do not overlap may lie and still be one.
    :param unseen: tracking UIDs of lesions whose place lies outside the other image: neither new nor vanished can be said.
    :param notes: sentences on earlier decisions that no longer apply.
    """

    matches: tuple[LesionMatch, ...]
    pairs: tuple[LesionPair, ...]
    tolerance_mm: float
    unseen: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def decide(self, before: Iterable[str], after: Iterable[str], reader: str) -> "LesionMatching":
        """Let ``reader`` say that these earlier and later lesions belong together, and propose anew for the others.

        One and one are the same lesion; none and one a new one; one and none a vanished one; several and one merged; one
        and several split; several and several are kept as one group. Earlier decisions about any of these lesions give way.

        :raises InputError: an unknown lesion, no lesion at all, or no reader.
        """
        before, after = tuple(before), tuple(after)
        known_before, known_after = self._lesions()
        unknown = [uid for uid in before if uid not in known_before] + [uid for uid in after if uid not in known_after]
        if unknown:
            raise InputError(f"There is no lesion {', '.join(unknown)} in that examination.")
        if not (before or after) or not reader:
            raise InputError("A decision needs at least one lesion and the name of the reader.")
        if len(set(before)) < len(before) or len(set(after)) < len(after):
            raise InputError("A lesion was named twice in one decision.")
        decision = LesionMatch(_kind(before, after), before, after, (f"Decided by {reader}.",), reader)
        return self._completed(_with_decision(self._decisions(), decision))

    def withdraw(self, match: LesionMatch) -> "LesionMatching":
        """Take a decision back; its lesions are proposed anew.

        :raises InputError: it is not a decision of this matching.
        """
        if match not in self._decisions():
            raise InputError("That match is not a decision of a reader.")
        return self._completed([m for m in self._decisions() if m != match])

    def _decisions(self):
        return [match for match in self.matches if match.decided_by]

    def _lesions(self):
        """Tracking UIDs of the earlier and the later examination, in order of first mention."""
        return tuple(list(dict.fromkeys(uid for match in self.matches for uid in getattr(match, side))) for side in ("before", "after"))

    def _completed(self, decisions):
        before, after = self._lesions()
        taken = {("before", uid) for m in decisions for uid in m.before} | {("after", uid) for m in decisions for uid in m.after}
        before = [uid for uid in before if ("before", uid) not in taken]
        after = [uid for uid in after if ("after", uid) not in taken]
        proposals = _proposed(before, after, {(p.before, p.after): p for p in self.pairs}, self.tolerance_mm, self.unseen)
        return replace(self, matches=(*decisions, *proposals))


def match_lesions(
    before: Mapping[str, np.ndarray],
    before_geometry: Geometry,
    after: Mapping[str, np.ndarray],
    after_geometry: Geometry,
    *,
    registration: Registration | None = None,
    tolerance_mm: float = 15.0,
    decisions: Iterable[LesionMatch] = (),
) -> LesionMatching:
    """Propose which lesions of two examinations belong together.

    Lesions of one identity, or that overlap by half of the smaller one, or by a fifth where neither overlaps more with
    another, belong together: one and one are the same, several and one merged, one and several split. Of the rest, the
    nearest pairs within ``tolerance_mm`` and a factor of 8 in volume are the same. What remains is new or vanished,
    unless its place lies outside the other image: then that is said instead.

    :param before: masks (k, j, i) by tracking UID of the earlier examination; ``after`` of the later one.
    :param registration: from the earlier to the later examination; None when they share coordinates.
    :param decisions: matches of an earlier matching that a reader decided; they are kept as long as their lesions exist.
    :raises InputError: an outline is empty, or the registration failed its checks.
    :raises GeometryError: an outline does not lie on its examination's grid.
    """
    registration = registration or Registration(np.eye(4))
    if registration.problems:
        raise InputError("The two examinations were not registered safely. " + " ".join(registration.problems))
    there, back = registration.to_target, registration.to_source
    earlier = {uid: _Placed(mask, uid, before_geometry, there) for uid, mask in before.items()}
    later = {uid: _Placed(mask, uid, after_geometry, back) for uid, mask in after.items()}
    pairs = tuple(_pair(b, a, earlier[b], later[a]) for b in earlier for a in later)
    unseen = {uid for uid, lesion in earlier.items() if not lesion.seen_in(after_geometry)}
    unseen |= {uid for uid, lesion in later.items() if not lesion.seen_in(before_geometry)}
    everything = (LesionMatch("unclear", tuple(earlier), tuple(later)),)
    kept, notes = [], []
    for decision in decisions:
        if not decision.decided_by:
            continue
        gone = [uid for uid in decision.before if uid not in earlier] + [uid for uid in decision.after if uid not in later]
        if gone:
            notes.append(f"What {decision.decided_by} decided about {', '.join(gone)} no longer applies: the outline is gone.")
        else:
            kept = _with_decision(kept, decision)
    return LesionMatching(everything, pairs, float(tolerance_mm), frozenset(unseen), tuple(notes))._completed(kept)


class _Placed:
    """A lesion and where it lies in the other examination."""

    def __init__(self, mask, uid, geometry, to_other):
        self.mask = require_mask(mask, geometry, f"lesion {uid}")
        self.geometry = geometry
        self.points = kji_to_lps(geometry, np.argwhere(self.mask))
        self.centre = self.points.mean(axis=0)
        self.points_there = to_other(self.points)
        self.centre_there = self.points_there.mean(axis=0)
        self.volume_ml = len(self.points) * geometry.voxel_volume_ml

    def seen_in(self, other_geometry):
        """Whether at least half of it lies within the other image."""
        kji = lps_to_kji(other_geometry, self.points_there)
        return np.mean(np.all((kji >= -0.5) & (kji <= np.array(other_geometry.shape) - 0.5), axis=1)) >= 0.5

    def share_in(self, other):
        """Share of this lesion's voxels whose centres lie in the other lesion."""
        index = np.rint(lps_to_kji(other.geometry, self.points_there)).astype(int)
        index = index[np.all((index >= 0) & (index < other.mask.shape), axis=1)]
        return np.count_nonzero(other.mask[tuple(index.T)]) / len(self.points)


def _pair(uid_before, uid_after, earlier, later):
    # Counted both ways: the centres of coarse voxels may all miss a small lesion.
    shared_ml = max(earlier.share_in(later) * earlier.volume_ml, later.share_in(earlier) * later.volume_ml)
    smaller_ml = min(earlier.volume_ml, later.volume_ml)
    distance = np.linalg.norm(earlier.centre_there - later.centre)
    return LesionPair(uid_before, uid_after, min(1.0, shared_ml / smaller_ml), float(distance), later.volume_ml / earlier.volume_ml)


def _alike(pair: LesionPair) -> bool:
    """Whether one lesion may have become the other, by its size."""
    return 1 / _MOST_VOLUME_RATIO <= pair.volume_ratio <= _MOST_VOLUME_RATIO


def _with_decision(decisions, decision):
    """The decisions with a new one; those about any of the same lesions give way."""
    apart = [d for d in decisions if not (set(d.before) & set(decision.before) or set(d.after) & set(decision.after))]
    return [*apart, decision]


def _kind(before, after):
    kinds = {(0, 1): "new", (1, 0): "vanished", (1, 1): "same"}
    numbers = len(before), len(after)
    if numbers in kinds:
        return kinds[numbers]
    if numbers[1] == 1:
        return "merged"
    return "split" if numbers[0] == 1 else "unclear"


def _proposed(before, after, pairs, tolerance_mm, unseen):
    """Matches of the lesions named, from overlap first and distance second."""
    overlap = np.array([[pairs[b, a].overlap for a in after] for b in before]).reshape(len(before), len(after))
    linked = overlap >= _SURE_OVERLAP
    if overlap.size:
        best_of_both = (overlap == overlap.max(axis=0)) & (overlap == overlap.max(axis=1, keepdims=True))
        # A rest of overlap may also be a small new lesion at the edge of one that vanished: then the sizes do not fit.
        alike = np.array([[_alike(pairs[b, a]) for a in after] for b in before]).reshape(overlap.shape)
        linked |= (overlap >= _SOME_OVERLAP) & best_of_both & alike
    # A lesion that was carried from the earlier examination brought its identity along.
    linked |= np.array([[a == b for a in after] for b in before], bool).reshape(overlap.shape)
    linked |= _nearest(before, after, pairs, tolerance_mm, ~linked.any(axis=1), ~linked.any(axis=0))
    rows, columns = np.nonzero(linked)
    size = len(before) + len(after)
    graph = coo_array((np.ones(len(rows)), (rows, len(before) + columns)), shape=(size, size))
    count, group = connected_components(graph, directed=False)
    matches = []
    for number in range(count):
        members = np.flatnonzero(group == number)
        olds = tuple(before[m] for m in members if m < len(before))
        news = tuple(after[m - len(before)] for m in members if m >= len(before))
        matches.append(_reasoned(olds, news, pairs, tolerance_mm, unseen))
    return matches


def _nearest(before, after, pairs, tolerance_mm, free_before, free_after):
    """Links between lesions that overlap with none: the assignment of least total distance within the tolerance."""
    links = np.zeros((len(before), len(after)), bool)
    rows, columns = np.flatnonzero(free_before), np.flatnonzero(free_after)
    if not (len(rows) and len(columns)):
        return links
    far = 1e6
    cost = np.full((len(rows), len(columns)), far)
    for r, row in enumerate(rows):
        for c, column in enumerate(columns):
            pair = pairs[before[row], after[column]]
            if pair.distance_mm <= tolerance_mm and _alike(pair):
                cost[r, c] = pair.distance_mm
    for r, c in zip(*linear_sum_assignment(cost), strict=True):
        if cost[r, c] < far:
            links[rows[r], columns[c]] = True
    return links


def _reasoned(olds, news, pairs, tolerance_mm, unseen):
    """One proposal with its reasons."""
    kind = _kind(olds, news)
    reasons = []
    if kind == "unclear":
        reasons.append("Several earlier and several later lesions overlap; please sort them.")
    reasons += [f"{uid} carries the same identity in both examinations." for uid in olds if uid in news]
    for b in olds:
        for a in news:
            pair = pairs[b, a]
            if kind in ("same", "merged", "split") or pair.overlap > 0:
                reasons.append(
                    f"{b} and {a}: {pair.overlap:.0%} of the smaller one overlaps, centres {pair.distance_mm:.1f} mm apart, "
                    f"volume {pair.volume_ratio - 1:+.0%}.",
                )
    if kind in ("new", "vanished"):
        uid = (olds + news)[0]
        side = "before" if kind == "vanished" else "after"
        other = {"new": "earlier", "vanished": "later"}[kind]
        if uid in unseen:
            kind = "unclear"
            reasons.append(f"{uid} lies outside the {other} image, so nothing can be said.")
        else:
            near = min((p for p in pairs.values() if getattr(p, side) == uid), key=lambda p: p.distance_mm, default=None)
            if near is None:
                reasons.append(f"The {other} examination has no outlined lesion.")
            else:
                name = near.after if kind == "vanished" else near.before
                reasons.append(
                    f"No lesion of the {other} examination overlaps enough or lies within {tolerance_mm:g} mm at a like size; the "
                    f"nearest is {name}, {near.distance_mm:.0f} mm off ({near.overlap:.0%} overlap, volume {near.volume_ratio - 1:+.0%}).",
                )
    return LesionMatch(kind, olds, news, tuple(reasons))
