"""The study of watched streams in small: it fails if false alarms are more than promised."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

_SPEC = importlib.util.spec_from_file_location(
    "shift_watch", Path(__file__).parents[2] / "studies" / "shift_watch.py"
)
study = importlib.util.module_from_spec(_SPEC)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    sys.modules["shift_watch"] = study
    _SPEC.loader.exec_module(study)
    yield
    del sys.modules["shift_watch"]


def test_false_alarms_are_as_rare_as_promised_and_those_of_peeking_are_not():
    ours = study.alarms(study.watch(), 250, 80, reference=600)
    assert (ours > 0).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 80)
    peeked = study.alarms(study.peeked_ks, 1_000, 80, reference=1_000)
    assert (peeked > 0).mean() > 0.12


@pytest.mark.parametrize(("shift", "within"), [("mean", 600), ("corr", 300)])
def test_shifts_are_found(shift, within):
    first = study.alarms(study.watch(), 800, 12, reference=1_300, shift=shift)
    share, median = study.delay(first)
    assert share > 0.8
    assert median < within


def test_a_late_shift_is_found():
    first = study.alarms(study.watch(), 1_300, 8, reference=2_500, shift="corr", before=500, seed=1)
    share, median = study.delay(first, 500)
    assert share > 0.7
    assert median < 500


def test_an_alarm_before_the_shift_finds_nothing():
    assert study.delay(np.array([0, 50, 100, 150]), 100) == (0.25, np.inf)


def test_tables_name_every_detector(monkeypatch):
    few = (("ShiftWatch", study.watch(), 60), ("twice", study.peeked_ks, 60))
    monkeypatch.setattr(study, "COMPARED", few)
    monkeypatch.setattr(study, "alarms", lambda *_args, **_options: np.array([0, 7]))
    null, delay = study.null_table(20, 10), study.delay_table(20)
    assert "| ShiftWatch | 1,000 | 5.0 [0.3, 23.6] | 20 |" in null
    assert "| twice | 50 % / never |" in delay
    assert "| KSWIN | 10,000 |" in null
