"""Mean average precision: against a plain reading of COCO's rules, and its errors."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from evidesk.methods.metrics import (
    ImageDetections,
    PoorApproximationWarning,
    evaluate_detections,
    match_boxes,
    mean_average_precision,
)

pytestmark = pytest.mark.filterwarnings("ignore::evidesk.methods.metrics.PoorApproximationWarning")


def scene(rng, classes=3):
    """One image: boxes with their labels, and noisy detections of most of them."""
    truth = rng.integers(0, classes, rng.integers(0, 6))
    corner = rng.uniform(0, 100, (len(truth), 2))
    boxes = np.hstack([corner, corner + rng.uniform(5, 30, corner.shape)])
    kept = rng.random(len(truth)) < 0.8
    moved = boxes[kept] + rng.normal(0, 1.5, (kept.sum(), 4))
    moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2])
    named = np.where(rng.random(kept.sum()) < 0.9, truth[kept], rng.integers(0, classes))
    stray = rng.uniform(0, 100, (rng.integers(0, 3), 2))
    found = np.vstack([moved, np.hstack([stray, stray + 10])])
    labels = np.concatenate([named, rng.integers(0, classes, len(stray))])
    scores = rng.random(len(found)) * np.repeat([1, 0.7], [kept.sum(), len(stray)])
    return boxes, truth, found, labels, scores


def images(n, seed=0, classes=3):
    rng = np.random.default_rng(seed)
    return [match_boxes(*scene(rng, classes)) for _ in range(n)]


def slow_average_precision(found, name, interpolation):
    """As the papers say it, one detection and one recall at a time."""
    rows = [
        (float(score), bool(hit))
        for image in found
        for label, score, hit in zip(image.labels, image.scores, image.hits, strict=True)
        if label == name
    ]
    objects = sum(image.objects.get(name, 0) for image in found)
    rows.sort(key=lambda row: -row[0])
    hits, points = 0, []
    for i, (_, hit) in enumerate(rows):
        hits += hit
        points.append((hits / objects, hits / (i + 1)))
    recalls = np.arange(101) / 100
    if interpolation == "all-point":
        recalls = np.arange(1, objects + 1) / objects
    best = [max((p for r, p in points if r >= recall - 1e-12), default=0) for recall in recalls]
    return float(np.mean(best))


@pytest.mark.parametrize("interpolation", ["101-point", "all-point"])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_mean_over_classes_of_average_precision(interpolation, seed):
    found = images(25, seed)
    result = mean_average_precision(found, interpolation=interpolation)
    expected = [slow_average_precision(found, name, interpolation) for name in range(3)]
    assert [e.value for e in result.by_class.values()] == pytest.approx(expected)
    assert result.mean.value == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("interpolation", ["101-point", "all-point"])
def test_a_resample_is_the_sample_with_images_repeated(interpolation):
    found = images(20, classes=2)
    evaluation = evaluate_detections({"a": found}, interpolation=interpolation)
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, 4, (6, 20)).astype(float)
    for weights, value in zip(drawn, evaluation.replicate(drawn)[:, 0], strict=True):
        again = [i for i, w in zip(found, weights, strict=True) for _ in range(int(w))]
        names = {name for image in again for name in image.objects}
        expected = np.mean([slow_average_precision(again, n, interpolation) for n in names])
        assert value == pytest.approx(expected)


def test_contributions_are_the_derivatives_of_the_area():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(15):  # no two precisions alike, for the best of equals has no derivative
        hits = rng.random(30) < 0.7
        objects = {"a": int(hits.sum()) + int(rng.integers(0, 5))}
        found.append(ImageDetections(["a"] * 30, rng.random(30) + hits, hits, objects))
    evaluation = evaluate_detections({"x": found}, interpolation="all-point")
    assert evaluation.contributions.sum() == pytest.approx(0)
    start = 1 + 1e-3 * rng.random(15)
    step = 1e-6 * np.eye(15)
    slopes = (evaluation.replicate(start + step) - evaluation.replicate(start - step)) / 2e-6
    assert slopes[:, 0] == pytest.approx(evaluation.contributions[0], abs=1e-3)


@pytest.mark.parametrize("interpolation", ["101-point", "all-point"])
def test_the_error_is_about_the_bootstraps(interpolation):
    evaluation = evaluate_detections({"a": images(200)}, interpolation=interpolation)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(200, np.full(200, 1 / 200), 500).astype(float)
    assert evaluation.replicate(drawn).std() == pytest.approx(evaluation.errors[0], rel=0.15)


@pytest.mark.parametrize("method", ["delta", "percentile", "bca"])
def test_all_methods_make_an_interval_of_images_and_of_groups(method):
    found = images(200)
    alone = mean_average_precision(found, method=method, resamples=300, random_state=0).mean
    assert alone.low < alone.value < alone.high
    assert (alone.n, alone.over) == (200, "cases")
    groups = np.arange(200) // 4
    grouped = mean_average_precision(
        found, method=method, groups=groups, resamples=300, random_state=0
    ).mean
    assert grouped.over == "50 groups"
    assert evaluate_detections({"a": found}, groups=groups).design_effects > 0


def test_few_resamples_at_a_time_give_the_same(monkeypatch):
    evaluation = evaluate_detections({"a": images(20)})
    drawn = np.random.default_rng(1).integers(0, 4, (50, 20)).astype(float)
    whole = evaluation.replicate(drawn)
    monkeypatch.setattr("evidesk.methods.metrics.detection._BATCH", 100)
    assert np.array_equal(evaluation.replicate(drawn), whole)


def test_a_class_without_objects_does_not_count_and_one_without_detections_does():
    one = ImageDetections(["a", "stray"], [0.9, 0.99], [True, False], {"a": 1, "b": 2, "c": 0})
    result = mean_average_precision([one, one])
    assert {name: e.value for name, e in result.by_class.items()} == {"a": 1, "b": 0}
    assert result.mean.value == 0.5


def test_a_resample_without_a_class_is_the_mean_over_the_others():
    one = ImageDetections(["a"], [0.9], [True], {"a": 1})
    two = ImageDetections(["b"], [0.9], [False], {"b": 1})
    evaluation = evaluate_detections({"x": [one, two]})
    values = evaluation.replicate(np.array([[2.0, 0], [0, 2], [1, 1], [0, 0]]))[:, 0]
    assert values[:3].tolist() == [1, 0, 0.5]
    assert np.isnan(values[3])


def test_images_may_be_empty():
    empty = ImageDetections([], [], [], {})
    hit = ImageDetections(["a"], [0.9], [1], {"a": 1})
    assert mean_average_precision([hit, empty, hit]).mean.value == 1
    miss = ImageDetections([], [], [], {"a": 1})
    assert mean_average_precision([miss, miss]).mean.value == 0


def test_rare_classes_are_warned_of():
    with pytest.warns(PoorApproximationWarning, match="of the classes 0, 1, 2") as caught:
        mean_average_precision(images(10))
    assert caught[0].filename == __file__
    with pytest.warns(PoorApproximationWarning, match=r"0, 1, 10, 11, 2, \.\.\."):
        mean_average_precision(images(30, classes=12))


def test_a_result_prints_and_plots():
    result = mean_average_precision(images(60))
    assert str(result).splitlines()[0] == f"mAP {result.mean}"
    assert len(str(result).splitlines()) == 4
    axes = Figure().add_subplot()
    assert result.plot(axes) is axes


def test_detectors_are_compared_on_the_same_images():
    found = images(30)
    blind = [ImageDetections([], [], [], image.objects) for image in found]
    evaluation = evaluate_detections({"seeing": found, "blind": blind})
    assert evaluation.values[0] > evaluation.values[1] == 0
    with pytest.raises(ValueError, match="detector 'other' hold other objects"):
        evaluate_detections({"seeing": found, "other": found[::-1]})
    with pytest.raises(ValueError, match="'detectors' parameter must name at least one"):
        evaluate_detections({})


def test_boxes_are_matched_from_the_surest_down_each_object_once():
    truth = [[0, 0, 10, 10], [20, 0, 30, 10]]
    found = [[0, 0, 10, 9], [0, 0, 10, 10], [20, 0, 30, 10], [50, 0, 60, 10]]
    matched = match_boxes(truth, ["a", "a"], found, ["a", "a", "b", "a"], [0.9, 0.8, 0.7, 0.6])
    assert matched.hits.tolist() == [True, False, False, False]
    assert matched.objects == {"a": 2}
    strict = match_boxes(truth, ["a", "a"], found[:2], ["a", "a"], [0.9, 0.8], threshold=0.95)
    assert strict.hits.tolist() == [False, True]


def test_no_boxes_match_nothing():
    assert match_boxes([], [], [], [], []).objects == {}
    assert match_boxes([], [], [[0, 0, 1, 1]], ["a"], [0.5]).hits.tolist() == [False]
    assert match_boxes([[0, 0, 1, 1]], ["a"], [], [], []).objects == {"a": 1}
    flat = [[0, 0, 0, 0]]
    assert match_boxes(flat, ["a"], flat, ["a"], [0.5]).hits.tolist() == [False]


BOX = [[0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 0, 1]], ["a"], BOX, ["a"], [1]), "'true_boxes' parameter must have 4 columns"),
        ((BOX, ["a"], [[2, 0, 1, 1]], ["a"], [1]), "'boxes' parameter must hold x1 <= x2"),
        ((BOX, ["a", "b"], BOX, ["a"], [1]), "'true_boxes' and 'true_labels' must have the same"),
        ((BOX, ["a"], BOX, ["a"], [1, 2]), "'boxes', 'labels' and 'scores' must have the same"),
        (([[0, 0, np.nan, 1]], ["a"], BOX, ["a"], [1]), "'true_boxes' parameter must be finite"),
    ],
)
def test_what_is_no_box_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        match_boxes(*arguments)


@pytest.mark.parametrize("threshold", [0, 1.1, np.nan])
def test_a_threshold_that_is_none_is_refused(threshold):
    with pytest.raises(ValueError, match="'threshold' parameter"):
        match_boxes(BOX, ["a"], BOX, ["a"], [1], threshold=threshold)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], [1, 2], [1, 0], {"a": 1}), "must have the same length, got 1, 2 and 2"),
        ((["a"], [np.nan], [1], {"a": 1}), "'scores' parameter must be finite"),
        ((["a"], [1], [1], {}), "class 'a' has 1 hits for 0 objects"),
        ((["a"], [1], [0], {"a": -1}), r"objects\['a'\] must be an integer from 0 on"),
        ((["a"], [1], [0], {"a": 1.0}), r"objects\['a'\] must be an integer"),
        ((["a"], [1], [0], {"a": True}), r"objects\['a'\] must be an integer"),
    ],
)
def test_what_is_no_result_of_an_image_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ImageDetections(*arguments)


def test_images_that_say_nothing_are_refused():
    hit = ImageDetections(["a"], [0.9], [1], {"a": 1})
    with pytest.raises(ValueError, match="at least two images"):
        mean_average_precision([hit])
    with pytest.raises(ValueError, match="hold no object at all"):
        mean_average_precision([ImageDetections([], [], [], {})] * 2)
    with pytest.raises(ValueError, match="'interpolation' parameter must be one of 101-point"):
        mean_average_precision([hit, hit], interpolation="11-point")
    with pytest.raises(ValueError, match="at least two groups"):
        mean_average_precision([hit, hit], groups=[1, 1])
