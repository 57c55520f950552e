"""An estimate is valid, prints as a physicist would round it, and survives JSON."""

import json
import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evidesk.evidence import Estimate

from .samples import an_estimate

INF = math.inf


def interval(value: float, low: float, high: float, **changes: object) -> Estimate:
    return an_estimate(value, low=low, high=high, finite=math.isfinite(high - low), **changes)


@pytest.mark.parametrize(
    ("estimate", "printed"),
    [
        (an_estimate(), "0.935 ± 0.019 (95 %, normal, n=670)"),
        (
            interval(0.93527, 0.91401, 0.95199, method="wilson"),
            "0.935 [0.914, 0.952] (95 %, wilson, n=670)",
        ),
        (an_estimate(unit="mm"), "0.935 ± 0.019 mm (95 %, normal, n=670)"),
        (an_estimate(level=0.6826894921, n=1), "0.935 ± 0.019 (68.27 %, normal, n=1)"),
        (an_estimate(level=0.99999943), "0.935 ± 0.019 (99.9999 %, normal, n=670)"),
    ],
)
def test_an_estimate_prints_with_what_it_rests_on(estimate: Estimate, printed: str) -> None:
    assert str(estimate) == printed


@pytest.mark.parametrize(
    ("half_width", "printed"),
    [
        (0.100, "0.83 ± 0.10"),
        (0.354, "0.83 ± 0.35"),
        (0.355, "0.8 ± 0.4"),
        (0.827, "0.8 ± 0.8"),
        (0.949, "0.8 ± 0.9"),
        (0.950, "0.8 ± 1.0"),
        (0.999, "0.8 ± 1.0"),
        (0.9996, "0.8 ± 1.0"),
        (0.119, "0.83 ± 0.12"),
        (0.367, "0.8 ± 0.4"),
    ],
)
def test_the_half_width_decides_the_digits_by_the_rule_of_the_particle_data_group(
    half_width: float, printed: str
) -> None:
    assert an_estimate(0.827, half_width).short == printed


@pytest.mark.parametrize(
    ("estimate", "printed"),
    [
        (an_estimate(0.935, 0.0), "0.935"),
        (an_estimate(1.0, 0.0), "1"),
        (an_estimate(0.0, 0.0), "0"),
        (an_estimate(1 / 3, 0.0), "0.3333"),
        (an_estimate(1e8, 0.0), "1e8"),
        (an_estimate(1.786073e-11, 0.0), "1.786e-11"),
        (an_estimate(12_345.6, 0.0), "12345.6"),
        (interval(0.001, 0.0, 0.0037), "0.0010 [0, 0.0037]"),
        (an_estimate(12_345.0, 670.0), "12300 ± 700"),
        (an_estimate(999_999.0, 12.0), "999999 ± 12"),
        (an_estimate(12_345_678.0, 97.0), "(1.234568 ± 0.000010)e7"),
        (an_estimate(9.35e-7, 2.5e-8), "(9.35 ± 0.25)e-7"),
        (an_estimate(0.0, 1.7e308), "(0.0 ± 1.7)e308"),
        (an_estimate(-0.001, 0.2), "0.00 ± 0.20"),
        (an_estimate(-12.3, 0.4), "-12.3 ± 0.4"),
        (interval(-0.02, -0.04, -0.001), "-0.020 [-0.040, -0.001]"),
        (interval(5e-324, 0.0, 5e-324), "(5.000 [0, 5.000])e-324"),
        (interval(3.0, 2.0, INF), "3.0 [2.0, ∞)"),
        (interval(3.0, 3.0, INF), "3 [3, ∞)"),
        (interval(3.0, -INF, 4.0), "3.0 (-∞, 4.0]"),
        (interval(3.0, -INF, INF), "3 (-∞, ∞)"),
        (interval(1.0, 0.9, 1.1 + 1e-4), "1.00 [0.90, 1.10]"),
        (interval(1.0, 0.9, 1.1 + 1e-9), "1.00 ± 0.10"),
    ],
)
def test_odd_estimates_print_sensibly(estimate: Estimate, printed: str) -> None:
    assert estimate.short == printed


def test_a_level_just_below_one_never_reads_100_percent() -> None:
    assert "99.99999999999999 %" in str(an_estimate(level=math.nextafter(1, 0)))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"value": math.nan}, "value must be finite, got nan"),
        ({"low": math.nan}, "low and high must be finite, got low=nan"),
        ({"low": math.nan, "finite": False}, "does not hold: low=nan"),
        ({"level": math.nan}, "level must lie between 0 and 1, got nan"),
        ({"over": " "}, "over must not be empty"),
        ({"method": "a\x1b[31m"}, "method holds the control character"),
        ({"high": "1"}, "high must be a number, got '1'"),
        ({"high": 10**400}, "high is beyond the largest float"),
        ({"low": -(10**5000)}, "low is beyond the largest float"),
        ({"level": Fraction(10**400)}, "level is beyond the largest float"),
        ({"n": 2**63}, f"n must be at most {2**63 - 1}"),
        ({"value": True, "low": 0}, "value must be a number, got True"),
        ({"low": None}, "low must be a number, got None"),
        ({"value": INF, "high": INF, "finite": False}, "value must be finite, got inf"),
        ({"high": INF}, "low and high must be finite, got low=.*, high=inf.*finite=False"),
        ({"low": -INF}, "low and high must be finite"),
        ({"low": 0.94}, r"low <= value <= high does not hold: low=0.94, value=0.93527"),
        ({"high": 0.93}, "low <= value <= high does not hold"),
        ({"level": 0}, "level must lie between 0 and 1, got 0"),
        ({"level": 1}, "level must lie between 0 and 1, got 1"),
        ({"level": 95}, "level must lie between 0 and 1, got 95"),
        ({"method": " "}, "method must not be empty"),
        ({"method": None}, "method must be text"),
        ({"n": 0}, "n must be at least 1, got 0"),
        ({"n": 1.5}, "n must be an integer, got 1.5"),
        ({"n": True}, "n must be an integer, got True"),
        ({"unit": None}, "unit must be text"),
        ({"unit": "\ud800"}, "unit holds a character that UTF-8 cannot"),
        ({"null_value": INF}, "null_value must be finite, got inf"),
        ({"null_value": math.nan}, "null_value must be finite, got nan"),
    ],
)
def test_an_impossible_estimate_is_refused_by_field_and_value(
    changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        an_estimate(**changes)


def test_an_estimate_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        an_estimate().value = 1.0  # type: ignore[misc]


def test_numbers_of_other_libraries_become_plain_numbers() -> None:
    np = pytest.importorskip("numpy")
    estimate = an_estimate(np.float32(0.5), np.float32(0.25), n=np.int64(7), null_value=Fraction(1))
    assert type(estimate.value) is float
    assert type(estimate.n) is int
    assert type(estimate.null_value) is float


@pytest.mark.parametrize(
    ("null_value", "excluded"), [(None, None), (0.0, True), (0.93, False), (2.0, True)]
)
def test_an_estimate_says_whether_it_excludes_its_null_value(
    null_value: float | None, excluded: bool | None
) -> None:
    assert an_estimate(null_value=null_value).excludes_null is excluded


def test_the_half_width_is_half_the_interval_even_where_the_whole_overflows() -> None:
    assert interval(0.0, -1e308, 1.6e308).half_width == 1.3e308
    assert interval(0.0, -1.0, INF).half_width == INF


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    floats = st.floats(allow_nan=False)
    low, value, high = sorted(draw(st.tuples(floats, floats, floats)))
    assume(math.isfinite(value))
    return Estimate(
        value=value,
        low=low,
        high=high,
        level=draw(st.floats(0, 1, exclude_min=True, exclude_max=True)),
        method=draw(st.sampled_from(["wilson", "bootstrap (BCa)"])),
        n=draw(st.integers(1, 2**63 - 1)),
        unit=draw(st.sampled_from(["", "mm", "%"])),
        null_value=draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        finite=math.isfinite(low) and math.isfinite(high),
    )


@given(estimates())
def test_every_estimate_survives_json_at_full_precision(estimate: Estimate) -> None:
    text = json.dumps(estimate.to_json(), allow_nan=False)
    assert Estimate.from_json(json.loads(text)) == estimate


@given(estimates())
def test_every_estimate_prints_on_one_short_line(estimate: Estimate) -> None:
    assert "nan" not in estimate.short
    assert len(estimate.short) < 80
    assert "\n" not in str(estimate)


@given(st.floats(-1e5, 1e5), st.floats(1e-6, 1e5))
def test_the_printed_value_differs_by_less_than_the_last_printed_digit_of_its_error(
    value: float, half_width: float
) -> None:
    estimate = Estimate(value, value - half_width, value + half_width, 0.95, "normal", 10)
    assume(estimate.half_width > 0.5e-6 and "±" in estimate.short and "e" not in estimate.short)
    printed, error = (float(number) for number in estimate.short.split(" ± "))
    assert abs(printed - value) <= 0.15 * half_width * 1.001 + 1e-12
    assert error == pytest.approx(half_width, rel=0.15)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {**an_estimate().to_json(), "colour": "red"},
        {**an_estimate().to_json(), "low": "minus infinity"},
        {**an_estimate().to_json(), "high": "inf"},
    ],
)
def test_what_is_no_estimate_is_not_read_as_one(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not an estimate|must be"):
        Estimate.from_json(document)
