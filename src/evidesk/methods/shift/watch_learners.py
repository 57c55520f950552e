"""What a watch bets by: families of features, some of them drawn at random, and their learners."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.methods.shift.betting import MEMORIES, STRENGTHS, Coordinates, Learner
from evidesk.methods.shift.families import (
    Family,
    Linear,
    Products,
    Ranks,
    Waves,
    median_distance,
)
from evidesk.methods.shift.watch_state import Reader

Singles = npt.NDArray[np.float32]

_MOST_PRODUCTS = 200
_DISTANCES = (0.2, 0.5, 1.0)


@dataclass(frozen=True)
class RandomFeatures:
    """What is drawn at random for the families of features."""

    first: Singles
    second: Singles
    waves: tuple[Singles, ...]

    @classmethod
    def of(cls, known: Singles, rng: np.random.Generator) -> "RandomFeatures":
        rows = known[:, varied_columns(known)].astype(np.float64)
        width = rows.shape[1]
        products = Products.of(width, _MOST_PRODUCTS, rng)
        median = median_distance(rows, rng)
        waves = [Waves.of(width, share * median, "", rng).directions for share in _DISTANCES]
        return cls(products.first, products.second, tuple(waves))

    def arrays(self) -> dict[str, Singles]:
        waves = {f"wave{number}": one for number, one in enumerate(self.waves)}
        return {"first": self.first, "second": self.second, **waves}

    @classmethod
    def read(cls, read: Reader, width: int) -> "RandomFeatures":
        single = np.dtype("<f4")
        first = read.array("first", single, (width, None))
        second = read.array("second", single, first.shape)
        waves = [
            read.array(f"wave{number}", single, (width, None)) for number in range(len(_DISTANCES))
        ]
        read.check(not width or all(one.shape[1] for one in (first, *waves)), "first")
        return cls(first, second, tuple(waves))


def varied_columns(known: Singles) -> npt.NDArray[np.intp]:
    """Columns that are not constant in the known rows."""
    return np.flatnonzero(known.min(axis=0) < known.max(axis=0))


def learners_of(known: Singles, random: RandomFeatures) -> list[Learner]:
    """One learner for each family, which have learnt nothing yet."""
    rows, varied = known.astype(np.float64), varied_columns(known)
    # Columns that did not vary may do so in the stream: their means will tell.
    found = [Learner(Coordinates.of(Linear(), np.arange(known.shape[1]), rows))]
    if varied.size:
        others: list[Family] = [
            Products(random.first, random.second),
            Ranks.of(rows[:, varied], _MOST_PRODUCTS),
            *(
                Waves(one, f"distance {share:g}")
                for one, share in zip(random.waves, _DISTANCES, strict=True)
            ),
        ]
        found += [Learner(Coordinates.of(one, varied, rows)) for one in others]
    return found


def bets_of(learners: list[Learner]) -> int:
    """How many bets share a purse."""
    return len(learners) * len(STRENGTHS) * len(MEMORIES)
