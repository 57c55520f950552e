"""Pooling two samples into one table of numbers."""

import numpy as np
import pytest

from evidesk.methods.shift.samples import MOST_LEVELS, Samples

RNG = np.random.default_rng


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


def test_rare_categories_that_count_as_one_are_no_doubles():
    names = [f"level {i:03d}" for i in range(90)]
    shuffled = RNG(0).permutation(names)
    assert not any("leaks" in one for one in Samples.of(shuffled[:45], shuffled[45:]).warnings)
    leak = Samples.of(shuffled[:60], shuffled[50:])
    assert "10 of the 40 rows of the current sample" in leak.warnings[-1]


def test_rows_are_doubles_by_their_own_values():
    # A number so large that all others are the same, once they are standardised.
    x = np.r_[1e25, RNG(0).random(30)]
    assert Samples.of(x, RNG(1).random(30)).warnings == ()
    missing = np.full(30, np.nan)
    rest = RNG(1).random(30)
    x, y = np.c_[missing, rest], np.c_[-missing, rest]
    x[0], y[0] = (0.0, 0.0), (-0.0, 0.0)
    assert "30 of the 30 rows" in Samples.of(x, y).warnings[0]


def test_categories_that_one_sample_lacks_are_named():
    reference = {"city": ["a", "b"] * 9, "sex": ["f"] * 18, "n": range(18)}
    current = {"city": ["a", "b", "NEW"] * 6, "sex": ["F", None] * 9, "n": range(20, 38)}
    (told,) = Samples.of(reference, current).warnings
    assert told.startswith(
        "Categories that one of the samples lacks: column 'city' has 'NEW' only in the current "
        "sample; column 'sex' has 'f' only in the reference and 'F', (missing) only in the current "
        "sample. They count as a difference."
    )
    assert "leaks" in Samples.of(current, current).warnings[0]  # and nothing else


def test_of_many_categories_those_that_chance_leaves_out_are_not_named():
    share = 1 / np.arange(1, 41)
    names = np.array([f"z{i}" for i in range(40)])
    said = []
    for seed in range(200):
        x, y = RNG(seed).choice(names, (2, 100), p=share / share.sum())
        said.append(any("lacks" in one for one in Samples.of(x, y).warnings))
    assert np.mean(said) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    y[y == "z0"] = "Z0"
    (told,) = Samples.of(x, y).warnings
    assert "column 'x0' has 'z0' only in the reference and 'Z0' only in the current" in told


def test_many_categories_and_columns_are_not_all_named():
    def columns(count, what):
        return {f"c{i}": [f"{what}{j}" for j in range(count)] * 20 for i in range(7)}

    (told,) = Samples.of(columns(20, "u"), columns(20, "v")).warnings
    assert "column 'c0' has 'u0', 'u1', 'u2' and 17 more only in the reference and 'v0'" in told
    assert "column 'c4'" in told
    assert "column 'c5'" not in told
    assert " and 2 more. They count" in told
    many = Samples.of(columns(40, "u"), columns(40, "v")).warnings
    assert len(many) == 7
    assert "80 categories, 40 only in the reference and 40 only in the current sample" in many[0]


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
