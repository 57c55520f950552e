"""The confusion matrix: counting, adding, estimates, intervals of cells, the plot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from evidesk.methods.metrics import ConfusionMatrix, f1, mcc, proportion, recall

PAIRS = st.lists(st.tuples(st.integers(-2, 3), st.integers(-2, 3)), min_size=1, max_size=40)


@given(PAIRS, PAIRS)
def test_parts_add_up_to_the_whole(first, second):
    parts = [ConfusionMatrix.from_labels(*zip(*pairs, strict=True)) for pairs in (first, second)]
    y_true, y_pred = zip(*first, *second, strict=True)
    whole = ConfusionMatrix.from_labels(y_true, y_pred)
    assert parts[0] + parts[1] == parts[1] + parts[0] == whole
    assert np.array_equal(whole.counts, confusion_matrix(y_true, y_pred))
    assert whole.n == len(y_true)


def test_labels_of_other_kinds_do_not_add_up():
    one = ConfusionMatrix.from_labels(["a", "b"], ["a", "a"])
    with pytest.raises(TypeError, match="different kinds"):
        one + ConfusionMatrix.from_labels([0, 1], [0, 1])
    with pytest.raises(TypeError):
        one + 1
    assert one != 1
    assert one + one == ConfusionMatrix.from_counts([[2, 0], [2, 0]], ["a", "b"])


def test_the_order_of_labels_may_be_given():
    found = ConfusionMatrix.from_labels(["a", "b", "b"], ["a", "b", "a"], labels=["b", "a", "c"])
    assert found.labels.tolist() == ["b", "a", "c"]
    assert found.counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("counts", "labels", "error", "message"),
    [
        ([[1, -1], [0, 1]], None, ValueError, "'counts' .* from 0 on"),
        ([[1, 0.5], [0, 1]], None, ValueError, "'counts' .* integers"),
        ([[1, np.nan], [0, 1]], None, ValueError, "'counts' .* finite"),
        ([[1, np.inf], [0, 1]], None, ValueError, "'counts' .* finite"),
        ([[1, 2]], None, ValueError, "'counts' .* square"),
        ([1, 2], None, ValueError, "'counts' .* square"),
        (np.zeros((0, 0)), None, ValueError, "'counts' .* square"),
        ([["a"]], None, TypeError, "'counts' .* integers"),
        ([[1, 0], [0, 1]], ["a"], ValueError, "'labels' .* 2 different"),
        ([[1, 0], [0, 1]], ["a", "a"], ValueError, "'labels' .* 2 different"),
    ],
)
def test_counts_that_are_none_are_refused(counts, labels, error, message):
    with pytest.raises(error, match=message):
        ConfusionMatrix.from_counts(counts, labels)


def test_estimates_are_those_of_the_labels():
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 3, 300)
    y_pred = np.where(rng.random(300) < 0.8, y_true, rng.integers(0, 3, 300))
    matrix = ConfusionMatrix.from_labels(y_true, y_pred)
    assert matrix.estimate("mcc", level=0.9) == mcc(y_true, y_pred, level=0.9)
    assert matrix.estimate("recall", average=None) == recall(y_true, y_pred, average=None)
    options = {"average": "macro", "method": "bca", "random_state": 1, "resamples": 500}
    assert matrix.estimate("f1", **options) == f1(y_true, y_pred, **options)
    same = ConfusionMatrix.from_counts(matrix.counts.astype(float))
    assert same.estimate("f1", average="macro") == matrix.estimate("f1", average="macro")


def test_a_matrix_without_cases_has_no_estimate():
    empty = ConfusionMatrix.from_counts(np.zeros((2, 2), int))
    with pytest.raises(ValueError, match="no case"):
        empty.estimate("accuracy")
    assert str(empty).splitlines()[-1].split() == ["all", "0", "0", "0"]
    assert empty.cell_intervals().high.tolist() == [[1, 1], [1, 1]]


def test_so_many_classes_make_no_matrix():
    with pytest.raises(ValueError, match="5,000 classes would be too large"):
        ConfusionMatrix.from_labels(np.arange(5000), np.arange(5000))


COUNTS = np.array([[40, 10, 0], [5, 20, 5], [0, 0, 0]])


@pytest.mark.parametrize("normalize", ["true", "pred", "all"])
def test_each_cell_has_the_interval_of_its_share(normalize):
    matrix = ConfusionMatrix.from_counts(COUNTS)
    share, low, high = matrix.cell_intervals(normalize=normalize, level=0.9)
    for row, column in np.ndindex(3, 3):
        n = {"true": COUNTS[row].sum(), "pred": COUNTS[:, column].sum(), "all": COUNTS.sum()}
        found = share[row, column], low[row, column], high[row, column]
        if n[normalize] == 0:
            assert found == (0, 0, 1)
        else:
            expected = proportion(int(COUNTS[row, column]), int(n[normalize]), level=0.9)
            assert found == pytest.approx((expected.value, expected.low, expected.high))


def test_simultaneous_intervals_are_wider():
    matrix = ConfusionMatrix.from_counts(COUNTS)
    single, together = matrix.cell_intervals(), matrix.cell_intervals(simultaneous=True)
    assert np.all(together.low <= single.low)
    assert np.all(together.high >= single.high)
    corrected = matrix.cell_intervals(level=1 - 0.05 / 9)
    assert together.low == pytest.approx(corrected.low)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"normalize": "rows"}, "'normalize'"), ({"level": 1.0}, "'level'")],
)
def test_cell_intervals_refuse_what_is_none(options, message):
    with pytest.raises(ValueError, match=message):
        ConfusionMatrix.from_counts(COUNTS).cell_intervals(**options)


def test_it_prints_its_counts_and_the_accuracy():
    matrix = ConfusionMatrix.from_counts(COUNTS, ["cat", "dog", "emu"])
    assert str(matrix).splitlines() == [
        "true \\ predicted  cat  dog  emu  all",
        "cat                40   10    0   50",
        "dog                 5   20    5   30",
        "emu                 0    0    0    0",
        "all                45   30    5   80",
        "accuracy 0.75 [0.65, 0.83] (95 %, wilson, n=80)",
    ]


@pytest.mark.parametrize("k", [2, 8, 30])
def test_the_plot_shows_shares_and_intervals_while_they_fit(k):
    counts = np.eye(k, dtype=int) * 30 + 1
    matrix = ConfusionMatrix.from_counts(counts, [f"class ${i}$" for i in range(k)])
    ax = Figure().subplots()
    assert matrix.plot(ax) is ax
    assert len(ax.texts) == (k * k if k <= 12 else 0)
    if k == 2:
        assert ax.texts[0].get_text() == "0.97\n0.84–1.00"
        assert ax.texts[0].get_color() == "white"
    assert ax.get_xlabel() == "predicted"
    assert ax.get_yticklabels()[0].get_text() == "class $0$"


def test_the_plot_makes_a_figure_of_its_own():
    import matplotlib.pyplot as plt

    ax = ConfusionMatrix.from_counts(COUNTS).plot(normalize="all")
    assert ax.figure.get_size_inches()[0] > 3
    plt.close(ax.figure)
