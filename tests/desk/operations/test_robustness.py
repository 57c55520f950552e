"""The benchmarks of races and kills in small: nothing is taken twice, lost or left hanging."""

import importlib.util
import sys
from types import ModuleType

import pytest

from tests.desk.desks import ROOT, Desks


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_of_many_processes_that_act_at_once_one_wins_each_step_and_each_run(
    new_desk: Desks,
) -> None:
    found = _load("desk_races").races(new_desk(), processes=4, vouchers=12, runs=12, block=6)
    assert found == [48, 0, 48, 0]


@pytest.mark.slow
def test_killing_web_server_and_workers_loses_nothing_that_was_acknowledged(
    new_desk: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = _load("desk_kills")
    monkeypatch.setattr(kills, "RUN_EVERY", 4.0)
    found = kills.kills(new_desk(), kills=6, silence=10)
    assert found["acknowledged"] > 6
    assert found["runs"] > 0
    assert found["batches"] > found["refused"]
    assert found["watch"] == 0
    assert (found["lost"], found["twice"], found["under way"], found["chain"]) == (0, 0, 0, 0)
