"""Pairs of samples on which two-sample tests are compared: simulated, and parts of real ones.

The simulated shifts are those of ``studies/shift_level.py``. Of a real pair, every repetition takes
other rows, so that "power" is over those draws and not over new data.
"""

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from studies.shift_level import SHIFTS, Draw, normal

from evidesk import data

ROOT = Path(__file__).parents[2]
Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Scenario:
    """Pairs of n rows each."""

    name: str
    n: int
    draw: Callable[[np.random.Generator, int], Pair]

    def pairs(self, repetitions: int, n: int | None = None) -> Pair:
        """Shape (repetitions, n, d) of each sample; the same for every test."""
        seed = sum(self.name.encode())
        found = [
            self.draw(np.random.default_rng([seed, one]), n or self.n) for one in range(repetitions)
        ]
        return np.stack([x for x, _ in found]), np.stack([y for _, y in found])


def _simulated(draw: Draw, d: int) -> Callable[[np.random.Generator, int], Pair]:
    return lambda rng, n: (draw(rng, n, d, False), draw(rng, n, d, True))


def _parts(whole: Callable[[], Pair]) -> Callable[[np.random.Generator, int], Pair]:
    def draw(rng: np.random.Generator, n: int) -> Pair:
        x, y = whole()
        return x[rng.permutation(len(x))[:n]], y[rng.permutation(len(y))[:n]]

    return draw


def _rows(path: Path, drop: tuple[str, ...] = ()) -> tuple[list[str], np.ndarray]:
    with gzip.open(path, "rt") as file:
        header, *rows = csv.reader(file)
    kept = [number for number, name in enumerate(header) if name not in drop]
    return [header[one] for one in kept], np.array(
        [[float(row[one]) for one in kept] for row in rows]
    )


def _of_file(name: str, drop: tuple[str, ...] = ()) -> Pair:
    _, rows = _rows(ROOT / "tests" / "data" / "shift_pairs" / name, drop)
    return rows[rows[:, 0] == 0, 1:], rows[rows[:, 0] == 1, 1:]


@cache
def dijets() -> Pair:
    """Events beside and within a window of mass in which one event of six is a resonance."""
    return _of_file("dijets.csv.gz", drop=("mjj_TeV",))


@cache
def clusters() -> Pair:
    """Cold and hot metal clusters."""
    return _of_file("emt_clusters.csv.gz")


@cache
def imagenette() -> Pair:
    """How high 18 networks rank the true class of an image: of folds 1 to 19, and of fold 0, which
    has all the images that come from ImageNet's validation set.
    """
    name = "sota_on_uncertainties/imagenette2_last_truth_rank_per_image.csv.gz"
    header, rows = _rows(data.path(name), drop=("filename",))
    fold, ranks = rows[:, header.index("fold")], rows[:, 2:]
    return ranks[fold > 0], ranks[fold == 0]


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


@cache
def writers() -> Pair:
    """scikit-learn's digits, the first and the second half: other people wrote them."""
    pixels, _ = _digits()
    return pixels[: len(pixels) // 2], pixels[len(pixels) // 2 :]


def class_mix(rng: np.random.Generator, n: int) -> Pair:
    """scikit-learn's digits, of which 0 to 4 are three times as frequent in the current sample."""
    pixels, label = _digits()
    order = rng.permutation(len(pixels))
    x, rest = order[:n], order[n:]
    weight = np.where(label[rest] < 5, 3.0, 1.0)
    y = rng.choice(rest, n, replace=False, p=weight / weight.sum())
    return pixels[x], pixels[y]


NULL = Scenario("no shift", 200, _simulated(normal, 5))
SIMULATED = tuple(
    Scenario(name, 500, _simulated(draw, 2 if name == "blobs" else 5))
    for name, draw in SHIFTS.items()
)
REAL = (
    Scenario("digits: writers", 70, _parts(writers)),
    Scenario("digits: class mix", 200, class_mix),
    Scenario("dijets: resonance", 75, _parts(dijets)),
    Scenario("clusters: hot", 8, _parts(clusters)),
    Scenario("imagenette: origin", 500, _parts(imagenette)),
)
SCENARIOS = (NULL, *SIMULATED, *REAL)
