"""What every head does, by all heads."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from evidesk.methods.surrogates import GaussianProcess, LeakWarning
from tests.methods.surrogates.conftest import made
from tests.methods.surrogates.data import wavy

NEW, TRUE = wavy(400, 2)


def test_predictions_and_intervals_have_the_shape_of_y(head, double):
    assert head.predict(NEW).shape == (400,)
    mean, std = double.predict(NEW, return_std=True)
    assert mean.shape == std.shape == (400, 2)
    assert (std > 0).all()
    assert head.predict_interval(NEW).low.shape == (400,)
    assert double.predict_interval(NEW).low.shape == (400, 2)
    assert head.score(NEW, TRUE) > 0.9


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_cover_what_they_say(head, level):
    found = head.predict_interval(NEW, level, refuse=False)
    covered = np.mean((found.low <= TRUE) & (found.high >= TRUE))
    assert covered == pytest.approx(level, abs=0.09)


def test_farther_away_it_is_less_sure(head):
    near = head.predict(np.zeros((1, 2)), return_std=True)[1][0]
    far = head.predict(np.full((1, 2), 4.0), return_std=True)[1][0]
    assert far > 2 * near
    assert head.ood_score(np.full((1, 2), 4.0))[0] > 3 * head.ood_score(np.zeros((1, 2)))[0]


def test_out_of_domain_it_says_nothing(head):
    rows = np.vstack([np.zeros((3, 2)), np.full((1, 2), 9.0)])
    found = head.predict_interval(rows)
    assert found.refused.tolist() == [False] * 3 + [True]
    assert np.isnan(found.low[3])
    assert np.isfinite(found.mean).all()
    assert "cannot say: 1 of 4 rows out of domain" in str(found)
    assert np.isfinite(head.predict_interval(rows, refuse=False).low).all()


def test_noise_is_no_sign_of_being_out_of_domain(head):
    noisy = clone(head).fit(*wavy(150, 0, noise=2.0)).calibrate(*wavy(120, 1, noise=2.0))
    np.testing.assert_allclose(noisy.ood_score(NEW), head.ood_score(NEW))


def test_a_calibration_that_is_too_small_for_the_level():
    head = GaussianProcess().fit(*wavy(40, 0)).calibrate(*wavy(12, 1))
    assert not head.predict_interval(NEW[:5], 0.9).refused.all()
    found = head.predict_interval(NEW[:5], 0.95)
    assert found.refused.all()
    assert "12 independent cases only; at least 20" in str(found)
    groups = np.repeat([0, 1, 2], 4)
    head.calibrate(*wavy(12, 1), groups)
    assert head.effective_size_ == pytest.approx(3)
    assert head.predict_interval(NEW[:5], 0.9).refused.all()


def test_samples_vary_as_much_as_their_functions_are_unsure(double):
    drawn = double.sample(NEW[:30], 3_000, 0)
    assert drawn.shape == (3_000, 30, 2)
    expected = np.sqrt(
        double.functions_.variance(np.broadcast_to(double._spread(NEW[:30]), (30, 2)))
    )
    np.testing.assert_allclose(drawn.std(axis=0), expected, rtol=0.12)
    error = np.abs(drawn.mean(axis=0) - double.predict(NEW[:30])) / expected
    assert error.max() < 4.5 / np.sqrt(3_000)


def test_samples_are_functions(head):
    # A row that comes twice has one value in each, and close rows have close values.
    rows = np.array([[0.1, 0.2], [0.1, 0.2], [0.1001, 0.2]])
    drawn = head.sample(rows, 50, 0)
    assert drawn.shape == (50, 3)
    spread = drawn.std()
    np.testing.assert_allclose(drawn[:, 0], drawn[:, 1], atol=1e-3 * spread)
    np.testing.assert_allclose(drawn[:, 0], drawn[:, 2], atol=0.05 * spread)
    np.testing.assert_array_equal(drawn, head.sample(rows, 50, 0))


def test_selected_rows_are_uncertain_and_different(head):
    # Two far clumps of near copies: one of each is enough.
    rng = np.random.default_rng(0)
    clumps = np.vstack([[2.0, 2.0] + 0.001 * rng.normal(size=(10, 2)),
                        [-2.0, 2.0] + 0.001 * rng.normal(size=(10, 2)),
                        0.1 * rng.normal(size=(20, 2))])  # fmt: skip
    chosen = head.select(clumps, 2)
    assert {row // 10 for row in chosen.tolist()} == {0, 1}


def test_several_outputs_are_selected_for_together(double):
    chosen = double.select(NEW, 7)
    assert len(set(chosen.tolist())) == 7


def test_there_and_back(head, double, tmp_path):
    for one in (head, double):
        one.save(tmp_path / "head")
        again = type(one).load(tmp_path / "head")
        np.testing.assert_allclose(again.predict(NEW), one.predict(NEW), rtol=1e-6)
        ours, theirs = again.predict_interval(NEW), one.predict_interval(NEW)
        np.testing.assert_allclose(ours.high, theirs.high, rtol=1e-5)
        np.testing.assert_array_equal(ours.refused, theirs.refused)
        np.testing.assert_array_equal(again.select(NEW, 3), one.select(NEW, 3))
        with pytest.warns(LeakWarning, match="150 of 150"):
            again.calibrate(*wavy(150, 0, outputs=one._outputs))


def test_what_was_trained_on_need_not_go_along(head, tmp_path):
    head.save(tmp_path / "head.json", seen=False)
    again = type(head).load(tmp_path / "head.json")
    with warnings.catch_warnings():
        warnings.simplefilter("error", LeakWarning)
        again.calibrate(*wavy(150, 0, outputs=head._outputs))


def test_a_file_of_another_head(head, tmp_path):
    head.save(tmp_path / "head")
    other = type(made("process" if type(head).__name__ != "GaussianProcess" else "ensemble"))
    with pytest.raises(ValueError, match=f"holds {type(head).__name__}, not {other.__name__}"):
        other.load(tmp_path / "head")


def test_before_it_knows_anything():
    head = GaussianProcess()
    for ask in (head.predict, head.ood_score, head.predict_interval):
        with pytest.raises(NotFittedError):
            ask(NEW)
    with pytest.raises(NotFittedError):
        head.calibrate(NEW, TRUE)
    head.fit(*wavy(30, 0))
    assert head.predict(NEW).shape == (400,)
    for ask in (
        lambda: head.predict(NEW, return_std=True),
        lambda: head.sample(NEW, 3),
        lambda: head.select(NEW, 3),
        lambda: head.propagate(np.sum, NEW),
        lambda: head.save("nowhere"),
    ):
        with pytest.raises(NotFittedError, match="not calibrated yet"):
            ask()


def test_fitting_again_forgets_the_calibration():
    head = GaussianProcess().fit(*wavy(30, 0)).calibrate(*wavy(30, 1))
    with pytest.raises(NotFittedError, match="not calibrated yet"):
        head.fit(*wavy(30, 3)).predict_interval(NEW)


@pytest.mark.parametrize("name", ["last layer", "ensemble", "process"])
@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0, np.nan], [0.0, 1.0]], [0.0, 1.0], "NaN"),
        ([[1.0, np.inf], [0.0, 1.0]], [0.0, 1.0], "infinity"),
        ([[1.0, 2.0], [0.0, 1.0]], [0.0, np.nan], "NaN"),
        ([[1.0, 2.0], [0.0, 1.0]], [0.0, 1.0, 2.0], "inconsistent numbers"),
        ([[1.0, 2.0]], [0.0], "minimum of 2"),
        (np.empty((0, 2)), [], "0 sample"),
        ([1.0, 2.0], [0.0, 1.0], "2D array"),
        ([[1.0, 2.0], [0.0, 1.0], [2.0, 2.0]], [3.0, 3.0, 3.0], "'y' is constant"),
    ],
)
def test_bad_rows_to_learn_from(name, X, y, message):
    with pytest.raises(ValueError, match=message):
        made(name).fit(X, y)


def test_one_constant_output_of_several_is_only_warned_of(double):
    X, y = wavy(60, 0, outputs=2)
    y[:, 1] = 7.0
    with pytest.warns(UserWarning, match="1 of 2 outputs are constant"):
        head = clone(double).fit(X, y)
    head.calibrate(*wavy(60, 1, outputs=2))
    assert np.isfinite(head.predict(NEW)).all()


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (NEW[:, :1], TRUE, "features"),
        (NEW, TRUE[:-1], r"shape \(399,\); 400 rows of 1 output"),
        (NEW, np.stack([TRUE, TRUE], 1), "400 rows of 1 output"),
        (NEW, TRUE[:, None, None], "400 rows of 1 output"),
        (NEW, np.where(TRUE > 0, TRUE, np.nan), "NaN or infinity"),
    ],
)
def test_bad_rows_to_calibrate_on(head, X, y, message):
    before = head.noise_
    with pytest.raises(ValueError, match=message):
        head.calibrate(X, y)
    assert head.noise_ is before


def test_bad_questions(head):
    with pytest.raises(ValueError, match="level"):
        head.predict_interval(NEW, 1.0)
    with pytest.raises(ValueError, match="'n' parameter"):
        head.sample(NEW, 0)
    with pytest.raises(ValueError, match="'k' parameter"):
        head.select(NEW, True)
    with pytest.raises(ValueError, match="asks for 401"):
        head.select(NEW, 401)
    with pytest.raises(ValueError, match="NaN"):
        head.predict([[np.nan, 1.0]])


def test_parameters_that_json_cannot_hold_are_left_out(tmp_path):
    head = made("ensemble").set_params(random_state=np.random.default_rng(0), model__epochs=2)
    head.fit(*wavy(40, 0)).calibrate(*wavy(40, 1)).save(tmp_path / "head")
    assert type(head).load(tmp_path / "head").random_state is None


def test_repeated_rows_and_groups_are_warned_of():
    X, y = wavy(40, 0)
    head = GaussianProcess().fit(X, y, np.arange(40) // 4)
    with pytest.warns(LeakWarning, match="40 of 40 rows"):
        head.calibrate(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        head.calibrate(*wavy(40, 1), [f"other {i // 4}" for i in range(40)])
    assert head.effective_size_ == pytest.approx(10)


def test_shared_noise(double):
    one = clone(double).set_params(shared=True)
    one.fit(*wavy(100, 0, outputs=2)).calibrate(*wavy(100, 1, outputs=2))
    assert one.noise_.noise[0] == one.noise_.noise[1]
