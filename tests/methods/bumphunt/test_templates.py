"""The sideband as it is, and moved."""

import numpy as np
import pytest
from scipy import stats

from evidesk.methods.bumphunt import MorphTemplate, SidebandTemplate, Template
from tests.methods.bumphunt.dijets import WINDOW, arrays


def moving(n=6000, seed=0):
    """Features that move and stretch with m: one normal, one that cannot be below 0."""
    rng = np.random.default_rng(seed)
    m = rng.uniform(0, 3, n)
    m = m[(m < 1) | (m >= 2)]
    x = np.stack(
        [2 * m + (1 + m) * rng.normal(size=len(m)), (1 + m) * rng.exponential(size=len(m))], axis=1
    )
    return m, x


@pytest.mark.parametrize("template", [SidebandTemplate(), MorphTemplate()])
class TestEveryTemplate:
    def test_it_keeps_the_protocol(self, template):
        assert isinstance(template, Template)

    def test_each_event_is_made_from_another_one(self, template):
        m, x = moving(500)
        made = template.fit(m, x).sample(np.full(len(m), 1.5), 0)
        assert sorted(made.origin.tolist()) == list(range(len(m)))
        assert made.x.shape == x.shape

    def test_it_is_the_same_by_seed(self, template):
        m, x = moving(500)
        first, second = (template.fit(m, x).sample(m[:50], 1) for _ in range(2))
        np.testing.assert_array_equal(first.x, second.x)

    def test_it_makes_no_more_events_than_it_knows(self, template):
        m, x = moving(300)
        with pytest.raises(ValueError, match="cannot make"):
            template.fit(m, x).sample(np.ones(len(m) + 1))

    @pytest.mark.parametrize("places", [[np.nan], [[1.0]]])
    def test_places_must_be_a_list_of_finite_values(self, template, places):
        with pytest.raises(ValueError, match="finite values"):
            template.fit(*moving(300)).sample(places)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_values_must_be_finite(self, template, bad):
        m, x = moving(300)
        x[3, 1] = bad
        with pytest.raises(ValueError, match="finite"):
            template.fit(m, x)

    @pytest.mark.parametrize(
        ("m", "x"),
        [([1.0, 2.0], [1.0, 2.0]), ([1.0], [[1.0], [2.0]]), ([[1.0]], [[1.0]])],
    )
    def test_shapes_must_fit(self, template, m, x):
        with pytest.raises(ValueError, match="shape"):
            template.fit(m, x)

    @pytest.mark.parametrize("n", [0, 1])
    def test_it_needs_events(self, template, n):
        with pytest.raises(ValueError, match="at least"):
            template.fit(np.zeros(n), np.zeros((n, 2)))


def test_the_sideband_is_what_it_is():
    m, x = moving(500)
    made = SidebandTemplate().fit(m, x).sample(np.full(100, 1.5), 0)
    np.testing.assert_array_equal(made.x, x[made.origin])


def test_morph_moves_location_and_scale_to_where_they_are_asked_for():
    m, x = moving(60_000)
    made = MorphTemplate().fit(m, x).sample(np.full(20_000, 1.5), 0).x
    # At 1.5: normal with mean 3 and deviation 2.5, exponential with mean 2.5.
    assert stats.kstest(made[:, 0], stats.norm(3, 2.5).cdf).pvalue > 1e-3
    assert stats.kstest(made[:, 1], stats.expon(scale=2.5).cdf).statistic < 0.02


def test_morph_keeps_the_end_of_a_feature():
    m, x = moving(20_000)
    made = MorphTemplate().fit(m, x).sample(np.full(10_000, 1.5), 0).x
    assert (made[:, 1] < -0.02).sum() == 0


def test_morph_leaves_how_features_go_together():
    rng = np.random.default_rng(0)
    m = rng.uniform(0, 3, 20_000)
    z = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], len(m))
    made = MorphTemplate().fit(m, z + m[:, None]).sample(np.full(10_000, 1.5), 0).x
    assert np.corrcoef(made.T)[0, 1] == pytest.approx(0.7, abs=0.03)


def test_morph_of_real_jets_is_closer_than_the_sideband():
    m, x = arrays()
    x = x + 0.1 * m[:, None]
    inside, around = WINDOW.signal_region(m), WINDOW.sidebands(m)

    def distance(template):
        made = template.fit(m[around], x[around]).sample(m[inside], 0).x
        return max(stats.ks_2samp(a, b).statistic for a, b in zip(made.T, x[inside].T, strict=True))

    assert distance(SidebandTemplate()) > 0.08
    assert distance(MorphTemplate()) < 0.03


@pytest.mark.parametrize("degree", [-1, 1.5, True, None])
def test_the_degree_must_be_one(degree):
    with pytest.raises(ValueError, match="degree"):
        MorphTemplate(degree).fit(*moving(300))


def test_polynomials_need_different_places():
    with pytest.raises(ValueError, match="too few different values"):
        MorphTemplate().fit(np.ones(50), np.random.default_rng(0).normal(size=(50, 2)))


def test_degree_0_moves_nothing():
    m, x = np.ones(50), np.random.default_rng(0).normal(size=(50, 2))
    made = MorphTemplate(0).fit(m, x).sample(np.full(50, 7.0), 0)
    np.testing.assert_allclose(made.x, x[made.origin], atol=1e-9)


def test_a_feature_that_repeats_stays_finite():
    m, x = moving(500)
    x[:, 1] = np.round(x[:, 1])
    made = MorphTemplate().fit(m, x).sample(m, 0).x
    assert np.isfinite(made).all()
