"""Mean average precision of detections, from the results of each image.

The images are what is random, and an image may hold many objects: its detections and its objects
are drawn together. Average precision is a function of the detections sorted by score, and hence in
each resample of cumulative sums.

Sources of the definitions
--------------------------
Lin et al., "Microsoft COCO: common objects in context", ECCV 2014, and its evaluation server, for
precision made monotone and averaged over 101 recalls. Everingham et al., "The PASCAL visual object
classes challenge: a retrospective", IJCV 111 (2015) 98-136, for the area under the whole curve.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, forest_plot
from evidesk.methods.metrics.evaluation import Evaluation, IntervalMethod
from evidesk.methods.metrics.matching import ImageDetections
from evidesk.methods.metrics.proportion import PoorApproximationWarning
from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.metrics.scores import Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Interpolation = Literal["101-point", "all-point"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)

#: Below so many images with an object of a class its interval may be too short.
FEWEST_IMAGES = 30
#: What part of their own variance so many images hide (studies/loss_coverage.py).
_HIDDEN = 4.0
#: Cells of one batch of resamples.
_BATCH = 2**20


@dataclass(frozen=True)
class DetectionPrecision:
    """Mean average precision, and the average precision of each class.

    Attributes
    ----------
    mean : the mean over the classes.
    by_class : each class's average precision, by the class.
    """

    mean: Estimate
    by_class: dict[str, Estimate]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the intervals as a forest plot; returns the axes."""
        return forest_plot({"mean": self.mean} | self.by_class, ax, xlabel="average precision")

    def __str__(self) -> str:
        lines = [f"mAP {self.mean}"]
        return "\n".join(lines + [f"  {name}: {e.short}" for name, e in self.by_class.items()])


def mean_average_precision(
    images: Sequence[ImageDetections],
    *,
    interpolation: Interpolation = "101-point",
    level: float = 0.95,
    method: IntervalMethod = "delta",
    groups: npt.ArrayLike | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> DetectionPrecision:
    """Mean average precision with its interval, over images.

    Parameters
    ----------
    images : the results of each image, at least two.
    interpolation : ``101-point`` averages the precision at recalls 0, 0.01, ..., 1, as COCO does;
        ``all-point`` takes the area under the whole curve. Either takes the best precision at this
        or any larger recall.
    level : confidence level in (0, 1).
    method : ``delta`` linearises the area under the curve by the weights of the images;
        ``percentile`` and ``bca`` are bootstraps of the images.
    groups : array-like of shape (images,), optional; what makes images belong together, for
        example the video of each frame.
    resamples, random_state : number of resamples and seed of the bootstrap.

    Returns
    -------
    The mean over the classes of which there is an object; and, always by ``delta``, each of these
    classes.

    Raises
    ------
    ValueError : fewer than two images or groups; no object at all; another parameter is none.

    Warns
    -----
    PoorApproximationWarning : fewer than 30 images (or groups) hold an object of some class.
    """
    curves, sample = _curves({"": images}, groups)
    _check_interpolation(interpolation)
    classes = curves[""]
    scarce = [curve.name for curve in classes if _bearing(curve, sample) < FEWEST_IMAGES]
    mean = _evaluation({"": classes}, sample, interpolation).estimates(
        level=level, method=method, resamples=resamples, random_state=random_state
    )[""]
    each = {curve.name: [curve] for curve in classes}
    by_class = _evaluation(each, sample, interpolation).estimates(level=level)
    if scarce:
        warnings.warn(
            f"Fewer than {FEWEST_IMAGES} images or groups hold an object of the classes "
            f"{', '.join(scarce[:5])}{', ...' if len(scarce) > 5 else ''}. The intervals may cover "
            "the truth less often than they say.",
            PoorApproximationWarning,
            stacklevel=2,
        )
    return DetectionPrecision(mean, by_class)


def evaluate_detections(
    detectors: Mapping[str, Sequence[ImageDetections]],
    *,
    interpolation: Interpolation = "101-point",
    groups: npt.ArrayLike | None = None,
) -> Evaluation:
    """Mean average precision of any number of detectors on the same images.

    What it returns is for comparing detectors: paired differences and ranks are made of it.

    Parameters
    ----------
    detectors : each detector's results by its name, one for each image, in the same order.
    interpolation, groups : as in :func:`mean_average_precision`.

    Raises
    ------
    ValueError : as :func:`mean_average_precision`, and if the detectors differ in the images'
        objects.
    """
    _check_interpolation(interpolation)
    return _evaluation(*_curves(detectors, groups), interpolation)


@dataclass(frozen=True)
class _Curve:
    """One class: its detections in descending order of score, and its objects.

    ``image`` and ``hit`` have shape (detections,), ``objects`` has shape (images,).
    """

    name: str
    image: Indices
    hit: Floats
    objects: Floats

    def resampled(self, weights: Floats, interpolation: Interpolation) -> Floats:
        """Average precision when the images count ``weights``, shape (batch, images)."""
        rows = max(1, _BATCH // max(len(self.image), 1))
        parts = [
            self._resampled(weights[begin : begin + rows], interpolation)
            for begin in range(0, len(weights), rows)
        ]
        return np.concatenate(parts)

    def _resampled(self, weights: Floats, interpolation: Interpolation) -> Floats:
        objects = weights @ self.objects
        known = np.maximum(objects, np.finfo(np.float64).tiny)[:, None]
        drawn = weights[:, self.image]
        hits = drawn * self.hit
        best, recall = _best_precision(hits, drawn), np.cumsum(hits, axis=1) / known
        if interpolation == "all-point":
            values = (best * hits).sum(axis=1) / known[:, 0]
        else:
            # A detection stands for all recalls, in steps of 1/100, that are first reached by it.
            steps = np.floor(100 * recall + 1e-9)
            first = best[:, :1].sum(axis=1)
            values = (first + (best * np.diff(steps, axis=1, prepend=0)).sum(axis=1)) / 101
        return np.where(objects > 0, values, np.nan)

    def contributions(self) -> Floats:
        """Derivatives of the area under the curve by the images' weights, shape (images,)."""
        total, n = self.objects.sum(), len(self.objects)
        hits, ranks = np.cumsum(self.hit), np.arange(1, len(self.hit) + 1)
        best = _best_precision(self.hit[None], np.ones((1, len(self.hit))))[0]
        # Up to each detection, the best precision is that of the next one that attains its own.
        attained = np.where(hits / ranks >= best, ranks - 1, len(ranks))
        source = np.minimum.accumulate(attained[::-1])[::-1]
        borne = np.bincount(source, self.hit, len(ranks))
        gains = np.cumsum((borne * (ranks - hits) / ranks**2)[::-1])[::-1]
        losses = np.cumsum((borne * hits / ranks**2)[::-1])[::-1]
        slopes = np.where(self.hit > 0, best + gains, -losses)
        area = self.hit @ best / total
        found = np.bincount(self.image, slopes, n)
        return np.asarray((found - area * self.objects) / total)


def _best_precision(hits: Floats, drawn: Floats) -> Floats:
    """At each detection, the best precision at this or any larger recall."""
    count = np.maximum(np.cumsum(drawn, axis=1), np.finfo(np.float64).tiny)
    precision = np.cumsum(hits, axis=1) / count
    return np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]


def _curves(
    detectors: Mapping[str, Sequence[ImageDetections]], groups: npt.ArrayLike | None
) -> tuple[dict[str, list[_Curve]], Sample]:
    """By detector, the curves of all classes that there is an object of; and the images."""
    if len(detectors) == 0:
        raise ValueError("The 'detectors' parameter must name at least one detector.")
    first = next(iter(detectors.values()))
    if len(first) < 2:
        raise ValueError(
            "'images' must hold at least two images: one alone cannot tell how much images differ."
        )
    present = [{name: count for name, count in i.objects.items() if count > 0} for i in first]
    names = list(dict.fromkeys(name for objects in present for name in objects))
    if not names:
        raise ValueError("'images' hold no object at all: average precision is not defined.")
    table = {name: np.array([o.get(name, 0) for o in present], dtype=np.float64) for name in names}
    found = {}
    for detector, images in detectors.items():
        if [{n: c for n, c in i.objects.items() if c > 0} for i in images] != present:
            raise ValueError(
                f"The images of the detector {detector!r} hold other objects than those of the "
                "first one. All detectors must be judged on the same images, in the same order."
            )
        scores = np.concatenate([np.asarray(i.scores, dtype=np.float64) for i in images])
        hits = np.concatenate([np.asarray(i.hits, dtype=np.float64) for i in images])
        labels: list[Any] = [label for i in images for label in np.asarray(i.labels).tolist()]
        at = np.repeat(np.arange(len(images)), [len(np.asarray(i.scores)) for i in images])
        codes = {name: code for code, name in enumerate(names)}
        classes = np.array([codes.get(label, -1) for label in labels], dtype=np.intp)
        order = np.argsort(-scores, kind="stable")
        by_class = [order[classes[order] == code] for code in range(len(names))]
        found[str(detector)] = [
            _Curve(str(name), at[rows], hits[rows], table[name])
            for name, rows in sorted(zip(names, by_class, strict=True), key=lambda p: str(p[0]))
        ]
    return found, Sample.of_cases(len(first), groups)


def _bearing(curve: _Curve, sample: Sample) -> int:
    """Number of images, or groups of them, with an object of the class."""
    return int(np.count_nonzero(sample.sums(curve.objects[None])))


def _evaluation(
    curves: Mapping[str, list[_Curve]], sample: Sample, interpolation: Interpolation
) -> Evaluation:
    """The mean over each entry's curves."""
    whole = np.ones((1, len(next(iter(curves.values()))[0].objects)))

    def values(weights: Floats) -> Floats:
        columns = []
        for members in curves.values():
            each = np.stack([curve.resampled(weights, interpolation) for curve in members])
            defined = np.isfinite(each)
            count = np.maximum(defined.sum(axis=0), 1)
            mean = np.where(defined, each, 0).sum(axis=0) / count
            columns.append(np.where(defined.any(axis=0), mean, np.nan))
        return np.stack(columns, axis=1)

    contributions = np.stack(
        [np.mean([c.contributions() for c in members], axis=0) for members in curves.values()]
    )
    present = [sum(curve.objects for curve in members) for members in curves.values()]
    bearing = np.array(
        [np.count_nonzero(sample.sums(np.asarray(o)[None])) for o in present], dtype=np.float64
    )
    effective = np.maximum(bearing, 2)
    summed = sample.sums(contributions)
    return Evaluation(
        metric="mean average precision",
        names=tuple(curves),
        values=np.clip(values(whole)[0], 0, 1),
        contributions=summed,
        units=sample.units,
        scale="proportion",
        most=bearing,
        replicate=lambda weights: values(sample.drawn(weights, slice(None))),
        independent=None if sample.members is None else sample.cells.variance(contributions),
        unseen=_HIDDEN * sample.units.variance(summed) / effective,
        effective=effective,
    )


def _check_interpolation(interpolation: object) -> None:
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"The 'interpolation' parameter must be one of {', '.join(INTERPOLATIONS)}. "
            f"Got {interpolation!r} instead."
        )
