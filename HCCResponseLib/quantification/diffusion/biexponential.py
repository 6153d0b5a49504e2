"""Fit S = A exp(-b D) + C exp(-b D*), A and C not negative, to many voxels at once: the global least-squares optimum.

As in :mod:`.monoexponential`, samples are rows and only element-wise operations combine them, so that no voxel's result
depends on its neighbours or on its place in a block.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["D_LIMITS", "D_STAR_LIMITS", "BiexponentialFit", "fit_biexponential"]

D_LIMITS = (1e-5, 5e-3)
"""mm2/s; free water at body temperature has 3e-3."""

D_STAR_LIMITS = (3e-3, 0.2)
"""mm2/s; below, blood cannot be told from water; above, it has vanished before the lowest b-values that scanners offer."""

_D_POINTS, _D_STAR_POINTS = 36, 16
_VOXELS_PER_GRID = 1024
_STEPS = 60
_LONGEST_STEP = 1.0  # in ln D and ln D*


class BiexponentialFit(NamedTuple):
    """Arrays of shape (voxels,). A rate on a limit says that the optimum lies at or beyond it; that of a zero amplitude says nothing."""

    d: np.ndarray
    d_star: np.ndarray
    slow: np.ndarray
    fast: np.ndarray
    squares: np.ndarray


def fit_biexponential(samples: np.ndarray, b: np.ndarray) -> BiexponentialFit:
    """Minimise the sum of squares over D in ``D_LIMITS``, D* in ``D_STAR_LIMITS`` and both amplitudes.

    The amplitudes are eliminated (variable projection; Golub and Pereyra, SIAM J Numer Anal 1973;10:413). A grid gives
    the best D for every D*; from every minimum along D* damped Newton steps in (ln D, ln D*) descend, and the lowest end
    is kept. Where that lies on a boundary or both rates are alike, more starts follow. About one voxel in 10 000 still
    ends in another minimum than an exhaustive search, nearly all of them with D > 0.003 (fluid).

    :param samples: (n, voxels) positive float64 signals, one row per b-value.
    :param b: (n,) b-values in s/mm2, at least four distinct ones.
    """
    log_d_star = np.log(np.geomspace(*D_STAR_LIMITS, _D_STAR_POINTS))
    log_d, explained = _best_d_of_each_d_star(samples, b, log_d_star)
    peak = np.ones_like(explained, bool)
    peak[1:] &= explained[1:] > explained[:-1]
    peak[:-1] &= explained[:-1] >= explained[1:]
    fit = np.full((5, samples.shape[1]), np.inf)
    line, voxel = np.nonzero(peak)
    _descend_into(fit, voxel, samples, b, log_d[line, voxel], log_d_star[line])

    d, d_star, slow, fast, _squares = fit
    boundary = (slow == 0) | (fast == 0) | (d <= np.log(D_LIMITS[0])) | (d_star <= log_d_star[0])
    doubtful = np.flatnonzero(boundary | (d > log_d_star[0]) | (d_star - d < np.log(1.5)))
    alone = np.maximum(d[doubtful], log_d_star[0])  # there often the rate of a single exponential
    _descend_into(
        fit,
        np.tile(doubtful, _D_STAR_POINTS // 2 + 1),
        samples,
        b,
        np.append(log_d[1::2][:, doubtful], np.full(doubtful.size, np.log(D_LIMITS[0]))),
        np.append(np.repeat(log_d_star[1::2], doubtful.size), alone),
    )
    for rate, (lowest, highest) in zip(fit[:2], (D_LIMITS, D_STAR_LIMITS), strict=True):
        at_lowest, at_highest = rate <= np.log(lowest), rate >= np.log(highest)
        np.exp(rate, out=rate)
        rate[at_lowest], rate[at_highest] = lowest, highest  # exactly, so that they can be recognised
    return BiexponentialFit(*fit)


def _descend_into(fit, voxel, samples, b, p, q) -> None:
    """Descend in each ``voxel`` from (ln D, ln D*); put into ``fit`` (5, voxels) what has a smaller sum of squares."""
    found = _descend(np.take(samples, voxel, axis=1), b, p, q)
    falling = np.argsort(-found[4], kind="stable")
    falling = falling[found[4, falling] < fit[4, voxel[falling]]]
    fit[:, voxel[falling]] = found[:, falling]  # of several ends of one voxel the last written, the best, stays


def _best_d_of_each_d_star(samples, b, log_d_star) -> tuple[np.ndarray, np.ndarray]:
    """Return ln D and the explained sum of squares, both (len(log_d_star), voxels)."""
    # The signal hardly changes with D below 0.1 / b: one grid point down there, then even steps of ln D.
    lowest = np.clip(0.1 / b.max(), 2 * D_LIMITS[0], 0.1 * D_LIMITS[1])
    log_grid = np.concatenate([[np.log(D_LIMITS[0])], np.linspace(np.log(lowest), np.log(D_LIMITS[1]), _D_POINTS - 1)])
    slow, fast = (np.exp(-np.outer(np.exp(logs), b)) for logs in (log_grid, log_d_star))
    slow /= np.sqrt((slow * slow).sum(axis=1, keepdims=True))
    fast /= np.sqrt((fast * fast).sum(axis=1, keepdims=True))
    log_d, best = np.empty((2, len(log_d_star), samples.shape[1]))
    for start in range(0, samples.shape[1], _VOXELS_PER_GRID):
        block = slice(start, start + _VOXELS_PER_GRID)
        along_slow, along_fast = _project(slow, samples[:, block]), _project(fast, samples[:, block])
        for line, shape in enumerate(fast):
            usable = int(np.searchsorted(log_grid, log_d_star[line] - 0.1))  # D well below D*
            cosine = (slow[:usable] @ shape)[:, np.newaxis]
            log_d[line, block], best[line, block] = _highest(
                log_grid[:usable],
                *_explained(along_slow[:usable], along_fast[line], cosine),
            )
    return log_d, best


def _project(shapes, samples) -> np.ndarray:
    """Scalar products of every shape with the samples."""
    products = np.zeros((len(shapes), samples.shape[1]))
    for product, shape in zip(products, shapes, strict=True):
        for weight, row in zip(shape, samples, strict=True):
            product += weight * row
    return products


def _explained(along_slow, along_fast, cosine) -> tuple[np.ndarray, np.ndarray]:
    """Sum of squares explained by two unit vectors: with any coefficients, and with coefficients that are not negative."""
    rest = along_fast - cosine * along_slow
    alone = along_slow * along_slow
    both = rest * rest
    both /= 1 - cosine * cosine
    both += alone
    allowed = np.where(rest > 0, both, alone)
    return both, np.where(along_slow > cosine * along_fast, allowed, along_fast * along_fast)


def _highest(positions, smooth, values) -> tuple[np.ndarray, np.ndarray]:
    """Position and value of the highest of ``values`` (positions, voxels) along the first axis, by a parabola through ``smooth``."""
    everyone = np.arange(values.shape[1])
    top = values.argmax(axis=0)
    # Positions are evenly spaced but for the first; the parabola holds only where both coefficients are positive.
    inner = (top > 1) & (top < len(positions) - 1)
    centre = np.where(inner, top, len(positions) - 2)
    left, middle, right = (smooth[centre + k, everyone] for k in (-1, 0, 1))
    bend = left - 2 * middle + right
    inner &= (bend < 0) & (middle >= left) & (middle >= right) & (middle == values[centre, everyone])
    shift = np.where(inner, 0.5 * (left - right) / bend, 0)
    position = positions[top] + shift * (positions[-1] - positions[-2])
    return position, values[top, everyone] - 0.25 * (left - right) * shift


class _Point(NamedTuple):
    """Half the sum of squares with its amplitudes eliminated, at p = ln D, q = ln D*: value, gradient, Hessian."""

    p: np.ndarray
    q: np.ndarray
    slow: np.ndarray
    fast: np.ndarray
    squares: np.ndarray
    gradient_p: np.ndarray
    gradient_q: np.ndarray
    pp: np.ndarray
    pq: np.ndarray
    qq: np.ndarray


def _evaluate(samples, b, p, q) -> _Point:
    """Amplitudes, sum of squares and derivatives at (p, q); the derivatives by a clipped amplitude's rate are zero."""
    d, d_star = np.exp(p), np.exp(q)
    moments = np.zeros((3, 3, p.size))  # sums of b^0, b^1, b^2 times e1 e1, e1 e2, e2 e2
    along1, along2 = np.zeros((2, p.size))
    decays = []
    for x, row in zip(b, samples, strict=True):
        e1, e2 = np.exp(d * -x), np.exp(d_star * -x)
        decays.append((e1, e2))
        along1 += row * e1
        along2 += row * e2
        for pair, product in enumerate((e1 * e1, e1 * e2, e2 * e2)):
            moments[0, pair] += product
            product *= x
            moments[1, pair] += product
            product *= x
            moments[2, pair] += product
    (m11, m12, m22), (n11, n12, n22), (k11, k12, k22) = moments

    determinant = m11 * m22 - m12 * m12
    slow, fast = (along1 * m22 - along2 * m12) / determinant, (along2 * m11 - along1 * m12) / determinant
    has_slow, has_fast = slow > 0, fast > 0
    slow, fast = np.where(has_fast, slow, along1 / m11), np.where(has_slow, fast, along2 / m22)
    has_slow |= ~has_fast  # equal rates: the amplitudes are not numbers, one exponential is enough
    slow, fast = np.where(has_slow, slow, 0), np.where(has_fast, fast, 0)

    squares, r1, r2, s1, s2 = np.zeros((5, p.size))  # residual times 1, b e1, b e2, b^2 e1, b^2 e2
    for x, row, (e1, e2) in zip(b, samples, decays, strict=True):
        residual = row - slow * e1 - fast * e2
        squares += residual * residual
        residual *= x
        e1 *= residual
        e2 *= residual
        r1 += e1
        r2 += e2
        e1 *= x
        e2 *= x
        s1 += e1
        s2 += e2

    # Second derivatives by (slow, D), (slow, D*), (fast, D), (fast, D*); a clipped amplitude does not move.
    ap, aq = np.where(has_slow, r1 - slow * n11, 0), np.where(has_slow, -fast * n12, 0)
    cp, cq = np.where(has_fast, -slow * n12, 0), np.where(has_fast, r2 - fast * n22, 0)
    m12 = np.where(has_slow & has_fast, m12, 0)
    determinant = m11 * m22 - m12 * m12
    # Eliminating the amplitudes takes the Schur complement of their block, [[m11, m12], [m12, m22]].
    to_slow_p, to_fast_p = (m22 * ap - m12 * cp) / determinant, (m11 * cp - m12 * ap) / determinant
    to_slow_q, to_fast_q = (m22 * aq - m12 * cq) / determinant, (m11 * cq - m12 * aq) / determinant
    pp = slow * slow * k11 - slow * s1 - ap * to_slow_p - cp * to_fast_p
    pq = slow * fast * k12 - ap * to_slow_q - cp * to_fast_q
    qq = fast * fast * k22 - fast * s2 - aq * to_slow_q - cq * to_fast_q
    gradient_p, gradient_q = d * slow * r1, d_star * fast * r2
    return _Point(
        p,
        q,
        slow,
        fast,
        squares,
        gradient_p,
        gradient_q,
        d * d * pp + gradient_p,
        d * d_star * pq,
        d_star * d_star * qq + gradient_q,
    )


def _step(point: _Point, damping: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Newton step with the absolute Hessian, within the limits; where it is indefinite this leads off the saddle."""
    (lowest_p, highest_p), (lowest_q, highest_q) = np.log(D_LIMITS), np.log(D_STAR_LIMITS)
    p, q, gp, gq = point.p, point.q, point.gradient_p, point.gradient_q
    fixed_p = (point.slow == 0) | ((p <= lowest_p) & (gp > 0)) | ((p >= highest_p) & (gp < 0))
    fixed_q = (point.fast == 0) | ((q <= lowest_q) & (gq > 0)) | ((q >= highest_q) & (gq < 0))
    gp, gq = np.where(fixed_p, 0, gp), np.where(fixed_q, 0, gq)
    pp, qq = np.where(fixed_p, 1, point.pp), np.where(fixed_q, 1, point.qq)
    pq = np.where(fixed_p | fixed_q, 0, point.pq)

    determinant = pp * qq - pq * pq
    definite = (pp > 0) & (determinant > 1e-10 * pp * qq)
    # |H| = sqrt(H H), for two rows: (H H + |det H|) / sqrt(trace(H H) + 2 |det H|).
    size = np.abs(determinant)
    trace = np.sqrt(pp * pp + qq * qq + 2 * (pq * pq + size))
    pp, pq, qq = (
        np.where(definite, pp, (pp * pp + pq * pq + size) / trace),
        np.where(definite, pq, pq * (pp + qq) / trace),
        np.where(definite, qq, (qq * qq + pq * pq + size) / trace),
    )
    pp, qq = pp * (1 + damping), qq * (1 + damping)
    determinant = np.maximum(pp * qq - pq * pq, 1e-14 * pp * qq)
    step_p, step_q = (pq * gq - qq * gp) / determinant, (pq * gp - pp * gq) / determinant
    longest = np.maximum(np.maximum(np.abs(step_p), np.abs(step_q)) / _LONGEST_STEP, 1)
    step_p, step_q = (np.nan_to_num(step / longest, nan=0.0) for step in (step_p, step_q))
    return np.clip(p + step_p, lowest_p, highest_p), np.clip(q + step_q, lowest_q, highest_q)


def _descend(samples, b, p, q) -> np.ndarray:
    """Descend from (ln D, ln D*); return ln D, ln D*, amplitudes and sum of squares as (5, voxels)."""
    result = np.empty((5, p.size))
    active = np.arange(p.size)
    point, damping = _evaluate(samples, b, p, q), np.zeros(p.size)
    for _step_number in range(_STEPS):
        if active.size == 0:
            break
        new_p, new_q = _step(point, damping)
        # Newton's next error is about the square of the step.
        done = np.maximum(np.abs(new_p - point.p), np.abs(new_q - point.q)) <= 1e-6
        trial = _evaluate(samples, b, new_p, new_q)
        better = trial.squares <= point.squares
        point = _Point(*(np.where(better, new, old) for new, old in zip(trial, point, strict=True)))
        damping = np.where(better, 0.25 * damping, 4 * np.maximum(damping, 0.1))
        damping[damping < 1e-6] = 0
        result[:, active] = point[:5]
        if done.any():
            active, samples, damping = active[~done], np.compress(~done, samples, axis=1), damping[~done]
            point = _Point(*(values[~done] for values in point))
    return result
