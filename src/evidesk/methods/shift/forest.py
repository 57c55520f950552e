"""How well a random forest tells the samples apart, on rows that its trees have not seen.

The trees' votes on rows left out of their own bootstrap samples depend on the labels of all other
rows, so that no formula for independent votes holds: the forest is grown anew for each relabelling.

Source: Hediger, Michel and Naef, "On the use of random forest for two-sample testing",
Computational Statistics and Data Analysis 170 (2022) 107435 (hypoRF), section 2.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from evidesk.methods.shift.relabelling import for_each

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

TREES = 100


def forest_statistics(
    design: Floats,
    labels: Singles,
    rng: np.random.Generator,
    progress: Callable[[float], None],
    n_jobs: int | None = None,
) -> Floats:
    """1 less the mean of both samples' out-of-bag errors, of each labelling.

    A row is taken for a current one if its share of votes is above the share of current rows, so
    that samples of unequal sizes can be told apart, too.

    Parameters
    ----------
    design : shape (n, width).
    labels : shape (n, b), of 0 and 1.
    n_jobs : how many forests are grown at once, as in scikit-learn.

    Returns
    -------
    Shape (b,).
    """
    rows = design.astype(np.float32)
    # Drawn first, so that it does not matter which is grown when, and where.
    seeds = [int(rng.integers(2**31)) for _ in range(labels.shape[1])]
    return for_each(
        _correct,
        [(rows, labels[:, number] > 0, seed) for number, seed in enumerate(seeds)],
        progress,
        n_jobs,
    )


def _correct(rows: Singles, is_current: Mask, seed: int) -> float:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(TREES, oob_score=True, random_state=seed).fit(rows, is_current)
    says = forest.oob_decision_function_[:, 1] > is_current.mean()
    return float((says[is_current].mean() + 1 - says[~is_current].mean()) / 2)
