"""What a watch has found, printed and drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from evidesk.methods.shift.watch import ShiftWatch
from tests.methods.shift.streams import normal, watched


def test_a_huge_wealth_prints():
    result = watched(normal(0, 2_500), normal(1, 1_900, 50.0), controls=1)
    assert result.log_wealth > 709
    assert result.e_value == np.inf
    assert result.p_value == 0 or result.p_value < 1e-300
    assert "e-value inf" in str(result)


def test_the_plot_shows_the_path_and_the_alarm():
    found = ShiftWatch(normal(0, 300))
    found.update(normal(1, 100, 1.5))
    axes = found.plot()
    assert len(axes.lines) == 3
    assert axes.get_ylabel() == "E-value"
    labels = [one.get_text() for one in axes.get_yticklabels()]
    ticks = dict(zip(labels, axes.get_yticks(), strict=True))
    assert ticks["1"] == 0
    powers = [label for label in labels if label.startswith("$10^")]
    assert powers
    for label in powers:
        assert ticks[label] == pytest.approx(int(label[5:-2]) * np.log(10))
    assert len(ticks) <= 8
    assert axes.lines[1].get_ydata()[0] == pytest.approx(np.log(20))
    calm = ShiftWatch(normal(0, 300)).plot(plt.figure().gca())
    assert len(calm.lines) == 2
    plt.close("all")
