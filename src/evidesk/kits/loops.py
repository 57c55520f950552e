"""A kit's parallel loops on Dask's workers.

Methods write their loops for joblib, and a caller says where these run. joblib's own way to Dask
waits for ever for a worker that has died; this one goes by Dask's executor, which tells.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from typing import Any

from joblib import parallel_config
from joblib.parallel import ParallelBackendBase

from evidesk.kits import partitions
from evidesk.kits.kit import KitError

Call = Callable[[], Any]


class _OnWorkers(ParallelBackendBase):  # type: ignore[misc]  # no types there
    """Calls of joblib's on the workers, on each of their threads one at a time."""

    supports_retrieve_callback = True
    default_n_jobs = -1

    def __init__(self, workers: partitions.Workers) -> None:
        super().__init__()
        self._workers = workers
        # Each call on its own: like calls would share a future, and with it the fate of a loop
        # that was given up.
        self._executor = workers.client.get_executor(pure=False)
        self._pending: set[Future[Any]] = set()

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Of all workers together; waits for the first one. With one, joblib's loops stay here."""
        client = self._workers.client
        if not client.ncores():
            try:
                client.wait_for_workers(1, timeout=partitions.NO_WORKERS_SECONDS)
            except TimeoutError:
                raise self._workers.none_there() from None
        return sum(client.ncores().values())

    def submit(self, func: Call, callback: Callable[[Future[Any]], None]) -> Future[Any]:
        """joblib calls it with a batch of calls."""
        future: Future[Any] = self._executor.submit(func)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, future: Future[Any]) -> Any:
        """The results of the batch, or what was raised there."""
        return future.result()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Nothing that was not begun yet is done any more."""
        for future in list(self._pending):
            future.cancel()


@contextmanager
def loops_on_workers() -> Iterator[None]:
    """Within it, or what it decorates, joblib's loops run on the current workers, if there are.

    Raises
    ------
    KitError : workers died, there are none, or the scheduler is gone.
    """
    workers = partitions.current()
    if workers is None:
        yield
        return
    from distributed import KilledWorker

    try:
        with parallel_config(_OnWorkers(workers)):
            yield
    except KilledWorker:
        raise KitError(
            "Several Dask workers died at the same piece of work, most likely for want of memory. "
            "Give them more."
        ) from None
    except (OSError, CancelledError):
        raise workers.gone() from None
