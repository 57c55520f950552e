"""The kit ``classification``: each class's right numbers, or a message that says what to do."""

import csv
import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import metrics as sklearn

from evidesk import data
from evidesk.evidence import Verdict
from evidesk.kits import Cancelled, KitError, load, silent
from evidesk.kits import classification_counts as counting
from evidesk.kits import classification_scores as scoring
from evidesk.kits.class_shares import cell_shares, class_shares
from evidesk.kits.classification import ClassificationParameters, kit
from evidesk.kits.execution import execute, parse
from evidesk.kits.wording import noted
from evidesk.methods.metrics import ConfusionMatrix, recall
from evidesk.methods.metrics.auroc import auroc
from evidesk.methods.metrics.classification import estimate_by_name
from evidesk.methods.metrics.label_table import table_of
from evidesk.methods.metrics.probability import brier

IMAGENETTE = data.path("sota_on_uncertainties/imagenette2_last_top1_per_image.csv.gz")


def run(path, truth="truth", prediction=("model",), progress=silent, **others):
    values = {"table": str(path), "truth": truth, "prediction": list(prediction), **others}
    return kit.run(parse(kit, values), progress)


@pytest.fixture
def table(tmp_path):
    """Writes the columns to a CSV file."""

    def write(name="cases.csv", **columns):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        path = tmp_path / name
        path.write_text(text.getvalue())
        return path

    return write


def cells(evidence, name):
    """The rows of a table as dictionaries."""
    (found,) = (table for table in evidence.tables if table.name == name)
    return [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]


def values(evidence, model="model"):
    return {row["metric"]: row for row in cells(evidence, "metrics") if row["model"] == model}


def patients(n=60, size=5, seed=0):
    """Cases of two classes with scores, in patients who differ."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n), size)
    ill = (rng.random(n) < 0.4)[who]
    score = 1 / (
        1 + np.exp(-(1.5 * ill - 0.7 + rng.normal(size=n)[who] + rng.normal(size=n * size)))
    )
    return {
        "truth": np.where(ill, "ill", "healthy"),
        "model": np.where(score > 0.5, "ill", "healthy"),
        "score": score.round(3),
        "patient": who,
    }


def test_the_kit_is_installed():
    assert load("classification") is kit


def test_the_networks_metrics_are_those_of_scikit_learn_with_the_methods_intervals():
    with gzip.open(IMAGENETTE, "rt") as file:
        rows = list(csv.DictReader(file))
    truth, said = ([row[name] for row in rows] for name in ("gtlabel", "resnet50_s42"))
    evidence = run(IMAGENETTE, "gtlabel", ["resnet50_s42"])
    found = values(evidence, "resnet50_s42")
    expected = {
        "accuracy": sklearn.accuracy_score(truth, said),
        "balanced accuracy": sklearn.balanced_accuracy_score(truth, said),
        "macro F1": sklearn.f1_score(truth, said, average="macro"),
        "MCC": sklearn.matthews_corrcoef(truth, said),
    }
    assert {name: row["value"] for name, row in found.items()} == pytest.approx(expected)
    matrix = ConfusionMatrix.from_labels(truth, said)
    for name, estimate in (
        ("macro F1", matrix.estimate("f1", average="macro")),
        ("MCC", matrix.estimate("mcc")),
    ):
        row = found[name]
        assert (row["low"], row["high"]) == pytest.approx((estimate.low, estimate.high))
    each = [row for row in cells(evidence, "classes") if row["metric"] == "Recall"]
    assert [row["low"] for row in each] == pytest.approx(
        [e.low for e in recall(truth, said, average=None).values()]
    )
    shares = cells(evidence, "confusion")
    assert sum(row["cases"] for row in shares) == 13394
    assert {"true": "3", "predicted": "5", "cases": 49}.items() <= next(
        row for row in shares if (row["true"], row["predicted"]) == ("3", "5")
    ).items()
    assert [f.name for f in evidence.figures] == ["metrics", "classes", "confusion"]
    assert evidence.warnings == ()
    assert evidence.answer == (
        "resnet50_s42 is right in 12,099 of 13,394 cases, accuracy 0.903 [0.898, 0.908] at 95 %; "
        "the share of each class that it finds reaches from 0.818 (3) to 0.956 (0)."
    )
    assert [f.verdict for f in evidence.findings] == [Verdict.SUPPORTED] * 4


@pytest.mark.parametrize("grouped", [False, True])
def test_every_class_and_cell_is_as_if_asked_by_itself(grouped):
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 5, 300)
    said = np.where(rng.random(300) < 0.6, truth, rng.integers(0, 7, 300))
    groups = rng.integers(0, 30, 300) if grouped else None
    truth[:3] = 8  # one group only, and never predicted
    if grouped:
        groups[:3] = 99
    table = table_of(truth, {"model": said}, groups=groups)
    found = class_shares(table, 0.9)
    for name, metric in (("recall",) * 2, ("precision",) * 2, ("f1",) * 2, ("iou", "jaccard")):
        with noted():
            expected = estimate_by_name(table, metric, average=None, level=0.9).values()
        for end in ("value", "low", "high"):
            assert getattr(found[name], end) == pytest.approx([getattr(e, end) for e in expected])
    true, predicted, shares = cell_shares(table, 0.9, 1_000)
    assert len(true) == table.k**2
    right = true == predicted
    assert shares.low[right] == pytest.approx(found["recall"].low)
    true, predicted, few = cell_shares(table, 0.9, 4)
    assert len(few.count) == 4
    assert (true != predicted).all()
    matrix = table.matrix()
    np.fill_diagonal(matrix, 0)
    assert sorted(few.count) == sorted(np.sort(matrix.ravel())[-4:])
    assert few.n == pytest.approx(table.matrix().sum(axis=1)[true])


def test_two_classes_have_metrics_of_the_positive_one(table):
    columns = patients()
    evidence = run(table(**columns), score=["score"], positive="ill", level=0.9)
    found = values(evidence)
    truth, said = columns["truth"], columns["model"]
    for name, row in (
        ("sensitivity", recall(truth, said, pos_label="ill", level=0.9)),
        ("AUROC", auroc(truth, columns["score"], pos_label="ill", level=0.9)),
        ("Brier score", brier(truth, columns["score"], pos_label="ill", level=0.9)),
    ):
        assert (found[name]["value"], found[name]["low"], found[name]["high"]) == pytest.approx(
            (row.value, row.low, row.high)
        )
    assert list(found)[-3:] == ["AUROC", "average precision", "Brier score"]
    assert [f.name for f in evidence.figures] == [
        *("metrics", "classes", "confusion"),
        *("roc", "precision-recall", "reliability"),
    ]
    assert len(evidence.findings) == 11
    roc = next(f.data for f in evidence.figures if f.name == "roc")
    assert {row[0] for row in roc.rows} == {"curve", "band"}


def test_the_greater_of_two_labels_is_positive_unless_another_is_named(table):
    path = table(truth=[0, 1, 1, 0, 1, 0] * 9, model=[0, 1, 0, 0, 1, 1] * 9, p=[0.1, 0.9, 0.4] * 18)
    assert values(run(path))["sensitivity"]["n"] == 27
    for positive in ("0", "0.0", " 0 "):
        evidence = run(path, positive=positive, score=["p"])
        assert "the cases that are 0 (sensitivity)" in evidence.findings[4].sentence
    path = table(truth=["True", "false"] * 9, model=["true", "false"] * 9)
    assert "are true (sens" in run(path).findings[4].sentence
    assert "are false (sens" in run(path, positive="FALSE").findings[4].sentence
    path = table(truth=[9, 10] * 9, model=[9, 10] * 9)
    assert "are 10 (sens" in run(path).findings[4].sentence, "numbers sort by their size"


def test_groups_widen_every_interval_and_reach_the_scores(table):
    columns = patients()
    path = table(**columns)
    alone, grouped = (
        run(path, score=["score"], positive="ill", group=g) for g in (None, "patient")
    )
    wider = values(grouped)
    for name, row in values(alone).items():
        assert wider[name]["high"] - wider[name]["low"] > row["high"] - row["low"], name
        assert wider[name]["method"].endswith(" over 60 groups")
    assert [w for w in alone.warnings if "with patient as the group they are" in w]
    assert grouped.warnings == ()
    expected = auroc(columns["truth"], columns["score"], pos_label="ill", groups=columns["patient"])
    assert (wider["AUROC"]["low"], wider["AUROC"]["high"]) == pytest.approx(
        (expected.low, expected.high)
    )


def test_several_models_are_told_apart_everywhere_and_not_compared(table):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 200)
    models = {
        f"m{i}": np.where(rng.random(200) < q, truth, 0) for i, q in enumerate((0.9, 0.6, 0.9))
    }
    models["m2"] = models["m0"]
    evidence = run(table(truth=truth, **models), prediction=list(models))
    assert evidence.answer.startswith("Of 3 models, m0 and m2 have the highest balanced accuracy")
    assert "takes a comparison case by case" in evidence.warnings[0]
    assert [t.name for t in evidence.tables] == [
        *("metrics", "classes"),
        *(f"confusion-{i}" for i in (1, 2, 3)),
    ]
    assert [f.name for f in evidence.figures][:5] == [
        *("metric-accuracy", "metric-balanced-accuracy", "metric-macro-f1", "metric-mcc"),
        "classes-1",
    ]
    assert evidence.figures[4].title.startswith("m0: recall and precision")
    one = run(table(truth=truth, **models), prediction=["m0", "m1"])
    assert one.answer.startswith("Of 2 models, m0 has the highest")


@pytest.mark.parametrize("name", ["cases.parquet", "cases.jsonl", "cases.tsv"])
def test_every_format_gives_the_same_evidence(tmp_path, table, name):
    columns = {key: np.asarray(value).tolist() for key, value in patients().items()}
    others = {"score": ["score"], "positive": "ill", "group": "patient"}
    expected = run(table("expected.csv", **columns), **others)
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.table(columns), path)
    elif name.endswith("jsonl"):
        path.write_text("\n".join(json.dumps(row) for row in pa.table(columns).to_pylist()))
    else:
        path.write_text(table("plain.csv", **columns).read_text().replace(",", "\t"))
    assert run(path, **others) == expected


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_too_many_scores_are_rounded_and_that_is_said(tmp_path, table, monkeypatch, suffix):
    columns = patients(n=100)
    columns["score"] = columns["score"] ** 7 / 3 + 0.4
    columns["score"][::2] = 1 - columns["score"][::2] / 1e7
    columns["score"][:2] = 0, 3.123456789
    path = tmp_path / f"t.{suffix}"
    plain = {key: np.asarray(value).tolist() for key, value in columns.items()}
    if suffix == "csv":
        path = table("t.csv", **plain)
    elif suffix == "parquet":
        pq.write_table(pa.table(plain), path)
    else:
        path.write_text("\n".join(json.dumps(row) for row in pa.table(plain).to_pylist()))
    exact = run(path, score=["score"], positive="ill")
    monkeypatch.setattr(scoring, "_MOST_SCORES", 100)
    assert run(path, score=["score"], positive="ill") == exact, "there are few at the head"
    monkeypatch.setattr(scoring, "_MOST_AT_HEAD", 50)
    rounded = run(path, score=["score"], positive="ill")
    (warning,) = (w for w in rounded.warnings if "rounded to 5 digits" in w)
    bound = float(warning.rpartition(" ")[2].removesuffix("."))
    one, other = (values(e)["AUROC"]["value"] for e in (exact, rounded))
    assert abs(one - other) <= bound < 1e-2


def test_what_needs_every_case_is_left_out_of_very_long_tables(table, monkeypatch):
    path = table(**patients())
    for module in ("classification", "classification_scores"):
        monkeypatch.setattr(f"evidesk.kits.{module}.MOST_CASES", 100)
    evidence = run(path, score=["score"], positive="ill")
    assert list(values(evidence))[-1] == "average precision"
    assert any(
        "Brier score and the reliability diagram are left out" in w for w in evidence.warnings
    )
    grouped = run(path, score=["score"], positive="ill", group="patient")
    assert list(values(grouped))[-1] == "F1"
    assert any("metrics of scores are left out" in w for w in grouped.warnings)


def test_scores_that_are_no_probabilities_have_no_brier_score(table):
    columns = patients()
    columns["score"] = columns["score"] * 3 - 1
    evidence = run(table(**columns), score=["score"], positive="ill")
    assert list(values(evidence))[-1] == "average precision"
    assert evidence.figures[-1].name == "precision-recall"


def test_one_class_against_all_others_has_scores_too(table):
    rng = np.random.default_rng(0)
    truth = rng.choice(["a", "b", "c"], 300)
    path = table(truth=truth, model=truth, p=(truth == "b") * 0.4 + rng.random(300) * 0.6)
    evidence = run(path, score=["p"], positive="b")
    assert values(evidence)["AUROC"]["value"] > 0.8
    with pytest.raises(KitError, match=r"There are 3 labels: a, b, c\. Say which"):
        run(path, score=["p"])


def test_many_classes_show_the_pairs_that_are_confused_most(table):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 60, 6000)
    model = np.where(rng.random(6000) < 0.7, truth, (truth + 1) % 60)
    evidence = run(table(truth=truth, model=model))
    confusion = evidence.figures[-1]
    assert "the pairs that are confused most" in confusion.title.lower()
    assert "40 with the lowest recall" in evidence.figures[1].title
    perfect = run(table(truth=truth, model=truth))
    assert "confused most" in perfect.figures[-1].title


def test_ten_thousand_classes_still_work_and_more_are_refused(table):
    labels = np.repeat(np.arange(10_000), 2)
    evidence = run(table(truth=labels, model=np.roll(labels, 1)))
    assert values(evidence)["accuracy"]["value"] == 0.5
    assert len({row["class"] for row in cells(evidence, "classes")}) == 5_000
    more = np.arange(10_001)
    with pytest.raises(KitError, match="10,001 different labels, and at most 10,000"):
        run(table(truth=more, model=more))


def test_groups_with_too_many_combinations_are_refused(table, monkeypatch):
    monkeypatch.setattr(counting, "_MOST_CELLS", 50)
    with pytest.raises(KitError, match="different combinations of group and labels"):
        run(table(**patients()), group="patient")


def test_what_is_never_predicted_or_never_true_is_warned_of(table):
    evidence = run(table(truth=["a", "b", "c"] * 30, model=["a", "d", "a"] * 30))
    assert "model never predicts b, c." in evidence.warnings
    assert "model predicts what is never true: d. Are the labels" in " ".join(evidence.warnings)


def test_more_labels_than_can_be_listed_are_counted(table):
    evidence = run(table(truth=list(range(15)) * 3, model=[0] * 45))
    assert "model never predicts 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 4 more." in evidence.warnings


def test_a_class_with_few_cases_is_warned_of_once_for_all_models(table):
    truth = ["a"] * 50 + ["b"] * 50 + ["rare"] * 2
    evidence = run(table(truth=truth, m1=truth, m2=truth), prediction=["m1", "m2"])
    about = [w for w in evidence.warnings if "rare" in w]
    assert len(about) == len(set(about)) > 0
    assert all(w.startswith("Fewer than 5 true cases: class 'rare'") for w in about)


def test_a_warning_of_one_model_names_it(table):
    truth = ["a"] * 50 + ["b"] * 50
    evidence = run(table(truth=truth, m1=truth, m2=["a"] * 100), prediction=["m1", "m2"])
    assert any(w.startswith("m2: ") for w in evidence.warnings)


def test_a_single_class_tells_nothing(table):
    evidence = run(table(truth=["x"] * 20, model=["x"] * 19 + ["y"], p=[0.5] * 20), score=["p"])
    assert "All cases have the same true label, x" in evidence.warnings[0]
    assert any("Scores tell nothing here" in w for w in evidence.warnings)
    assert evidence.answer.endswith("at 95 %.")
    only = run(table(truth=["x"] * 20, model=["x"] * 20))
    assert values(only)["accuracy"]["value"] == 1


def test_a_model_that_is_worse_than_chance_is_refuted(table):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    p = np.where(truth == 1, 0.05, 0.95)
    evidence = run(table(truth=truth, model=1 - truth, p=p), score=["p"])
    judged = [f.verdict for f in evidence.findings if f.estimate.null_value is not None]
    assert judged.count(Verdict.REFUTED) == 6
    guess = run(table(truth=truth, model=rng.integers(0, 2, 400)))
    assert guess.findings[3].verdict is Verdict.UNDECIDED


@pytest.mark.filterwarnings("error")
def test_names_and_labels_may_hold_anything(table, tmp_path, capfd):
    name = "$\\frac{x}$\n'\"; DROP TABLE cells; --" + "x" * 100
    labels = ["猫", "it's $x^2$", "\x1b[2J", "\ufffe]]> 😀"] * 20
    path = table(**{"truth": labels, name: labels, "p'": [0.1, 0.9, 0.4, 0.3] * 20})
    parameters = ClassificationParameters(
        table=path, truth="truth", prediction=[name], score=["p'"], positive="it's $x^2$"
    )
    evidence = execute(kit, parameters, agent="Cyra")
    assert evidence.write(tmp_path / "evidence")
    assert {row["class"] for row in cells(evidence, "classes")} >= {"猫", "\ufffd[2J"}
    assert capfd.readouterr() == ("", "")


def test_very_long_labels_that_begin_and_end_alike_stay_apart(table):
    labels = [f"{'x' * 90_000}{i}{'y' * 90_000}" for i in range(2)] * 2
    evidence = run(table(truth=labels, model=labels))
    assert len(cells(evidence, "confusion")) == 4


@pytest.mark.parametrize(
    ("truth", "model", "message"),
    [
        (["cat"], [1], "'model' holds numbers, but the truth 'truth' holds text"),
        ([1, 2], ["one", "two"], "'model' holds text, but the truth 'truth' holds numbers"),
        ([1, 0, 1], [0.9, 0.2, 0.4], "numbers with decimals.*look like scores"),
        ([1, "", ""], [1, 2, 3], r"no value for 2 of 3 rows in column 'truth' \(first in row 2\)"),
        ([1, 2], ["nan", 2], r"1 of 2 rows in column 'model' \(first in row 1\).*Remove these"),
        ([], [], "cases.csv has columns but no rows"),
        ([1], [1], "cases.csv has one row only"),
    ],
)
def test_labels_that_cannot_be_compared_are_refused(table, truth, model, message):
    with pytest.raises(KitError, match=message):
        run(table(truth=truth, model=model))


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (["0.1", "", "0.2"], "missing or no number in 1 rows"),
        (["0.1", "high", "low"], "missing or no number in 2 rows"),
        (["0.1", "NaN", "0.2"], "missing or no number in 1 rows"),
        (["0.1", "1e999", "0.2"], "missing or no number|is infinite"),
    ],
)
def test_scores_that_are_no_numbers_are_refused(table, score, message):
    with pytest.raises(KitError, match=message):
        run(table(truth=[0, 1, 1], model=[0, 1, 1], p=score), score=["p"])


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_scores_that_are_not_finite_are_refused(tmp_path, value):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"truth": [0, 1, 1], "model": [0, 1, 1], "p": [0.1, value, 1]}), path)
    with pytest.raises(
        KitError, match=r"column 'p' of t\.parquet is (infinite|missing or no number)"
    ):
        run(path, score=["p"])


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"truth": "modle"}, "no column 'modle'. Did you mean 'model'?"),
        ({"prediction": ["model", "model"]}, "prediction column 'model' is named twice"),
        ({"truth": "model"}, "'model' is named as the truth and as a prediction"),
        ({"group": "model"}, "'model' is named as the group and as labels"),
        ({"group": "one"}, "group column 'one' has one value only"),
        ({"group": "gaps"}, r"1 of 30 rows in column 'gaps' \(first in row 2\)"),
        ({"score": ["nowhere"]}, "no column 'nowhere'"),
        ({"score": ["p", "p"]}, "as many score columns as predictions, in the same order"),
        ({"positive": "maybe"}, r"There is no label 'maybe'\. The labels are: 1, 2\."),
        ({"level": 95}, "level: Write a number between 0 and 1"),
        ({"prediction": []}, "prediction: "),
    ],
)
def test_columns_and_options_that_do_not_fit_are_refused(table, others, message):
    path = table(
        truth=[1, 2] * 15,
        model=[1, 2, 2] * 10,
        one=[5] * 30,
        gaps=[1, "", *range(2, 30)],
        p=[0.5] * 30,
    )
    with pytest.raises(KitError, match=message):
        run(path, **others)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"truth,model\n1,1\n", mtime=0)[:-4])
    with pytest.raises(KitError, match="damaged or cut off"):
        run(path)


def test_every_parameter_is_explained_for_a_form():
    for name, field in ClassificationParameters.model_fields.items():
        assert field.title, name
        assert field.description.endswith("."), name
    roles = [
        ClassificationParameters.role_of(name) for name in ClassificationParameters.model_fields
    ]
    assert roles == ["file", "column", "column", "column", None, "column", None]


def test_progress_runs_from_0_to_1_and_can_be_cancelled(table):
    path, told = table(**patients()), []
    run(path, score=["score"], positive="ill", progress=lambda *step: told.append(step))
    shares = [done for done, _ in told]
    assert shares == sorted(shares)
    assert told[-1] == (1.0, "Done")

    def cancel(done, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        run(path, progress=cancel)


def test_the_same_file_gives_the_same_evidence_to_the_byte(table):
    path = table(**patients())
    first, second = (run(path, score=["score"], positive="ill") for _ in range(2))
    assert first == second
    assert [f.svg for f in first.figures] == [f.svg for f in second.figures]
