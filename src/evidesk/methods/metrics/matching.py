"""Which detections hit an object, and which do not: one image at a time.

Source: Lin et al., "Microsoft COCO: common objects in context", ECCV 2014, and its evaluation
server, for the greedy matching by score.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.scores import as_scores

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ImageDetections:
    """What was found in one image, and how many objects there are.

    Attributes
    ----------
    labels : array-like of shape (detections,); the class of each detection.
    scores : array-like of shape (detections,); finite, larger for a surer detection.
    hits : array-like of shape (detections,); whether it matches an object. Each object is matched
        once at most.
    objects : how many true objects of each class the image holds, by the class.

    Raises
    ------
    ValueError : lengths differ; scores are not finite; a class has more hits than objects.
    """

    labels: npt.ArrayLike
    scores: npt.ArrayLike
    hits: npt.ArrayLike
    objects: Mapping[Any, int]

    def __post_init__(self) -> None:
        scores = as_scores(self.scores, "scores")
        empty = np.zeros(0, dtype=np.int64)
        labels = as_labels(self.labels, "labels") if len(scores) else empty
        hits = as_scores(self.hits, "hits") != 0
        if not len(labels) == len(scores) == len(hits):
            raise ValueError(
                "'labels', 'scores' and 'hits' must have the same length, got "
                f"{len(np.asarray(self.labels))}, {len(scores)} and {len(hits)}."
            )
        for name, count in self.objects.items():
            if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
                raise ValueError(f"objects[{name!r}] must be an integer from 0 on. Got {count!r}.")
        for name, found in zip(*np.unique(labels[hits], return_counts=True), strict=True):
            there = self.objects.get(name.item(), 0)
            if found > there:
                raise ValueError(
                    f"The class {name.item()!r} has {found} hits for {there} objects in one image: "
                    "each object can be matched once."
                )
        for field, values in (("labels", labels), ("scores", scores), ("hits", hits)):
            object.__setattr__(self, field, values)


def match_boxes(
    true_boxes: npt.ArrayLike,
    true_labels: npt.ArrayLike,
    boxes: npt.ArrayLike,
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    threshold: float = 0.5,
) -> ImageDetections:
    """Match one image's detections with its objects, as COCO does.

    From the highest score down, each detection takes the free object of its class that it overlaps
    most, if their intersection over union reaches the threshold. (COCO's crowd regions and limits
    on area and number are not known here.)

    Parameters
    ----------
    true_boxes, boxes : array-like of shape (objects, 4) and (detections, 4); x1, y1, x2, y2 with
        x1 <= x2 and y1 <= y2.
    true_labels, labels : array-like of shape (objects,) and (detections,).
    scores : array-like of shape (detections,).
    threshold : the least intersection over union of a hit, in (0, 1].

    Raises
    ------
    ValueError : shapes differ, a corner is not finite, corners are in the wrong order, or the
        threshold is none.
    """
    if not 0 < threshold <= 1:
        raise ValueError(
            f"The 'threshold' parameter must be in the range (0, 1]. Got {threshold!r} instead."
        )
    truths, found = _boxes(true_boxes, "true_boxes"), _boxes(boxes, "boxes")
    truth_names = as_labels(true_labels, "true_labels") if len(truths) else np.zeros(0)
    names = as_labels(labels, "labels") if len(found) else np.zeros(0)
    sureness = as_scores(scores, "scores")
    if len(truth_names) != len(truths):
        raise ValueError("'true_boxes' and 'true_labels' must have the same length.")
    if not len(names) == len(found) == len(sureness):
        raise ValueError("'boxes', 'labels' and 'scores' must have the same length.")
    low = np.maximum(found[:, None, :2], truths[None, :, :2])
    high = np.minimum(found[:, None, 2:], truths[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=2)
    either = _areas(found)[:, None] + _areas(truths)[None] - both
    overlap = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    overlap[names[:, None] != truth_names[None]] = 0
    hits = np.zeros(len(found), dtype=np.bool_)
    for i in np.argsort(-sureness, kind="stable"):
        if len(truths) and overlap[i].max() >= threshold:
            hits[i] = True
            overlap[:, overlap[i].argmax()] = 0
    classes, counts = np.unique(truth_names, return_counts=True)
    return ImageDetections(
        names, sureness, hits, dict(zip(classes.tolist(), counts.tolist(), strict=True))
    )


def _boxes(values: npt.ArrayLike, name: str) -> Floats:
    array = np.asarray(values)
    if array.size == 0:
        return np.zeros((0, 4))
    boxes = as_scores(array, name, ndim=2)
    if boxes.shape[1] != 4:
        raise ValueError(f"The '{name}' parameter must have 4 columns: x1, y1, x2, y2.")
    if np.any(boxes[:, :2] > boxes[:, 2:]):
        raise ValueError(
            f"The '{name}' parameter must hold x1 <= x2 and y1 <= y2. Are these widths and heights?"
        )
    return boxes


def _areas(boxes: Floats) -> Floats:
    return np.asarray(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
