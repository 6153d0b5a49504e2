"""Chunks of voxels on threads, with BLAS held to one.

The products here are small: threads inside BLAS would cost more than they give, and fight with the threads over chunks. BLAS is held to
one thread through threadpoolctl, where that is installed, and given back afterwards. Without it, set OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1 before Python starts; the numbers are the same either way, only slower.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import numpy as np

from ...errors import InputError
from ...progress import Progress, report_progress

__all__ = ["one_blas_thread", "run_chunks", "thread_count"]


def thread_count(threads: int | None) -> int:
    """Return the number of threads: as asked for, or all processors this process may use.

    :raises InputError: less than one.
    """
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not isinstance(threads, (int, np.integer)) or threads < 1:
        raise InputError(f"The number of threads must be a whole number of at least 1, found {threads!r}.")
    return int(threads)


class _HeldBlas:
    """The number of threads of BLAS is one for the whole process: the first fit that asks sets it, the last one to end restores it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._holders, self._limits = 0, None

    def hold(self, limiter: Callable) -> None:
        with self._lock:
            if self._holders == 0:
                _let_any_thread_set()
                self._limits = limiter(limits=1, user_api="blas")
            self._holders += 1

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                limits, self._limits = self._limits, None
                _let_any_thread_set()
                limits.restore_original_limits()
                _let_any_thread_set()


_HELD = _HeldBlas()


def _let_any_thread_set() -> None:
    """Give up the control that newer threadpoolctl keeps for the thread that set first: from any other it silently does nothing."""
    import threadpoolctl

    give_up = getattr(getattr(threadpoolctl, "OpenBLASController", None), "clear_controlling_thread", None)
    if give_up is not None:
        give_up(force=True)


@contextlib.contextmanager
def one_blas_thread():
    """Hold BLAS to one thread for a while; fits in several threads of Python may overlap."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    _HELD.hold(threadpool_limits)
    try:
        yield
    finally:
        _HELD.release()


def run_chunks(work: Callable[[slice], None], chunks: Sequence[slice], threads: int, progress: Progress | None) -> None:
    """Do ``work`` for every chunk; progress is told in the calling thread.

    :raises Cancelled: ``progress`` answered False; chunks under way are finished, no further one is begun.
    """
    report_progress(progress, 0.0)
    if threads == 1 or len(chunks) < 2:
        for number, chunk in enumerate(chunks):
            work(chunk)
            report_progress(progress, (number + 1) / len(chunks))
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting = {pool.submit(work, chunk) for chunk in chunks}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                report_progress(progress, 1 - len(waiting) / len(chunks))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
