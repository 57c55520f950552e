"""Regions as rules that can be read, with honest shares."""

import numpy as np
import pandas as pd
import pytest

from evidesk.methods.shift.regions import Condition, _cut, regions_of
from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.samples import Samples

RNG = np.random.default_rng


def regions(x, y, seed=0, groups=None, level=0.95):
    samples = Samples.of(x, y)
    if groups is None:
        relabelling = Relabelling.of_rows(samples.is_current)
    else:
        relabelling = Relabelling.of_groups(samples.is_current, groups)
    return samples, regions_of(samples, relabelling, level, RNG(seed))


def people(rng, n, tall=0.0):
    height, city = rng.normal(1.7, 0.08, n), rng.choice(["Jena", "Gera"], n)
    grown = rng.random(n) < tall
    height[grown] = rng.normal(2.0, 0.03, grown.sum())
    city[grown] = "Jena"
    return pd.DataFrame({"height": height, "city": city})


def test_a_region_reads_as_a_sentence_and_holds_where_it_says():
    x, y = people(RNG(0), 400), people(RNG(1), 300, 0.2)
    samples, found = regions(x, y)
    first = found[0]
    assert first.apart
    assert first.rule.startswith("height")
    assert " of the reference, " in str(first)
    assert str(first).startswith(first.rule + ": ")
    everyone = pd.concat([x, y])
    (condition,) = first.conditions
    np.testing.assert_array_equal(
        first.holds(samples), condition.holds(everyone["height"].to_numpy())
    )
    # The regions are all of the space, each part once.
    np.testing.assert_array_equal(sum(one.holds(samples).astype(int) for one in found), 1)
    assert sum(one.current.value for one in found) == pytest.approx(1)


def test_categories_are_named_and_excluded():
    rng = RNG(0)
    x = pd.DataFrame({"city": rng.choice(list("abcd"), 600)})
    y = pd.DataFrame({"city": rng.choice(list("abcd"), 600, p=[0.6, 0.3, 0.05, 0.05])})
    samples, found = regions(x, y)
    assert {"city = a", "city = b"} <= {one.rule for one in found}
    assert any(one.rule == "city is none of a, b" for one in found)
    np.testing.assert_array_equal(sum(one.holds(samples).astype(int) for one in found), 1)


def test_missing_numbers_have_their_rules():
    rng = RNG(0)
    x, y = np.ones(300), np.where(rng.random(300) < 0.5, np.nan, 1.0)
    x[:3] = np.nan
    samples, found = regions(x, y)
    assert {one.rule for one in found} == {"x0 is missing", "x0 is not missing"}
    np.testing.assert_array_equal(sum(one.holds(samples).astype(int) for one in found), 1)
    x, y = rng.random((2, 300))
    y[:150] = rng.choice([np.nan, 2.0], 150)
    samples, found = regions(x, y)
    assert any("or missing" in one.rule for one in found)
    np.testing.assert_array_equal(sum(one.holds(samples).astype(int) for one in found), 1)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (Condition("a", low=1.5), "a > 1.5"),
        (Condition("a", high=1.5, can_miss=True), "a <= 1.5 or missing"),
        (Condition("a", 0.1, 1e6, missing=False, can_miss=True), "0.1 < a <= 1000000"),
        (Condition("a", missing=False), "a is not missing"),
        (Condition("a", low=np.inf), "a is missing"),
        (Condition("a", level="Jena"), "a = Jena"),
        (Condition("a", but=("Jena",)), "a is not Jena"),
    ],
)
def test_conditions_are_told(condition, told):
    assert str(condition) == told


def test_whole_numbers_are_split_between_them():
    x, y = RNG(0).poisson(2, 400).astype(float), RNG(1).poisson(4, 400).astype(float)
    _, found = regions(x, y)
    cuts = [one for region in found for c in region.conditions for one in (c.low, c.high)]
    assert all(one % 1 == 0.5 for one in cuts if np.isfinite(one))


def test_times_are_split_at_dates():
    begin = np.datetime64("2026-03-01T07:21:13")
    x, y = (
        pd.DataFrame({"when": begin + np.arange(200).astype("timedelta64[h]") + late})
        for late in (np.timedelta64(0, "h"), np.timedelta64(100, "h"))
    )
    _, found = regions(x, y)
    cuts = " ".join(str(one) for region in found for one in region.conditions)
    assert "when <= 2026-03-0" in cuts
    assert "e+09" not in cuts


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "1970-01-01"),
        (3_600.0, "1970-01-01 01:00"),
        (3_661.0, "1970-01-01 01:01:01"),
        (1.25, "1970-01-01 00:00:01.25"),
        (-86_400.0, "1969-12-31"),
    ],
)
def test_times_are_written_as_far_as_they_are_not_zero(seconds, told):
    assert str(Condition("t", high=seconds, is_time=True)) == f"t <= {told}"
    assert str(Condition("t", low=seconds, is_time=True)) == f"t > {told}"


@pytest.mark.parametrize(
    ("below", "above", "cut"),
    [
        ("2025-11-02", "2026-02-07", "2026-01-01"),
        ("2026-03-02T23:00", "2026-03-03T02:00", "2026-03-03"),
        ("2026-03-02T23:00:01", "2026-03-02T23:00:03", "2026-03-02T23:00:02"),
        ("2026-03-02T23:00:01.000000", "2026-03-02T23:00:01.000004", "2026-03-02T23:00:01.000002"),
    ],
)
def test_the_shortest_date_is_taken(below, above, cut):
    values = [np.datetime64(one, "us").astype("int64") / 1e6 for one in (below, above, cut)]
    found = _cut(
        np.array(values[:2]), np.array([0.0, 1.0]), np.array([True, True]), 0.5, is_time=True
    )
    assert found == pytest.approx(values[2], abs=1e-6)


def test_no_shift_has_few_regions():
    found = [bool(regions(*RNG(seed).random((2, 200, 3)))[1]) for seed in range(40)]
    assert np.mean(found) < 0.4


def test_numbers_of_any_size_have_regions():
    x, y = 1e300 * RNG(0).random((2, 100))
    _, found = regions(x, y + 1e300)
    assert len(found) >= 2
    _, found = regions(x * 1e-600, y * 1e-600 + 1e-300)
    assert len(found) >= 2


def test_shares_have_honest_intervals():
    held = []
    big = RNG(99).standard_normal((2, 100_000, 2))
    big[1, :, 0] += 0.8
    for seed in range(100):
        x, y = RNG(seed).standard_normal((2, 150, 2))
        y[:, 0] += 0.8
        _, found = regions(x, y, seed, level=0.9)
        for region in found[:1]:
            for rows, share in zip(big, (region.reference, region.current), strict=True):
                inside = np.ones(len(rows), dtype=bool)
                for one in region.conditions:
                    inside &= one.holds(rows[:, int(one.feature[1:])])
                held.append(share.low <= inside.mean() <= share.high)
    assert np.mean(held) == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 100))


def test_groups_are_kept_together():
    x, y = people(RNG(0), 200), people(RNG(1), 200, 0.4)
    _, found = regions(x, y, groups=np.repeat(np.arange(80), 5))
    assert found[0].reference.over == "20 groups"
    with pytest.raises(ValueError, match="Each half needs groups"):
        regions(x, y, groups=np.repeat([1, 2], 200))
