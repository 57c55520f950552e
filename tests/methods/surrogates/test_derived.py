"""From predictions to derived quantities."""

import numpy as np
import pytest
import torch

from evidesk.methods.surrogates import DerivedScale
from evidesk.methods.surrogates.derived import Derived, functions_of, through
from tests.methods.surrogates.data import wavy


def systems(count, seed, rows=20):
    X, y = wavy(count * rows, seed, noise=0.0)
    return list(X.reshape(count, rows, 2)), y.reshape(count, rows)


def test_a_sum_is_as_uncertain_as_the_functions_say(head):
    (rows,), _ = systems(1, 5)
    found = head.propagate(np.sum, rows, samples=4_000, random_state=0)
    factors = head._factors(rows)[:, :, 0].sum(axis=0)
    expected = head.functions_.scale[0] * np.sqrt((factors**2).sum())
    assert found.std[0, 0] == pytest.approx(expected, rel=0.06)
    assert found.value[0, 0] == pytest.approx(head.predict(rows).sum())


def test_all_ways_to_call_give_the_same(head):
    rows, _ = systems(3, 6)
    one = head.propagate(lambda p: (p**2).mean(), rows, samples=50, random_state=1)
    for fn, kwargs in (
        (lambda p: (p**2).mean(-1), {"vectorised": True}),
        (lambda p: p.pow(2).mean(), {"backend": "torch"}),
        (lambda p: p.pow(2).mean(-1, keepdim=True), {"backend": "torch", "vectorised": True}),
        ([lambda p: float((p**2).mean())] * 3, {}),
    ):
        other = head.propagate(fn, rows, samples=50, random_state=1, **kwargs)
        np.testing.assert_allclose(other.std, one.std)
        np.testing.assert_allclose(other.value, one.value)


def test_draws_in_small_batches_are_the_same(head, monkeypatch):
    rows, _ = systems(1, 6)
    one = head.propagate(np.sum, rows, samples=10, random_state=1)
    monkeypatch.setattr("evidesk.methods.surrogates.propagation._DRAWN", 60)
    two = head.propagate(np.sum, rows, samples=10, random_state=1)
    np.testing.assert_allclose(two.samples, one.samples)


def test_vectors_and_several_outputs(double):
    X, _ = wavy(15, 7, outputs=2)
    found = double.propagate(lambda p: p.sum(axis=0), X, samples=30)
    assert found.value.shape == (1, 2)
    assert found.samples.shape == (1, 30, 2)
    assert len(found.plot().lines) == 21
    assert "2 quantities each" in str(found)


def test_the_scale_makes_it_cover(head):
    def fn(values):
        return np.exp(values).mean(-1)

    known, y = systems(60, 8)
    scale = head.calibrate_derived(fn, known, fn(y), vectorised=True, random_state=0)
    assert scale.systems == 60
    new, true = systems(300, 9)
    found = head.propagate(fn, new, scale=scale, vectorised=True, refuse=False, random_state=1)
    covered = np.mean((found.low[:, 0] <= fn(true)) & (fn(true) <= found.high[:, 0]))
    # 54.9 of 61: 0.9 on average over calibrations, and 0.04 more or less by this one.
    assert covered == pytest.approx(0.9, abs=0.08)
    plain = head.propagate(fn, new, vectorised=True, refuse=False, random_state=1)
    np.testing.assert_allclose(found.std, plain.std * scale.scale)
    estimate = found.estimate(0)
    assert (estimate.n, estimate.over) == (60, "60 systems")
    assert "not calibrated on the derived quantity" in str(plain)
    assert "not calibrated" not in str(found)


def test_systems_out_of_domain_are_refused(head):
    rows, y = systems(30, 8)
    scale = head.calibrate_derived(np.mean, rows, y.mean(axis=1), random_state=0)
    found = head.propagate(np.mean, [rows[0], rows[1] + 20], scale=scale, unit="eV")
    assert found.refused.tolist() == [False, True]
    assert np.isnan(found.low[1, 0])
    assert np.isfinite(found.low[0, 0])
    assert found.estimates()[1] is None
    assert "system 1: cannot say" in str(found)
    assert "1 of 2 systems out of domain" in str(found)
    assert found.plot(system=1).get_title("left") == "Cannot say: out of domain"
    assert found.plot(system=0).get_xlabel() == "Derived quantity (eV)"
    assert head.propagate(np.mean, rows[1] + 20).refused.all()


def test_too_few_systems_for_the_level(head):
    rows, y = systems(5, 8)
    scale = head.calibrate_derived(np.mean, rows, y.mean(axis=1))
    assert head.propagate(np.mean, rows, scale=scale).refused.all()


def test_one_independent_case_has_no_quantile_of_its_own(head, monkeypatch):
    rows, _ = systems(1, 8)
    for effective, times in ((1.0, 1.6449), (3.0, 2.9200)):
        monkeypatch.setattr(head, "effective_size_", effective)
        found = head.propagate(np.sum, rows, refuse=False)
        np.testing.assert_allclose(found.half_width, times * found.std, rtol=1e-4)


def test_half_widths_are_order_statistics():
    spread = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0], [1.0, 4.0]])
    residuals = np.array([[3.0, 2.0], [-2.0, 4.0], [2.0, 0.0], [-5.0, -2.0]])
    scale = DerivedScale.of(residuals, spread, 1.0)
    np.testing.assert_allclose(scale.errors, [[3, 1], [1, 4], [2, 0], [5, 0.5]])
    # ceil(0.6 * 5) = 3 of 4.
    np.testing.assert_allclose(scale.half_width(np.array([[10.0, 1.0]]), 0.6), [[30.0, 1.0]])
    assert np.isinf(scale.half_width(np.array([0.0, 1.0]), 0.9)).all()


def test_what_does_not_vary_may_not_err():
    residuals, spread = np.array([[0.0, 1.0]] * 9), np.zeros((9, 2))
    scale = DerivedScale.of(residuals, spread, 1.0)
    assert scale.half_width(np.zeros((1, 2)), 0.8).tolist() == [[0.0, np.inf]]


def test_intervals_of_a_derived_quantity_hold_their_level_for_any_errors():
    """With tails this heavy, normal likelihood would give 91.5 %."""
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(2_000):
        spread = rng.uniform(1, 3, (49, 1))
        scale = DerivedScale.of(spread * rng.standard_t(2, (49, 1)), spread, 1.0)
        new = np.abs(rng.standard_t(2, (10, 1)))
        covered.append((new <= scale.half_width(np.ones((10, 1)), 0.9)).mean())
    assert np.std(covered) / np.sqrt(2_000) < 0.0025
    # 45 of 50: no more than nominal.
    assert np.mean(covered) == pytest.approx(0.9, abs=0.0075)


def test_a_system_out_of_domain_with_many_quantities():
    found = Derived(
        np.ones((1, 3)),
        np.ones((1, 3)),
        np.ones((1, 3)),
        np.ones((1, 5, 3)),
        0.9,
        np.ones(1, bool),
        ("far",),
        0,
        9.0,
    )
    ax = found.plot()
    assert ax.get_title("left") == "Cannot say: out of domain"
    assert not ax.collections
    assert found.plot(ax) is ax
    assert "cannot say: far" in str(found)


@pytest.mark.parametrize(
    ("fn", "kwargs", "message"),
    [
        (lambda p: np.nan, {}, "NaN or infinity for system 1"),
        (lambda p: np.ones((2, 2)), {}, r"number or a vector.*\(2, 2\)"),
        (lambda p: p.sum(), {"vectorised": True}, "Return one result for each"),
        (lambda p: p[:3], {"vectorised": True}, "Return one result for each"),
    ],
)
def test_functions_that_do_not_fit(fn, kwargs, message):
    kwargs = {"vectorised": False} | kwargs
    with pytest.raises(ValueError, match=message):
        through(fn, np.ones((4, 5)), backend="numpy", where="system 1", **kwargs)


def test_functions_by_system():
    assert functions_of(np.sum, 2) == [np.sum, np.sum]
    with pytest.raises(ValueError, match="1 functions for 2 systems"):
        functions_of([np.sum], 2)
    with pytest.raises(TypeError, match="must be a function"):
        functions_of([1, 2], 2)


def test_results_of_different_lengths(head):
    rows, _ = systems(2, 8)
    with pytest.raises(ValueError, match="different lengths"):
        head.propagate([lambda p: p[:2], lambda p: p[:3]], rows)


@pytest.mark.parametrize(
    ("truths", "message"), [([1.0], "'truths' has shape"), (1.0, "'truths' has shape"),
                            ([1.0, np.nan], "NaN")],
)  # fmt: skip
def test_bad_truths(head, truths, message):
    with pytest.raises(ValueError, match=message):
        head.calibrate_derived(np.sum, systems(2, 8)[0], truths)


def test_gradients_need_not_be_thought_of():
    weights = torch.ones(5, requires_grad=True, dtype=torch.float64)
    found = through(
        lambda p: (p * weights).sum(), np.ones((2, 5)), vectorised=False, backend="torch", where=""
    )
    assert found.tolist() == [[5.0], [5.0]]


def test_a_scale_is_plain_data():
    assert DerivedScale(np.ones(1), np.ones((4, 1)), 1.0).systems == 4
