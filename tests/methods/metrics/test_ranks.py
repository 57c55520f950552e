"""Ranks with confidence sets, from paired tests of all pairs."""

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import stats

from evidesk.methods.metrics import (
    PoorApproximationWarning,
    Ranks,
    difference,
    evaluate_labels,
    holm,
    mcnemar,
    proportion,
    rank,
)
from evidesk.methods.metrics.evaluation import mean_evaluation
from evidesk.methods.metrics.rank_plot import rank_plot

RNG = np.random.default_rng(0)
EASE = RNG.normal(size=600)
RIGHT = (EASE + RNG.normal(size=(5, 600))) < np.array([0.2, 1.5, 0.25, 1.45, 0.8])[:, None]
LOSSES = RNG.exponential(size=(5, 200)) + RNG.exponential(size=200) + 0.3 * np.arange(5)[:, None]


def slow_p_values(table, names, test):
    """Pair by pair."""
    p = {}
    for a, b in combinations(range(len(table)), 2):
        if test == "t":
            evaluation = mean_evaluation("score", names, table)
            p[a, b] = difference(evaluation, names[a], names[b]).p_value
        else:
            only_a, only_b = np.sum(table[a] > table[b]), np.sum(table[b] > table[a])
            p[a, b] = mcnemar(only_a, only_b, table.shape[1], method=test).p_value
    return dict(zip(p, holm(list(p.values())), strict=True))


@pytest.mark.parametrize("test", ["exact", "mid-p", "t"])
@pytest.mark.parametrize("block", [2**14, 7])
def test_all_pairs_at_once_are_the_pairs_one_by_one(test, block, monkeypatch):
    monkeypatch.setattr("evidesk.methods.metrics.ranks._BLOCK", block)
    names = tuple("abcde")
    found = rank(RIGHT, names, test=test)
    for (i, j), p in slow_p_values(RIGHT, names, test).items():
        a, b = found.names.index(names[i]), found.names.index(names[j])
        assert found.p_values[a, b] == found.p_values[b, a] == pytest.approx(p, rel=1e-6)
    assert np.all(np.diag(found.p_values) == 1)


def test_any_scores_are_compared_by_students_t():
    found = rank(LOSSES, greater_is_better=False, metric="loss")
    assert (found.test, found.method, found.metric) == ("paired t", "holm", "loss")
    assert found.names == ("1", "2", "3", "4", "5")
    slow = slow_p_values(LOSSES, tuple("abcde"), "t")
    assert found.p_values[1, 3] == pytest.approx(slow[1, 3])
    assert found.better[0, 4]
    assert not found.better[4, 0]


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 6), st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_a_rank_set_is_what_is_better_and_what_is_worse(models, n, seed):
    rng = np.random.default_rng(seed)
    table = rng.random((models, n)) < rng.random((models, 1))
    found = rank(table, level=0.8)
    better = found.better
    assert not np.any(better & better.T)
    values = [e.value for e in found.estimates.values()]
    assert values == sorted(values, reverse=True)
    for place, (name, (low, high)) in enumerate(found.sets.items(), 1):
        i = found.names.index(name)
        assert 1 <= low <= place <= high <= models
        assert (low, high) == (1 + better[:, i].sum(), models - better[i].sum())
        assert found.estimates[name] == proportion(int(table[int(name) - 1].sum()), n, level=0.8)
    for group in found.groups:
        i = [found.names.index(name) for name in group]
        assert not better[np.ix_(i, i)].any()
        assert i == list(range(i[0], i[-1] + 1))
    assert {name for group in found.groups for name in group} == set(found.names)


def test_scores_may_come_by_name():
    by_name = {f"m{i}": row for i, row in enumerate(RIGHT)}
    expected = rank(RIGHT, list(by_name)).sets
    assert rank(by_name).sets == expected
    assert rank(pd.DataFrame(by_name)).sets == expected
    assert rank(pl.DataFrame(by_name)).sets == expected
    assert rank(RIGHT.astype(int).tolist(), list(by_name)).sets == expected
    assert rank(RIGHT.astype("f4"), list(by_name)).test == "McNemar exact"


@pytest.mark.parametrize("method", ["holm", "max-t"])
def test_any_metric_is_ranked_from_its_evaluation(method):
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 500)
    said = {
        name: np.where(rng.random(500) < p, truth, rng.integers(0, 3, 500))
        for name, p in (("poor", 0.3), ("good", 0.9), ("fair", 0.6))
    }
    evaluation = evaluate_labels("f1", truth, said, average="macro")
    found = rank(evaluation, method=method, random_state=0)
    assert found.sets == {"good": (1, 1), "fair": (2, 2), "poor": (3, 3)}
    assert found.estimates == {n: evaluation.estimates()[n] for n in ("good", "fair", "poor")}
    if method == "holm":
        p = difference(evaluation, "good", "fair").p_value
        assert found.p_values[0, 1] == pytest.approx(holm([p, 0, 0.9])[0], rel=0.6)


def test_max_t_tells_apart_no_less_than_holm_where_models_are_alike():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(2, 300))
    noise = (noise - noise.mean(axis=1, keepdims=True)).repeat(6, axis=0)
    table = noise + 0.1 * rng.normal(size=(12, 300)) + np.repeat([0, 0.3], 6)[:, None]
    by_holm = rank(table)
    by_max_t = rank(table, method="max-t", random_state=0)
    assert by_max_t.better.sum() >= by_holm.better.sum()
    assert by_max_t.better.sum() > 0
    again = rank(table, method="max-t", random_state=0)
    assert np.array_equal(again.p_values, by_max_t.p_values)


def test_groups_are_units():
    members = np.repeat(np.arange(40), 5)
    found = rank(LOSSES, groups=members)
    assert all(e.over == "40 groups" for e in found.estimates.values())
    assert str(found).endswith("paired t, holm over 40 groups, n=200")
    grouped = mean_evaluation("mean score", tuple("12345"), LOSSES, members)
    assert np.allclose(found.p_values, rank(grouped).p_values)


def test_few_units_are_warned_of_with_max_t():
    members = np.repeat(np.arange(8), 25)
    with pytest.warns(PoorApproximationWarning, match="from 8 independent units, fewer than 50"):
        rank(LOSSES, groups=members, method="max-t", resamples=100)


def test_copies_share_all_their_places():
    found = rank([LOSSES[0], LOSSES[0], LOSSES[4]])
    assert found.p_values[1, 2] == 1
    assert found.sets == {"3": (1, 1), "1": (2, 3), "2": (2, 3)}
    assert found.groups == (("3",), ("1", "2"))
    constant = rank(np.zeros((3, 10)))
    assert set(constant.sets.values()) == {(1, 3)}
    assert constant.cases_to_separate() == float("inf")


# How many more cases


def test_more_cases_separate_the_first_from_the_second():
    noise = np.random.default_rng(3).normal(size=(2, 1000))
    found = rank(noise - noise.mean(axis=1, keepdims=True) + [[0.05], [0]], ["a", "b"])
    gap = found.estimates[found.names[0]].value - found.estimates[found.names[1]].value
    needed = found.cases_to_separate() + 1000
    power = stats.norm.sf(1.96 - abs(gap) / np.sqrt(found.spreads[0, 1] / needed))
    assert power == pytest.approx(0.8, abs=0.001)
    assert found.cases_to_separate(power=0.9) > found.cases_to_separate()


def test_of_several_models_the_open_pairs_share_the_level():
    found = rank(RIGHT)
    assert found.names[:2] == ("4", "2")
    assert not found.better[0, 1]
    still_open = 10 - found.better.sum()
    z = stats.norm.isf(0.05 / still_open / 2) + stats.norm.isf(0.2)
    gap = np.subtract(*[e.value for e in list(found.estimates.values())[:2]])
    values = RIGHT[3].astype(float) - RIGHT[1]
    assert found.cases_to_separate() == np.ceil(z**2 * values.var() / gap**2 - 600)


def test_what_is_separate_needs_no_more_cases():
    assert rank(RIGHT[[0, 1]]).cases_to_separate() == 0


def test_a_test_that_just_missed_needs_one_more():
    noise = np.random.default_rng(3).normal(size=(2, 100))
    found = rank(noise - noise.mean(axis=1, keepdims=True) + [[0.25], [0]])
    assert found.p_values[0, 1] > 0.05
    assert found.cases_to_separate(power=0.001) == 1


@pytest.mark.parametrize("power", [0, 1, 1.0, 0.0, "most", float("nan")])
def test_a_power_that_is_none(power):
    with pytest.raises(ValueError, match="'power' parameter must be a number in the range"):
        rank(RIGHT).cases_to_separate(power=power)


# How they print and plot


def test_ranks_print_as_a_table():
    right = np.arange(100) < np.array([[70], [90], [72]])
    found = rank(right, ["resnet", "a longer name", "vit"], metric="accuracy")
    assert str(found).splitlines() == [
        "place  model          accuracy",
        "    1  a longer name  0.90 [0.83, 0.94]",
        "  2-3  vit            0.72 [0.63, 0.80]",
        "  2-3  resnet         0.70 [0.60, 0.78]",
        "95 % for all places at once: McNemar exact, holm, n=100",
    ]


@pytest.mark.parametrize("models", [2, 5, 50])
def test_ranks_plot_one_row_per_model_on_the_axes_given(models):
    table = np.random.default_rng(4).random((models, 300)) < np.linspace(0.5, 0.9, models)[:, None]
    found = rank(table, [f"$model_{i}$" for i in range(models)])
    axes = Figure(figsize=(7, 12)).add_subplot()
    assert found.plot(axes) is axes
    axes.figure.draw_without_rendering()
    assert [label.get_text() for label in axes.get_yticklabels()] == list(found.names)
    assert len(axes.get_xticks()) <= 21
    assert found.plot().figure is not axes.figure


def test_runs_that_overlap_stand_side_by_side():
    axes = Figure().add_subplot()
    sets = {"a": (1, 2), "b": (1, 3), "c": (2, 3), "d": (4, 4)}
    rank_plot(sets, ["", "", "", ""], [(0, 1), (1, 2), (3, 3)], "", axes)
    lines = [line for line in axes.lines if line.get_color() == "#374151"]
    assert len({line.get_xdata()[0] for line in lines}) == len(lines) == 2


# What is refused


@pytest.mark.parametrize(
    ("scores", "options", "error", "message"),
    [
        ([[1, 0]], {}, ValueError, "at least two of each. Got an array of shape \\(1, 2\\)"),
        ([[1], [0]], {}, ValueError, "must have the shape \\(models, cases\\)"),
        ([1, 0], {}, ValueError, "must have the shape"),
        ([["a", "b"], ["c", "d"]], {}, TypeError, "'scores' parameter must hold numbers"),
        ([[1, np.nan], [0, 1]], {}, ValueError, "'scores' parameter must be finite"),
        ([[1, np.inf], [0, 1]], {}, ValueError, "'scores' parameter must be finite"),
        ({"a": [1, 0], "b": [1]}, {}, ValueError, "as many cases for each model"),
        ({"a": [1, 0]}, {}, ValueError, "at least two of each"),
        ({"a": [1, 0], "b": [1, 1]}, {"names": "ab"}, ValueError, "these scores have names"),
        (RIGHT, {"names": ["a"]}, ValueError, "a name of its own for each of 5 models"),
        (RIGHT, {"names": list("aabcd")}, ValueError, "a name of its own"),
        (RIGHT, {"level": 1}, ValueError, "'level' parameter"),
        (RIGHT, {"level": 0.0}, ValueError, "'level' parameter"),
        (RIGHT, {"method": "nemenyi"}, ValueError, "'method' parameter must be one of holm, max-t"),
        (RIGHT, {"test": "z"}, ValueError, "'test' parameter must be one of t, exact, mid-p"),
        (RIGHT, {"test": "exact", "method": "max-t"}, ValueError, "is for scores of 0 and 1"),
        (LOSSES, {"test": "mid-p"}, ValueError, "test='mid-p' is for scores of 0 and 1"),
        (LOSSES, {"groups": np.zeros(200)}, ValueError, "at least two groups"),
        (LOSSES, {"groups": [1]}, ValueError, "'groups' parameter"),
        (LOSSES, {"method": "max-t", "resamples": 9}, ValueError, "'resamples' parameter"),
        (LOSSES, {"method": "max-t", "random_state": -1}, ValueError, "'random_state' parameter"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scores, options, error, message):
    with pytest.raises(error, match=message):
        rank(scores, **options)


def test_an_evaluation_brings_its_own_names_groups_and_test():
    evaluation = mean_evaluation("loss", tuple("abcde"), LOSSES, greater_is_better=False)
    assert isinstance(rank(evaluation), Ranks)
    assert not rank(evaluation).greater_is_better
    for option in ({"names": list("abcde")}, {"groups": np.arange(200)}):
        with pytest.raises(ValueError, match="An evaluation has its own names and groups"):
            rank(evaluation, **option)
    with pytest.raises(ValueError, match="test='exact' is for scores"):
        rank(evaluation, test="exact")
    with pytest.raises(ValueError, match="at least two models"):
        rank(mean_evaluation("loss", ("a",), LOSSES[:1]))
