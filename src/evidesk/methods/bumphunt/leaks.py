"""Features that would tell the resonant variable itself.

A classifier that knows the mass finds the signal region by it, whatever is in it: the cut then
carves a bump where there is none.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from evidesk.methods.metrics.resampling import RandomState, generator

Floats = npt.NDArray[np.float64]

#: A feature whose dependence on the resonant variable is this close to a function is one.
FUNCTION = 0.9
#: All features together may explain so much of its variance.
EXPLAINED = 0.9
#: A rank correlation from which on a feature is told to go along with it.
CORRELATED = 0.1
#: Rows that the joint check learns from and is tested on.
_MOST_ROWS = 20_000
#: Fewer rows teach no regression.
_FEWEST_ROWS = 100


class LeakError(ValueError):
    """The features tell the resonant variable."""


def chatterjee_xi(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """How nearly y is a function of x, whichever: 0 if independent, near 1 for any function.

    ``1 - n sum |r_(i+1) - r_i| / (2 sum l_i (n - l_i))`` of the ranks r of y, and of its ranks l
    from above, in the order of x. Source: Chatterjee, "A new coefficient of correlation", JASA 116
    (2021) 2009-2022, equation for ties in section 1.
    """
    of_x, of_y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    n = len(of_x)
    ranks = stats.rankdata(of_y, "max")
    above = stats.rankdata(-of_y, "max")
    steps = np.abs(np.diff(ranks[np.argsort(of_x, kind="stable")])).sum()
    spread = 2 * (above * (n - above)).sum()
    return float(1 - n * steps / spread) if spread > 0 else 0.0


def check_features(
    m: npt.ArrayLike,
    x: npt.ArrayLike,
    names: Sequence[str],
    resonance: str = "the resonant variable",
    *,
    random_state: RandomState = None,
) -> tuple[str, ...]:
    """Refuse features that cannot be used, and tell of those to be careful with.

    A feature is refused if it is not finite, if it is constant, or if it is a function of the
    resonant variable or the other way round, by Chatterjee's coefficient: that finds copies,
    monotone functions of it, and others such as the distance from a window's centre. Then boosted
    trees predict the resonant variable from all features together on rows they have not seen:
    features that do this but for a tenth of its variance are refused, too.

    Parameters
    ----------
    m : shape (n,).
    x : shape (n, features).
    names : of the features.
    resonance : the resonant variable's name.
    random_state : of the rows that the joint check takes.

    Returns
    -------
    A sentence for each feature whose rank correlation with the resonant variable is above 0.1: it
    sculpts, in that a cut on it changes the spectrum.

    Raises
    ------
    LeakError : a feature, or all together, tell the resonant variable.
    ValueError : shapes do not fit; a value is not finite; a feature is constant.
    """
    mass, rows = np.asarray(m, dtype=np.float64), np.asarray(x, dtype=np.float64)
    if mass.ndim != 1 or rows.ndim != 2 or len(mass) != len(rows):
        raise ValueError(
            f"The resonant variable must have the shape (n,) and the features (n, features). Got "
            f"{mass.shape} and {rows.shape}."
        )
    if rows.shape[1] != len(names) or not names:
        raise ValueError(f"There are {len(names)} names for {rows.shape[1]} features.")
    if len(set(names)) < len(names):
        raise ValueError(f"Two features have the same name: {', '.join(names)}.")
    if resonance in names:
        raise LeakError(
            f"{resonance!r} is the resonant variable and cannot be a feature: a classifier would "
            "find the signal region by it."
        )
    for name, values in ((resonance, mass), *zip(names, rows.T, strict=True)):
        if bad := int((~np.isfinite(values)).sum()):
            raise ValueError(
                f"{bad:,} of {len(values):,} values of {name!r} are NaN or infinite. Leave these "
                "events out, or say what a missing value means by a number."
            )
        if len(values) and values.min() == values.max():
            raise ValueError(
                f"{name!r} is constant ({values[0]:g}) and tells nothing. Leave it out."
            )
    told = []
    for name, values in zip(names, rows.T, strict=True):
        xi = max(chatterjee_xi(mass, values), chatterjee_xi(values, mass))
        if xi >= FUNCTION:
            raise LeakError(
                f"{name!r} is a function of {resonance!r}, or nearly one (Chatterjee's xi "
                f"{xi:.2f}): a classifier would find the signal region by it. Leave it out."
            )
        rho = float(stats.spearmanr(mass, values).statistic)
        if abs(rho) > CORRELATED:
            told.append(
                f"{name!r} goes along with {resonance!r} (rank correlation {rho:.2f}): a cut on it "
                "changes the spectrum, and sidebands as they are do not show the background in "
                "the signal region."
            )
    if len(mass) >= _FEWEST_ROWS and (share := _explained(mass, rows, random_state)) >= EXPLAINED:
        raise LeakError(
            f"Together the features tell {resonance!r} (they explain {100 * share:.0f} % of its "
            "variance): a classifier would find the signal region by it. Leave some out."
        )
    return tuple(told)


def _explained(mass: Floats, rows: Floats, random_state: RandomState) -> float:
    """Share of the variance of the resonant variable that its prediction explains, on new rows."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng = generator(random_state)
    taken = rng.permutation(len(mass))[:_MOST_ROWS]
    half = math.ceil(len(taken) / 2)
    learn, test = taken[:half], taken[half:]
    model = HistGradientBoostingRegressor(random_state=int(rng.integers(2**31)))
    return float(model.fit(rows[learn], mass[learn]).score(rows[test], mass[test]))
