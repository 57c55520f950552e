"""The kit ``bumphunt``: from events to a p-value and a limit."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from evidesk.evidence import Verdict
from evidesk.kits import Cancelled, KitError, load, silent
from evidesk.kits.bumphunt import kit
from evidesk.kits.execution import execute, parse
from evidesk.methods.bumphunt import hunt
from tests.kits.tables import rows

N = 12_000
MASS = {"resonance": "m"}
REGION = {"feature": ["a", "b"], "signal_low": 3.3, "signal_high": 3.7}
QUICK = {"toys": 400}


def events(signal=0, seed=0, n=N):
    """A falling spectrum from 2.8 to 4.6; the signal's features lie at 2."""
    rng = np.random.default_rng(seed)
    m = 2.8 + rng.exponential(0.9, 3 * n)
    m = np.r_[m[m < 4.6][:n], rng.normal(3.5, 0.05, signal)]
    truth = np.arange(len(m)) >= len(m) - signal
    frame = pd.DataFrame({"m": m, "truth": truth.astype(int)})
    for name in "ab":
        frame[name] = rng.normal(2.2 * truth, 1)
    return frame.sample(frac=1, random_state=seed, ignore_index=True)


@pytest.fixture(autouse=True)
def quick_models(monkeypatch):
    """Features that a line can part need no trees."""
    monkeypatch.setattr(hunt, "TreeEnsemble", LogisticRegression)


@pytest.fixture
def file(tmp_path):
    def write(frame, name="events.parquet"):
        path = tmp_path / name
        if name.endswith("npz"):
            np.savez(path, **{one: frame[one].to_numpy() for one in frame})
        else:
            frame.to_parquet(path)
        return path

    return write


def run(path, progress=silent, **options):
    return kit.run(parse(kit, {"file": path, **MASS, **QUICK, **options}), progress)


def test_the_kit_is_installed_and_reads_arrays():
    assert load("bumphunt") is kit
    assert kit.arrays


def test_a_hidden_resonance_is_found_after_the_cut(file):
    told = []
    evidence = run(
        file(events(60)), lambda done, message: told.append((done, message)), **REGION,
        label="truth", collision_energy=13, resolution=0.06,
    )  # fmt: skip
    assert evidence.answer.startswith("An excess of ")
    assert "after the cut at m = 3." in evidence.answer
    best = max(rows(evidence, "masses"), key=lambda one: one["z"])
    assert best["mass"] == pytest.approx(3.5, abs=0.07)
    after, before = evidence.findings[:2]
    assert after.sentence.startswith("After the cut, there is a resonance")
    assert (after.verdict, before.verdict) == (Verdict.SUPPORTED, Verdict.UNDECIDED)
    assert after.estimate.value < 0.01 < 0.05 < before.estimate.value
    events_found = evidence.findings[2].estimate
    assert 20 < events_found.value < 70
    assert [one.name for one in evidence.figures] == [
        *("bump", "before-cut", "after-cut", "limits", "closure", "sic"),
    ]
    assert evidence.findings[-1].estimate.low > 1
    [window] = rows(evidence, "windows")
    assert (window["low"], window["high"]) == (3.3, 3.7)
    assert [one["name"] for one in rows(evidence, "p-values")] == ["global", "of the window"]
    assert told[-1] == (1.0, "Done")
    assert all(a <= b + 1e-9 for (a, _), (b, _) in pairwise(told))


def test_without_a_signal_there_is_no_excess_and_a_limit(file):
    evidence = run(file(events(seed=1)), **REGION)
    assert evidence.answer.startswith("No excess after the cut: global p = 0.")
    assert "upper limit" in evidence.answer
    assert "events at 95 %" in evidence.answer
    assert evidence.findings[0].verdict == Verdict.UNDECIDED
    limit = evidence.findings[3]
    assert limit.verdict == Verdict.SUPPORTED
    assert limit.estimate.low == -np.inf
    assert "sic" not in [one.name for one in evidence.figures]


def test_without_features_the_spectrum_is_scanned(file):
    evidence = run(file(events(700), "events.npz"), resolution=0.06)
    assert evidence.answer.startswith("An excess of ")
    assert "at m = 3.5" in evidence.answer
    assert "after the cut" not in evidence.answer
    assert [one.name for one in evidence.figures] == ["scan", "limits"]
    masses = rows(evidence, "masses")
    assert masses[0]["mass"] == pytest.approx(2.92, abs=0.01)
    assert max(masses, key=lambda one: one["z"])["mass"] == pytest.approx(3.5, abs=0.06)
    quiet = run(file(events()), search_width=0.3, range_low=3.0, range_high=4.5)
    assert quiet.answer.startswith("No excess: global p = 0.")
    spectrum = rows(quiet, "spectrum")
    assert (spectrum[0]["low"], spectrum[-1]["high"], len(spectrum)) == (3.0, 4.5, 60)
    region = run(file(events()), resolution=0.05, signal_low=3.3, signal_high=3.7)
    assert [one["mass"] for one in rows(region, "masses")] == pytest.approx(
        np.linspace(3.3, 3.7, 9)
    )


def test_everywhere_is_searched_window_by_window(file):
    evidence = run(
        file(events(160)),
        feature=["a", "b"],
        search_width=0.4,
        sideband=0.3,
        resolution=0.06,
        efficiency=0.05,
    )
    windows = rows(evidence, "windows")
    assert len(windows) == 2
    assert "among 2 windows, by Bonferroni" in rows(evidence, "p-values")[0]["covers"]


def test_whole_hunts_without_signal_give_a_p_value_too(file):
    told = []
    evidence = run(
        file(events(200, n=4_000)), lambda _, message: told.append(message), **REGION, hunts=20,
        resolution=0.06, efficiency=0.1,
    )  # fmt: skip
    assert "Hunting without signal: 20 of 20" in told
    whole = evidence.findings[0]
    assert "training included" in whole.sentence
    assert whole.estimate.value == pytest.approx(1 / 21)
    assert whole.verdict == Verdict.SUPPORTED
    assert f"global p = {whole.estimate.short}" in evidence.answer
    assert rows(evidence, "p-values")[0]["name"] == "global, whole hunts"


def test_a_template_that_fails_blocks_counting_and_that_is_said(file):
    frame = events()
    frame["a"] += 4 * (frame["m"] - 3.5)
    evidence = run(file(frame), **REGION, template="sideband", sideband=0.4)
    assert any("Counting against the template is blocked" in one for one in evidence.warnings)
    assert rows(evidence, "windows")[0]["counted"] == "blocked"
    assert Verdict.REFUTED in [one.verdict for one in evidence.findings]


def test_events_that_lack_a_value_are_left_out_and_counted(file):
    frame = events()
    frame.loc[:9, "a"] = np.nan
    frame.loc[5:14, "m"] = np.nan
    evidence = run(file(frame), **REGION)
    assert any("15 of 12,000 events were left out" in one for one in evidence.warnings)


def test_the_same_file_gives_the_same_evidence(file, tmp_path):
    path = file(events(100, n=4_000))
    parameters = parse(kit, {"file": path, **MASS, **QUICK, **REGION, "efficiency": 0.1})
    for name in ("one", "two"):
        execute(kit, parameters, agent="a").write(tmp_path / name)
    one, two = (
        {
            str(path.relative_to(tmp_path / name)): path.read_bytes()
            for path in sorted((tmp_path / name).rglob("*"))
            if path.is_file() and path.suffix in (".svg", ".csv")
        }
        for name in ("one", "two")
    )
    assert one == two


def test_it_can_be_cancelled(file):
    def cancel(done, message):
        if done > 0.1:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(file(events(n=3_000)), cancel, **REGION, efficiency=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resonance": "x", "resolution": 0.1}, "has no column or array x"),
        ({"resolution": None}, "Say how wide a resonance is"),
        ({"feature": ["a"]}, "Say where to look"),
        ({**REGION, "search_width": 0.2}, "Say where to look"),
        ({"feature": ["a"], "signal_low": 3.3}, "needs both ends"),
        ({**REGION, "feature": ["m", "a"]}, "The resonant variable must not be a feature"),
        ({"resolution": 0.1, "hunts": 3}, "they need features"),
        ({**REGION, "sideband": 0.9}, "beyond the spectrum from"),
        ({**REGION, "feature": ["copy"]}, "'copy' is a function of 'm'"),
        ({**REGION, "feature": ["constant"]}, "constant"),
        ({**REGION, "signal_low": 3.7, "signal_high": 3.3, "sideband": 0.1}, "outer_low < low"),
        ({**REGION, "range_low": 5.0}, "is empty: m goes from"),
        ({**REGION, "range_low": 5.0, "range_high": 6.0}, "No event lies from 5 to 6"),
        ({"resolution": 2.0}, "does not fit into the spectrum"),
        ({**REGION, "label": "a"}, "must not be learnt from"),
        ({**REGION, "label": "other"}, "0 or 1"),
        ({"feature": ["a"], "search_width": 3.0}, "No window fits"),
        ({"resolution": 0.05, "collision_energy": 3.0}, "Are the units the same"),
        ({"resolution": 0.05, "level": 95}, "such as 0.95"),
        ({**REGION, "feature": ["kind"]}, "no number"),
    ],
)
def test_what_cannot_be_hunted_is_told(file, options, message):
    frame = events(n=3_000)
    frame["copy"] = frame["m"] ** 2
    frame["constant"] = 1.0
    frame["kind"] = "x"
    frame["other"] = frame["a"]
    with pytest.raises(KitError, match=message):
        run(file(frame), **options)


def test_a_file_without_whole_events_is_told(file):
    frame = events(n=50)
    frame["m"] = np.nan
    with pytest.raises(KitError, match="No event has a value in each"):
        run(file(frame), resolution=0.1)
    grid = {"m": np.ones(5), "a": np.ones(4)}
    path = file(events(n=10)).with_name("odd.npz")
    np.savez(path, **grid)
    with pytest.raises(KitError, match="different numbers of rows: m 5, a 4"):
        run(path, feature=["a"], signal_low=1, signal_high=2)
