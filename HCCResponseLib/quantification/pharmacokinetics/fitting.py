"""Pharmacokinetic fits of whole volumes."""

import numpy as np

from ...errors import InputError
from ...progress import Progress
from .axis import Axis
from .bounds import Bounds
from .compression import BLOCK
from .enhancement_test import enhances, smallest_share
from .models import make_model, prepare_inputs
from .optimum import Optimum
from .result import PharmacokineticFit
from .score import ScorePeak
from .separable import SeparableModel
from .status import Status, flagged, is_valid
from .threads import one_blas_thread, run_chunks, thread_count
from .uncertainty import StandardErrors
from .varpro import VariableProjection
from .voxels import Voxels, check_times

__all__ = ["PreparedFit", "fit", "prepare_fit"]

_ZERO_WITHOUT_ENHANCEMENT = ("ktrans", "vp", "plasma_flow")


def fit(
    concentration,
    time_s,
    aif,
    *,
    model: str = "extended_tofts",
    delay_s: float | tuple[float, float] = 0.0,
    aif_time_s=None,
    aif_interpolation: str = "cubic",
    pvf=None,
    portal_delay_s: float | tuple[float, float] = 0.0,
    mask=None,
    bounds: Bounds = Bounds(),
    enhancement_level: float | None = 0.01,
    standard_errors: bool = True,
    progress: Progress | None = None,
    chunk: int = 16 * BLOCK,
    threads: int | None = None,
) -> PharmacokineticFit:
    """Fit a tissue model to every voxel: bounded least squares, the global minimum, by compressed variable projection.

    The curves of the model at all values of its non-linear parameters are tabulated once and compressed (``compression``); every voxel
    is compared with all of them by a matrix product, so no starting value is needed; the best place is refined by Newton steps
    (``score``, ``varpro``), with bounds solved exactly (``bounds``). A voxel's numbers do not depend on the other voxels, on ``chunk`` or
    on ``threads``, to the last bit.

    :param concentration: contrast agent in tissue [mM], shape voxels + (n,), any layout. float32 gives float32 maps, all else float64;
        the computation is in float64 always.
    :param time_s: (n,) times of the images [s], increasing, any spacing; more images than parameters.
    :param aif: PLASMA concentration in the artery [mM] (whole blood / (1 - hematocrit)): a callable of an array of seconds, or samples at
        ``aif_time_s``. 0 before its first sample, and, for a callable, before time 0.
    :param model: ``"tofts"``, ``"extended_tofts"``, ``"patlak"``, ``"two_compartment_exchange"``, ``"dual_input"``,
        ``"dual_input_extended_tofts"``.
    :param delay_s: by how much the tissue enhances later than the input [s]: a number, or a range (low, high) in which it is fitted;
        negative is allowed. A range needs an input that rises gradually (``parker`` does, ``weinmann`` does not), and the optimum is then
        that of curves interpolated between delays half a second apart, as are ``rmse`` and ``r_squared``: at a signal-to-noise ratio of 5
        the residual of a few voxels is up to 4e-3 (relative) above the least one. ``evaluate`` gives the exact curve of the parameters.
    :param aif_time_s: times of the samples of ``aif`` and ``pvf`` [s]; the same zero as ``time_s``.
    :param aif_interpolation: between samples, ``"cubic"`` (spline) or ``"linear"``. At 4 s a straight-line input costs half a percent of
        Ktrans and more, a cubic one a tenth of that.
    :param pvf: plasma concentration in the portal vein, as ``aif``; for the dual-input models.
    :param portal_delay_s: as ``delay_s``, for the portal vein.
    :param mask: voxels to fit, shape voxels, true or not zero inside; None: all.
    :param bounds: upper bounds of ve, vp and kep.
    :param enhancement_level: voxels that explain no more than noise would with this probability are flagged ``NOT_ENHANCING`` with
        Ktrans 0 instead of a fit of noise; None: fit all. With fewer than ten images more than parameters noise cannot
        be told: all that any positive parameters resemble is fitted, and flagged ``ENHANCEMENT_NOT_TESTED``.
    :param standard_errors: whether to compute them.
    :param progress: told the finished fraction; the answer False cancels.
    :param chunk: voxels handed to a thread at once; bounds the memory.
    :param threads: None: all processors.
    :raises InputError: an input cannot be used.
    :raises Cancelled: ``progress`` answered False; nothing is returned.
    """
    model_ready = prepare_fit(
        time_s,
        aif,
        model=model,
        delay_s=delay_s,
        aif_time_s=aif_time_s,
        aif_interpolation=aif_interpolation,
        pvf=pvf,
        portal_delay_s=portal_delay_s,
        bounds=bounds,
        enhancement_level=enhancement_level,
        standard_errors=standard_errors,
    )
    return model_ready.fit(concentration, mask=mask, progress=progress, chunk=chunk, threads=threads)


def prepare_fit(
    time_s,
    aif,
    *,
    model: str = "extended_tofts",
    delay_s: float | tuple[float, float] = 0.0,
    aif_time_s=None,
    aif_interpolation: str = "cubic",
    pvf=None,
    portal_delay_s: float | tuple[float, float] = 0.0,
    bounds: Bounds = Bounds(),
    enhancement_level: float | None = 0.01,
    standard_errors: bool = True,
) -> "PreparedFit":
    """Tabulate a model once, to fit voxels to it again and again: the curve at the crosshair, a series piece by piece.

    Arguments as for :func:`fit`; ``prepare_fit(time_s, aif, ...).fit(concentration)`` is ``fit(concentration, time_s, aif, ...)``, to the
    last bit.

    :raises InputError: an input cannot be used.
    """
    time_s = check_times(time_s)
    inputs = prepare_inputs(model, time_s, aif, aif_time_s, delay_s, pvf, portal_delay_s, aif_interpolation)
    if enhancement_level is not None and not 0 < enhancement_level < 1:
        raise InputError(f"The level of the enhancement test is a probability between 0 and 1, or None; found {enhancement_level!r}.")
    with one_blas_thread():
        return PreparedFit(make_model(model, inputs, time_s, bounds), inputs, time_s.size, enhancement_level, standard_errors)


class PreparedFit:
    """A model that is ready to be fitted, see :func:`prepare_fit`."""

    def __init__(self, tissue: SeparableModel, inputs, samples: int, level: float | None, standard_errors: bool):
        self._tissue, self._inputs, self._samples, self._standard_errors = tissue, inputs, samples, standard_errors
        self._fitter = _Fitter(tissue, samples, level, standard_errors)

    def fit(
        self, concentration, *, mask=None, progress: Progress | None = None, chunk: int = 16 * BLOCK, threads: int | None = None,
    ) -> PharmacokineticFit:
        """Fit voxels; arguments, result and errors as for :func:`fit`."""
        tissue, inputs = self._tissue, self._inputs
        voxels = Voxels(concentration, self._samples, mask)
        threads = thread_count(threads)
        if not isinstance(chunk, (int, np.integer)) or chunk < 1:
            raise InputError(f"A chunk must hold at least one voxel, a whole number; found {chunk!r}.")
        maps = {name: voxels.output() for name in (*tissue.outputs, "rmse", "r_squared")}
        errors = {name: voxels.output() for name in tissue.outputs} if self._standard_errors else {}
        status = voxels.output(Status.MASKED_OUT, np.uint16)

        def work(piece: slice) -> None:
            self._fitter.fit(voxels, voxels.inside(piece), maps, errors, status)

        with one_blas_thread():
            run_chunks(work, [slice(first, min(first + chunk, voxels.count)) for first in range(0, voxels.count, chunk)], threads, progress)

        maps = {name: voxels.shaped(values) for name, values in maps.items()}
        for name, delay in (("delay_s", inputs.delay), ("portal_delay_s", inputs.portal_delay)):
            if not isinstance(delay, Axis) and (name == "delay_s" or inputs.portal is not None):
                maps[name] = np.broadcast_to(voxels.dtype.type(delay), voxels.shape)
        status = voxels.shaped(status)
        return PharmacokineticFit(
            model=tissue.name,
            parameter_count=tissue.parameter_count,
            valid=is_valid(status),
            status=status,
            standard_error={name: voxels.shaped(values) for name, values in errors.items()},
            **maps,
        )


class _Fitter:
    """Fits chunks of voxels, block by block."""

    def __init__(self, model: SeparableModel, samples: int, level: float | None, standard_errors: bool):
        self._model, self._samples = model, samples
        self._solver = VariableProjection(model)
        self._peak = ScorePeak(model) if ScorePeak.suits(model) else None
        self._errors = StandardErrors(model) if standard_errors else None
        self._share = None if level is None else smallest_share(samples, model.parameter_count, level)
        # The last column gives the mean.
        self._projection = np.column_stack([model.basis, np.full(samples, 1 / samples)])

    def fit(self, voxels: Voxels, numbers: np.ndarray, maps, errors, status) -> None:
        """Fit the voxels ``numbers`` and write their maps, errors and status there."""
        count = numbers.size
        best = Optimum(np.zeros((len(self._model.axes), count)), np.zeros(count), np.zeros(count), np.zeros(count))
        squares, mean = np.empty(count), np.empty(count)
        enhancing = np.ones(count, bool)
        rest, rest_rows, over, over_rows = [], [], [], []
        rows, projected = np.empty((BLOCK, self._samples)), np.empty((BLOCK, self._projection.shape[1]))
        workspace = self._peak.workspace() if self._peak is not None else None
        for start in range(0, count, BLOCK):
            piece = slice(start, min(start + BLOCK, count))
            size = piece.stop - start
            voxels.read(numbers[piece], rows[:size])
            rows[size:] = 0
            total = np.einsum("ij,ij->i", rows, rows)
            finite = np.isfinite(total)
            if not finite.all():
                rows[~finite] = 0
            squares[piece] = total[:size]
            np.matmul(rows, self._projection, out=projected)
            compressed, mean[piece] = np.ascontiguousarray(projected[:, :-1]), projected[:size, -1]
            left = finite[:size]
            if self._peak is not None:
                found, settled = self._peak.solve(compressed, workspace)
                best.replace(piece, found, slice(size))
                enhancing[piece] = self._enhances(best.explained[piece], squares[piece])
                which = np.flatnonzero(settled[:size] & enhancing[piece] & self._breaks_a_bound(best.part(piece)))
                over.append(start + which)
                over_rows.append(compressed[which])
                left = left & ~settled[:size] & enhancing[piece]
            which = np.flatnonzero(left)
            rest.append(start + which)
            rest_rows.append(compressed[which])
        # The few that the first pass leaves are fitted together: their number, not that of the blocks, is the cost.
        rest, over = (np.concatenate([*parts, np.empty(0, np.intp)]) for parts in (rest, over))
        if rest.size:
            best.replace(rest, self._solver.solve(np.concatenate(rest_rows)))
        if over.size:
            held = best.part(over)
            self._solver.hold(np.concatenate(over_rows), held)
            best.replace(over, held)
        enhancing &= self._enhances(best.explained, squares)
        for start in range(0, count, BLOCK):
            piece = slice(start, min(start + BLOCK, count))
            self._write(best.part(piece), squares[piece], mean[piece], enhancing[piece], numbers[piece], maps, errors, status)

    def _write(self, best: Optimum, squares, mean, enhancing, numbers, maps, errors, status) -> None:
        model = self._model
        finite = np.isfinite(squares)
        with np.errstate(divide="ignore", invalid="ignore"):
            residual = np.maximum(squares - best.explained, 0.0)
            theta = model.values(best.position)
            found = model.parameters(theta, best.c1, best.c2)
            flags = model.describe(theta, best.c1, best.c2, found)
            for axis_name in ("delay_s", "portal_delay_s"):
                flags |= flagged(model.at_ends(axis_name, best.position), Status.DELAY_AT_LIMIT)
            variation = squares - self._samples * mean * mean
            found["r_squared"] = np.where(variation > 1e-12 * squares, 1 - residual / variation, np.nan)
            found["rmse"] = np.sqrt(residual / self._samples)
            spread = self._errors(best, residual, self._samples) if self._errors else {}

            if self._share == 0:
                flags |= np.uint16(Status.ENHANCEMENT_NOT_TESTED)
            none = finite & ~enhancing
            if none.any():
                flags[none] = Status.NOT_ENHANCING
                for name in model.outputs:
                    found[name] = np.where(none, 0.0 if name in _ZERO_WITHOUT_ENHANCEMENT else np.nan, found[name])
                found["rmse"] = np.where(none, np.sqrt(squares / self._samples), found["rmse"])
                found["r_squared"] = np.where(none, np.nan, found["r_squared"])
            if not finite.all():
                flags[~finite] = Status.NOT_FINITE
                for name in found:
                    found[name] = np.where(finite, found[name], np.nan)

        target = slice(numbers[0], numbers[-1] + 1) if numbers[-1] - numbers[0] + 1 == numbers.size else numbers
        status[target] = flags
        for name, values in maps.items():
            values[target] = found[name]
        for name, values in errors.items():
            values[target] = np.where(none | ~np.isfinite(found[name]), np.nan, spread[name])

    def _breaks_a_bound(self, best: Optimum) -> np.ndarray:
        limit1, limit2, _shared = self._model.limits(self._model.values(best.position))
        return (best.c1 > limit1) | (best.c2 > limit2)

    def _enhances(self, explained, squares) -> np.ndarray:
        if self._share is None:
            return np.ones(explained.shape, bool)
        with np.errstate(invalid="ignore"):
            return enhances(explained, squares, self._share)
