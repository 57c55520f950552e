"""The loop over events, with toys instead of Pythia and FastJet."""

import numpy as np
import pytest

from evidesk.generate import COLUMNS, MissingExtra, dijets, extras, generate_dijets
from evidesk.generate.selection import CutFlow

from .toys import ToyPythia, toy_pairs, toy_subjets

VERSIONS = extras.versions  # before the toys take its place


@pytest.fixture
def toys(monkeypatch):
    monkeypatch.setattr(dijets, "Pythia", ToyPythia)
    monkeypatch.setattr(dijets.jets, "leading_pairs", toy_pairs)
    monkeypatch.setattr(dijets.jets, "subjets", toy_subjets)
    monkeypatch.setattr(extras, "versions", lambda: {"pythia8mc": "toy"})


pytestmark = pytest.mark.usefixtures("toys")


def test_labels_columns_and_flows_fit_together():
    made = generate_dijets(700, 300, seed=1)
    assert made.x.dtype == np.float32
    assert made.label.dtype == np.uint8
    assert made.x.shape == (len(made.label), len(COLUMNS))
    assert np.isfinite(made.x).all()
    background, signal = made.runs
    assert (background.process, background.cut_flow.generated) == ("background", 700)
    assert (signal.process, signal.cut_flow.generated) == ("signal", 300)
    kept = [int((made.label == label).sum()) for label in (0, 1)]
    assert kept == [background.cut_flow.constituents, signal.cut_flow.constituents]
    assert 100 < kept[1] < kept[0] < 700
    mass = made.x[:, 0]
    assert ((mass > 2.8) & (mass < 4.6)).all()
    # The toy's signal has the wider jets: the labels are where they belong.
    tau1 = made.x[:, COLUMNS.index("tau1_1")]
    assert tau1[made.label == 1].min() > tau1[made.label == 0].mean()
    assert str(made) == (
        f"background: {kept[0]:,} of 700 events are kept\n"
        f"signal: {kept[1]:,} of 300 events are kept"
    )


def test_rows_are_shuffled():
    label = generate_dijets(700, 700, seed=2).label
    half = len(label) // 2
    assert 0.4 < label[:half].mean() / label[half:].mean() < 2.5
    assert 0.3 < np.mean(label[1:] != label[:-1]) < 0.7


def test_the_seed_makes_the_same_events_and_another_one_others():
    one, again, other = (generate_dijets(300, 50, seed=seed) for seed in (5, 5, np.int64(6)))
    assert np.array_equal(one.x, again.x)
    assert np.array_equal(one.label, again.label)
    assert one.runs == again.runs
    assert (one.seed, other.seed) == (5, 6)
    assert one.versions == {"pythia8mc": "toy"}
    assert not set(one.x[:, 0]) & set(other.x[:, 0])


def test_processes_have_randomness_of_their_own():
    alone = generate_dijets(0, 60, seed=3)
    beside = generate_dijets(300, 60, seed=3)
    assert len(alone.runs) == 1
    assert (alone.label == 1).all()
    assert alone.runs[0] == beside.runs[1]
    assert set(alone.x[:, 0]) == set(beside.x[beside.label == 1, 0])
    assert alone.runs[0].settings != beside.runs[0].settings
    assert generate_dijets(300, 0, seed=3).runs == beside.runs[:1]


def test_events_that_all_fail_the_cuts_leave_an_empty_table(monkeypatch):
    monkeypatch.setattr(dijets, "select", lambda pairs, generated: (
        pairs.take(np.zeros(len(pairs.jets), dtype=bool)), CutFlow(generated)))  # fmt: skip
    made = generate_dijets(10, 10)
    assert made.x.shape == (0, len(COLUMNS))
    assert made.label.shape == (0,)


def test_progress_goes_from_nothing_to_all():
    told = []
    generate_dijets(600, 200, progress=lambda done, message: told.append((done, message)))
    assert told == [
        (0, "background events"),
        (250 / 800, "background events"),
        (500 / 800, "background events"),
        (600 / 800, "background events"),
        (600 / 800, "signal events"),
        (1, "signal events"),
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"background": -1}, "background must be a whole number, zero or larger; got -1"),
        ({"signal": 2.5}, "signal must be a whole number"),
        ({"signal": float("nan")}, "signal must be a whole number"),
        ({"seed": "1"}, "seed must be a whole number, zero or larger; got '1'"),
        ({"background": 0, "signal": 0}, "nothing to generate"),
    ],
)
def test_bad_numbers_are_told_before_any_work(monkeypatch, arguments, told):
    monkeypatch.setattr(dijets, "Pythia", None)
    with pytest.raises(ValueError, match=told):
        generate_dijets(**arguments)


def test_what_is_missing_is_told_with_how_to_install_it():
    with pytest.raises(MissingExtra, match=r"no_such_module.*pip install 'evidesk\[pythia\]'"):
        extras.load("no_such_module")
    assert extras.load("json").dumps(1) == "1"


def test_versions_are_those_installed(monkeypatch):
    monkeypatch.setattr(extras, "version", lambda name: f"{name}'s")
    assert VERSIONS() == {"pythia8mc": "pythia8mc's", "fastjet": "fastjet's", "numpy": "numpy's"}
