"""Windows over the resonant variable."""

import numpy as np
import pytest

from evidesk.methods.bumphunt import EmptyWindowError, Window, windows_over
from evidesk.methods.bumphunt.windows import check_windows


def test_regions_are_half_open_and_share_no_event():
    window = Window(3.0, 4.0, 2.0, 5.0)
    m = np.array([1.9, 2.0, 2.99, 3.0, 3.99, 4.0, 4.99, 5.0])
    assert window.signal_region(m).tolist() == [False] * 3 + [True, True] + [False] * 3
    assert window.sidebands(m).tolist() == [False, True, True, False, False, True, True, False]
    assert window.centre == 3.5
    assert str(window) == "[3, 4)"


def test_around_gives_both_sidebands_their_width():
    assert Window.around(3.5, 0.5, 0.25) == Window(3.25, 3.75, 3.0, 4.0)


def test_validation_windows_have_no_event_of_the_signal_region():
    window = Window(3.0, 4.0, 2.0, 6.0)
    lower, upper = window.validation()
    m = np.linspace(1, 7, 6001)
    for one in (lower, upper):
        assert not (window.signal_region(m) & (one.signal_region(m) | one.sidebands(m))).any()
        one.check(m)
    assert (lower.low, lower.high) == (2.5, 3.0)
    assert (upper.low, upper.high) == (4.0, 5.0)
    assert upper.sidebands(m)[(m >= 2) & (m < 3)].all()


@pytest.mark.parametrize(
    "edges", [(1, 1, 0, 2), (1, 0, 0, 2), (1, 2, 1, 3), (1, 2, 0, 2), (1, 2, 3, 0)]
)
def test_edges_must_ascend(edges):
    with pytest.raises(ValueError, match="outer_low < low < high < outer_high"):
        Window(*edges)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_edges_must_be_finite(bad):
    with pytest.raises(ValueError, match="finite"):
        Window(1, 2, 0, bad)


def test_a_blind_stretch_must_ascend():
    with pytest.raises(ValueError, match="blind"):
        Window(1, 2, 0, 3, (2, 1))


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0), (-1, 1), (np.nan, 1)])
def test_widths_must_be_above_0(sizes):
    with pytest.raises(ValueError, match="above 0"):
        Window.around(3, *sizes)


@pytest.mark.parametrize(
    ("m", "where"),
    [
        ([0.5, 2.5], r"signal region \[1, 2\) holds no events"),
        ([1.5, 2.5], r"lower sideband \[0, 1\) holds no events"),
        ([0.5, 1.5], r"upper sideband \[2, 3\) holds no events"),
        ([], "signal region"),
    ],
)
def test_an_empty_region_is_named(m, where):
    with pytest.raises(EmptyWindowError, match=where):
        Window(1, 2, 0, 3).check(np.array(m))


def test_too_few_events_are_told():
    with pytest.raises(EmptyWindowError, match="1 event; at least 2"):
        Window(1, 2, 0, 3).check([0.5, 1.5, 2.5], fewest=2)


def test_windows_side_by_side_cover_the_range():
    found = windows_over(0, 10, width=2, sideband=1)
    assert [(one.low, one.high) for one in found] == [(1, 3), (3, 5), (5, 7), (7, 9)]
    assert (found[0].outer_low, found[-1].outer_high) == (0, 10)


def test_windows_may_overlap():
    assert len(windows_over(0, 10, width=2, sideband=1, step=1)) == 7


def test_one_window_may_just_fit():
    assert windows_over(0, 0.3, width=0.1, sideband=0.1)[0].centre == pytest.approx(0.15)


def test_windows_must_fit():
    with pytest.raises(ValueError, match="No window fits"):
        windows_over(0, 1, width=1, sideband=1)
    with pytest.raises(ValueError, match="No window fits"):
        windows_over(np.nan, 1, width=1, sideband=1)
    with pytest.raises(ValueError, match="above 0"):
        windows_over(0, 9, width=1, sideband=1, step=0)


def test_one_window_or_several():
    one = Window(1, 2, 0, 3)
    assert check_windows(one) == check_windows([one]) == (one,)
    with pytest.raises(ValueError, match="At least one"):
        check_windows([])
    with pytest.raises(TypeError, match="must be a Window"):
        check_windows([one, (1, 2)])
