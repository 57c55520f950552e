"""How good is a classifier? Every metric of true and predicted labels, with its interval."""

from typing import Any, TypedDict, Unpack, cast

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.classification import estimate_by_name
from evidesk.methods.metrics.evaluation import IntervalMethod
from evidesk.methods.metrics.label_codes import coded, listed, positions
from evidesk.methods.metrics.label_metrics import Average, KappaWeights
from evidesk.methods.metrics.label_table import table_of
from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.proportion import Method
from evidesk.methods.metrics.resampling import RandomState


class Options(TypedDict, total=False):
    """What every metric of labels takes by name; :func:`recall` explains."""

    level: float
    method: Method | IntervalMethod | None
    labels: npt.ArrayLike | None
    groups: npt.ArrayLike | None
    sample_weight: npt.ArrayLike | None
    counts: npt.ArrayLike | None
    resamples: int
    random_state: RandomState


def recall(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    average: Average | None = "binary",
    pos_label: Any = None,
    **options: Unpack[Options],
) -> Estimate | dict[Any, Estimate]:
    """Share of the cases of a class that are predicted so.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_cases,); labels: text, numbers or true/false, of the
        same kind in both.
    average : ``binary`` for the class ``pos_label``, ``macro``, ``micro`` or ``weighted`` as in
        :func:`~evidesk.methods.metrics.evaluate_labels`, or None for every class, by its label.
    pos_label : the positive class; by default the greater of two labels.
    level : confidence level in (0, 1), by default 0.95.
    method : how the interval is made. What is a proportion (a class's recall, precision,
        specificity and Jaccard ratio, accuracy and error rate, every micro average) or a monotone
        map of one (F1 of a class) takes those of
        :func:`~evidesk.methods.metrics.proportion_interval`, by default ``wilson``. Every metric
        takes

        - ``delta``: from the linearised error, as a proportion's interval of as many cases as
          would have that error (for MCC and kappa on Fisher's z scale); the default for all that
          is no proportion. Averages over classes add the variance that classes of few cases hide,
          and the square of their bias.
        - ``percentile``, ``bca``: from the bootstrap of the cases, or of the groups.
    labels : array-like of shape (k,), optional; all classes, in their order. By default those
        that occur, sorted.
    groups : array-like of shape (n_cases,), optional; what makes cases belong together, for
        example the patient of each image. The interval then holds how much groups differ.
    sample_weight : array-like of shape (n_cases,), optional; how much each case counts, at least
        0. Only the ratios of weights matter.
    counts : array-like of shape (n_cases,), optional; how many cases there are just like this one.
    resamples : how many resamples the bootstrap draws, by default 2 000; 100 or more.
    random_state : None, a seed, or a generator, for the bootstrap.

    Returns
    -------
    An estimate, or for ``average=None`` one for each class. For proportions its ``n`` is the
    number of cases in the denominator. A 0/0, such as the recall of a class that is never true,
    is 0 with an interval from 0 to 1, and a ``PoorApproximationWarning`` names the class.

    Raises
    ------
    ValueError : lengths differ; labels are missing; a parameter is out of its range; there are
        more than two labels and neither ``pos_label`` nor another ``average``; there are too few
        cases or groups for the method.
    TypeError : labels mix kinds.

    Warns
    -----
    PoorApproximationWarning : a value is 0 / 0; averages over classes, MCC and kappa rest on too
        few cases; the rarer of right and wrong cases would fill fewer than 3 groups, of more than
        8 cases each; ``sample_weight`` makes them count like fewer than 15, and all cases like two
        thirds of them or fewer.
    """
    chosen = {"average": average, "pos_label": pos_label}
    return _estimate("recall", y_true, y_pred, options, chosen)


def precision(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    average: Average | None = "binary",
    pos_label: Any = None,
    **options: Unpack[Options],
) -> Estimate | dict[Any, Estimate]:
    """Share of the cases predicted to be of a class that are of it.

    Parameters, result and errors as in :func:`recall`.
    """
    chosen = {"average": average, "pos_label": pos_label}
    return _estimate("precision", y_true, y_pred, options, chosen)


def specificity(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    average: Average | None = "binary",
    pos_label: Any = None,
    **options: Unpack[Options],
) -> Estimate | dict[Any, Estimate]:
    """Share of the cases not of a class that are not predicted to be of it.

    Parameters, result and errors as in :func:`recall`.
    """
    chosen = {"average": average, "pos_label": pos_label}
    return _estimate("specificity", y_true, y_pred, options, chosen)


def sensitivity(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    pos_label: Any = None,
    **options: Unpack[Options],
) -> Estimate:
    """Share of the positive cases that are found: the recall of the positive class.

    Parameters, result and errors as in :func:`recall`.
    """
    return cast(
        "Estimate", _estimate("sensitivity", y_true, y_pred, options, {"pos_label": pos_label})
    )


def f1(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    average: Average | None = "binary",
    pos_label: Any = None,
    **options: Unpack[Options],
) -> Estimate | dict[Any, Estimate]:
    """Harmonic mean of precision and recall.

    For one class it is ``2 J / (1 + J)`` of the Jaccard ratio J, which is a proportion, and has the
    interval of that.
    Parameters, result and errors as in :func:`recall`.
    """
    chosen = {"average": average, "pos_label": pos_label}
    return _estimate("f1", y_true, y_pred, options, chosen)


def fbeta(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    beta: float,
    average: Average | None = "binary",
    pos_label: Any = None,
    **options: Unpack[Options],
) -> Estimate | dict[Any, Estimate]:
    """Weighted harmonic mean of precision and recall: ``(1 + b^2) P R / (b^2 P + R)``.

    Parameters, result and errors as in :func:`recall`, and ``beta`` > 0: recall counts ``beta``
    times as much as precision.
    """
    chosen = {"average": average, "pos_label": pos_label, "beta": beta}
    return _estimate("fbeta", y_true, y_pred, options, chosen)


def jaccard(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    average: Average | None = "binary",
    pos_label: Any = None,
    **options: Unpack[Options],
) -> Estimate | dict[Any, Estimate]:
    """Of the cases that are of a class or predicted so, the share that are both (IoU).

    Parameters, result and errors as in :func:`recall`.
    """
    chosen = {"average": average, "pos_label": pos_label}
    return _estimate("jaccard", y_true, y_pred, options, chosen)


def balanced_accuracy(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    **options: Unpack[Options],
) -> Estimate:
    """Mean of the recalls of the classes that are true in some case.

    Parameters, result and errors as in :func:`recall`; the method is ``delta``, ``percentile`` or
    ``bca``.
    """
    return cast("Estimate", _estimate("balanced_accuracy", y_true, y_pred, options, {}))


def error_rate(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    **options: Unpack[Options],
) -> Estimate:
    """Share of cases whose predicted label is not the true one.

    Parameters, result and errors as in :func:`recall`.
    """
    return cast("Estimate", _estimate("error_rate", y_true, y_pred, options, {}))


def mcc(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    **options: Unpack[Options],
) -> Estimate:
    """Matthews' correlation coefficient, for k classes that of Gorodkin (2004).

    It is 0, with a ``PoorApproximationWarning``, where truth or predictions are constant.
    Parameters, result and errors as in :func:`recall`; the method is ``delta``, ``percentile`` or
    ``bca``.
    """
    return cast("Estimate", _estimate("mcc", y_true, y_pred, options, {}))


def cohen_kappa(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    weights: KappaWeights | None = None,
    **options: Unpack[Options],
) -> Estimate:
    """Cohen's kappa: agreement beyond what the margins alone would give.

    Parameters, result and errors as in :func:`recall`. ``weights`` says what an error costs:
    its distance in the order of ``labels`` (``linear``), or that squared (``quadratic``); by
    default all errors cost the same. The method is ``delta``, ``percentile`` or ``bca``.

    Raises
    ------
    ValueError : also if truth and predictions are one and the same class in every case.
    """
    return cast("Estimate", _estimate("cohen_kappa", y_true, y_pred, options, {"weights": weights}))


def top_k_accuracy(
    y_true: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    k: int = 5,
    **options: Unpack[Options],
) -> Estimate:
    """Share of cases whose true label is among the ``k`` labels of highest score.

    Parameters
    ----------
    y_true : array-like of shape (n_cases,); labels.
    scores : array-like of shape (n_cases, n_classes), finite; one column for each of ``labels``,
        or, without them, for each label of ``y_true`` in sorted order.
    k : from 1 to the number of classes. Of equal scores those of the first columns count as
        higher, so that every case has exactly ``k`` guesses.
    options : as in :func:`recall`.

    Raises
    ------
    ValueError : shapes do not fit; scores are not finite; ``k`` is out of its range; or as in
        :func:`recall`.
    """
    truth = as_labels(y_true, "y_true")
    classes, (codes,) = coded([truth])
    every = options.pop("labels", None)
    if every is not None:
        order = listed(every, truth)
        codes, classes = positions(classes, order)[codes], order
    table = np.asarray(scores)
    if table.dtype.kind not in "iuf":
        raise TypeError(f"The 'scores' parameter must hold numbers, got {table.dtype}.")
    if table.shape != (len(truth), len(classes)):
        raise ValueError(
            f"The 'scores' parameter must have shape {(len(truth), len(classes))}: a row for each "
            f"case and a column for each label. Got {table.shape}; name all classes by 'labels'."
        )
    if not np.isfinite(table).all():
        raise ValueError("The 'scores' parameter must be finite. It holds NaN or infinity.")
    of_truth = np.take_along_axis(table, codes[:, None], axis=1)
    ahead = np.count_nonzero(table > of_truth, axis=1)
    first = np.arange(table.shape[1]) < codes[:, None]
    ahead += np.count_nonzero((table == of_truth) & first, axis=1)
    if not _is_count(k) or k > table.shape[1]:
        raise ValueError(
            f"The 'k' parameter must be an integer from 1 to {table.shape[1]}. Got {k!r} instead."
        )
    return top_k_accuracy_from_ranks(ahead, k=k, **options)


def top_k_accuracy_from_ranks(
    ranks: npt.ArrayLike, *, k: int = 5, **options: Unpack[Options]
) -> Estimate:
    """Share of cases whose true label is among the first ``k`` guesses.

    Parameters
    ----------
    ranks : array-like of shape (n_cases,); the place of the true label among the guesses: 0 for
        the first, and any number of ``k`` or more for a label that was not guessed.
    k : 1 or more.
    options : as in :func:`recall`, without ``labels``.

    Raises
    ------
    ValueError : a rank is negative; ``k`` is below 1; or as in :func:`recall`.
    TypeError : ranks are not integers.
    """
    places = as_labels(ranks, "ranks")
    if places.dtype.kind not in "iu":
        raise TypeError(f"The 'ranks' parameter must hold integers, got {places.dtype}.")
    if np.any(places < 0):
        raise ValueError("The 'ranks' parameter must be 0 or more: 0 is the first guess.")
    if not _is_count(k):
        raise ValueError(f"The 'k' parameter must be an integer from 1 on. Got {k!r} instead.")
    hits = places < k
    return cast("Estimate", _estimate("accuracy", np.ones_like(hits), hits, options, {}))


def _is_count(k: object) -> bool:
    return isinstance(k, int | np.integer) and not isinstance(k, bool) and bool(k >= 1)


def _estimate(
    metric: str,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    options: Options,
    chosen: dict[str, Any],
) -> Estimate | dict[Any, Estimate]:
    given: dict[str, Any] = {**options}
    sample = {
        name: given.pop(name, None) for name in ("labels", "groups", "sample_weight", "counts")
    }
    table = table_of(y_true, {"y_pred": y_pred}, **sample)
    return estimate_by_name(table, metric, **chosen, **given)
