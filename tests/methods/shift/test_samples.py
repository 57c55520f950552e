"""Pooling two samples into one table of numbers."""

import numpy as np
import pytest

from evidesk.methods.shift.samples import MOST_LEVELS, Samples


def test_numbers_are_standardised_over_both_samples():
    samples = Samples.of([[1.0], [2.0]], [[3.0], [6.0]])
    assert samples.sizes == (2, 2)
    assert samples.is_current.tolist() == [False, False, True, True]
    assert samples.design.mean() == pytest.approx(0)
    assert samples.design.std() == pytest.approx(1)
    assert np.all(np.diff(samples.design[:, 0]) > 0)


def test_huge_numbers_do_not_overflow():
    samples = Samples.of([1e308, -1e308, 0.0], [1e308, 1.0, 2.0])
    assert np.isfinite(samples.design).all()
    assert samples.design.std() == pytest.approx(1)


def test_a_missing_number_is_the_mean_and_a_column_of_its_own():
    samples = Samples.of([1.0, np.nan, 3.0], [2.0, np.nan, 4.0])
    assert samples.design[:, 1].tolist() == [0, 1, 0, 0, 1, 0]
    assert samples.design[1, 0] == samples.design[4, 0] == 0
    assert samples.owner.tolist() == [0, 0]
    assert samples.measured.tolist() == [True, False]


def test_where_a_value_is_missing_can_be_all_there_is():
    samples = Samples.of([7.0, np.nan], [7.0, 7.0])
    assert samples.design[:, 1].tolist() == [0, 1, 0, 0]


def test_categories_get_a_column_each_the_most_frequent_first():
    samples = Samples.of(["b", "a", "b"], ["c", None, "b"])
    assert samples.features[0].levels == ("b", "(missing)", "a", "c")
    assert samples.design.sum(axis=1).tolist() == [1] * 6
    assert samples.measured.tolist() == [False] * 4


def test_rare_categories_count_as_one():
    names = [f"level {i:03d}" for i in range(80)]
    samples = Samples.of(names * 2, names)
    assert samples.design.shape[1] == MOST_LEVELS
    assert samples.features[0].levels[-1] == "(other)"
    assert samples.design[:, -1].sum() == 3 * (80 - MOST_LEVELS + 1)
    assert "80 categories" in samples.warnings[0]


def test_constant_columns_are_left_out_and_said():
    samples = Samples.of(
        {"a": [1, 1], "b": [1, 2], "c": ["x", "x"]}, {"a": [1], "b": [3], "c": ["x"]}
    )
    assert [one.name for one in samples.features] == ["b"]
    assert samples.warnings == (
        "Left out, for all rows of both samples have the same value there: 'a', 'c'.",
    )


@pytest.mark.parametrize("value", [1.0, np.nan, "x"])
def test_samples_of_constants_have_nothing_to_compare(value):
    with pytest.raises(ValueError, match="All columns are constant"):
        Samples.of([value, value], [value])


def test_a_column_that_is_empty_in_one_sample_is_of_the_others_kind():
    samples = Samples.of({"a": [None, None], "b": [1, 2]}, {"a": ["x", "y"], "b": [3, 4]})
    assert samples.features[0].levels == ("(missing)", "x", "y")
    samples = Samples.of({"a": ["x", "y"], "b": [1, 2]}, {"a": [np.nan, np.nan], "b": [3, 4]})
    assert samples.features[0].levels == ("(missing)", "x", "y")


def test_rows_in_both_samples_are_told_unless_all_values_recur():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((50, 3))
    leak = Samples.of(rows, np.vstack([rows[:5], rng.standard_normal((20, 3))]))
    assert " rows of the current sample are also in the reference" in leak.warnings[0]
    discrete = Samples.of(rng.integers(0, 3, (50, 2)), rng.integers(0, 3, (50, 2)))
    assert discrete.warnings == ()


def test_further_rows_become_the_same_numbers():
    reference = {"a": [1.0, 2.0, 4.0], "b": ["x", "y", "x"]}
    samples = Samples.of(reference, {"b": ["y"], "a": [3.0]})
    np.testing.assert_allclose(samples.encode(reference), samples.design[:3])
    assert samples.encode({"a": [2.0], "b": ["new"]})[0, 1:].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("sample", "message"),
    [({"a": [1.0]}, "no column 'b'"), ({"a": ["1"], "b": ["x"]}, "'a' is num")],
)
def test_further_rows_must_fit(sample, message):
    samples = Samples.of({"a": [1.0, 2.0], "b": ["x", "y"]}, {"a": [3.0], "b": ["x"]})
    with pytest.raises(ValueError, match=message):
        samples.encode(sample)
