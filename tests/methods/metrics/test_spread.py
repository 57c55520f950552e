"""The spread of accuracies over folds and seeds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from evidesk.methods.metrics import fold_spread, spread_plot


@given(st.lists(st.floats(0.01, 0.99), min_size=2), st.integers(1, 10**6))
def test_spread_is_the_sample_sd_beside_the_binomial_sigma(values, n):
    spread = fold_spread(values, n)
    mean = np.mean(values)
    assert spread.mean == pytest.approx(mean)
    assert spread.sd == pytest.approx(np.std(values, ddof=1))
    assert spread.sigma == pytest.approx(np.sqrt(mean * (1 - mean) / n))
    assert spread.ratio == pytest.approx(spread.sd / spread.sigma)


def test_folds_by_seeds_are_taken_as_one_list_of_values():
    assert fold_spread([[0.8, 0.9], [0.7, 0.6]], 10) == fold_spread([0.8, 0.9, 0.7, 0.6], 10)


def test_chance_alone_gives_a_ratio_of_1_also_for_unequal_folds():
    rng = np.random.default_rng(1)
    sizes = np.array([50, 500] * 10)
    ratios = [fold_spread(rng.binomial(sizes, 0.8) / sizes, sizes) for _ in range(2000)]
    variances = np.mean([r.sd**2 for r in ratios]) / np.mean([r.sigma**2 for r in ratios])
    assert variances == pytest.approx(1, abs=0.03)


def test_values_without_any_chance_have_no_ratio():
    assert np.isnan(fold_spread([1.0, 1.0], 10).ratio)


@pytest.mark.parametrize(
    ("values", "n", "message"),
    [
        ([0.9], 10, "at least two values"),
        ([0.9, 1.1], 10, r"range \[0, 1\]"),
        ([0.9, float("nan")], 10, r"range \[0, 1\]"),
        ([0.9, 0.8], 0, "'n' parameter must be 1 or more"),
        ([0.9, 0.8], float("inf"), "'n' parameter must be 1 or more"),
        ([0.9, 0.8], [1, 2, 3], "do not broadcast"),
    ],
)
def test_values_that_are_no_accuracies_are_refused(values, n, message):
    with pytest.raises(ValueError, match=message):
        fold_spread(values, n)


def test_spread_prints_both_widths_and_their_ratio():
    assert str(fold_spread([0.9, 0.94], 670)) == (
        "2 values: mean 0.92000, sd 0.02828; approximated sigma 0.01048 (n = 670), ratio 2.70"
    )


def test_spreads_of_several_models_plot_one_row_each():
    spread = fold_spread([0.9, 0.94], 670)
    axes = spread_plot({"a": spread, "$b$": spread})
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "$b$"]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["mean ± sd over the values", "mean ± σ, approximated"]
    plt.close(axes.figure)


def test_one_spread_plots_on_the_axes_given():
    axes = Figure().add_subplot()
    assert fold_spread([0.9, 0.94], 670).plot(axes) is axes
