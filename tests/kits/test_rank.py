"""The kit ``rank``: places of many models, from counted patterns or from scores."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evidesk import data
from evidesk.evidence import Verdict
from evidesk.kits import Cancelled, KitError, load, silent
from evidesk.kits.execution import execute, parse
from evidesk.kits.rank import RankParameters, kit
from evidesk.methods.metrics import evaluate_labels, rank
from tests.kits.tables import rows, write

IMAGENETTE = data.path("sota_on_uncertainties/imagenette2_last_top1_per_image.csv.gz")
NETWORKS = [
    f"{network}_s{seed}"
    for network in ("resnet50", "resnext50", "vit_small")
    for seed in (42, 1328, 1329, 1330, 1331, 1332)
]


def run(path, progress=silent, **others):
    return kit.run(parse(kit, {"table": str(path), **others}), progress)


def by_labels(path, prediction=("a", "b", "c"), **others):
    return run(path, **{"truth": "truth", "prediction": list(prediction), **others})


def sets(evidence):
    return {
        row["model"]: (row["best_place"], row["worst_place"]) for row in rows(evidence, "models")
    }


@pytest.fixture
def table(tmp_path):
    return lambda **columns: write(tmp_path / "cases.csv", **columns)


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    truth = rng.choice(["cat", "dog", "owl"], 400)
    columns = {"truth": truth}
    for name, share in (("a", 0.7), ("b", 0.9), ("c", 0.88)):
        columns[name] = np.where(rng.random(400) < share, truth, rng.choice(["cat", "ant"], 400))
    return columns | {"patient": np.arange(400) // 5}


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    hard = rng.normal(size=300)
    columns = {name: hard + rng.normal(i / 2, 0.5, 300) for i, name in enumerate("abcd")}
    return columns | {"patient": np.arange(300) // 5}


def test_the_kit_is_installed():
    assert load("rank") is kit


def test_the_networks_have_the_places_of_the_research_note():
    evidence = run(IMAGENETTE, truth="gtlabel", prediction=NETWORKS)
    places = sets(evidence)
    assert places["resnext50_s1330"] == (1, 5)
    assert places["resnext50_s42"] == (2, 6)
    for network, expected in (
        ("resnext50", (1, 6)),
        ("resnet50", (7, 12)),
        ("vit_small", (13, 18)),
    ):
        found = [
            value
            for name, value in places.items()
            if name.startswith(network) and name not in ("resnext50_s1330", "resnext50_s42")
        ]
        assert set(found) == {expected}
    assert evidence.answer.startswith(
        "3 groups of the 18 models can be told apart by accuracy at 95 %: resnext50_s1330, "
        "resnext50_s1332, resnext50_s1331 and 3 more (places 1 to 6); resnet50_s42, "
    )
    assert evidence.answer.endswith("would take about 220,000 more cases.")
    (finding,) = evidence.findings
    assert finding.verdict is Verdict.UNDECIDED
    assert (finding.estimate.value, finding.estimate.low, finding.estimate.high) == (1, 1, 5)
    assert len(rows(evidence, "pairs")) == 153


@pytest.mark.filterwarnings("ignore:Fewer than 5 true cases")
@pytest.mark.parametrize("group", [None, "patient"])
@pytest.mark.parametrize("method", ["holm", "max-t"])
@pytest.mark.parametrize("metric", ["accuracy", "macro-f1"])
def test_labels_are_ranked_as_the_method_does(table, labels, group, method, metric):
    evidence = by_labels(
        table(**labels), group=group, method=method, metric=metric, random_state=3, level=0.9
    )
    models = {name: labels[name] for name in "abc"}
    groups = None if group is None else labels["patient"]
    if metric == "accuracy" and group is None and method == "holm":
        right = {name: values == labels["truth"] for name, values in models.items()}
        expected = rank(right, level=0.9)
    else:
        name, options = ("accuracy", {}) if metric == "accuracy" else ("f1", {"average": "macro"})
        found = evaluate_labels(name, labels["truth"], models, groups=groups, **options)
        expected = rank(found, level=0.9, method=method, random_state=3)
    assert sets(evidence) == expected.sets
    found = [(row["value"], row["low"], row["high"]) for row in rows(evidence, "models")]
    e = [(e.value, e.low, e.high) for e in expected.estimates.values()]
    assert np.array(found) == pytest.approx(np.array(e), rel=1e-9)
    p = {(row["better"], row["worse"]): row["p_value"] for row in rows(evidence, "pairs")}
    for i, first in enumerate(expected.names):
        for j, second in enumerate(expected.names[i + 1 :], start=i + 1):
            assert p[first, second] == pytest.approx(expected.p_values[i, j], rel=1e-6)


def test_many_cases_are_ranked_by_t(table, labels, monkeypatch):
    exact = by_labels(table(**labels))
    monkeypatch.setattr("evidesk.kits.rank._MOST_EXACT", 1_199)
    assert sets(by_labels(table(**labels))) == sets(exact)
    assert "paired t" in by_labels(table(**labels)).findings[0].estimate.method


@pytest.mark.parametrize("group", [None, "patient"])
@pytest.mark.parametrize("lower", [False, True])
def test_scores_are_ranked_as_the_method_does(table, scores, group, lower):
    evidence = run(table(**scores), score=list("abcd"), group=group, lower_is_better=lower)
    expected = rank(
        {name: scores[name] for name in "abcd"},
        groups=None if group is None else scores["patient"],
        greater_is_better=not lower,
    )
    assert sets(evidence) == expected.sets
    order = "a, b, c, d" if lower else "d, c, b, a"
    assert evidence.answer == (
        f"All 4 models can be told apart by mean score at 95 %: {order}, best first."
    )
    assert evidence.findings[0].verdict is Verdict.SUPPORTED
    assert len(evidence.warnings) == 1


def test_models_that_cannot_be_told_apart_are_said_to(table):
    rng = np.random.default_rng(1)
    evidence = run(table(a=rng.random(20), b=rng.random(20)), score=["a", "b"])
    assert evidence.answer.startswith(
        "No part of the 2 models can be told apart from the rest by mean score at 95 %. "
    )
    assert "place 1 to 2. To separate " in evidence.answer


def test_equal_models_cannot_be_separated(table):
    evidence = by_labels(table(truth=[1, 2] * 9, a=[1, 1] * 9, b=[1, 1] * 9), ["a", "b"])
    assert "To separate" not in evidence.answer
    assert (
        "a and b are equally good on these cases; no number separates equals." in evidence.warnings
    )


def test_more_models_than_bits_in_a_number_and_pairs_than_anyone_reads(table):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 150)
    models = {
        f"m{i}": np.where(rng.random(150) < (0.95 if i < 30 else 0.3), truth, 1 - truth)
        for i in range(70)
    }
    evidence = by_labels(table(truth=truth, **models), list(models))
    expected = rank({name: values == truth for name, values in models.items()})
    assert sets(evidence) == expected.sets
    pairs = rows(evidence, "pairs")
    assert len(pairs) == 500
    assert [pairs[0]["better"], pairs[0]["worse"]] == list(expected.names[:2])
    (table_of_pairs,) = (t for t in evidence.tables if t.name == "pairs")
    assert table_of_pairs.title.startswith("The 500 nearest of 2,415 pairs")


def test_many_groups_are_named_in_part(table):
    scores = np.arange(14)[:, None] + np.random.default_rng(0).normal(0, 0.1, (14, 40))
    models = {f"m{i}": scores[i // 2] + 1e-3 * (i % 2) for i in range(28)}
    evidence = run(table(**models), score=list(models))
    assert evidence.answer.startswith("All 28 models")
    models |= {"last": models["m27"], "other": models["m27"]}
    evidence = run(table(**models), score=list(models))
    assert evidence.answer.count("place") == 10
    assert "m18 (place 12); and 18 groups more." in evidence.answer


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({}, "Name columns of predicted labels, or columns of scores: one of both."),
        ({"prediction": ["a", "b"], "score": ["a", "b"]}, "one of both"),
        ({"score": ["a"]}, "Name at least two models"),
        ({"prediction": ["a", "b"]}, "Name the column of the true label"),
        ({"score": ["a", "b"], "truth": "truth"}, "leave the true label out"),
        ({"score": ["a", "b"], "metric": "mcc"}, "leave the metric out"),
        ({"prediction": ["a", "b"], "truth": "truth", "lower_is_better": True}, "is for scores"),
        ({"score": ["a", "b"], "random_state": -1}, "random_state"),
        ({"score": [f"m{i}" for i in range(201)]}, "at most 200"),
        ({"score": ["a", "a"]}, "'a' is named as a score twice"),
        ({"score": ["a", "b"], "group": "b"}, "'b' is named as a score and as the group"),
        ({"score": ["a", "x"]}, "no column 'x'"),
        ({"score": ["a", "text"]}, "no number in 3 of 3 rows in column 'text'"),
        ({"score": ["a", "b"], "group": "gaps"}, r"1 of 3 rows in column 'gaps'"),
        ({"score": ["a", "b"], "group": "one"}, "group column 'one' has one value only"),
        ({"prediction": ["a", "text"], "truth": "truth"}, "'text' holds text"),
        ({"prediction": ["a", "b"], "truth": "gaps"}, "no value for 1 of 3 rows in column 'gaps'"),
    ],
)
def test_what_does_not_fit_is_refused(table, others, message):
    path = table(
        truth=[1, 2, 1], a=[1, 2, 2], b=[1, 1, 1], text=["x"] * 3, gaps=[1, "", 2], one=[1] * 3
    )
    with pytest.raises(KitError, match=message):
        run(path, **others)


def test_too_few_and_too_many_cases_are_refused(table, scores, labels, monkeypatch):
    with pytest.raises(KitError, match="The models cannot be ranked: "):
        run(table(a=[1], b=[2]), score=["a", "b"])
    with pytest.raises(KitError, match="The models cannot be ranked: "):
        by_labels(table(truth=[1], a=[1], b=[2]), ["a", "b"], metric="mcc")
    monkeypatch.setattr("evidesk.kits.rank.MOST_ANSWERS", 1_000)
    with pytest.raises(KitError, match="300 rows, and 4 scores of at most 250 can be ranked"):
        run(table(**scores), score=list("abcd"))


@pytest.mark.parametrize("options", [{"score": list("abcd")}, {"metric": "mcc"}, {}])
def test_every_format_gives_the_same_evidence(tmp_path, table, scores, labels, options):
    columns = scores if "score" in options else labels
    columns = {name: values.tolist() for name, values in columns.items()}
    if "score" not in options:
        options = options | {"truth": "truth", "prediction": list("abc")}
    expected = run(table(**columns), group="patient", **options)
    pq.write_table(pa.table(columns), tmp_path / "cases.parquet")
    records = pa.table(columns).to_pylist()
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, records)))
    for name in ("cases.parquet", "cases.jsonl"):
        assert run(tmp_path / name, group="patient", **options) == expected


def test_names_in_any_script_and_of_any_length(table, tmp_path):
    names = ["猫\x1b[2J" + "x" * 300, "猫\x1b[2J" + "x" * 150 + "y" + "x" * 149]
    path = table(**{names[0]: range(9), names[1]: [0, 2, 1] * 3})
    evidence = execute(kit, RankParameters(table=path, score=names), agent="Cyra")
    assert "\x1b" not in evidence.answer
    assert [row["model"] for row in rows(evidence, "models")] == [
        name.replace("\x1b", "\ufffd") for name in names
    ]
    assert evidence.write(tmp_path / "evidence")


def test_a_cancelled_run_ends(table, scores):
    def cancel(done, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        run(table(**scores), score=["a", "b"], progress=cancel)


def test_progress_runs_from_0_to_1(table, labels):
    told = []
    by_labels(table(**labels), progress=lambda *step: told.append(step))
    shares = [done for done, _ in told]
    assert shares == sorted(shares)
    assert told[-1] == (1.0, "Done")


def test_every_parameter_is_explained_for_a_form():
    for name, field in RankParameters.model_fields.items():
        assert field.title, name
        assert field.description.endswith("."), name
    assert RankParameters.role_of("score") == "column"


def test_the_desks_form_offers_labels_and_scores():
    from evidesk.desk.runs.forms import KitForm
    from evidesk.desk.vouchers.models import Attachment

    columns = ["truth", "a", "b"]
    form = KitForm(kit, columns, Attachment.objects.none(), {"score": ["a", "b"], **defaults()})
    assert form.is_valid(), form.errors
    assert form.values["score"] == ["a", "b"]
    wrong = KitForm(
        kit, columns, Attachment.objects.none(), {"score": ["a"], "prediction": ["b"], **defaults()}
    )
    assert not wrong.is_valid()
    assert "one of both" in str(wrong.errors)


def defaults():
    return {"metric": "accuracy", "method": "holm", "level": "0.95", "random_state": "0"}
