"""Chunks of voxels on threads, with BLAS held to one.

The products here are small: threads inside BLAS would cost more than they give, and fight with the threads over chunks. BLAS is held to
one thread through threadpoolctl, where that is installed, and given back afterwards. Without it, set OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1 before Python starts; the numbers are the same either way, only slower.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from ...errors import InputError
from ...progress import Progress, report_progress

__all__ = ["one_blas_thread", "run_chunks", "thread_count"]


def thread_count(threads: int | None) -> int:
    """Return the number of threads: as asked for, or all processors this process may use.

    :raises InputError: less than one.
    """
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if int(threads) != threads or threads < 1:
        raise InputError(f"The number of threads must be a whole number of at least 1, found {threads!r}.")
    return int(threads)


@contextlib.contextmanager
def one_blas_thread():
    """Hold BLAS to one thread for a while."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with threadpool_limits(limits=1, user_api="blas"):
        yield


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
