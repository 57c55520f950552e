"""Intervals print, and plot."""

import numpy as np

from evidesk.methods.surrogates.intervals import Intervals, refusals


def made(rows=8, outputs=None, refused=()):
    shape = (rows,) if outputs is None else (rows, outputs)
    mean = np.arange(np.prod(shape), dtype=float).reshape(shape)
    mask = np.isin(np.arange(rows), refused)
    half = np.where(mask if outputs is None else mask[:, None], np.nan, 0.5)
    why = ("1 of 8 rows out of domain",) if refused else ()
    return Intervals(mean, mean - half, mean + half, 0.9, mask, why)


def test_it_reads_well():
    text = str(made(refused=[2]))
    assert text.splitlines()[0] == "90 % intervals of 7 of 8 rows"
    assert "row 0: 0 [-0.5, 0.5]" in text
    assert "row 2" not in text
    assert "and 2 more" in text
    assert text.endswith("cannot say: 1 of 8 rows out of domain")
    assert str(made(rows=3)).count("\n") == 3
    assert str(made(outputs=2)) == "90 % intervals of 8 of 8 rows"


def test_widths_and_length():
    assert len(made()) == 8
    assert made().half_width.tolist() == [0.5] * 8


def test_plots():
    ax = made(outputs=2, refused=[2]).plot(output=1)
    assert [one.get_text() for one in ax.get_legend().get_texts()] == [
        "90 % interval", "cannot say",
    ]  # fmt: skip
    assert made().plot(ax) is ax


def test_exactly_enough_cases_are_enough():
    outside = np.array([True, False])
    assert refusals(outside, 10.0, 0.9)[0].tolist() == [True, False]
    assert refusals(outside, 9.9, 0.9)[0].all()
    assert refusals(np.zeros(1, bool), 10.0, 0.9) == (np.zeros(1, bool), ())
