"""Counting the parts of a table on Dask's workers.

A kit counts with :meth:`~evidesk.kits.table.TableFile.tally`. Within :func:`on_dask` each file of
the table is then counted by a worker, and the counts are added up: integers (sums of numbers are
made of whole steps, see :mod:`evidesk.kits.numbers`), so that the result is the very same. Which
machine counts is no parameter of a kit, for it changes nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any, TypeVar

import evidesk
from evidesk.kits.kit import KitError, Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

_CONNECT_SECONDS = 10.0
_POLL_SECONDS = 0.2
#: How long a cluster may be without any worker, as when it starts or replaces them.
NO_WORKERS_SECONDS = 30.0


class Workers:
    """The workers of a Dask scheduler."""

    def __init__(self, client: Any, address: str) -> None:
        self.client, self._address = client, address

    def each(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        progress: Progress,
        message: str,
        span: tuple[float, float],
    ) -> Iterator[Result]:
        """``function(item)`` of each item, as they get ready; a lost one is computed again.

        Raises
        ------
        KitError : the function raised it; a worker failed; or scheduler or workers are gone.
        Cancelled : ``progress`` raised it; the rest is not computed then.
        """
        distributed = _distributed()
        low, high = span
        pending = {self.client.submit(function, item, pure=False) for item in items}
        seen = time.monotonic()

        def tell() -> None:
            done = len(items) - len(pending)
            share = low + (high - low) * done / len(items)
            progress(min(share, high), f"{message}: {done} of {len(items)} parts")

        try:
            tell()
            while pending:
                try:
                    with self.client.as_current():
                        done, pending = distributed.wait(
                            pending, timeout=_POLL_SECONDS, return_when="FIRST_COMPLETED"
                        )
                except TimeoutError:
                    done = set()
                for future in done:
                    yield self._result(future)
                if done or self.client.nthreads():
                    seen = time.monotonic()
                elif time.monotonic() - seen > NO_WORKERS_SECONDS:
                    raise self.none_there()
                tell()
        except (OSError, CancelledError):
            raise self.gone() from None
        finally:
            self.client.cancel(list(pending))

    def _result(self, future: Any) -> Any:
        if future.status == "finished":
            return future.result()
        if future.status != "error":
            raise self.gone()
        error = future.exception()
        if isinstance(error, KitError):
            raise error
        if isinstance(error, _distributed().KilledWorker):
            raise KitError(
                "Several Dask workers died while they counted the same part, most likely for want "
                "of memory. Give them more, or write the table in smaller files."
            )
        raise KitError(
            f"A Dask worker failed ({type(error).__name__}: {error}). Workers need evidesk "
            f"{evidesk.__version__} with the same packages as here."
        )

    def none_there(self) -> KitError:
        """What to say if there are none."""
        return KitError(
            f"The Dask scheduler {self._address} has no workers. Start some and try again."
        )

    def gone(self) -> KitError:
        """What to say if the scheduler does not answer any more."""
        return KitError(
            f"The Dask scheduler {self._address} is gone. Look at its log, and try again."
        )


_workers: ContextVar[Workers | None] = ContextVar("workers", default=None)


def current() -> Workers | None:
    """The workers that are to count, or None where this process is."""
    return _workers.get()


@contextmanager
def on_dask(address: str) -> Iterator[None]:
    """Tables are counted by the workers of the Dask scheduler at ``address``.

    They must have the same evidesk, and see the table's files under the same path.

    Raises
    ------
    KitError : Dask is not installed, or the scheduler does not answer.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise KitError(
            f"The Dask scheduler {address!r} does not answer: {error}. Its address looks like "
            "tcp://host:8786; the scheduler prints it when it starts."
        ) from None
    token = _workers.set(Workers(client, address))
    try:
        yield
    finally:
        _workers.reset(token)
        client.close()


def _distributed() -> Any:
    try:
        return import_module("distributed")
    except ImportError:
        raise KitError(
            "Dask is not installed. Install it with: pip install 'evidesk[dask]'"
        ) from None
