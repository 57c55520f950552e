"""What the tests of watches share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import Attachment, State, Voucher
from evidesk.desk.watches import actions, jobs
from evidesk.desk.watches.jobs import work_on_watch
from evidesk.desk.watches.models import Batch, Watch
from evidesk.kits import KitError, load
from evidesk.kits.execution import execute, parse
from evidesk.kits.isolation import RunFailed
from tests.desk.network import _LAST as LAST
from tests.desk.network import Network, fresh, upload, voucher_in


def rows(n: int, shift: float = 0.0, seed: int = 0) -> bytes:
    """A table of two columns, one of them shifted."""
    rng = np.random.default_rng((n, seed))
    numbers = rng.standard_normal((n, 2)) + np.array([shift, 0])
    lines = [f"{a:.4f},{b:.4f}" for a, b in numbers]
    return "\n".join(["a,b", *lines, ""]).encode()


@pytest.fixture(autouse=True)
def in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kit runs here, which is faster than in a process of its own, as the worker does it."""
    if "isolated" in request.keywords:
        return

    def run(name: str, parameters: Any, out: Path, *, agent: str, beat: Any, **_: Any) -> None:
        beat()
        kit = load(name)
        try:
            execute(kit, parse(kit, parameters), agent=agent).write(out)
        except KitError as fault:
            raise RunFailed(str(fault)) from None

    monkeypatch.setattr(jobs, "run_isolated", run)


@pytest.fixture
def voucher(network: Network, media: Path) -> Voucher:
    return voucher_in(State.ACTIVE, network)


@pytest.fixture
def reference(voucher: Voucher, network: Network) -> Attachment:
    return voucher_actions.attach(voucher, network.author, upload(rows(400), "train.csv"))


@pytest.fixture
def begin(voucher: Voucher, network: Network, reference: Attachment) -> Callable[..., Watch]:
    def start(**parameters: Any) -> Watch:
        return actions.begin_watch(
            fresh(voucher),
            network.author,
            name="The leak detector",
            reference=reference,
            parameters=parameters,
        )

    return start


@pytest.fixture
def watch(begin: Callable[..., Watch]) -> Watch:
    """A watch that the worker has begun."""
    return work(begin())


def work(watch: Watch) -> Watch:
    """Let the worker do what there is to do."""
    work_on_watch.call(watch_id=watch.pk)
    return Watch.objects.get(pk=watch.pk)


def give(watch: Watch, by: Any, content: bytes, name: str = "monday.csv") -> Batch:
    return actions.add_batch(Watch.objects.get(pk=watch.pk), by, upload(content, name))


def closed(voucher: Voucher, network: Network) -> Voucher:
    """The voucher, reported and closed by its people."""
    for state in (State.REPORTED, State.CLOSED):
        LAST[state][1](fresh(voucher), network)
    return fresh(voucher)
