"""Finding where a point of one examination lies in another: rigid, then if wanted deformable, round a region.

The images are first normalised locally (mean and standard deviation within about 20 mm): the shading of surface coils
differs between examinations, and left in, 10 % of it moved the result by 1 mm on the test patient. Mattes' mutual
information (IEEE Trans Med Imaging 2003;22:120) then allows other sequences and other phases. The optimisers, the metric
and the spline are SimpleITK's.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage

from ...errors import Cancelled, InputError
from ...geometry import Geometry
from ...progress import Progress, report_progress, subrange
from ..inputs import require_mask
from .grid import box_of, check_image, kji_to_lps, lps_to_kji, ras_words, spacing_kji, sub_geometry
from .local_shift import SHIFTED_MM, LocalShifts, find_local_shifts

__all__ = ["Registration", "register_examinations"]

_WORKING_MM = 2.0  # finer voxels are averaged to about this: sub-millimetre results do not need them
_NORMALISING_MM = 20.0
_MARGIN_MM = 12.0  # round the region: its own edge is the best landmark
_SEARCH_STEP_MM, _SEARCH_STEPS = 14.0, 4  # shifts tried, each way along each axis, from every way of laying the images together
_SEARCH_POINTS, _CHECK_POINTS = 2000, 20000
_SEARCH_SMOOTHING_MM, _CHECK_SMOOTHING_MM = 8.0, 2.0
_CANDIDATES, _PLACES = 12, 3  # places climbed from, and registered
_LEAST_OVERLAP, _ENOUGH_OVERLAP = 0.35, 0.7  # to compare images at all, and to trust the result
_BINS = 16
_FEWEST_VOXELS = 300
_MESH_MM, _FIELD_MM = 70.0, 6.0  # spacing of the spline's control points, and of the displacements kept of it
# Set on the two test patients of the phantom floor: right registrations reach 0.13 (noise SD 20 % of the liver's signal, or
# other sequences) to 0.58 (the same sequence), wrong ones at most 0.06.
_LEAST_SIMILARITY, _LEAST_BODY_SIMILARITY = 0.07, 0.12
_LEAST_DISTINCTNESS = 0.5
_BESIDE_MM = 15.0
_WORTHWHILE_GAIN = 1.03
_RIVAL_MM = 10.0
_LARGEST_TURN_DEG, _LARGEST_SLIDE_MM = 30.0, 40.0


@dataclass(frozen=True)
class Registration:
    """Where points of a source examination lie in a target examination, and how far that can be trusted.

    :param matrix: 4 x 4 rigid LPS matrix, source to target.
    :param displacement_mm: (k, j, i, 3) LPS mm on ``displacement_geometry`` (a grid in the source), added before the
        matrix; None for a rigid registration. Outside its grid it is continued from the border.
    :param overlap: share of the region, 0 to 1, that lies within the target image.
    :param similarity: normalised mutual information of the region, 2 I / (H1 + H2), 0 (nothing in common) to 1.
    :param distinctness: how much of the similarity is lost, 0 to 1, where the target is shifted by 15 mm.
    :param local: shifts that it leaves in parts of the region; None when that was not looked at.
    :param start: which way of laying the images together led here.
    :param problems: sentences that say why it must not be trusted; empty when it passed all checks.
    :param notes: other sentences worth knowing.
    """

    matrix: np.ndarray
    displacement_mm: np.ndarray | None = field(default=None, repr=False)
    displacement_geometry: Geometry | None = field(default=None, repr=False)
    overlap: float = 1.0
    similarity: float = float("nan")
    distinctness: float = float("nan")
    local: LocalShifts | None = field(default=None, repr=False)
    start: str = "given"
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether it passed all checks."""
        return not self.problems

    def to_target(self, source_lps) -> np.ndarray:
        """LPS mm (..., 3) in the target of LPS points (..., 3) of the source."""
        points = np.asarray(source_lps, float)
        return _transformed(self.matrix, points + self._displacement(points))

    def to_source(self, target_lps) -> np.ndarray:
        """LPS mm (..., 3) in the source of LPS points (..., 3) of the target."""
        rigid = _transformed(np.linalg.inv(self.matrix), np.asarray(target_lps, float))
        points = rigid
        if self.displacement_mm is not None:
            # The displacement does not fold (checked), so this fixed point iteration converges.
            for _iteration in range(30):
                points = rigid - self._displacement(points)
        return points

    def _displacement(self, points):
        if self.displacement_mm is None:
            return 0.0
        coordinates = lps_to_kji(self.displacement_geometry, points.reshape(-1, 3)).T
        parts = [ndimage.map_coordinates(part, coordinates, order=1, mode="nearest") for part in np.moveaxis(self.displacement_mm, -1, 0)]
        return np.stack(parts, axis=-1).reshape(points.shape)


def register_examinations(
    source_image,
    source_geometry: Geometry,
    target_image,
    target_geometry: Geometry,
    *,
    region=None,
    deformable: bool = False,
    progress: Progress | None = None,
) -> Registration:
    """Register a target examination to a region of a source examination.

    Starts from the patient coordinates as they are, from the bodies' centres and from the images' centres, each shifted
    over a grid of 56 mm either way; the three most similar places are registered coarsely, the best of them finely.
    A result is never passed off as good: what speaks against it is in ``problems``.

    :param source_image: (k, j, i), the examination with the outlines; voxels that are not finite are not used.
    :param target_image: (k, j, i), the examination to carry them to.
    :param region: bool mask on the source: liver, or lesion with its surroundings; None for all that is not air.
    :param deformable: follow with a B-spline deformation of 70 mm mesh.
    :param progress: told the finished fraction; may cancel.
    :raises InputError: the region is empty or too small, or an image has too few slices or does not vary.
    :raises GeometryError: an image or the region does not fit its geometry, or a grid is sheared.
    :raises Cancelled: the progress callback said so.
    """
    report_progress(progress, 0.0)
    if region is not None:
        region = require_mask(region, source_geometry, "region to register")
    source = _Prepared(source_image, source_geometry, "earlier image", region)
    target = _Prepared(target_image, target_geometry, "later image")
    report_progress(progress, 0.1)
    body = _Probe(source, target, source.body)
    places = _places(source, target, body, subrange(progress, 0.1, 0.25))
    if not places:
        problem = "The two images show different parts of the body: they do not overlap enough wherever they are laid together."
        return Registration(np.eye(4), overlap=0.0, similarity=0.0, distinctness=0.0, start="none", problems=(problem,))
    engine = _Engine(source, target, source.body)
    tried = []
    for number, (name, matrix) in enumerate(places):
        part = subrange(progress, 0.25 + 0.35 * number / len(places), 0.25 + 0.35 * (number + 1) / len(places))
        matrix = engine.rigid(matrix, [3], [4.0], 8000, 0.05, part)
        tried.append((body.similarity(matrix), name, matrix))
    tried.sort(key=lambda item: -item[0])
    best, name, whole = tried[0]
    engine, probe = _Engine(source, target, source.region), _Probe(source, target, source.region)
    fine = engine.rigid(whole, [2, 1], [3.0, 2.0], 30000, 0.002, subrange(progress, 0.6, 0.75 if deformable else 0.98))
    result = Registration(fine, start=name)
    if probe.similarity(fine) < _LEAST_SIMILARITY and best >= _LEAST_BODY_SIMILARITY:
        note = "The region itself gives too little to hold on to (lesion gone, or too small); the whole body was registered."
        result, probe = Registration(whole, start=name, notes=(note,)), body
    elif deformable:
        result = _deformed(engine, probe, result, subrange(progress, 0.75, 0.98))
    rivals = [matrix for similarity, _name, matrix in tried[1:] if similarity > 0.9 * best]
    local = find_local_shifts(source.known, source.geometry, target.known, target.geometry, result.to_target, source.inside)
    result = _checked(replace(result, local=local), probe, whole, rivals)
    report_progress(progress, 1.0)
    return result


class _Prepared:
    """An image on its working grid: normalised values, which voxels count, the same as a SimpleITK image."""

    def __init__(self, image, geometry, name, region=None):
        import SimpleITK as sitk

        image = check_image(image, geometry, name)
        spacing_kji(geometry)  # refuses a sheared grid
        if min(geometry.shape) < 4:
            raise InputError(f"The {name} has too few slices for a registration ({geometry.shape}); place the outlines by hand.")
        finite = np.isfinite(image)
        if not finite.any() or not np.ptp(image[finite]) > 0:
            raise InputError(f"The {name} does not vary; choose another image.")
        factors = [max(1, round(_WORKING_MM / s)) for s in geometry.spacing_mm]
        weight = sitk.BinShrink(_to_sitk(finite.astype(np.float32), geometry), factors)
        mean = sitk.BinShrink(_to_sitk(np.where(finite, image, 0).astype(np.float32), geometry), factors)
        share = sitk.GetArrayFromImage(weight)
        self.usable = share > 0.5
        values = sitk.GetArrayFromImage(mean) / np.maximum(share, 1e-3)
        self.geometry = Geometry.from_parts(share.shape, mean.GetSpacing(), mean.GetOrigin(), np.reshape(mean.GetDirection(), (3, 3)))
        self.body = self._body(values)
        self.values = locally_normalised(values, self.usable, spacing_kji(self.geometry))
        self.inside = self.region = self.body
        if region is not None:
            inside = sitk.GetArrayFromImage(sitk.BinShrink(_to_sitk(region.astype(np.float32), geometry), factors)) > 0
            self.inside = self.usable & inside
            self.region = self.usable & (ndimage.distance_transform_edt(~inside, sampling=spacing_kji(self.geometry)) <= _MARGIN_MM)
        if np.count_nonzero(self.region) < _FEWEST_VOXELS:
            raise InputError(f"The region to register has too few voxels in the {name}; give the liver or a larger region.")
        self.image = _to_sitk(self.values, self.geometry)

    def _body(self, values):
        """All that is not air: brighter than a tenth of the bright tissue, after smoothing."""
        smooth = ndimage.gaussian_filter(np.where(self.usable, values, 0), 4.0 / spacing_kji(self.geometry), truncate=2)
        low, high = np.percentile(smooth[self.usable], [1, 95])
        return self.usable & (smooth > low + 0.15 * (high - low))

    @property
    def known(self):
        """Normalised values, NaN where there are none."""
        return np.where(self.usable, self.values, np.nan)

    def smoothed(self, sigma_mm):
        return ndimage.gaussian_filter(self.values, sigma_mm / spacing_kji(self.geometry), truncate=3)


def _to_sitk(array, geometry):
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_lps)
    image.SetDirection(geometry.direction_lps.ravel().tolist())
    return image


def locally_normalised(values, usable, spacing):
    """(value - local mean) / local standard deviation; three box filters make nearly a Gaussian, fast at any width."""
    size = 2 * np.rint(_NORMALISING_MM / spacing / 2).astype(int) + 1  # odd, for an even box would shift the mean

    def local_mean(array):
        for _pass in range(3):
            array = ndimage.uniform_filter(array, size, mode="nearest")
        return array

    weight = np.maximum(local_mean(usable.astype(np.float32)), 1e-3)
    values = np.where(usable, values, 0).astype(np.float32)
    mean = local_mean(values) / weight
    deviation = np.sqrt(np.maximum(local_mean(np.where(usable, values - mean, 0) ** 2) / weight, 0))
    floor = 0.05 * float(values[usable].std())  # or air, which is all noise, would be as loud as tissue
    return np.where(usable, (values - mean) / (deviation + floor), 0).astype(np.float32)


def _transformed(matrix, points):
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _shifted(matrix, shift_mm):
    moved = matrix.copy()
    moved[:3, 3] += shift_mm
    return moved


class _Probe:
    """Overlap and similarity at points of the region, drawn once with a fixed seed."""

    def __init__(self, source, target, region):
        voxels = np.argwhere(region)
        voxels = np.random.default_rng(20).permutation(voxels)[:_CHECK_POINTS]
        self.points = kji_to_lps(source.geometry, voxels)
        self.target = target
        sigmas = _SEARCH_SMOOTHING_MM, _CHECK_SMOOTHING_MM
        self._values = {sigma: (source.smoothed(sigma)[tuple(voxels.T)], target.smoothed(sigma)) for sigma in sigmas}

    def _sample(self, transform, sigma, count):
        points = transform(self.points[:count])
        indices = lps_to_kji(self.target.geometry, points)
        inside = np.all((indices >= -0.5) & (indices <= np.array(self.target.geometry.shape) - 0.5), axis=1)
        usable = np.zeros(len(inside), bool)
        # a point on the border between two voxels rounds to the even one, which may lie outside
        nearest = np.clip(np.rint(indices[inside]), 0, np.array(self.target.geometry.shape) - 1)
        usable[inside] = self.target.usable[tuple(nearest.astype(int).T)]
        source, target = self._values[sigma]
        values = ndimage.map_coordinates(target, indices[usable].T, order=1, mode="nearest")
        return usable, source[:count][usable], values

    def overlap(self, transform) -> float:
        usable, _source, _target = self._sample(_as_function(transform), _CHECK_SMOOTHING_MM, _CHECK_POINTS)
        return float(usable.mean())

    def similarity(self, transform, *, coarse=False) -> float:
        """Normalised mutual information, 0 where too little overlaps."""
        detail = (_SEARCH_SMOOTHING_MM, _SEARCH_POINTS) if coarse else (_CHECK_SMOOTHING_MM, _CHECK_POINTS)
        usable, source, target = self._sample(_as_function(transform), *detail)
        if usable.mean() < _LEAST_OVERLAP:
            return 0.0
        return _normalised_mutual_information(source, target)


def _as_function(transform):
    return transform if callable(transform) else lambda points: _transformed(transform, points)


def _normalised_mutual_information(a, b):
    """2 I(a, b) / (H(a) + H(b)), with Miller's correction of the bias that few samples give (I is too large by (bins - 1)^2 / 2n)."""
    joint = np.bincount(_binned(a) * _BINS + _binned(b), minlength=_BINS**2).reshape(_BINS, _BINS) / len(a)
    marginals = joint.sum(axis=1), joint.sum(axis=0)
    entropies = [-float(np.sum(p[p > 0] * np.log(p[p > 0]))) for p in (*marginals, joint.ravel())]
    if entropies[0] + entropies[1] <= 0:
        return 0.0
    shared = entropies[0] + entropies[1] - entropies[2] - (_BINS - 1) ** 2 / (2 * len(a))
    return max(0.0, 2 * shared / (entropies[0] + entropies[1]))


def _binned(values):
    low, high = np.percentile(values, [1, 99])
    return np.clip((values - low) / max(high - low, 1e-9) * _BINS, 0, _BINS - 1).astype(int)


def _places(source, target, probe, progress):
    """The most similar, well apart shifts of the target, as (name, matrix); at most three."""
    bodies = [kji_to_lps(image.geometry, np.argwhere(image.body).mean(axis=0)) for image in (source, target)]
    centres = [kji_to_lps(image.geometry, (np.array(image.geometry.shape) - 1) / 2) for image in (source, target)]
    grids = [("patient coordinates", np.zeros(3))]
    for name, shift in (("centres of the bodies", bodies[1] - bodies[0]), ("centres of the images", centres[1] - centres[0])):
        # The grid of shifts round an earlier start already holds one that is near.
        if all(np.abs(shift - other).max() > _SEARCH_STEPS * _SEARCH_STEP_MM / 2 for _name, other in grids):
            grids.append((name, shift))
    steps = np.arange(-_SEARCH_STEPS, _SEARCH_STEPS + 1) * _SEARCH_STEP_MM
    offsets = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)

    def similarity(shift):
        return probe.similarity(_shifted(np.eye(4), shift), coarse=True)

    found = []
    for number, (name, base) in enumerate(grids):
        for index, offset in enumerate(offsets):
            if index % 81 == 0:
                report_progress(progress, 0.8 * (number + index / len(offsets)) / len(grids))
            found.append((similarity(base + offset), name, base + offset))
    # Patients mostly lie as they lay, so the shift of nothing is among the candidates whatever the grid says.
    candidates = [*_apart(found, _CANDIDATES), (similarity(np.zeros(3)), "patient coordinates", np.zeros(3))]
    climbed = []
    for number, (value, name, shift) in enumerate(candidates):
        report_progress(progress, 0.8 + 0.2 * number / len(candidates))
        climbed.append((*_climbed(similarity, value, shift), name))
    places = _apart([(value, name, shift) for value, shift, name in climbed], _PLACES)
    return [(name, _shifted(np.eye(4), shift)) for _value, name, shift in places]


def _apart(found, count):
    """The ``count`` most similar (similarity, name, shift) that are well apart; those with too little overlap (0) never."""
    chosen = []
    for value, name, shift in sorted(found, key=lambda item: -item[0]):
        if value > 0 and all(np.linalg.norm(shift - other) > 1.5 * _SEARCH_STEP_MM for _value, _name, other in chosen):
            chosen.append((value, name, shift))
        if len(chosen) == count:
            break
    return chosen


def _climbed(similarity, value, shift):
    """Follow the similarity uphill in steps of half, then a quarter of the grid's."""
    for step in (_SEARCH_STEP_MM / 2, _SEARCH_STEP_MM / 4):
        while True:
            around = [shift + sign * step * axis for axis in np.eye(3) for sign in (-1, 1)]
            values = [similarity(place) for place in around]
            if max(values) <= value:
                break
            value, shift = max(values), around[int(np.argmax(values))]
    return value, shift


class _Engine:
    """SimpleITK's registration of a target to the region of a source."""

    def __init__(self, source, target, region):
        self.target = target
        self.centre = kji_to_lps(source.geometry, np.argwhere(region)).mean(axis=0)
        box = box_of(region)
        crop = sub_geometry(source.geometry, box)
        self.fixed = _to_sitk(source.values[box], crop)
        self.fixed_mask = _to_sitk(region[box].astype(np.uint8), crop)
        self.moving_mask = None if target.usable.all() else _to_sitk(target.usable.astype(np.uint8), target.geometry)

    def _method(self, shrink, smoothing, samples):
        import SimpleITK as sitk

        method = sitk.ImageRegistrationMethod()
        # Threads add up in any order; one makes the same input give the same answer to the last bit.
        method.SetNumberOfThreads(1)
        method.SetNumberOfWorkUnits(1)
        method.SetMetricAsMattesMutualInformation(32)
        method.SetMetricFixedMask(self.fixed_mask)
        if self.moving_mask is not None:
            method.SetMetricMovingMask(self.moving_mask)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetMetricSamplingStrategy(method.RANDOM)
        voxels = self.fixed.GetNumberOfPixels()
        method.SetMetricSamplingPercentagePerLevel([min(1.0, samples * s**3 / voxels) for s in shrink], 20)
        method.SetShrinkFactorsPerLevel(shrink)
        method.SetSmoothingSigmasPerLevel(smoothing)
        method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
        return method

    def _execute(self, method, levels, iterations, progress):
        """Run; a callback that cancels stops the optimiser, and nothing is returned."""
        import SimpleITK as sitk

        cancelled = []

        def tell():
            done = (method.GetCurrentLevel() + min(method.GetOptimizerIteration() / iterations, 1.0)) / levels
            try:
                report_progress(progress, done)
            except Cancelled as stop:
                cancelled.append(stop)
                method.StopRegistration()

        if progress is not None:
            method.AddCommand(sitk.sitkIterationEvent, tell)
        method.Execute(self.fixed, self.target.image)
        if cancelled:
            raise cancelled[0]

    def rigid(self, matrix, shrink, smoothing, samples, least_step_mm, progress) -> np.ndarray:
        """Improve a rigid 4 x 4 LPS matrix, source to target."""
        import SimpleITK as sitk

        transform = sitk.Euler3DTransform()
        transform.SetCenter(self.centre.tolist())
        transform.SetMatrix(matrix[:3, :3].ravel().tolist(), 1e-6)
        transform.SetTranslation((_transformed(matrix, self.centre) - self.centre).tolist())
        method = self._method(shrink, smoothing, samples)
        iterations = 100
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=2.0,
            minStep=least_step_mm,
            numberOfIterations=iterations,
            relaxationFactor=0.6,
            gradientMagnitudeTolerance=1e-7,
        )
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, True)
        try:
            self._execute(method, len(shrink), iterations, progress)
        except RuntimeError:
            # ITK gives up where too few points overlap; the place it was to start from is then the better answer.
            return matrix
        result = np.eye(4)
        result[:3, :3] = np.reshape(transform.GetMatrix(), (3, 3))
        result[:3, 3] = np.array(transform.TransformPoint(self.centre.tolist())) - result[:3, :3] @ self.centre
        return result

    def spline(self, matrix, progress):
        """Spline in the source before the rigid ``matrix``: displacement (k, j, i, 3) in LPS mm, its geometry, and the volume
        that the most compressed place keeps (below 0 the tissue folds).
        """
        import SimpleITK as sitk

        rigid = sitk.AffineTransform(3)
        rigid.SetMatrix(matrix[:3, :3].ravel().tolist())
        rigid.SetTranslation(matrix[:3, 3].tolist())
        extent = np.array(self.fixed.GetSize()) * self.fixed.GetSpacing()
        spline = sitk.BSplineTransformInitializer(self.fixed, [int(n) for n in np.maximum(np.rint(extent / _MESH_MM), 2)], 3)
        method = self._method([2], [3.0], 30000)
        iterations = 30
        method.SetOptimizerAsLBFGS2(numberOfIterations=iterations, lineSearchMaximumEvaluations=10)
        method.SetMovingInitialTransform(rigid)
        method.SetInitialTransform(spline, True)
        self._execute(method, 1, iterations, progress)
        size = np.maximum(np.ceil(extent / _FIELD_MM), 2).astype(int) + 1
        spacing = (np.array(self.fixed.GetSize()) - 1) * self.fixed.GetSpacing() / (size - 1)
        displacement = sitk.TransformToDisplacementField(
            spline, sitk.sitkVectorFloat64, size.tolist(), self.fixed.GetOrigin(), spacing.tolist(), self.fixed.GetDirection(),
        )
        least_volume = float(sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(displacement)).min())
        geometry = Geometry.from_parts(size[::-1], spacing, self.fixed.GetOrigin(), np.reshape(self.fixed.GetDirection(), (3, 3)))
        return sitk.GetArrayFromImage(displacement), geometry, least_volume


def _deformed(engine, probe, rigid, progress) -> Registration:
    """Add a deformation when it raises the similarity and does not fold the tissue."""
    try:
        displacement, geometry, least_volume = engine.spline(rigid.matrix, progress)
    except RuntimeError:
        return replace(rigid, notes=("The deformable step failed; the rigid registration is kept.",))
    deformed = replace(rigid, displacement_mm=displacement, displacement_geometry=geometry)
    # A spline always finds something; below this gain it follows noise (0.8 mm of it on the test patient).
    if least_volume < 0.3 or probe.similarity(deformed.to_target) < _WORTHWHILE_GAIN * probe.similarity(rigid.matrix):
        return replace(rigid, notes=("Deforming did not improve the match enough; the rigid registration is kept.",))
    return deformed


def _checked(result, probe, whole, rivals) -> Registration:
    """Measure overlap, similarity, distinctness and local shifts, and say what speaks against the result."""
    overlap, similarity = probe.overlap(result.to_target), probe.similarity(result.to_target)
    beside = [_shifted(np.eye(4), sign * _BESIDE_MM * axis) for axis in np.eye(3) for sign in (-1, 1)]
    shifted = [probe.similarity(lambda points, m=matrix: _transformed(m, result.to_target(points))) for matrix in beside]
    distinctness = max(0.0, 1 - float(np.mean(shifted)) / similarity) if similarity > 0 else 0.0
    middle = probe.points.mean(axis=0)
    place = result.to_target(middle)
    problems = []
    if overlap < _ENOUGH_OVERLAP:
        problems.append(f"Only {overlap:.0%} of the region lies within the later image.")
    if similarity < _LEAST_SIMILARITY:
        problems.append(f"The images have too little in common there (similarity {similarity:.2f}, at least {_LEAST_SIMILARITY} expected).")
    elif distinctness < _LEAST_DISTINCTNESS:
        problems.append(f"The match is not much better than {_BESIDE_MM:.0f} mm beside it; the position is uncertain.")
    off = max((float(np.linalg.norm(_transformed(rival, middle) - _transformed(whole, middle))) for rival in rivals), default=0.0)
    if off > _RIVAL_MM:
        problems.append(f"Another place, {off:.0f} mm off, matches nearly as well.")
    turn = float(np.rad2deg(np.arccos(np.clip((np.trace(result.matrix[:3, :3]) - 1) / 2, -1, 1))))
    if turn > _LARGEST_TURN_DEG:
        problems.append(f"The later image would have to be turned by {turn:.0f} degrees.")
    slide = float(np.linalg.norm(place - _transformed(whole, middle)))
    if slide > _LARGEST_SLIDE_MM:
        problems.append(f"The region would have slid {slide:.0f} mm against the body, more than breathing explains.")
    shifted, notes = result.local.largest(), result.notes
    if shifted is None and np.isfinite(result.local.told):
        notes = (*notes, "The region shows too few edges to tell whether the tissue has deformed.")
    elif shifted is not None and shifted[0] > SHIFTED_MM:
        advice = "use the deformable registration" if result.displacement_mm is None else "place the outlines there by hand"
        problems.append(f"The tissue has deformed by about {shifted[0]:.0f} mm near {ras_words(shifted[1])}; {advice}.")
    return replace(
        result, overlap=overlap, similarity=similarity, distinctness=distinctness, problems=tuple(problems), notes=notes,
    )
