"""How well a random forest tells the samples apart, on rows that its trees have not seen.

The trees' votes on rows left out of their own bootstrap samples depend on the labels of all other
rows, so that no formula for independent votes holds: the forest is grown anew for each relabelling.

Source: Hediger, Michel and Naef, "On the use of random forest for two-sample testing",
Computational Statistics and Data Analysis 170 (2022) 107435 (hypoRF), section 2.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

TREES = 100


def forest_statistics(
    design: Floats, labels: Singles, rng: np.random.Generator, progress: Callable[[float], None]
) -> Floats:
    """1 less the mean of both samples' out-of-bag errors, of each labelling.

    A row is taken for a current one if its share of votes is above the share of current rows, so
    that samples of unequal sizes can be told apart, too.

    Parameters
    ----------
    design : shape (n, width).
    labels : shape (n, b), of 0 and 1.

    Returns
    -------
    Shape (b,).
    """
    from sklearn.ensemble import RandomForestClassifier

    found = np.empty(labels.shape[1])
    rows = design.astype(np.float32)
    for number, label in enumerate(labels.T):
        is_current = label > 0
        forest = RandomForestClassifier(
            TREES, oob_score=True, random_state=int(rng.integers(2**31))
        ).fit(rows, is_current)
        says = forest.oob_decision_function_[:, 1] > is_current.mean()
        found[number] = (says[is_current].mean() + 1 - says[~is_current].mean()) / 2
        progress((number + 1) / len(found))
    return found
