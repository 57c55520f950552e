"""Single features, against SciPy and where their distribution is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evidesk.methods.shift import marginals
from evidesk.methods.shift.marginals import marginals_of
from evidesk.methods.shift.samples import Samples


def frame(seed, n, shift=0.0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "size": rng.standard_normal(n).round(1) + shift,
            "gaps": np.where(rng.random(n) < 0.3, np.nan, rng.standard_normal(n)),
            "kind": rng.choice(list("abc"), n),
        }
    )


def samples(m=80, n=60, **options):
    return Samples.of(frame(0, m), frame(1, n, **options))


@pytest.mark.parametrize("in_batch", [4_000_000, 300])
def test_the_statistics_are_scipys(monkeypatch, in_batch):
    monkeypatch.setattr(marginals, "_IN_BATCH", in_batch)
    pooled = samples()
    rng = np.random.default_rng(2)
    labels = (rng.random((140, 5)) < 0.4).astype(np.float32)
    size, gaps, kind = marginals_of(pooled)
    for feature in (size, gaps):
        expected = [
            stats.ks_2samp(feature.values[one == 1], feature.values[one == 0]).statistic
            for one in labels.T
        ]
        assert feature.statistics(labels) == pytest.approx(expected)
    expected = [
        stats.chi2_contingency([kind.values[one == 1].sum(0), kind.values[one == 0].sum(0)])[0]
        for one in labels.T
    ]
    assert kind.statistics(labels) == pytest.approx(expected, rel=1e-4)


def test_the_p_values_are_scipys():
    pooled = samples()
    current = pooled.is_current
    size, _, kind = marginals_of(pooled)
    assert size.p_value(current) == pytest.approx(
        stats.ks_2samp(size.values[current], size.values[~current]).pvalue
    )
    table = [kind.values[current].sum(axis=0), kind.values[~current].sum(axis=0)]
    assert kind.p_value(current) == pytest.approx(stats.chi2_contingency(table).pvalue, rel=1e-4)


def test_many_rows_take_the_asymptotic_p_value(monkeypatch):
    monkeypatch.setattr(marginals, "_EXACT_UPTO", 10)
    pooled = samples()
    size = marginals_of(pooled)[0]
    current = pooled.is_current
    assert size.p_value(current) == pytest.approx(
        stats.ks_2samp(size.values[current], size.values[~current], method="asymp").pvalue
    )


def test_missing_values_are_a_value_of_their_own():
    full, gappy = {"x": np.ones(40)}, {"x": np.r_[np.ones(20), np.full(20, np.nan)]}
    pooled = Samples.of(full, gappy)
    assert marginals_of(pooled)[0].p_value(pooled.is_current) < 1e-4


def test_a_rare_category_has_no_p_value_of_the_chi_squared_distribution():
    pooled = Samples.of({"kind": ["a"] * 30 + ["b"] * 3}, {"kind": ["a"] * 30})
    assert np.isnan(marginals_of(pooled)[0].p_value(pooled.is_current))


def test_rare_categories_count_as_one():
    rare = [f"rare {number}" for number in range(20)]
    pooled = Samples.of({"kind": ["a"] * 40}, {"kind": ["a"] * 20 + rare})
    merged = Samples.of({"kind": ["a"] * 40}, {"kind": ["a"] * 20 + ["rare"] * 20})
    p = [marginals_of(one)[0].p_value(one.is_current) for one in (pooled, merged)]
    assert p[0] == p[1] < 1e-5
    only = Samples.of({"kind": list("abcdefgh")}, {"kind": list("abcdefgi")})
    assert np.isnan(marginals_of(only)[0].p_value(only.is_current))


def test_levels_without_a_row_do_not_count():
    pooled = Samples.of({"kind": ["a", "b"] * 20}, {"kind": ["a"] * 40})
    assert marginals_of(pooled)[0].values.shape == (80, 2)
