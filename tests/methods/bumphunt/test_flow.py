"""A flow as a template."""

import sys

import numpy as np
import pytest

from evidesk.methods.bumphunt import FlowTemplate, Template

torch = pytest.importorskip("torch")
pytest.importorskip("zuko")


def moving(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    m = rng.uniform(0, 3, n)
    m = m[(m < 1) | (m >= 2)]
    return m, np.stack([2 * m + rng.normal(size=len(m)), rng.exponential(size=len(m))], axis=1)


def small(**parameters):
    return FlowTemplate(transforms=1, hidden=(16,), batch_size=256, random_state=0, **parameters)


def test_it_learns_how_features_move():
    m, x = moving()
    template = small(epochs=30, learning_rate=1e-2).fit(m, x)
    assert isinstance(template, Template)
    made = template.sample(np.full(1500, 1.5), 0)
    assert made.origin is None
    assert made.x[:, 0].mean() == pytest.approx(3, abs=0.25)
    assert made.x[:, 0].std() == pytest.approx(1, abs=0.25)
    assert made.x[:, 1].min() >= x[:, 1].min()


def test_it_is_the_same_by_seed_and_leaves_pytorchs_own_alone():
    m, x = moving(600)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first, second = (small(epochs=1).fit(m, x).sample(m[:50], 3).x for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert torch.equal(torch.rand(3), expected)


def test_it_makes_no_more_events_than_it_knows():
    m, x = moving(300)
    with pytest.raises(ValueError, match="cannot make"):
        small(epochs=0).fit(m, x).sample(np.ones(len(m) + 1))


def test_values_must_be_finite():
    m, x = moving(300)
    x[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        small().fit(m, x)


def test_without_zuko_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "zuko", None)
    with pytest.raises(ImportError, match=r"pip install 'evidesk\[torch\]'"):
        small().fit(*moving(300))
