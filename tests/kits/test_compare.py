"""The kit ``compare``: paired on the same cases, whatever the metric."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidesk import data
from evidesk.evidence import Verdict
from evidesk.kits import Cancelled, KitError, load, silent
from evidesk.kits.compare import CompareParameters, kit
from evidesk.kits.compare_cases import NumberCases
from evidesk.kits.execution import execute, parse
from evidesk.kits.table import TableFile
from evidesk.methods.metrics import compare_accuracy, difference, evaluate_labels
from evidesk.methods.metrics.folds import corrected_resampled_t
from evidesk.methods.metrics.regression import evaluate_values
from evidesk.methods.metrics.score_metrics import evaluate_scores
from tests.kits.tables import rows, write

IMAGENETTE = data.path("sota_on_uncertainties/imagenette2_last_top1_per_image.csv.gz")
NETWORKS = {"a": "resnext50_s42", "b": "resnet50_s42"}


def run(path, truth="truth", a="a", b="b", progress=silent, **others):
    parameters = parse(kit, {"table": str(path), "truth": truth, "a": a, "b": b, **others})
    return kit.run(parameters, progress)


def told(evidence):
    """The difference in the table, with its bounds and p-value."""
    row = rows(evidence, "comparison")[2]
    return row["value"], row["low"], row["high"], row["p_value"]


def of(comparison):
    e = comparison.estimate
    return pytest.approx((e.value, e.low, e.high, comparison.p_value), rel=1e-9, abs=1e-15)


@pytest.fixture
def table(tmp_path):
    return lambda **columns: write(tmp_path / "cases.csv", **columns)


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    truth = rng.choice(["cat", "dog", "owl"], 300)
    hit = rng.random(60)[np.arange(300) // 5]
    columns = {"truth": truth}
    for name, share in (("a", 0.85), ("b", 0.7)):
        right = rng.random(300) < share * hit**0.2
        columns[name] = np.where(right, truth, rng.choice(["cat", "dog"], 300))
    return columns | {"patient": np.arange(300) // 5, "part": np.arange(300) % 12}


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    truth = rng.random(400) < 0.3
    columns = {"truth": truth.astype(int)}
    for name, spread in (("a", 1.5), ("b", 2.5)):
        columns[name] = 1 / (1 + np.exp(-2 * truth + 1 + rng.normal(0, spread, 400)))
    return columns | {"patient": np.arange(400) // 4, "part": np.arange(400) % 3}


@pytest.fixture
def numbers():
    rng = np.random.default_rng(0)
    truth = rng.normal(10, 3, 300)
    noise = rng.normal(0, 1, 300)
    return {
        "truth": truth,
        "a": truth + noise + rng.standard_t(4, 300) / 4,
        "b": truth + 1.1 * noise + rng.standard_t(4, 300) / 4,
        "patient": np.arange(300) // 6,
        "part": np.arange(300) % 5,
    }


def test_the_kit_is_installed():
    assert load("compare") is kit


def test_the_networks_differ_as_the_research_note_says():
    evidence = run(IMAGENETTE, "gtlabel", **NETWORKS, fold="fold")
    counts = {row["outcome"]: row["n"] for row in rows(evidence, "cases")}
    assert counts == {
        "Both right": 11831,
        "Only resnext50_s42 right": 696,
        "Only resnet50_s42 right": 268,
        "Both wrong": 599,
    }
    assert evidence.answer == (
        "resnext50_s42 is better than resnet50_s42 by 3.2 [2.7, 3.6] points in accuracy at 95 %, "
        "judged on the same 13,394 cases (p = 1.2e-44, McNemar mid-p)."
    )
    (finding,) = evidence.findings
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.estimate.null_value == 0
    folds = rows(evidence, "folds")
    assert [row["fold"] for row in folds] == [str(i) for i in range(20)]
    assert sum(row["n"] for row in folds) == 13394
    assert sum(row["p_value"] < 0.05 for row in folds) == 18
    assert [figure.name for figure in evidence.figures] == ["folds"]
    over_folds = rows(evidence, "comparison")[3]
    expected = corrected_resampled_t([row["a"] for row in folds], [row["b"] for row in folds])
    assert expected.statistic == pytest.approx(10.4, abs=0.05)
    assert (over_folds["value"], over_folds["low"], over_folds["p_value"]) == (
        expected.difference.value,
        expected.difference.low,
        expected.p_value,
    )


def test_the_worse_model_first_refutes_and_reads_the_same():
    evidence = run(IMAGENETTE, "gtlabel", a=NETWORKS["b"], b=NETWORKS["a"])
    assert evidence.answer.startswith(
        "resnext50_s42 is better than resnet50_s42 by 3.2 [2.7, 3.6] points"
    )
    assert evidence.findings[0].verdict is Verdict.REFUTED
    assert evidence.warnings == ()


@pytest.mark.parametrize("group", [None, "patient"])
def test_accuracy_is_compared_as_the_method_does(table, labels, group):
    evidence = run(table(**labels), group=group)
    groups = None if group is None else labels["patient"]
    assert told(evidence) == of(
        compare_accuracy(labels["truth"], labels["a"], labels["b"], groups=groups)
    )
    assert ("60 groups" in evidence.answer) is (group is not None)


@pytest.mark.parametrize(
    ("metric", "name", "options"),
    [
        ("balanced-accuracy", "balanced_accuracy", {}),
        ("macro-f1", "f1", {"average": "macro"}),
        ("mcc", "mcc", {}),
    ],
)
@pytest.mark.parametrize("group", [None, "patient"])
def test_other_metrics_of_labels_are_compared_as_the_method_does(
    table, labels, metric, name, options, group
):
    evidence = run(table(**labels), metric=metric, group=group)
    found = evaluate_labels(
        name,
        labels["truth"],
        {m: labels[m] for m in "ab"},
        groups=None if group is None else labels["patient"],
        **options,
    )
    assert told(evidence) == of(difference(found, "a", "b"))
    values = [row["value"] for row in rows(evidence, "comparison")[:2]]
    assert values == pytest.approx(found.values)


@pytest.mark.parametrize("metric", ["auroc", "average-precision", "brier", "log-loss"])
@pytest.mark.parametrize("group", [None, "patient"])
def test_scores_are_compared_as_the_method_does(table, scores, metric, group):
    evidence = run(table(**scores), metric=metric, group=group)
    found = evaluate_scores(
        metric.replace("-", "_"),
        scores["truth"],
        {m: scores[m] for m in "ab"},
        groups=None if group is None else scores["patient"],
    )
    assert told(evidence) == of(difference(found, "a", "b"))
    assert [t.name for t in evidence.tables] == ["comparison"]


@pytest.mark.parametrize("metric", ["rmse", "mae"])
@pytest.mark.parametrize("group", [None, "patient"])
def test_numbers_are_compared_as_the_method_does(table, numbers, metric, group):
    evidence = run(table(**numbers), metric=metric, group=group, unit="K")
    found = evaluate_values(
        metric,
        numbers["truth"],
        {m: numbers[m] for m in "ab"},
        groups=None if group is None else numbers["patient"],
    )
    assert told(evidence) == of(difference(found, "a", "b"))
    errors = [np.abs(numbers[m] - numbers["truth"]) for m in "ab"]
    counts = [row["n"] for row in rows(evidence, "cases")]
    assert counts == [(errors[0] < errors[1]).sum(), (errors[0] > errors[1]).sum(), 0]
    assert " K in " in evidence.answer
    assert evidence.findings[0].sentence.endswith("is lower.")


@pytest.mark.filterwarnings("ignore:All cases say the same")
@settings(max_examples=20, deadline=None)
@given(
    exponent=st.integers(-5, 1),
    seed=st.integers(0, 99),
    metric=st.sampled_from(["rmse", "mae"]),
    scale=st.sampled_from([1e-60, 1.0, 1e60]),
)
def test_models_that_are_much_alike_are_told_apart_as_well(
    tmp_path_factory, exponent, seed, metric, scale
):
    rng = np.random.default_rng(seed)
    truth = scale * rng.normal(5, 1, 40)
    a = truth + scale * rng.standard_t(3, 40)
    b = a + scale * 10.0**exponent * rng.standard_t(3, 40)
    path = tmp_path_factory.mktemp("alike") / "cases.csv"
    write(path, truth=truth.tolist(), a=a.tolist(), b=b.tolist())
    with TableFile(path, silent) as file:
        cases = NumberCases(file, metric, "truth", ("a", "b"), "", None, None, silent)
        ours = cases.answer(("a", "b"), 0.95).comparison
    found = difference(evaluate_values(metric, truth, {"a": a, "b": b}), "a", "b")
    for name in ("value", "low", "high"):
        expected = getattr(found.estimate, name)
        size = found.estimate.half_width
        assert getattr(ours.estimate, name) == pytest.approx(expected, abs=1e-5 * size)
    assert ours.p_value == pytest.approx(found.p_value, rel=1e-4)


@pytest.mark.parametrize(
    ("cases", "metric"), [("labels", "macro-f1"), ("scores", "auroc"), ("numbers", "rmse")]
)
@pytest.mark.parametrize("group", [None, "patient"])
def test_each_fold_is_compared_as_if_it_were_alone(table, request, cases, metric, group):
    columns = request.getfixturevalue(cases)
    evidence = run(table(**columns), metric=metric, fold="part", group=group)
    folds = rows(evidence, "folds")
    names = list(map(str, range(columns["part"].max() + 1)))
    assert [row["fold"] for row in folds] == names
    last = columns["part"] == columns["part"].max()
    alone = run(
        table(**{name: values[last] for name, values in columns.items()}),
        metric=metric,
        group=group,
    )
    row = folds[-1]
    assert (row["difference"], row["low"], row["high"], row["p_value"]) == pytest.approx(
        told(alone)
    )
    assert row["n"] == last.sum()
    assert evidence.warnings[0].startswith("The difference is that of the very models")


def test_folds_that_are_too_small_are_said(table, scores):
    part = scores["part"].copy()
    part[np.flatnonzero(scores["truth"] == 0)[:4]] = 7
    evidence = run(table(**scores | {"part": part}), metric="auroc", fold="part")
    assert [row["fold"] for row in rows(evidence, "folds")] == ["0", "1", "2"]
    assert evidence.warnings[1] == "Too few cases or classes to compare in fold 7."
    each = np.arange(400)
    evidence = run(table(**scores | {"part": each}), metric="auroc", fold="part")
    assert [figure.name for figure in evidence.figures] == ["difference"]


def test_equal_models_cannot_be_told_apart(table):
    evidence = run(table(truth=[1, 2, 1, 2], a=[1, 2, 2, 2], b=[1, 2, 2, 2]))
    assert evidence.answer.startswith("Cannot tell a from b by accuracy: the difference is 0")
    assert evidence.findings[0].verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("metric", ["rmse", "mae"])
@pytest.mark.parametrize("error", [0, 1])
def test_equal_numbers_are_warned_of(table, metric, error):
    a = [1 + error, 2 - error, 3 + error]
    evidence = run(table(truth=[1, 2, 3], a=a, b=a), metric=metric)
    assert told(evidence) == (0, 0, 0, 1)
    assert "say the same of the difference" in evidence.warnings[0]


def test_a_perfect_model_is_better_than_another(table, numbers):
    columns = numbers | {"a": numbers["truth"]}
    evidence = run(table(**columns), metric="rmse")
    assert evidence.findings[0].verdict is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("truth", "positive"),
    [
        ([0, 1], None),
        ([-1, 1], None),
        (["False", "True"], None),
        (["healthy", "ill"], "ill"),
        (["false", "true"], "True"),
    ],
)
def test_the_positive_label_is_known_or_named(table, scores, truth, positive):
    columns = scores | {"truth": np.array(truth)[scores["truth"]]}
    options = {} if positive is None else {"positive": positive}
    evidence = run(table(**columns), metric="auroc", **options)
    assert told(evidence) == told(run(table(**scores), metric="auroc"))


@pytest.mark.parametrize(
    ("truth", "positive", "message"),
    [
        (["healthy", "ill"], None, "Name it as the positive label: healthy, ill"),
        (["healthy", "ill"], "well", "No true label in 'truth' is 'well'. The labels are: healthy"),
        (["ill", "ill"], "ill", "All true labels in 'truth' are 'ill'"),
        ([1, 1], None, "All true labels in 'truth' are '1'"),
        ([2, 2], None, "Which of the labels"),
    ],
)
def test_scores_need_two_classes(table, scores, truth, positive, message):
    columns = scores | {"truth": np.array(truth)[scores["truth"]]}
    options = {} if positive is None else {"positive": positive}
    with pytest.raises(KitError, match=message):
        run(table(**columns), metric="auroc", **options)


def test_many_labels_are_listed_in_part_and_too_many_refused(table):
    path = table(truth=range(20), a=range(20), b=range(20))
    with pytest.raises(KitError, match=re.escape("17, ...")):
        run(path, metric="auroc")
    path = table(truth=range(1_001), a=range(1_001), b=range(1_001))
    with pytest.raises(KitError, match="more than 1,000 different labels"):
        run(path, metric="auroc")


def test_scores_of_too_many_cases_are_refused_before_they_are_read(table, scores, monkeypatch):
    monkeypatch.setattr("evidesk.kits.compare_cases.MOST_SCORED", 399)
    with pytest.raises(KitError, match="400 rows, and scores of at most 399"):
        run(table(**scores), metric="auroc")


def test_too_many_patterns_are_refused(table, labels, monkeypatch):
    monkeypatch.setattr("evidesk.kits.patterns.MOST_ANSWERS", 9)
    with pytest.raises(KitError, match="Compare them by accuracy"):
        run(table(**labels), metric="mcc")
    with pytest.raises(KitError, match="Name a column with larger groups"):
        run(table(**labels), group="patient")


def test_scores_that_are_no_probabilities_have_no_brier_score(table, scores):
    columns = scores | {"b": scores["b"] * 10}
    with pytest.raises(KitError, match=r"'b' holds .* needs probabilities from 0 to 1"):
        run(table(**columns), metric="brier")


def test_a_metric_that_is_not_defined_is_said(table):
    with pytest.raises(KitError, match=r"No comparison by mcc: .*at least two cases"):
        run(table(truth=[1], a=[1], b=[2]), metric="mcc")
    with pytest.raises(KitError, match="No comparison by rmse: At least two cases"):
        run(table(truth=[1], a=[1], b=[2]), metric="rmse")


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"metric": "accuracy", "positive": "x"}, "A positive label is for scores"),
        ({"metric": "auroc", "unit": "K"}, "A unit is for numbers"),
        ({"metric": "rmse", "a": "truth"}, "'truth' is named as the truth and as A"),
        ({"metric": "auroc", "b": "a"}, "'a' is named as A and as B"),
        ({"metric": "rmse", "fold": "a"}, "'a' is named as A and as the fold"),
        ({"metric": "rmse", "group": "b"}, "'b' is named as B and as the group"),
        ({"metric": "accuracy", "b": "a"}, "'a' is named twice"),
        ({"metric": "auroc", "a": "aa"}, "no column 'aa'"),
        ({"metric": "rmse", "group": "gaps"}, r"1 of 1,001 rows in column 'gaps' .*row 2"),
        ({"metric": "auroc", "fold": "one"}, "fold column 'one' has one value only"),
        ({"metric": "rmse", "group": "one"}, "group column 'one' has one value only"),
        ({"metric": "rmse", "fold": "id"}, "'id' has 1,001 values"),
        ({"metric": "auroc", "truth": "gaps"}, "rows in column 'gaps'"),
        ({"metric": "brier", "a": "text"}, "no number in 1,001 of 1,001 rows in column 'text'"),
        ({"metric": "speed"}, "metric"),
        ({"level": 95}, "level: Write a number between 0 and 1"),
    ],
)
def test_what_does_not_fit_is_refused(table, others, message):
    n = 1_001
    path = table(
        truth=[0, 1, *[0] * (n - 2)],
        a=[0.5] * n,
        b=[0.25] * n,
        one=[1] * n,
        id=range(n),
        gaps=[1, "", *[0] * (n - 2)],
        text=["x"] * n,
    )
    with pytest.raises(KitError, match=message):
        run(path, **others)


@pytest.mark.parametrize("metric", ["mcc", "auroc", "rmse"])
def test_every_format_gives_the_same_evidence(tmp_path, table, scores, metric):
    columns = {name: values.tolist() for name, values in scores.items()}
    if metric == "mcc":
        columns |= {m: [int(x > 0.5) for x in columns[m]] for m in "ab"}
    options = {"metric": metric, "group": "patient", "fold": "part"}
    expected = run(table(**columns), **options)
    pq.write_table(pa.table(columns), tmp_path / "cases.parquet")
    records = pa.table(columns).to_pylist()
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, records)))
    assert run(tmp_path / "cases.parquet", **options) == expected
    assert run(tmp_path / "cases.jsonl", **options) == expected


def test_names_in_any_script_and_of_any_length(table, tmp_path):
    names = ["猫\x1b[2J" + "x" * 300, "猫\x1b[2J" + "y" * 300]
    columns = {"truth": ["ก", "b"] * 5, names[0]: ["ก", "b"] * 5, names[1]: ["ก", "ก"] * 5}
    path = table(**columns, part=["f\u202e", "g"] * 5)
    parameters = CompareParameters(table=path, truth="truth", a=names[0], b=names[1], fold="part")
    evidence = execute(kit, parameters, agent="Cyra")
    assert "\x1b" not in evidence.answer
    assert evidence.write(tmp_path / "evidence")


def test_a_cancelled_run_ends(table, scores):
    def cancel(done, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        run(table(**scores), metric="auroc", progress=cancel)


@pytest.mark.parametrize("metric", ["accuracy", "auroc", "mae"])
def test_progress_runs_from_0_to_1(table, scores, metric):
    told_so_far = []
    columns = scores | ({m: (scores[m] > 0.5) * 1 for m in "ab"} if metric == "accuracy" else {})
    run(table(**columns), metric=metric, progress=lambda *step: told_so_far.append(step))
    shares = [done for done, _ in told_so_far]
    assert all(0 <= share <= 1 for share in shares)
    assert told_so_far[-1] == (1.0, "Done")


def test_every_parameter_is_explained_for_a_form():
    for name, field in CompareParameters.model_fields.items():
        assert field.title, name
        assert field.description.endswith("."), name
    roles = {name: CompareParameters.role_of(name) for name in CompareParameters.model_fields}
    assert [name for name, role in roles.items() if role == "column"] == [
        "truth",
        "a",
        "b",
        "group",
        "fold",
    ]
