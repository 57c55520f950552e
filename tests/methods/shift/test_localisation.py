"""Where two samples differ, as one result."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest

from evidesk.methods.shift import TooFewError, cells, localisation, where

RNG = np.random.default_rng


def people(rng, n, tall=0.0):
    frame = pd.DataFrame(
        {
            "height": rng.normal(1.7, 0.08, n),
            "age": rng.normal(40, 10, n),
            "city": rng.choice(["Jena", "Gera"], n),
        }
    )
    grown = rng.random(n) < tall
    frame.loc[grown, "height"] = rng.normal(2.1, 0.03, grown.sum())
    frame.loc[grown, "city"] = "Jena"
    frame.loc[rng.random(n) < 0.1, "age"] = np.nan
    return frame


@pytest.fixture(scope="module")
def result():
    return where(people(RNG(0), 200), people(RNG(1), 160, 0.25), random_state=0)


def test_it_tells_features_pairs_rows_and_regions(result):
    assert result.features[0].name == "height"
    assert result.shifted == ("height",)
    assert set(result.shifted_alone) == {"height", "city"}
    assert result.shifted_pairs[0] == ("height", "city")
    assert result.features[0].lost > 0
    assert result.features[0].explained > 0.1
    assert result.features[0].conditional.method == "random signs"
    tall = np.flatnonzero(people(RNG(1), 160, 0.25)["height"] > 1.95)
    assert set(result.rows.unlike) >= set(tall)
    assert len(result.rows.unlike) < 1.5 * len(tall)
    assert result.rows.log_ratio[tall].min() > np.median(result.rows.log_ratio)
    assert result.regions[0].apart
    assert result.roc.area.low > 0.5
    told = str(result)
    assert "(false discovery rate 5 %): height\n" in told
    assert "Pairs whose dependence shifts: height and city" in told
    assert f"{len(result.rows.unlike)} of 160" in told
    assert "Region: height > " in told


def test_its_plots_are_drawn(result):
    for draw in (result.plot, result.plot_pair, result.plot_roc, result.plot_map):
        axes = draw()
        assert axes.get_xlabel()
        plt.close(axes.figure)
        axes = plt.subplots()[1]
        assert draw(axes) is axes
        axes.figure.canvas.draw()
        plt.close(axes.figure)


def test_a_pair_of_numbers_with_missing_ones_is_drawn():
    rng = RNG(0)
    x, y = rng.standard_normal((2, 150, 2))
    y[:, 1] = 0.8 * y[:, 0] + 0.6 * y[:, 1]
    y[:9, 1] = np.nan
    found = where(x, y, random_state=0)
    assert found.shifted_pairs == (("x0", "x1"),)
    assert not found.shifted_alone
    axes = found.plot_pair()
    assert len(axes.collections) == 2
    plt.close(axes.figure)


def test_a_pair_of_categories_times_and_outliers_is_drawn_without_single_rows():
    rng = RNG(0)
    frames = []
    for turn in (1, -1):
        kind = rng.choice([f"detector of the kind {one}" for one in "abcd"], 400)
        hours = rng.permutation(400) + 400 * turn * (kind == "detector of the kind a")
        when = np.datetime64("2026-03-01") + hours.astype("timedelta64[h]")
        frames.append(pd.DataFrame({"kind": kind, "when": when, "x": rng.normal(size=400)}))
    frames[1].loc[0, "when"] = np.datetime64("2999-01-01")
    frames[1].loc[1, "when"] = np.datetime64("NaT")
    found = where(*frames, random_state=0)
    assert set(found.pairs[0].names) == {"kind", "when"}
    drawn = found.pair_cells()
    assert (drawn.beyond, drawn.missing) == (1, 1)
    assert list(cells.told(drawn))[:2] == ["1 far off", "1 without a value"]
    assert not np.isin(drawn.counts, [1, 2]).any()
    axes = found.plot_pair()
    axes.figure.canvas.draw()
    dates = axes.xaxis if drawn.features[0].is_time else axes.yaxis
    assert "2026" in dates.get_ticklabels()[0].get_text()
    plt.close(axes.figure)


def test_nearly_constant_numbers_and_no_outliers_are_drawn():
    x, y = np.zeros((2, 200, 2))
    x[:, 1], y[:, 1] = RNG(0).normal(size=(2, 200))
    x[0, 0], y[0, 0] = 1.0, 2.0
    drawn = where(x, y, random_state=0).pair_cells()
    assert drawn.counts.sum() > 350
    assert "without" not in " ".join(cells.told(drawn))


def test_it_tells_how_far_it_is():
    told = []
    where(*RNG(0).standard_normal((2, 60, 3)), random_state=0, progress=told.append)
    assert told == sorted(told)
    assert len(told) > 6


def test_the_clearest_feature_comes_first():
    rng = RNG(0)
    x, y = rng.standard_normal((2, 200, 6))
    found = where(x, y + np.array([0, 0.3, 0, 0.2, 0, 0]), random_state=0)
    told = [(one.conditional_adjusted, one.conditional.value) for one in found.features]
    assert told == sorted(told)


def test_long_names_are_shortened_and_still_differ():
    names = ["a" * 40 + "1", "a" * 40 + "1" * 2, "short"]
    short = cells.told_apart(names)
    assert short[2] == "short"
    assert max(map(len, short)) < 30
    assert len({*cells.told_apart(["a" * 40 + "b" * 40, "a" * 50 + "b" * 30])}) == 2


def test_it_is_the_same_by_seed_and_for_any_kind_of_frame(result):
    again = where(
        pl.from_pandas(people(RNG(0), 200)), pl.from_pandas(people(RNG(1), 160, 0.25)),
        random_state=0,
    )  # fmt: skip
    assert again.features == result.features
    assert again.pairs == result.pairs
    np.testing.assert_array_equal(again.rows.unlike, result.rows.unlike)
    assert list(map(str, again.regions)) == list(map(str, result.regions))


def test_a_single_feature_has_neither_pairs_nor_others():
    found = where(RNG(0).random(60), RNG(1).random(60), random_state=0)
    assert found.pairs == ()
    with pytest.raises(ValueError, match="No pairs of features"):
        found.plot_pair()
    plt.close(found.plot_map().figure)
    assert "none found" in str(found)
    assert not any("products" in one for one in found.warnings)


def test_too_few_rows_still_tell_of_features():
    found = where(np.arange(30.0), [99.0], level=0.9, random_state=0)
    assert found.rows is None
    assert found.regions == ()
    assert "cannot be told" in found.warnings[-1]
    with pytest.raises(ValueError, match="too few rows for a ROC curve"):
        found.plot_roc()
    plt.close(found.plot_map().figure)
    assert "Rows of the current sample" not in str(found)


def test_it_says_if_no_row_could_be_told():
    x, y = RNG(0).standard_normal((2, 40, 2))
    warned = [
        [
            one
            for one in where(x[:m], y + 50, correction=by, random_state=0).warnings
            if "No row" in one
        ]
        for m, by in ((36, "bh"), (37, "bh"), (37, "by"))
    ]
    assert list(map(len, warned)) == [1, 0, 1]
    assert "18 row(s), is held out, so that no p-value is below 0.0526" in warned[0][0]
    assert "at most 0.0117 is needed" in warned[2][0]


def test_groups_are_kept_and_told():
    rng = RNG(0)
    groups = np.repeat(np.arange(40), 4)
    rows = rng.standard_normal((160, 2)) + rng.standard_normal((40, 2))[groups]
    found = where(rows[:80], rows[80:], groups=groups, random_state=0)
    assert not found.shifted
    assert any("average over groups" in one for one in found.warnings)
    blocks = where(rows[:80], rows[80:], block_length=4, random_state=0)
    assert not blocks.shifted
    assert not any("accuracy" in one for one in (*found.warnings, *blocks.warnings))


def test_few_groups_are_told_once_and_of_what():
    rng = RNG(0)
    groups = np.repeat(np.arange(12), 20)
    rows = rng.standard_normal((240, 2)) + 3 * rng.standard_normal((12, 2))[groups]
    found = where(rows[:120], rows[120:], groups=groups, level=0.9, random_state=0)
    told = [one for one in found.warnings if "rest on few groups" in one]
    assert [one.split(" rest")[0] for one in told] == ["Intervals of the regions' shares"]


def test_many_features_are_told_what_they_cost(monkeypatch):
    x, y = RNG(0).standard_normal((2, 40, 30))
    monkeypatch.setattr(localisation, "_MOST_DRAWN", 300)
    monkeypatch.setattr(localisation, "_FEWEST_DRAWN", 99)
    found = where(x, y, correction="by", random_state=0)
    notes = " ".join(found.warnings)
    assert "found only if 8 or more shift as clearly" in notes
    assert "are shrunk" in notes
    assert "a shift of correlations is not seen" in notes
    axes = found.plot()
    assert len(axes.get_yticks()) == 25
    plt.close(axes.figure)
    assert str(found).count("none found") == 3


def test_too_many_pairs_are_left_out(monkeypatch):
    monkeypatch.setattr("evidesk.methods.shift.attribution.MOST_IN_PAIRS", 3)
    found = where(*RNG(0).standard_normal((2, 30, 3)), random_state=0)
    assert any("too many pairs" in one for one in found.warnings)


def test_long_lists_of_names_are_cut():
    assert localisation._listed(tuple("abcdefghijkl")).endswith("j and 2 more")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 1.5}, "'level' parameter"),
        ({"correction": "holm"}, "'correction' parameter must be one of bh, by"),
        ({"groups": [1], "block_length": 2}, "either 'groups' or 'block_length'"),
        ({"groups": [1]}, "of each of the 60 rows"),
        ({"random_state": -1}, "'random_state' parameter"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        where(np.arange(30.0), np.arange(30.0), **options)


def test_samples_that_make_no_sense_are_refused():
    with pytest.raises(TooFewError):
        where([1.0, 2.0], [3.0, 4.0])
    with pytest.raises(ValueError, match="infinite"):
        where([1.0, np.inf], [3.0, 4.0])
    with pytest.raises(ValueError, match="different columns"):
        where(np.zeros((9, 2)), np.zeros((9, 3)))
