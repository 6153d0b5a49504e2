"""Many small symmetric systems at once, element-wise along the last axis."""

import numpy as np

__all__ = ["inverse_positive", "solve_positive"]


def solve_positive(matrix: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve symmetric positive definite systems by elimination.

    :param matrix: (d, d, m).
    :param right: (d, m) or (d, k, m).
    :return: solution in the shape of ``right``, and a boolean (m,): False where a matrix is not positive definite.
    """
    size = len(matrix)
    matrix, solution = matrix.copy(), right.copy()
    scale = np.abs(matrix[range(size), range(size)]).max(axis=0, initial=0.0)
    positive = np.ones(matrix.shape[-1], bool)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for row in range(size):
            positive &= matrix[row, row] > 1e-13 * scale
            for below in range(row + 1, size):
                factor = matrix[below, row] / matrix[row, row]
                matrix[below, row:] -= factor * matrix[row, row:]
                solution[below] -= factor * solution[row]
        for row in reversed(range(size)):
            for after in range(row + 1, size):
                solution[row] -= matrix[row, after] * solution[after]
            solution[row] /= matrix[row, row]
    return solution, positive


def inverse_positive(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the inverses (d, d, m) of symmetric matrices, and False where one is not positive definite."""
    size = len(matrix)
    identity = np.zeros(matrix.shape)
    identity[range(size), range(size)] = 1.0
    return solve_positive(matrix, identity)
