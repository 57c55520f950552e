"""Is the template right where there is no signal?"""

import numpy as np
import pytest
from scipy import stats

from evidesk.methods.bumphunt import (
    MorphTemplate,
    SidebandTemplate,
    Spectrum,
    Tail,
    TemplateSample,
    Window,
    check_closure,
    contrast,
    sculpting,
)
from tests.methods.bumphunt.dijets import EDGES, WINDOW, arrays, quick

CUT = 0.05


class Halved(SidebandTemplate):
    """Wrong only in a corner: it lacks most of what lies far out in the first feature."""

    def sample(self, m, random_state=None):
        made = super().sample(m, random_state)
        x = made.x.copy()
        far = np.flatnonzero(x[:, 0] > 1.7)
        x[far[len(far) // 5 :], 0] *= -1
        return TemplateSample(x, made.origin)


def flat(n=12_000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 3, n), rng.normal(size=(n, 2))


def test_a_right_template_passes():
    found = check_closure(
        *flat(), Window(1, 2, 0, 3).validation(), SidebandTemplate(), quick(),
        efficiency=CUT, random_state=0,
    )  # fmt: skip
    assert found.passed
    assert found.reasons == ()
    assert 0.02 < found.relative_error < 0.3
    assert "Template sideband passes in 2 windows without signal" in str(found)
    for check in found.checks:
        assert check.auc.low < 0.5 + 0.01
        assert not check.tail.ratio.excludes_null


def test_a_tail_that_is_wrong_is_seen_though_the_whole_is_right():
    found = check_closure(
        *flat(), Window(1, 2, 0, 3), Halved(), quick(), efficiency=CUT, random_state=0
    )
    (check,) = found.checks
    assert check.auc.value < 0.55
    assert check.tail.ratio.low > 1
    assert not found.passed
    assert any("the cut keeps" in reason for reason in found.reasons)


def test_features_that_move_fail_as_they_are_and_pass_moved():
    m, x = arrays()
    x = x + 0.1 * m[:, None]

    def found(template):
        return check_closure(
            m, x, WINDOW.validation()[1], template, quick(), efficiency=CUT, random_state=0
        )

    assert not found(SidebandTemplate()).passed
    moved = found(MorphTemplate())
    assert moved.passed, str(moved)


def test_the_whole_that_is_wrong_is_told():
    m, x = flat()
    x[(m > 1) & (m < 2)] += 1
    found = check_closure(
        m, x, Window(1, 2, 0, 3), SidebandTemplate(), quick(), efficiency=CUT, random_state=0
    )
    assert any("a classifier tells events from the template's" in one for one in found.reasons)
    assert "    In [1, 2)" in str(found)


def test_too_few_events_certify_nothing():
    found = check_closure(
        *flat(600), Window(1, 2, 0, 3), SidebandTemplate(), quick(),
        efficiency=0.08, folds=3, random_state=0,
    )  # fmt: skip
    assert not found.passed
    assert "too few events" in found.reasons[0]


def test_the_level_is_shared():
    found = check_closure(
        *flat(3000), Window(1, 2, 0, 3).validation(), SidebandTemplate(), quick(),
        efficiency=0.1, level=0.9, random_state=0,
    )  # fmt: skip
    assert {check.tail.level for check in found.checks} == {1 - 0.1 / 4}


def test_it_can_be_drawn():
    found = check_closure(
        *flat(3000), Window(1, 2, 0, 3).validation(), SidebandTemplate(), quick(),
        efficiency=0.1, random_state=0,
    )  # fmt: skip
    ax = found.plot()
    assert "seen over expected" in ax.get_xlabel()
    assert found.plot(ax) is ax


def test_the_level_must_be_one():
    with pytest.raises(ValueError, match="level"):
        check_closure(*flat(300), WINDOW, SidebandTemplate(), quick(), level=1)


def test_the_ratio_of_a_tail_and_its_interval_by_hand():
    tail = Tail(30, 1000, 20, 2000, 0.95)
    assert tail.expected == 10
    ratio = tail.ratio
    assert ratio.value == 3
    share = stats.binomtest(30, 50).proportion_ci(0.95, "exact")
    assert ratio.low == pytest.approx(2 * share.low / (1 - share.low))
    assert ratio.high == pytest.approx(2 * share.high / (1 - share.high))


def test_no_event_beyond_the_cut_has_a_bound_too():
    ratio = Tail(0, 1000, 20, 2000, 0.95).ratio
    assert (ratio.value, ratio.low) == (0, 0)
    assert 0 < ratio.high < 1


def test_a_contrast_scores_all_events_and_cuts_them_alike():
    m, x = flat(3000)
    found = contrast(m, x, Window(1, 2, 0, 3), SidebandTemplate(), quick(), random_state=0)
    assert found.scores.shape == m.shape
    assert found.selected(0.2).mean() == pytest.approx(0.2, abs=0.03)
    assert found.tail(0.2).events == found.in_region.sum()


def test_a_sculpted_spectrum_is_not_smooth():
    m, _ = arrays()
    smooth = sculpting(Spectrum.from_events(m, EDGES), WINDOW, random_state=0)
    assert smooth.value > 0.01
    carved = m[(np.abs(m - 3.0) > 0.08) | (np.arange(len(m)) % 2 == 0)]
    assert sculpting(Spectrum.from_events(carved, EDGES), WINDOW, random_state=0).high < 0.02


def test_a_signal_does_not_count_as_sculpting():
    m, _ = arrays(1500)
    assert sculpting(Spectrum.from_events(m, EDGES), WINDOW, random_state=0).value > 0.01
