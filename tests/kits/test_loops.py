"""A kit's parallel loops run on Dask's workers, and what goes wrong there is told."""

import os
import threading
import time

import dask
import distributed
import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed

from evidesk.kits import KitError, partitions
from evidesk.kits.execution import execute, parse
from evidesk.kits.loops import loops_on_workers
from evidesk.kits.partitions import on_dask
from evidesk.kits.surrogate import kit

pytestmark = pytest.mark.slow


@loops_on_workers()
def each(function, items):
    return Parallel()(delayed(function)(item) for item in items)


def place(_item):
    time.sleep(0.1)
    return os.getpid()


def divide(item):
    return 1 / item


def unlike(_item):
    return os.urandom(8)


def die(_item):
    os._exit(1)


def test_they_run_on_workers_if_there_are_some(cluster):
    assert set(each(place, range(3))) == {os.getpid()}
    with on_dask(cluster):
        there = set(each(place, range(8)))
    assert len(there) == 2
    assert os.getpid() not in there
    assert set(each(place, range(3))) == {os.getpid()}


def test_like_calls_are_made_each_on_its_own(cluster):
    with on_dask(cluster):
        assert len(set(each(unlike, [0, 0, 0]))) == 3


def test_workers_that_die_are_told():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=60
        ) as cluster,
        on_dask(cluster.scheduler_address),
        pytest.raises(KitError, match="Several Dask workers died"),
    ):
        each(die, [1, 2])


def test_a_scheduler_without_workers_is_told(monkeypatch):
    monkeypatch.setattr(partitions, "NO_WORKERS_SECONDS", 0.3)
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, dashboard_address=":0", silence_logs=60
        ) as cluster,
        on_dask(cluster.scheduler_address),
        pytest.raises(KitError, match=r"The Dask scheduler .* has no workers\. Start some"),
    ):
        each(place, [1])


def test_a_scheduler_that_goes_away_is_told():
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0",
        silence_logs=60, protocol="tcp",
    )  # fmt: skip
    closing = threading.Timer(0.5, cluster.close)
    with on_dask(cluster.scheduler_address):
        closing.start()
        with pytest.raises(KitError, match="is gone"):
            each(time.sleep, [5, 5])
    closing.join()


def test_errors_there_are_those_of_the_loop_and_end_it(cluster):
    with on_dask(cluster):
        with pytest.raises(ZeroDivisionError):
            each(divide, [1, 0, *[2] * 20])
        assert each(divide, [1, 2]) == [1, 0.5]


def test_an_ensemble_trains_on_workers(cluster, tmp_path):
    rng = np.random.default_rng(0)
    parts = tmp_path / "parts"
    parts.mkdir()
    for number, name in enumerate(["train", "calibration", "test"]):
        x = rng.uniform(-1, 1, (100, 2))
        frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.sin(3 * x[:, 0]) + x[:, 1]})
        frame.assign(part=name).to_parquet(parts / f"{number}.parquet")
    parameters = parse(
        kit,
        {"file": parts, "feature": ["a", "b"], "target": ["y"], "part": "part", "epochs": 30,
         "head": "ensemble", "members": 4, "hidden": "8", "recommend": 3},
    )  # fmt: skip
    told = []
    here, there = (
        execute(
            kit, parameters, agent="Cyra", scheduler=where,
            progress=lambda *step: told.append(step),
        )
        for where in (None, cluster)
    )  # fmt: skip
    for one, other in zip(here.findings, there.findings, strict=True):
        assert one.sentence == other.sentence
        assert other.estimate.value == pytest.approx(one.estimate.value, abs=0.021)
    again = told[1 + next(at for at, step in enumerate(told) if step[1] == "Done") :]
    learning = [share for share, message in again if message.startswith("Learning")]
    assert len(learning) == 3  # at the start, and as each of two workers is done
