"""Intervals of a real regression beside MAPIE's: the diabetes data of scikit-learn, ten splits.

300 rows to train, 71 to calibrate, 71 to test; methods that calibrate on folds train on all 371.
Run as ``python -m studies.surrogate_diabetes``; it writes docs/tables/surrogate_diabetes.md.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import BayesianRidge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from studies.fold_coverage import table

from evidesk.methods.surrogates.conformal import Conformal
from evidesk.methods.surrogates.scores import gaussian_interval
from evidesk.methods.surrogates.scoring_rules import winkler_score

Floats = npt.NDArray[np.float64]
Rows = tuple[Floats, Floats]
#: From training, calibration and new inputs to predictions and bounds.
Intervals = Callable[[Rows, Rows, Floats], tuple[Floats, Floats, Floats]]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
LEVEL = 0.9
SPLITS = 10
TRAIN, CALIBRATION = 300, 71


def splits(count: int = SPLITS) -> Iterator[tuple[Rows, Rows, Rows]]:
    """Training, calibration and test rows of each split."""
    X, y = load_diabetes(return_X_y=True)
    for seed in range(count):
        order = np.random.default_rng(seed).permutation(len(y))
        train, calibration, test = np.split(order, [TRAIN, TRAIN + CALIBRATION])
        yield (X[train], y[train]), (X[calibration], y[calibration]), (X[test], y[test])


def process() -> Any:
    """A Gaussian process with its noise learnt."""
    kernel = ConstantKernel(1.0) * RBF(3.0) + WhiteKernel(0.5)
    return make_pipeline(StandardScaler(), GaussianProcessRegressor(kernel, normalize_y=True))


def forest() -> Any:
    """A random forest."""
    return RandomForestRegressor(min_samples_leaf=5, random_state=0)


def set_aside(estimator: Any, method: Any) -> Intervals:
    """Calibrated on rows that are set aside."""

    def of(train: Rows, calibration: Rows, new: Floats) -> tuple[Floats, Floats, Floats]:
        one = Conformal(clone(estimator), method, random_state=0)
        found = one.fit(*train).calibrate(*calibration).predict_interval(new, LEVEL)
        return found.mean, found.low, found.high

    return of


def on_folds(estimator: Any, method: Any) -> Intervals:
    """Calibrated on the folds of all rows but the test's."""

    def of(train: Rows, calibration: Rows, new: Floats) -> tuple[Floats, Floats, Floats]:
        rows, y = (np.concatenate(parts) for parts in zip(train, calibration, strict=True))
        one = Conformal(clone(estimator), method, random_state=0)
        found = one.fit(rows, y).predict_interval(new, LEVEL)
        return found.mean, found.low, found.high

    return of


def as_it_says(estimator: Any) -> Intervals:
    """A model's own standard deviation, taken as that of a normal distribution."""

    def of(train: Rows, calibration: Rows, new: Floats) -> tuple[Floats, Floats, Floats]:
        rows, y = (np.concatenate(parts) for parts in zip(train, calibration, strict=True))
        mean, std = clone(estimator).fit(rows, y).predict(new, return_std=True)
        return mean, *gaussian_interval(mean, std, LEVEL)

    return of


def mapie_split(train: Rows, calibration: Rows, new: Floats) -> tuple[Floats, Floats, Floats]:
    """MAPIE's split conformal prediction."""
    from mapie.regression import SplitConformalRegressor

    one = SplitConformalRegressor(RidgeCV(), confidence_level=LEVEL, prefit=False)
    mean, bounds = one.fit(*train).conformalize(*calibration).predict_interval(new)
    return mean, bounds[:, 0, 0], bounds[:, 1, 0]


def mapie_folds(train: Rows, calibration: Rows, new: Floats) -> tuple[Floats, Floats, Floats]:
    """MAPIE's CV+, with ten folds."""
    from mapie.regression import CrossConformalRegressor
    from sklearn.model_selection import KFold

    rows, y = (np.concatenate(parts) for parts in zip(train, calibration, strict=True))
    folds = KFold(10, shuffle=True, random_state=0)
    one = CrossConformalRegressor(RidgeCV(), confidence_level=LEVEL, cv=folds)
    mean, bounds = one.fit_conformalize(rows, y).predict_interval(new)
    return mean, bounds[:, 0, 0], bounds[:, 1, 0]


METHODS: dict[str, Intervals] = {
    "ridge, split": set_aside(RidgeCV(), "split"),
    "ridge, split (MAPIE)": mapie_split,
    "ridge, normalised by a forest": set_aside(RidgeCV(), "normalised"),
    "ridge, CV+": on_folds(RidgeCV(), "cv+"),
    "ridge, CV+ (MAPIE)": mapie_folds,
    "ridge, jackknife+": on_folds(RidgeCV(), "jackknife+"),
    "Bayesian ridge, its own std": as_it_says(BayesianRidge()),
    "Bayesian ridge, normalised": set_aside(BayesianRidge(), "normalised"),
    "Bayesian ridge, CV+": on_folds(BayesianRidge(), "cv+"),
    "Gaussian process, its own std": as_it_says(process()),
    "Gaussian process, normalised": set_aside(process(), "normalised"),
    "Gaussian process, CV+": on_folds(process(), "cv+"),
    "forest, split": set_aside(forest(), "split"),
    "forest, normalised": set_aside(forest(), "normalised"),
    "forest, CV+": on_folds(forest(), "cv+"),
}


def scores_of(intervals: Intervals, count: int = SPLITS) -> Floats:
    """Shape (splits, 4): RMSE, coverage, width and interval score of each split."""
    found = []
    for train, calibration, (new, y) in splits(count):
        mean, low, high = intervals(train, calibration, new)
        found.append(
            (
                np.sqrt(((y - mean) ** 2).mean()),
                ((low <= y) & (y <= high)).mean(),
                (high - low).mean(),
                winkler_score(y, low, high, LEVEL).mean(),
            )
        )
    return np.array(found)


def main() -> None:
    """Write the table."""
    found = {name: scores_of(intervals) for name, intervals in METHODS.items()}
    best = min(found.values(), key=lambda scores: scores[:, 3].mean())
    rows = []
    for name, scores in found.items():
        mean, error = scores.mean(axis=0), scores.std(axis=0, ddof=1) / np.sqrt(len(scores))
        apart = scores[:, 3] - best[:, 3]
        off = apart.std(ddof=1) / np.sqrt(len(apart))
        rows.append(
            [
                name,
                f"{mean[0]:.1f}",
                f"{mean[1]:.3f} ± {error[1]:.3f}",
                f"{mean[2]:.0f}",
                f"{mean[3]:.1f} ± {error[3]:.1f}",
                "0" if not apart.any() else f"{apart.mean():.1f} ± {off:.1f}",
            ]
        )
    text = table(
        ["model, intervals", "RMSE", "coverage", "width", "interval score", "above the best"],
        rows,
        f"Nominal {100 * LEVEL:.0f} %, {SPLITS} random splits of 442 rows into {TRAIN} to train, "
        f"{CALIBRATION} to calibrate and 71 to test; smaller interval scores are better. ± is the "
        "standard error over the splits, which share rows and hence understate it; that of the "
        "last column is paired.",
    )
    TABLES.mkdir(parents=True, exist_ok=True)
    (TABLES / "surrogate_diabetes.md").write_text(text)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
