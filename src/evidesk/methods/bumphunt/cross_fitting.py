"""Scores by models that have not seen the event they score.

A classifier knows its own training events and puts them in front: a cut on such scores makes an
excess where there is none, of 17.7 standard deviations in a sample of 60,000 background events.
Here each event, and whatever a template has made of it, is in one of several folds, and only the
model that learnt from the other folds may score it. There is no way to ask for anything else.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from evidesk.methods.bumphunt.progress import Progress
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.shift.classifiers import Rule, prepared

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

#: Fewer template events above a threshold do not fix it.
FEWEST_ABOVE = 5


@dataclass(frozen=True)
class CrossFit:
    """Models of all folds, and the scores that they gave.

    Attributes
    ----------
    scores : shape (n,); of each row by the model of its fold, which learnt from none of the fold's
        rows. Larger for likelier signal-region events. Between folds they do not compare.
    y : shape (n,); 1 in the signal region, 0 from the template, -1 learnt from by no model.
    fold : shape (n,); of each row.
    folds : how many.
    """

    scores: Floats = field(repr=False)
    y: Ints = field(repr=False)
    fold: Ints = field(repr=False)
    folds: int
    _fold_of: dict[bytes, int] = field(repr=False)
    _rules: tuple[Rule, ...] = field(repr=False)

    def thresholds(self, efficiency: float) -> Floats:
        """For each fold the score that this share of its template events reaches: shape (folds,).

        Where a model gives several events the same score, all of them are on one side.

        Raises
        ------
        ValueError : the share is not in (0, 1), or a fold has too few template events above.
        """
        if not 0 < efficiency < 1:
            raise ValueError(f"'efficiency' must lie between 0 and 1. Got {efficiency!r}.")
        found = np.empty(self.folds)
        for number in range(self.folds):
            scores = np.sort(self.scores[(self.fold == number) & (self.y == 0)])[::-1]
            above = round(efficiency * len(scores))
            if above < FEWEST_ABOVE:
                raise ValueError(
                    f"A cut at {100 * efficiency:.3g} % keeps {above} of the {len(scores):,} "
                    f"template events of a fold; at least {FEWEST_ABOVE} are needed. Cut less "
                    "hard, or take wider sidebands or fewer folds."
                )
            found[number] = scores[above - 1]
        return found

    def selected(self, efficiency: float) -> Mask:
        """Which rows reach their fold's threshold: shape (n,)."""
        return self.scores >= self.thresholds(efficiency)[self.fold]

    def score(self, X: npt.ArrayLike) -> Floats:
        """Scores of any events, shape (k,).

        An event that a model learnt from, or that the template moved, is scored by the model of its
        fold; one that none has seen gets the mean of all models.

        Raises
        ------
        ValueError : the rows are not finite.
        """
        rows = _rows(X, "X")
        by_fold = np.stack([rule.scores(rows) for rule in self._rules])
        scores: Floats = by_fold.mean(axis=0)
        for number, key in enumerate(_keys(rows)):
            if (fold := self._fold_of.get(key)) is not None:
                scores[number] = by_fold[fold, number]
        return scores


def cross_fit(
    classifier: Any,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    source: npt.ArrayLike | None = None,
    folds: int = 5,
    random_state: RandomState = None,
    progress: Progress | None = None,
) -> CrossFit:
    """Learn as many models as there are folds, each from all other folds, and score all rows.

    Parameters
    ----------
    classifier : any scikit-learn classifier.
    X : shape (n, features), finite.
    y : shape (n,): 1 for events of the signal region, 0 for those of the template, -1 for events
        that are to be scored like these, but that no model learns from.
    source : shape (n, features); the event that each row was made from, where a template moved it.
        Rows of equal sources share a fold, and so do equal events.
    folds : at least 2.
    random_state : of the folds and the classifiers.
    progress : told the share of the work that is done; what it raises ends the work.

    Raises
    ------
    ValueError : the shapes do not fit, values are not finite, y has other values, or there are
        fewer different events of a class than folds.
    TypeError : the classifier is none.
    """
    rows, labels = _rows(X, "X"), np.asarray(y)
    origin = rows if source is None else _rows(source, "source")
    if labels.shape != (len(rows),) or origin.shape != rows.shape:
        raise ValueError(
            f"'X', 'y' and 'source' do not fit: shapes {rows.shape}, {labels.shape} and "
            f"{origin.shape}."
        )
    if not np.isin(labels, (-1, 0, 1)).all():
        raise ValueError("'y' must be 1 (signal region), 0 (template) or -1 (not learnt from).")
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise ValueError(f"'folds' must be an integer from 2 on. Got {folds!r}.")
    rng = generator(random_state)
    codes = labels.astype(np.intp)
    event_of, event = _events(rows, origin)
    fold_of_event = _dealt(event, codes, folds, rng)
    fold = fold_of_event[event]
    fold_of = {key: int(fold_of_event[number]) for key, number in event_of.items()}
    scores = np.empty(len(rows))
    rules = []
    for number in range(folds):
        own = fold == number
        learn = ~own & (codes >= 0)
        rules.append(Rule.learnt(prepared(classifier, rng), rows[learn], codes[learn] == 1))
        scores[own] = rules[-1].scores(rows[own])
        if progress is not None:
            progress((number + 1) / folds)
    return CrossFit(scores, codes, fold, folds, fold_of, tuple(rules))


def _events(rows: Floats, origin: Floats) -> tuple[dict[bytes, int], Ints]:
    """Which event each value stands for, and each row, shape (n,).

    A row and its source are one event, and so are all that equal one of them.
    """
    number_of: dict[bytes, int] = {}
    own, source = (
        np.array([number_of.setdefault(key, len(number_of)) for key in _keys(values)])
        for values in (rows, origin)
    )
    links = coo_array((np.ones(len(rows)), (own, source)), shape=(len(number_of),) * 2)
    event = connected_components(links, directed=False)[1].astype(np.intp)
    return {key: int(event[number]) for key, number in number_of.items()}, event[own]


def _dealt(event: Ints, y: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """The fold of each event, shape (events,); those of each class are dealt out evenly."""
    has = [np.bincount(event[y == one], minlength=int(event.max()) + 1) > 0 for one in (0, 1)]
    for of_class, what in zip(has, ("template", "signal region"), strict=True):
        if of_class.sum() < folds:
            raise ValueError(
                f"The {what} has {of_class.sum()} different events for {folds} folds; each fold "
                "needs one at least."
            )
    # Events in both samples lie between those of one: so each fold gets some of either.
    kind = np.select([has[0] & has[1], has[0], has[1]], [1, 0, 2], 3)
    fold = np.empty(len(kind), dtype=np.intp)
    fold[np.lexsort((rng.permutation(len(kind)), kind))] = np.arange(len(kind)) % folds
    return fold


def _rows(values: npt.ArrayLike, name: str) -> Floats:
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"'{name}' must have the shape (n, features). Got {rows.shape}.")
    if not rows.size:
        raise ValueError(f"'{name}' holds no values: shape {rows.shape}.")
    if not np.isfinite(rows).all():
        raise ValueError(f"'{name}' must be finite. It holds NaN or infinity.")
    return rows


def _keys(rows: Floats) -> list[bytes]:
    """What an event is known by: its values, whatever its place in an array."""
    packed = np.ascontiguousarray(rows + 0.0)  # -0.0 and 0.0 are the same value
    return [row.tobytes() for row in packed]
