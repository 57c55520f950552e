"""Accuracy from labels and from counts, for independent and for grouped cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from scipy import stats

from evidesk.methods.metrics import (
    METHODS,
    Accuracies,
    PoorApproximationWarning,
    accuracies,
    accuracy,
    proportion,
)


class NA:
    """As pandas' NA: unlike everything, and without a truth value."""

    def __eq__(self, other):
        return self

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")

    __hash__ = object.__hash__


NAType = type("NAType", (NA,), {})


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        (["cat", "dog", "cat"], ["cat", "dog", "dog"]),
        ([0, 1, 0], [0, 1, 1]),
        ([0, 1, 0], [0.0, 1.0, 1.0]),
        ([True, False, True], [True, False, False]),
        (np.array(["a", "b", "a"], dtype=object), np.array(["a", "b", "b"])),
        (np.array([1, 2, 1], dtype="u1"), np.array([1, 2, 2], dtype="i8")),
        (np.ma.array([1, 2, 1]), (1, 2, 2)),
    ],
)
def test_labels_may_be_text_numbers_or_truth_values(y_true, y_pred):
    assert accuracy(y_true, y_pred) == proportion(2, 3)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_accuracy_is_the_share_of_equal_labels(pairs):
    y_true, y_pred = zip(*pairs, strict=True)
    right = sum(a == b for a, b in pairs)
    assert accuracy(y_true, y_pred) == proportion(right, len(pairs))


@pytest.mark.parametrize(
    ("y_true", "y_pred", "error", "message"),
    [
        ([1, 2], [1, 2, 3], ValueError, "'y_true' and 'y_pred' must have the same length"),
        ([], [], ValueError, "'y_true' is empty"),
        ([1, None], [1, 2], ValueError, r"'y_true' has 1 missing label\(s\), the first at index 1"),
        ([1, 2], [1, float("nan")], ValueError, "'y_pred' has 1 missing"),
        ([1.0, 2], np.array([np.nan, np.nan]), ValueError, "'y_pred' has 2 missing"),
        (["a", "b"], ["a", NAType()], ValueError, "'y_pred' has 1 missing"),
        (np.ma.array([1, 2], mask=[0, 1]), [1, 2], ValueError, "'y_true' has 1 missing"),
        ([1, "a"], [1, 1], TypeError, r"'y_true' mixes kinds.*number \(1 at index 0\) and text"),
        ([True, 2], [1, 1], TypeError, "'y_true' mixes kinds"),
        ([1, 2], ["1", "2"], TypeError, "'y_true' holds labels of kind number and 'y_pred' of kin"),
        ([1, 0], [True, False], TypeError, "of kind true/false"),
        ([[1], [2]], [1, 2], ValueError, r"'y_true' must be one-dimensional, got .* \(2, 1\)"),
        ([[1], [2, 3]], [1, 2], TypeError, "'y_true' must hold text, numbers .* type list"),
        ("cat", "cat", ValueError, "'y_true' must be one-dimensional"),
        ([1], np.array(["2020-01-01"], dtype="M8[D]"), TypeError, "'y_pred' must hold text"),
        ([1 + 2j], [1], TypeError, "'y_true' must hold text, numbers"),
    ],
)
def test_what_is_no_label_is_refused_by_name(y_true, y_pred, error, message):
    with pytest.raises(error, match=message):
        accuracy(y_true, y_pred)


def test_many_models_at_once_equal_one_at_a_time():
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 3, 500)
    predictions = {f"model {i}": rng.integers(0, 3, 500) for i in range(4)}
    found = accuracies(y_true, predictions, method="clopper-pearson")
    assert found.design_effects is None
    for name, y_pred in predictions.items():
        assert found.estimates[name] == accuracy(y_true, y_pred, method="clopper-pearson")


def test_a_fault_in_one_of_many_models_names_the_model():
    with pytest.raises(ValueError, match="'second' has 1 missing"):
        accuracies([1, 2], {"first": [1, 1], "second": [1, None]})


def test_at_least_one_model_is_needed():
    with pytest.raises(ValueError, match="'predictions' parameter must name at least one"):
        accuracies([1, 2], {})
    with pytest.raises(ValueError, match="'correct' parameter must name at least one"):
        Accuracies.from_counts({}, 5)


def test_counts_give_what_labels_give():
    assert Accuracies.from_counts({"a": 2}, 3).estimates["a"] == proportion(2, 3)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_groups_that_do_not_matter_leave_the_design_effect_at_1(level):
    # Each of 50 groups has 8 of 10 right: no variance between groups at all.
    found = Accuracies.from_counts({"a": np.full(50, 8)}, np.full(50, 10), level=level)
    assert found.design_effects == {"a": 1.0}
    estimate = found.estimates["a"]
    assert (estimate.n, estimate.method, estimate.over) == (500, "wilson", "50 groups")
    # Only the t quantile then widens the interval, a little.
    plain = proportion(400, 500, level=level)
    assert plain.low * 0.99 < estimate.low < plain.low < plain.high < estimate.high


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore::evidesk.methods.metrics.PoorApproximationWarning")
def test_groups_that_answer_as_one_count_as_about_one_case_each(method):
    correct = np.repeat([10, 0], [30, 10])
    found = Accuracies.from_counts({"a": correct}, np.full(40, 10), method=method)
    # n / (groups - 1): the unbiased variance of 40 group means.
    assert found.design_effects["a"] == pytest.approx(400 / 39)
    as_cases = proportion(30, 40, method=method)
    clustered = found.estimates["a"]
    assert clustered.high - clustered.low == pytest.approx(as_cases.high - as_cases.low, rel=0.07)


def test_the_normal_interval_of_equal_groups_is_the_t_interval_of_group_means():
    means = np.array([8, 9, 5, 7, 10, 3, 8, 9, 6, 7])
    found = Accuracies.from_counts({"a": means * 10}, np.full(10, 100), method="normal")
    half_width = stats.t.ppf(0.975, 9) * (means / 10).std(ddof=1) / np.sqrt(10)
    estimate = found.estimates["a"]
    assert estimate.high - estimate.value == pytest.approx(half_width)
    assert estimate.value - estimate.low == pytest.approx(half_width)


@pytest.mark.parametrize("right", [0, 5])
def test_all_right_and_all_wrong_count_each_group_once(right):
    found = Accuracies.from_counts({"a": np.full(40, right)}, np.full(40, 5))
    assert found.design_effects == {"a": 5.0}
    estimate = found.estimates["a"]
    assert estimate.high - estimate.low > 0.08


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.floats(0, 1), st.integers(1, 5)), min_size=2, max_size=9
    )
)
def test_groups_alike_may_be_told_once(kinds):
    sizes = np.array([n for n, _, _ in kinds])
    right = np.array([round(n * share) for n, share, _ in kinds])
    repeat = np.array([times for _, _, times in kinds])
    short = Accuracies.from_counts({"a": right}, sizes, repeat=repeat)
    long = Accuracies.from_counts({"a": right.repeat(repeat)}, sizes.repeat(repeat))
    assert short.design_effects["a"] == pytest.approx(long.design_effects["a"])
    one, other = short.estimates["a"], long.estimates["a"]
    assert (one.value, one.n, one.method) == (other.value, other.n, other.method)
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


@pytest.mark.parametrize("repeat", [[1], [1, 0], 2])
def test_a_repeat_that_is_none_is_refused(repeat):
    with pytest.raises(ValueError, match="'repeat' parameter must be a positive integer"):
        Accuracies.from_counts({"a": [1, 2]}, [3, 3], repeat=repeat)


def test_one_giant_group_leaves_little_to_be_sure_of():
    alike = Accuracies.from_counts({"a": np.full(10, 8)}, np.full(10, 10)).estimates["a"]
    giant = Accuracies.from_counts({"a": [1] * 9 + [71]}, [1] * 9 + [91]).estimates["a"]
    assert giant.n == alike.n
    assert giant.high - giant.low > 2 * (alike.high - alike.low)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore::evidesk.methods.metrics.PoorApproximationWarning")
def test_what_is_nearly_one_group_says_nothing(method):
    estimate = Accuracies.from_counts({"a": [1, 700_000]}, [1, 999_999], method=method).estimates
    assert (estimate["a"].low, estimate["a"].high) == pytest.approx((0, 1), abs=1e-9)


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), min_size=2, max_size=20))
def test_the_order_of_groups_does_not_matter(groups):
    sizes = np.array([n for n, _ in groups])
    right = np.array([round(n * share) for n, share in groups])
    one = Accuracies.from_counts({"a": right}, sizes).estimates["a"]
    other = Accuracies.from_counts({"a": right[::-1]}, sizes[::-1]).estimates["a"]
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_groups_may_have_any_labels_and_any_order():
    y_true, y_pred = [1, 1, 2, 2, 3, 3], [1, 1, 2, 1, 3, 1]
    by_text = accuracy(y_true, y_pred, groups=["p", "p", "q", "q", "r", "r"])
    by_number = accuracy(y_true, y_pred, groups=[9, 9, 4, 4, 7, 7])
    assert by_text == by_number
    assert by_text.over == "3 groups"


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        ([1, 1, 1], ValueError, "'groups' parameter must name at least two groups"),
        ([1, 2], ValueError, "'y_true' and 'groups' must have the same length"),
        ([1, 2, None], ValueError, "'groups' has 1 missing"),
    ],
)
def test_groups_that_are_none_are_refused(groups, error, message):
    with pytest.raises(error, match=message):
        accuracy([1, 2, 3], [1, 2, 3], groups=groups)


@pytest.mark.parametrize(
    ("correct", "n", "error", "message"),
    [
        ({"a": 2.0}, 3, TypeError, r"correct\['a'\] must hold integers"),
        ({"a": 2}, "3", TypeError, "n must hold integers"),
        ({"a": 4}, 3, ValueError, r"correct\['a'\] must be in the range \[0, n\]"),
        ({"a": -1}, 3, ValueError, "must be in the range"),
        ({"a": 0}, 0, ValueError, "'n' parameter must be a positive integer"),
        ({"a": [[1]]}, [[1]], ValueError, "'n' parameter must be a positive integer"),
        ({"a": [1, 2]}, 5, ValueError, "must have the same shape"),
        ({"a": [1]}, [5], ValueError, "at least two groups"),
    ],
)
def test_counts_that_are_none_are_refused(correct, n, error, message):
    with pytest.raises(error, match=message):
        Accuracies.from_counts(correct, n)


def test_the_poor_normal_approximation_warns_where_the_user_called():
    for ask in (
        lambda: accuracy([1, 2], [1, 2], method="normal"),
        lambda: accuracies([1, 2], {"a": [1, 2]}, method="normal"),
        lambda: Accuracies.from_counts({"a": 2}, 2, method="normal"),
    ):
        with pytest.warns(PoorApproximationWarning) as caught:
            ask()
        assert caught[0].filename == __file__


def test_few_large_groups_with_errors_warn_where_the_user_called():
    sizes, right = np.full(10, 20), np.array([20] * 8 + [10, 10])
    members = np.repeat(np.arange(10), sizes)
    said = np.concatenate(
        [np.repeat([1, 0], [r, s - r]) for r, s in zip(right, sizes, strict=True)]
    )
    for ask in (
        lambda: accuracy(np.ones(200, int), said, groups=members),
        lambda: Accuracies.from_counts({"a": right}, sizes),
    ):
        with pytest.warns(PoorApproximationWarning, match="fill 1 of them, fewer than 3") as caught:
            ask()
        assert caught[0].filename == __file__
    with pytest.warns(PoorApproximationWarning, match="accuracy of 'b' rests on few groups"):
        Accuracies.from_counts({"a": sizes // 2, "b": right}, sizes)


@pytest.mark.filterwarnings("error")
def test_many_groups_small_groups_and_groups_without_errors_do_not_warn():
    Accuracies.from_counts({"a": np.tile([20, 18], 40)}, np.full(80, 20))
    Accuracies.from_counts({"a": [8] * 9 + [0]}, np.full(10, 8))
    Accuracies.from_counts({"a": np.full(10, 20)}, np.full(10, 20))


def test_accuracies_print_as_an_aligned_table():
    printed = str(Accuracies.from_counts({"resnet": 90, "a longer name": 8}, 100))
    assert printed.splitlines() == [
        "model          accuracy     low    high    n",
        "resnet           0.9000  0.8256  0.9448  100",
        "a longer name    0.0800  0.0404  0.1500  100",
        "95 % intervals, wilson",
    ]


def test_accuracies_of_groups_print_their_design_effects():
    printed = str(Accuracies.from_counts({"a": [5, 0]}, [5, 5], level=0.9))
    assert "design effect\n" in printed
    assert " 10.00\n" in printed
    assert printed.endswith("90 % intervals, wilson over 2 groups")


def test_accuracies_plot_one_row_per_model_on_the_axes_given():
    axes = Figure().add_subplot()
    found = Accuracies.from_counts({"resnet": 90, r"$\frac{cost}$": 8}, 100)
    assert found.plot(axes) is axes
    axes.figure.draw_without_rendering()
    assert [label.get_text() for label in axes.get_yticklabels()] == list(found.estimates)
