"""Do conformal intervals keep their level, and do the intervals of their scores keep theirs?

Simulated coverage of each kind of conformal interval at three levels; of rows of new groups, of
single categories, and after a shift of the inputs; and coverage of the scores' own 95 % intervals
for rows that come in groups. Run as ``python -m studies.surrogate_conformal [PART ...]``; it writes
docs/tables/surrogate_conformal.md and its kin.
"""

import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from studies.fold_coverage import error_of, table

from evidesk.evidence import Estimate
from evidesk.methods.metrics.proportion import PoorApproximationWarning
from evidesk.methods.surrogates.calibration_curve import calibration_curve
from evidesk.methods.surrogates.conformal import Conformal
from evidesk.methods.surrogates.scores import (
    coverage,
    crps,
    error_correlation,
    gaussian_interval,
    interval_score,
    mean_width,
    nll,
    ood_auroc,
    sharpness,
)
from evidesk.methods.surrogates.sparsification import sparsification

Floats = npt.NDArray[np.float64]
Members = npt.NDArray[np.intp]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
LEVELS = (0.8, 0.9, 0.95)
NEW = 500


def drawn(n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Linear in five inputs; the noise grows sevenfold between the 5 % and 95 % of the first."""
    X = rng.standard_normal((n, 5))
    noise = np.exp(0.6 * X[:, 0]) * rng.standard_normal(n)
    return X, X @ np.array([1.0, 2.0, -1.0, 0.0, 0.5]) + noise


def coverage_of(
    method: Any, estimator: Any, n: int, runs: int, seed: int = 0
) -> tuple[Floats, Floats]:
    """Shape (runs, levels): coverage of new rows, and mean width, after n rows in all.

    Half of them are set aside for those methods that need it.
    """
    held, widths = np.empty((runs, len(LEVELS))), np.empty((runs, len(LEVELS)))
    for run in range(runs):
        rng = np.random.default_rng((seed, n, run))
        X, y = drawn(n, rng)
        new, truth = drawn(NEW, rng)
        one = Conformal(estimator, method, random_state=0)
        if method in ("cv+", "jackknife+"):
            one.fit(X, y)
        else:
            one.fit(X[: n // 2], y[: n // 2]).calibrate(X[n // 2 :], y[n // 2 :])
        for i, level in enumerate(LEVELS):
            found = one.predict_interval(new, level)
            held[run, i] = ((found.low <= truth) & (truth <= found.high)).mean()
            widths[run, i] = found.width.mean()
    return held, widths


def shown(held: Floats) -> str:
    """Mean coverage in percent with its Monte-Carlo error."""
    error = held.std(ddof=1) / np.sqrt(len(held))
    return f"{100 * held.mean():.1f} ± {100 * error:.1f}"


def methods_table(runs: int) -> str:
    """Each method, by number of rows."""
    estimators = {"ridge": Ridge(), "nearest 5": KNeighborsRegressor()}
    rows = []
    for model, estimator in estimators.items():
        for n in (50, 100, 200, 1_000):
            for method in ("split", "normalised", "cv+", "jackknife+"):
                if method == "jackknife+" and n > 200:
                    continue
                # A forest or a training for each row costs most.
                count = runs if method in ("split", "cv+") else runs // 4
                held, widths = coverage_of(method, estimator, n, count)
                rows.append(
                    [
                        model,
                        f"{n:,}",
                        method,
                        *(shown(column) for column in held.T),
                        f"{100 * held[:, 1].std(ddof=1):.1f}",
                        f"{widths[:, 1].mean():.2f}",
                    ]
                )
    return table(
        ["model", "rows", "method", "80 %", "90 %", "95 %", "varies by", "width at 90 %"],
        rows,
        f"Coverage of new rows in %, mean over {runs:,} simulations ({runs // 4:,} for normalised "
        "and jackknife+) ± Monte-Carlo error; noise that depends on the row; half of the rows are "
        "set aside for split and normalised. 'Varies by': standard deviation over calibrations of "
        "the coverage at 90 %.",
    )


def groups_table(runs: int) -> str:
    """Rows of new groups, with and without knowing the groups."""
    layouts = {
        "40 groups of 5": np.full(40, 5),
        "20 groups of 10": np.full(20, 10),
        "20 groups of 1 to 105": [*(round(1.278**i) for i in range(19)), 105],
    }
    rows = []
    for layout, sizes in layouts.items():
        for icc in (0.2, 0.8):
            cells = []
            for method in ("split", "cv+"):
                for knowing in (True, False):
                    held = [
                        _of_new_groups(method, np.asarray(sizes), icc, knowing, seed)
                        for seed in range(runs)
                    ]
                    cells.append(shown(np.array(held)))
            rows.append([layout, f"{icc:g}", *cells])
    return table(
        ["calibration", "ICC", "split, groups", "split, ignoring", "CV+, groups", "CV+, ignoring"],
        rows,
        "Coverage in % of nominal 90 % for a row of a new group, mean over "
        f"{runs:,} simulations ± Monte-Carlo error. ICC is the share of the errors' variance that "
        "a group has in common; the model (nearest neighbour's for CV+) can know the groups it was "
        "trained on.",
    )


def _of_new_groups(method: str, sizes: Members, icc: float, knowing: bool, seed: int) -> float:
    rng = np.random.default_rng((seed, len(sizes), round(10 * icc)))
    count, new = len(sizes), 200
    members = np.concatenate([np.repeat(np.arange(count), sizes), count + np.arange(new)])
    centre = rng.standard_normal((count + new, 3))
    X = centre[members] + 0.1 * rng.standard_normal((len(members), 3))
    y = np.sqrt(icc) * rng.standard_normal(count + new)[members]
    y = X[:, 0] + y + np.sqrt(1 - icc) * rng.standard_normal(len(members))
    known = members < count
    groups = members[known] if knowing else None
    if method == "cv+":
        one = Conformal(KNeighborsRegressor(1), "cv+", random_state=0).fit(
            X[known], y[known], groups
        )
    else:
        trained = Ridge().fit(centre, centre[:, 0])
        one = Conformal(trained).calibrate(X[known], y[known], groups)
    found = one.predict_interval(X[~known], 0.9)
    return float(((found.low <= y[~known]) & (y[~known] <= found.high)).mean())


def categories_table(runs: int) -> str:
    """Rows with large and with small noise."""
    rows = []
    for n in (100, 200, 1_000):
        held: dict[str, list[list[float]]] = {"split": [], "normalised": [], "by category": []}
        for seed in range(runs):
            rng = np.random.default_rng((seed, n))
            train, (X, y), (new, truth) = drawn(500, rng), drawn(n, rng), drawn(2 * NEW, rng)
            hot, new_hot = X[:, 0] > 0.7, new[:, 0] > 0.7
            for name, kept in held.items():
                if name == "normalised" and seed >= runs // 4:
                    continue
                method = "normalised" if name == "normalised" else "split"
                one = Conformal(Ridge(), method, random_state=0).fit(*train)  # type: ignore[arg-type]
                by = name == "by category"
                one.calibrate(X, y, category=hot if by else None)
                found = one.predict_interval(new, 0.9, category=new_hot if by else None)
                inside = (found.low <= truth) & (truth <= found.high)
                kept.append([inside[~new_hot].mean(), inside[new_hot].mean()])
        for name, kept in held.items():
            rows.append([f"{n:,}", name, *(shown(column) for column in np.array(kept).T)])
    return table(
        ["calibration", "method", "calm rows", "hot rows"],
        rows,
        "Coverage in % of nominal 90 %: a quarter of the rows is hot and noisier. Mean over "
        f"{runs:,} simulations ({runs // 4:,} for normalised) ± Monte-Carlo error.",
    )


def shift_table(runs: int) -> str:
    """New rows are drawn with another distribution of the first two inputs."""
    rows = []
    for n in (150, 500):
        for strength in (0.0, 0.5, 1.0, 1.5, 2.0):
            found = np.array([_shifted(n, strength, seed) for seed in range(runs)])
            plain, weighted, refused, effective = found.T
            told = ~np.isnan(weighted)
            rows.append(
                [
                    f"{n}",
                    f"{strength:g}",
                    shown(plain),
                    shown(weighted[told]) if told.sum() > 1 else "-",
                    f"{100 * refused.mean():.1f}",
                    f"{np.median(effective):.0f}",
                ]
            )
    return table(
        ["calibration", "shift", "plain", "weighted", "refused", "worth"],
        rows,
        f"Coverage in % of nominal 90 % for {NEW} new rows after a shift of the first two inputs "
        "(the log-density ratio grows by so much for each standard deviation), of the rows that "
        "are not refused; share of rows refused in %; median of the effective calibration size. "
        f"{runs:,} simulations, ± Monte-Carlo error. Weights are learnt from the new rows.",
    )


def _shifted(n: int, strength: float, seed: int) -> tuple[float, float, float, float]:
    rng = np.random.default_rng((seed, n, round(10 * strength)))
    train, calibration = drawn(500, rng), drawn(n, rng)
    X = rng.standard_normal((NEW, 5))
    X[:, :2] += strength / np.sqrt(2)
    y = X @ np.array([1.0, 2.0, -1.0, 0.0, 0.5]) + np.exp(0.6 * X[:, 0]) * rng.standard_normal(NEW)
    one = Conformal(Ridge(), random_state=seed).fit(*train).calibrate(*calibration)
    before = one.predict_interval(X)
    after = one.adapt(X).predict_interval(X)
    told = ~after.refused
    held = ((after.low <= y) & (y <= after.high))[told].mean() if told.any() else np.nan
    plain = ((before.low <= y) & (y <= before.high)).mean()
    return float(plain), float(held), float(1 - told.mean()), after.effective


def _predictions(
    members: Members, icc: float, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Truth, mean and spread; errors 1.2 times what they are said to be, alike in a group."""
    groups = int(members.max()) + 1

    def alike() -> Floats:
        of_group = rng.standard_normal(groups)[members]
        return np.sqrt(icc) * of_group + np.sqrt(1 - icc) * rng.standard_normal(len(members))

    std = np.exp(0.4 * alike())
    return 1.2 * std * alike(), np.zeros(len(members)), std


#: From truth, mean, spread and groups to an estimate.
SCORES: dict[str, Callable[[Floats, Floats, Floats, Members | None], Estimate]] = {
    "coverage": lambda y, m, s, g: coverage(y, *gaussian_interval(m, s, 0.9), groups=g),
    "width": lambda y, m, s, g: mean_width(*gaussian_interval(m, s, 0.9), groups=g),
    "interval score": lambda y, m, s, g: interval_score(
        y, *gaussian_interval(m, s, 0.9), level=0.9, groups=g
    ),
    "NLL": lambda y, m, s, g: nll(y, m, s, groups=g),
    "CRPS": lambda y, m, s, g: crps(y, m, s, groups=g),
    "sharpness": lambda y, m, s, g: sharpness(s, groups=g),
    "AUSE": lambda y, m, s, g: sparsification(y, m, s, groups=g).area,
    "spread and error": lambda y, m, s, g: error_correlation(y, m, s, groups=g),
    "OOD AUROC": lambda y, m, s, g: ood_auroc(s[: len(s) // 2], s[len(s) // 2 :] * 1.5, groups=g),
}
LAYOUTS: dict[str, tuple[Members, float]] = {
    "200 rows": (np.arange(200), 0.0),
    "1,000 rows": (np.arange(1_000), 0.0),
    "20 groups of 10": (np.repeat(np.arange(20), 10), 0.5),
    "40 groups of 10": (np.repeat(np.arange(40), 10), 0.5),
    "100 groups of 20": (np.repeat(np.arange(100), 20), 0.5),
    "40 groups of 2 to 82": (
        np.repeat(np.arange(40), [round(2 * 1.1**i) for i in range(40)]),
        0.5,
    ),
}


def truths() -> tuple[dict[str, float], Floats, float]:
    """The scores of the whole population, its calibration curve, and its calibration error."""
    rng = np.random.default_rng(12)
    y, mean, std = _predictions(np.arange(1_000_000), 0.0, rng)
    found = {name: score(y, mean, std, None).value for name, score in SCORES.items()}
    nominal = np.arange(1, 100) / 100
    from scipy import special

    share = 2 * special.ndtr(special.ndtri((1 + nominal) / 2) / 1.2) - 1
    return found, share, float(np.abs(share - nominal).mean())


def scores_table(runs: int) -> str:
    """Coverage of the scores' own intervals."""
    true, share, off = truths()
    rows = []
    for layout, (members, icc) in LAYOUTS.items():
        for knowing in (True, False) if icc else (False,):
            held: dict[str, list[bool]] = {name: [] for name in (*true, "error", "band")}
            for seed in range(runs):
                rng = np.random.default_rng((seed, len(members)))
                y, mean, std = _predictions(members, icc, rng)
                groups = members if knowing else None
                for name, score in SCORES.items():
                    one = score(y, mean, std, groups)
                    held[name].append(one.low <= true[name] <= one.high)
                if seed >= runs // 2:
                    continue
                curve = calibration_curve(y, mean, std, groups=groups, random_state=rng)
                held["error"].append(curve.error.low <= off <= curve.error.high)
                held["band"].append(bool(np.all((curve.low <= share) & (share <= curve.high))))
            how = "-" if not icc else "groups" if knowing else "ignoring"
            cells = [f"{100 * np.mean(values):.1f}" for values in held.values()]
            rows.append([layout, how, *cells])
    return table(
        ["rows", "interval", *true, "calibration error", "band of the curve"],
        rows,
        f"Coverage in % of nominal 95 %, {runs:,} simulations ({runs // 2:,} for the last two), "
        f"Monte-Carlo error {error_of(0.95, runs)} ({error_of(0.95, runs // 2)}). Errors are 1.2 "
        "times what they are said to be; half of the variance of errors and of log-spreads is "
        "common to a group. The band holds all 99 levels at once.",
    )


PARTS: dict[str, tuple[str, Callable[[int], str], int]] = {
    "methods": ("surrogate_conformal", methods_table, 400),
    "groups": ("surrogate_groups", groups_table, 400),
    "categories": ("surrogate_categories", categories_table, 400),
    "shift": ("surrogate_shift", shift_table, 200),
    "scores": ("surrogate_scores", scores_table, 1_000),
}


def main(names: Iterable[str] = ()) -> None:
    """Write the tables, or those that are named."""
    TABLES.mkdir(parents=True, exist_ok=True)
    for name in names or PARTS:
        file, make, runs = PARTS[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PoorApproximationWarning)
            text = make(runs)
        (TABLES / f"{file}.md").write_text(text)
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
