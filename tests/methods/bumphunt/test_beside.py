"""The order of the background that a signal is estimated with."""

import numpy as np

from evidesk.methods.bumphunt import scan_spectrum, upper_limits
from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.beside import beside, order_indices
from evidesk.methods.bumphunt.order import Ladder
from evidesk.methods.bumphunt.signal import gaussian, shares
from tests.methods.bumphunt.spectra import DIJET, MASSES, dijets, resolution

SIGNALS = shares(dijets().edges, MASSES, 0.03 * MASSES[None], gaussian)[0]


def with_peak(size):
    """Dijets as expected, with a narrow resonance at 3.5 TeV."""
    fit = Bins(dijets(), DIJET).fit(4)
    return np.round(fit.expected + size * SIGNALS[11])[None]


def test_a_given_order_stays():
    ladder = Ladder.of(Bins(dijets(), DIJET), 4, 0.05)
    assert (order_indices(ladder, with_peak(0), SIGNALS) == 0).all()
    (one,) = beside(ladder, with_peak(0), SIGNALS)
    assert one.order == 4
    np.testing.assert_array_equal(one.some, np.arange(29))


def test_a_signal_does_not_change_the_order_that_it_is_estimated_with():
    ladder = Ladder.of(Bins(dijets(), DIJET), None, 0.05)
    quiet, loud = with_peak(0), with_peak(1500)
    # As if there were no signal, the background bends more to take it up.
    assert ladder.choose(quiet).index < ladder.choose(loud).index
    at_peak = SIGNALS[[11]]
    assert order_indices(ladder, quiet, at_peak) == order_indices(ladder, loud, at_peak)
    (one,) = beside(ladder, loud, at_peak)
    assert one.order == 5
    value, error = one.data.maximum()
    assert abs(value[0] - 1500) < 0.2 * error[0]
    np.testing.assert_allclose(one.asimov.counts, ladder.cautious.model.fit(loud).expected)


def test_signals_are_grouped_by_their_order():
    ladder = Ladder.of(Bins(dijets(), DIJET), None, 0.05)
    groups = list(beside(ladder, with_peak(1500), SIGNALS))
    assert len(groups) > 1
    np.testing.assert_array_equal(
        np.sort(np.concatenate([one.some for one in groups])), np.arange(29)
    )
    many = list(beside(ladder, np.repeat(with_peak(1500), 29, axis=0), SIGNALS))
    assert [one.order for one in many] == [one.order for one in groups]
    for one, other in zip(groups, many, strict=True):
        np.testing.assert_allclose(one.data.maximum()[0], other.data.maximum()[0], rtol=1e-4)


def test_limits_say_which_orders_they_have():
    scan = scan_spectrum(dijets(), MASSES, resolution, family=DIJET, toys=20, random_state=0)
    found = upper_limits(scan)
    assert (found.orders == 5).all()
    assert "background of 5 parameters" in str(found)
    loud = scan_spectrum(dijets(800), MASSES, resolution, family=DIJET, toys=20, random_state=0)
    assert "background of 5 to 6 parameters" in str(upper_limits(loud))
