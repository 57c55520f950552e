"""The whole hunt."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

from evidesk.methods.bumphunt import (
    BumpHunt,
    EmptyWindowError,
    FlowTemplate,
    LeakError,
    MorphTemplate,
    SidebandTemplate,
    Spectrum,
    Window,
    run_toys,
)
from evidesk.methods.bumphunt.hunt import template_of
from evidesk.methods.bumphunt.hunt_result import over_windows
from evidesk.methods.bumphunt.window_scan import scan_window
from tests.methods.bumphunt.dijets import EDGES, FEATURES, WINDOW, quick, table


def hunt(**parameters):
    return BumpHunt(
        "mjj",
        FEATURES,
        **{
            "windows": WINDOW,
            "classifier": quick(),
            "efficiency": 0.05,
            "bins": EDGES,
            "toys": 200,
            "random_state": 0,
            **parameters,
        },
    )


def pulled():
    data, _ = table()
    return {**data, "mJ1": data["mJ1"] + 0.1 * data["mjj"]}


@pytest.fixture(scope="module")
def with_signal():
    told = []
    data, labels = table(200)
    found = hunt(template="morph").scan(data, labels, told.append)
    # Each fold of two closure windows and of the cut itself is told.
    assert len(told) > 3 * 5
    assert told == sorted(told)
    assert told[-1] == 1.0
    return found


@pytest.fixture(scope="module")
def without_signal():
    """Of jets whose masses go along with the mass of both."""
    return hunt(template="auto").scan(pulled())


def test_a_resonance_that_the_spectrum_hides_is_found(with_signal):
    (window,) = with_signal.windows
    assert window.inclusive.largest < 4
    assert window.z > 5
    assert with_signal.found
    assert with_signal.p_global.value == pytest.approx(1 / 201)
    assert window.p_local < 1e-5
    assert window.signal.low > 30
    assert window.limit.high > window.signal.value
    assert window.after_cut.best_mass == pytest.approx(3.5, abs=0.11)


def test_its_significance_improvement_is_told_where_labels_are(with_signal, without_signal):
    assert with_signal.best.sic.largest.low > 4
    assert without_signal.best.sic is None


def test_what_each_p_value_covers_is_told(with_signal):
    told = str(with_signal)
    assert set(with_signal.covers) == {"p_local", "p_window", "p_global"}
    for what in with_signal.covers.values():
        assert what in told
    assert told.startswith("An excess: global p = ")
    assert "before the cut" in told
    assert "Largest significance improvement" in told
    assert with_signal.seconds > 0


def test_without_a_resonance_none_is_found(without_signal):
    assert not without_signal.found
    assert without_signal.best.z < 3
    told = str(without_signal)
    assert told.startswith("No excess: global p = ")
    assert "upper limit" in told


def test_the_template_steps_from_the_sideband_to_morph(without_signal):
    window = without_signal.best
    assert window.template == "morph"
    assert window.why.startswith("the sideband as it is fails: In [")


def test_a_sideband_that_passes_is_taken_as_it_is():
    rng = np.random.default_rng(0)
    m = rng.uniform(0, 3, 9000)
    found = BumpHunt(
        "m", ["a"], Window(1, 2, 0, 3), classifier=quick(), efficiency=0.1, bins=30, folds=3,
        toys=50, random_state=0,
    ).scan({"m": m, "a": rng.normal(size=len(m))})  # fmt: skip
    assert found.best.template == "sideband"
    assert found.best.why == "it passes in windows without signal"


def test_counting_against_the_template_is_blocked_where_closure_fails():
    found = hunt(template="sideband").scan(pulled())
    (window,) = found.windows
    assert not window.closure.passed
    assert window.count is None
    assert window.blocked == window.closure.reasons
    assert "counting against the template: blocked" in str(window)
    assert any("'mJ1' goes along with 'mjj'" in one for one in found.warnings)


def test_a_template_that_closes_is_counted_against(with_signal):
    (window,) = with_signal.windows
    assert window.closure.passed, window.closure
    count = window.count
    assert count.selected > count.expected.high
    assert count.z > 2
    assert f"{count.selected:,} events" in str(count)


def test_the_picture_has_both_colours(with_signal):
    ax = with_signal.plot()
    assert ax.get_xlabel() == "mjj"
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[:2] == ["background, from the sidebands", "beyond it, in the signal region"]
    assert with_signal.best.plot(ax) is ax


def test_several_windows_and_what_they_cost():
    windows = [Window(3.2, 3.5, 2.9, 3.8), Window(3.5, 3.8, 3.2, 4.1)]
    found = hunt(
        windows=windows,
        template=SidebandTemplate(),
        classifier=DecisionTreeClassifier(max_depth=4),
        bins=20,
        toys=50,
    ).scan(table()[0])
    assert [one.window for one in found.windows] == windows
    assert {one.why for one in found.windows} == {"as given"}
    smallest = min(one.p_window.value for one in found.windows)
    assert found.p_global.value == pytest.approx(min(1, 2 * smallest))
    assert found.p_global.method == "toys, bonferroni"
    edges = found.best.after_cut.fit.spectrum.edges
    assert (edges[0], edges[-1], len(edges)) == (2.9, 4.1, 21)
    assert found.best is found.windows[np.argmin([one.p_window.value for one in found.windows])]
    assert "2 windows, by Bonferroni" in found.covers["p_global"]


def test_one_window_costs_nothing(with_signal):
    assert over_windows([with_signal.best.p_window]) == with_signal.best.p_window


def test_a_cut_that_carves_the_spectrum_is_told():
    rng = np.random.default_rng(0)
    m = rng.uniform(0, 3, 20_000)
    step = np.where(np.abs(m - 0.5) < 0.12, 2.0, 0.0)
    data = {"m": m, "a": rng.normal(size=len(m)) + step * (rng.random(len(m)) < 0.5),
            "b": rng.normal(size=len(m))}  # fmt: skip
    data["a"] += 2.0 * ((m > 1) & (m < 2) & (rng.random(len(m)) < 0.1))
    found = BumpHunt(
        "m", ["a", "b"], Window(1, 2, 0, 3), template="sideband", classifier=quick(),
        efficiency=0.05, bins=30, toys=50, random_state=0,
    ).scan(data)  # fmt: skip
    (window,) = found.windows
    assert window.sculpting.value < 0.01
    assert "the cut carves it" in str(found)


class TestToys:
    def hunt(self, template="sideband"):
        return hunt(
            template=template, classifier=DecisionTreeClassifier(max_depth=3), folds=2, toys=50
        )

    def test_they_go_on_from_where_they_were(self):
        data, _ = table()
        one = self.hunt()
        found = one.scan(data)
        told = []
        first = run_toys(one, data, found, 3, report=told.append)
        assert len(first.toys) == 3
        np.testing.assert_array_equal(told[-1], first.toys)
        again = run_toys(one, data, found, 4, previous=told[-1])
        np.testing.assert_array_equal(again.toys[:3], first.toys)
        whole = run_toys(one, data, found, 4)
        np.testing.assert_array_equal(again.toys, whole.toys)
        assert first.observed == found.best.z
        assert first.p_global.value == (1 + (first.toys >= first.observed).sum()) / 4
        assert len(set(whole.toys.tolist())) == 4
        assert "learning the cut" in str(first)

    def test_a_given_template_is_kept(self):
        data, _ = table()
        one = self.hunt(SidebandTemplate())
        np.testing.assert_array_equal(
            run_toys(one, data, one.scan(data), 1).toys,
            run_toys(self.hunt(), data, one.scan(data), 1).toys,
        )

    @pytest.mark.parametrize(("toys", "previous"), [(0, ()), (1, (0.5, 0.7))])
    def test_there_must_be_some(self, toys, previous, without_signal):
        with pytest.raises(ValueError, match="toys"):
            run_toys(hunt(), table()[0], without_signal, toys, previous=previous)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sideband", SidebandTemplate), ("morph", MorphTemplate), ("flow", FlowTemplate)],
)
def test_templates_have_names(name, kind):
    assert isinstance(template_of(name), kind)


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="one of auto, sideband, morph, flow"):
        hunt(template="magic").scan(table()[0])


def test_it_is_a_scikit_learn_estimator():
    one = hunt(folds=3)
    assert clone(one).get_params()["folds"] == 3


def test_its_own_classifier_is_ten_trees():
    assert hunt(classifier=None)._classifier().members == 10


class TestBadInput:
    def test_windows_without_events(self):
        with pytest.raises(EmptyWindowError, match="signal region"):
            hunt(windows=Window(7, 8, 3, 9)).scan(table()[0])
        with pytest.raises(EmptyWindowError, match="upper sideband"):
            hunt(windows=Window(3.5, 5, 3, 9)).scan(table()[0])

    def test_a_feature_that_tells_the_mass(self):
        data, _ = table()
        with pytest.raises(LeakError, match="'mJ1' is a function of 'mjj'"):
            hunt().scan({**data, "mJ1": data["mjj"] ** 2})

    def test_missing_columns_and_values(self):
        data, _ = table()
        with pytest.raises(ValueError, match="no column 'dmJ'"):
            hunt().scan({name: data[name] for name in ("mjj", "mJ1")})
        with pytest.raises(ValueError, match="'tau21_2' are NaN"):
            hunt().scan({**data, "tau21_2": np.where(data["mjj"] > 4, np.nan, data["tau21_2"])})

    @pytest.mark.parametrize("labels", [[0, 1], "x", np.full(15_000, 2)])
    def test_labels_that_are_none(self, labels):
        with pytest.raises(ValueError, match="labels"):
            hunt().scan(table()[0], labels)

    def test_too_hard_a_cut(self):
        with pytest.raises(ValueError, match="Cut less hard"):
            hunt(efficiency=1e-4).scan(table()[0])


def test_a_strong_signal_does_not_hide_in_its_own_toys():
    """The whole spectrum's fit bends over it; what lies beside the window does not."""
    edges = np.linspace(0, 6, 61)
    centres = (edges[1:] + edges[:-1]) / 2
    expected = 40 * np.exp(-centres / 4) + 60 * np.exp(-(((centres - 3) / 0.3) ** 2) / 2)
    spectrum = Spectrum.from_counts(np.round(expected), edges)
    found = scan_window(spectrum, Window(2.2, 3.8, 0, 6), [3.0], 0.3, toys=200, random_state=0)
    assert found.largest > 8
    assert found.p_global.value == pytest.approx(1 / 201)


def test_without_a_signal_its_p_value_is_uniform():
    edges = np.linspace(0, 3, 31)
    expected = 60 * np.exp(-(edges[1:] + edges[:-1]) / 4)
    window, rng = Window(1, 2, 0, 3), np.random.default_rng(0)
    p = [
        scan_window(
            Spectrum.from_counts(rng.poisson(expected), edges), window, [1.25, 1.5, 1.75], 0.25,
            toys=50, random_state=rng,
        ).p_global.value
        for _ in range(120)
    ]  # fmt: skip
    assert np.mean(np.array(p) <= 0.2) == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 120))
