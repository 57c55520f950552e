"""Are the intervals of energies of copper and gold clusters right, in domain and away from it?

The data of tests/data/emt_clusters: energies per atom from 28 averaged symmetry functions, trained
on clusters of 13 atoms at 300-600 K, tested on the same, on hot ones, on gold-rich ones, and on
clusters of 55 atoms. Run as ``python studies/surrogate_emt.py``; it writes
docs/tables/surrogate_emt.md.
"""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).parents[1]))

from studies.fold_coverage import table

from evidesk.methods.surrogates import (
    Conformal,
    Ensemble,
    GaussianProcess,
    LastLayer,
    Network,
    Surrogate,
)
from evidesk.methods.surrogates.intervals import Intervals

Floats = npt.NDArray[np.float64]

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data" / "emt_clusters" / "emt_clusters.npz"
TABLES = ROOT / "docs" / "tables"
LEVEL = 0.9
FEATURES = 28
SPLITS = {
    "test": "in domain",
    "shift_T": "hot",
    "shift_comp": "gold-rich",
    "shift_size": "55 atoms",
}


class Split(NamedTuple):
    """Descriptors, energies in meV per atom, and trajectories with names of their own."""

    X: Floats
    y: Floats
    groups: npt.NDArray[np.str_]


def splits() -> dict[str, Split]:
    """All splits of the data."""
    with np.load(DATA) as data:
        return {
            name: Split(
                data[f"{name}_X"].astype(np.float64),
                1000 * data[f"{name}_y"],
                np.array([f"{name} {one}" for one in data[f"{name}_trajectory"]]),
            )
            for name in ("train", "val", *SPLITS)
        }


def network(seed: int) -> Network:
    """The network of the study."""
    return Network((64, 64), epochs=800, device="cpu", random_state=seed)


def last_layer(seed: int) -> Surrogate:
    """One network with its last layer."""
    return LastLayer(network(seed))


def ensemble(seed: int) -> Surrogate:
    """Five networks."""
    return Ensemble(network(seed), 5, random_state=seed)


def gaussian_process(_seed: int) -> Surrogate:
    """The baseline: one length for all features."""
    return GaussianProcess()


def anisotropic_process(_seed: int) -> Surrogate:
    """A length for each feature."""
    return GaussianProcess(lengths="each")


def process(lengths: int) -> Any:
    """scikit-learn's Gaussian process of standardised features, with so many lengths."""
    kernel = ConstantKernel(10.0, (1e-3, 1e8)) * RBF(
        np.full(lengths, 0.5 * np.sqrt(FEATURES)), (1e-2, 1e5)
    ) + WhiteKernel(1e-4, (1e-9, 10.0))
    return make_pipeline(StandardScaler(), GaussianProcessRegressor(kernel, normalize_y=True))


def conformal_process(_seed: int) -> Conformal:
    """The same with conformal intervals in units of its own deviations."""
    return Conformal(process(1), method="normalised")


def conformal_anisotropic_process(_seed: int) -> Conformal:
    """A length for each feature, and conformal intervals."""
    return Conformal(process(FEATURES), method="normalised")


class AsItSays:
    """scikit-learn's Gaussian process with the intervals that it states itself."""

    def __init__(self, lengths: int) -> None:
        self._process = process(lengths)

    def fit(self, X: Floats, y: Floats, _groups: Any) -> None:
        self._process.fit(X, y)

    def calibrate(self, X: Floats, y: Floats, groups: Any) -> None:
        """It takes none."""

    def predict_interval(self, X: Floats, level: float) -> Intervals:
        mean, std = self._process.predict(X, return_std=True)
        half = special.ndtri(0.5 + level / 2) * std
        return Intervals(mean, mean - half, mean + half, level, np.zeros(len(X), bool))


def one_process(_seed: int) -> AsItSays:
    """The peer with one length."""
    return AsItSays(1)


def one_anisotropic_process(_seed: int) -> AsItSays:
    """The peer with a length for each feature."""
    return AsItSays(FEATURES)


def interval_score(y: Floats, low: Floats, high: Floats) -> float:
    """Gneiting and Raftery (2007), equation 43; in units of y."""
    missed = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return float(np.mean(high - low + 2 / (1 - LEVEL) * missed))


def judged(y: Floats, mean: Floats, low: Floats, high: Floats) -> dict[str, float]:
    """What the table shows."""
    return {
        "coverage": float(np.mean((low <= y) & (y <= high))),
        "score": interval_score(y, low, high),
        "width": float(np.mean(high - low)),
        "rmse": float(np.sqrt(np.mean((y - mean) ** 2))),
    }


def run(head: Any, data: dict[str, Split]) -> dict[str, dict[str, float]]:
    """One head, trained and calibrated, by split; intervals with none refused."""
    head.fit(*data["train"])
    head.calibrate(*data["val"])
    found = {}
    for name in SPLITS:
        X, y, _ = data[name]
        refuses = isinstance(head, Surrogate)
        got = head.predict_interval(X, LEVEL, **{"refuse": False} if refuses else {})
        found[name] = judged(y, got.mean, got.low, got.high)
        if refuses:
            found[name]["refused"] = float(head.predict_interval(X, LEVEL).refused.mean())
    return found


def summary(name: str, runs: list[dict[str, dict[str, float]]]) -> list[list[str]]:
    """Rows of the table: means over the trainings, and their Monte-Carlo errors."""
    rows = []
    for split, words in SPLITS.items():
        cells = [name if split == "test" else "", words]
        for key, factor, digits in (
            ("coverage", 100, 1),
            ("score", 1, 1),
            ("width", 1, 1),
            ("rmse", 1, 1),
            ("refused", 100, 0),
        ):
            values = factor * np.array([one[split].get(key, np.nan) for one in runs])
            text = "" if np.isnan(values).any() else f"{values.mean():.{digits}f}"
            if len(runs) > 1 and text:
                text += f" ± {values.std(ddof=1) / np.sqrt(len(runs)):.{digits}f}"
            cells.append(text)
        rows.append(cells)
    return rows


def emt_table(trainings: int) -> str:
    """All heads."""
    data = splits()
    heads: dict[str, tuple[Callable[[int], Any], int]] = {
        "`LastLayer`, 1 network": (last_layer, trainings),
        "`Ensemble` of 5": (ensemble, trainings // 2),
        "`GaussianProcess`": (gaussian_process, 1),
        '`GaussianProcess(lengths="each")`': (anisotropic_process, 1),
        "`Conformal` of scikit-learn's process": (conformal_process, 1),
        "the same with a length for each feature": (conformal_anisotropic_process, 1),
        "scikit-learn's process, as it says": (one_process, 1),
        "the same with a length for each feature, as it says": (one_anisotropic_process, 1),
    }
    rows: list[list[str]] = []
    for name, (make, count) in heads.items():
        runs = [run(make(seed), data) for seed in range(count)]
        rows += summary(f"{name} ({count} trainings)" if count > 1 else name, runs)
        sys.stdout.write(f"{rows[-len(SPLITS)]}\n")
    return table(
        ["head", "clusters", "covered (%)", "interval score", "width", "RMSE", "refused (%)"],
        rows,
        "Energies per atom; score, width and error in meV per atom. Nominal 90 %, intervals with "
        "none refused; the last column is the share of clusters about which the head says nothing "
        "unless it is told to. Networks 28-64-64-1, 480 training and 150 calibration clusters. "
        "± is the standard error over trainings; the test clusters are of 40 trajectories, from "
        "which a coverage of 90 % has an error of about 2 by itself.",
    )


def main() -> None:
    """Write the table."""
    warnings.simplefilter("ignore")  # scikit-learn's, of kernels at their bounds
    text = emt_table(8)
    (TABLES / "surrogate_emt.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
