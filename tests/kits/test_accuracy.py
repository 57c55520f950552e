"""The kit ``accuracy``: the right answer, or a message that says what to do."""

import csv
import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from evidesk import data
from evidesk.evidence import Verdict
from evidesk.kits import Cancelled, KitError, load, silent
from evidesk.kits.accuracy import AccuracyParameters, kit
from evidesk.kits.execution import execute, parse
from evidesk.methods.metrics import accuracies, accuracy, fold_spread

IMAGENETTE = data.path("sota_on_uncertainties/imagenette2_last_top1_per_image.csv.gz")
NETWORKS = ["resnet50_s42", "resnext50_s42", "vit_small_s42"]


def run(path, truth="truth", prediction=("model",), progress=silent, **others):
    parameters = AccuracyParameters(table=path, truth=truth, prediction=list(prediction), **others)
    return kit.run(parameters, progress)


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


def imagenette():
    with gzip.open(IMAGENETTE, "rt") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in ["gtlabel", "fold", *NETWORKS]}


def test_the_kit_is_installed():
    assert load("accuracy") is kit


def test_the_networks_accuracies_are_those_of_the_method():
    columns = imagenette()
    expected = accuracies(columns["gtlabel"], {name: columns[name] for name in NETWORKS})
    evidence = run(IMAGENETTE, "gtlabel", NETWORKS, fold="fold")
    for finding, (name, estimate) in zip(
        evidence.findings, expected.estimates.items(), strict=True
    ):
        assert finding.sentence.startswith(name)
        assert (finding.estimate.value, finding.estimate.low, finding.estimate.high) == (
            estimate.value,
            estimate.low,
            estimate.high,
        )
        assert finding.estimate.null_value == 1350 / 13394
        assert finding.verdict is Verdict.SUPPORTED
    assert [row["correct"] for row in cells(evidence, "models")] == [12099, 12527, 9888]
    assert evidence.answer == (
        "Of 3 models, resnext50_s42 scores highest on these cases: right in 12,527 of 13,394 "
        "cases, accuracy 0.935 [0.931, 0.939] at 95 %."
    )
    assert evidence.warnings[0] == (
        "Which model is better is not answered here. All of them saw the same cases, so that takes "
        "a comparison case by case; whether two intervals overlap does not tell."
    )


def test_folds_give_a_table_a_spread_a_figure_and_a_warning():
    evidence = run(IMAGENETTE, "gtlabel", NETWORKS, fold="fold")
    folds = cells(evidence, "folds")
    assert [row["fold"] for row in folds[::3]] == [str(i) for i in range(20)]
    assert {row["n"] for row in folds} == {669, 670}
    for row in cells(evidence, "spread"):
        expected = fold_spread(
            [f["accuracy"] for f in folds if f["model"] == row["model"]],
            [f["n"] for f in folds if f["model"] == row["model"]],
        )
        assert (row["mean"], row["sd"], row["sigma"], row["ratio"]) == (
            expected.mean,
            expected.sd,
            expected.sigma,
            expected.ratio,
        )
    assert [figure.name for figure in evidence.figures] == ["intervals", "folds"]
    assert evidence.warnings[-1].startswith("Fold values are not independent replicates")


def test_without_folds_there_is_one_table_one_figure_and_no_warning(table):
    evidence = run(table(truth=[1, 2, 1], model=[1, 2, 2]))
    assert [t.name for t in evidence.tables] == ["models"]
    assert [f.name for f in evidence.figures] == ["intervals"]
    assert evidence.warnings == ()
    assert evidence.provenance is None
    assert evidence.answer == (
        f"model is right in 2 of 3 cases, accuracy {evidence.findings[0].estimate.short} at 95 %."
    )


@pytest.mark.parametrize("name", ["cases.parquet", "cases.jsonl", "cases.csv", "cases.tsv"])
def test_every_format_gives_the_same_evidence(tmp_path, table, name):
    rng = np.random.default_rng(0)
    columns = {
        "truth": rng.choice(["cat", "dog", "it's"], 200).tolist(),
        "model": rng.choice(["cat", "dog", "it's"], 200).tolist(),
        "part": rng.integers(0, 12, 200).tolist(),
        "patient": [f"p{i}" for i in rng.integers(0, 30, 200)],
    }
    expected = run(table("expected.csv", **columns), fold="part", group="patient")
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.table(columns), path)
    elif name.endswith("jsonl"):
        rows = pa.table(columns).to_pylist()
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        text = table("plain.csv", **columns).read_text()
        path.write_text(text.replace(",", "\t") if name.endswith("tsv") else text)
    assert run(path, fold="part", group="patient") == expected


def test_groups_widen_the_interval_as_the_method_does(table):
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(40), 5)
    truth = rng.integers(0, 3, 200)
    model = np.where(rng.random(40)[patients] < 0.8, truth, 9)
    evidence = run(table(truth=truth, model=model, patient=patients), group="patient")
    expected = accuracy(truth, model, groups=patients)
    (finding,) = evidence.findings
    found = (finding.estimate.low, finding.estimate.high)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert finding.estimate.over == "40 groups"
    assert cells(evidence, "models")[0]["design_effect"] > 4


@pytest.mark.parametrize(
    ("truth", "model", "right"),
    [
        (["1_2", "a", "b"], ["12", "a", "x"], 1),
        (["1e2", "a", "b"], ["100", "a", "x"], 1),
        (["1e5", "12e3", "77"], ["100000", "12000", "77"], 1),
        (["007", "7", "8"], ["7", "7", "8"], 2),
        ([0, 1, 2], ["0.000000000000000000e+00", "1.000000000000000000e+00", "2.0"], 3),
    ],
)
def test_only_labels_that_are_the_same_count_as_right(table, truth, model, right):
    evidence = run(table(truth=truth, model=model))
    assert cells(evidence, "models")[0]["correct"] == right


def test_integers_and_whole_floats_are_the_same_labels(table, tmp_path):
    assert (
        cells(run(table(truth=[0, 1, 2], model=["0.0", "1.0", "1.0"])), "models")[0]["correct"] == 2
    )
    path = tmp_path / "cases.parquet"
    pq.write_table(pa.table({"truth": [0, 1, 2], "model": [0.0, 1.0, 1.0]}), path)
    assert cells(run(path), "models")[0]["correct"] == 2


def test_text_that_looks_like_numbers_in_part_is_text(table):
    # A column of chromosomes of which the model never says X.
    path = table(truth=[1, 2, "X", 2] * 3, model=[1, 2, 2, 1] * 3)
    assert cells(run(path), "models")[0]["correct"] == 6


@pytest.mark.parametrize(
    ("right", "verdict"), [(95, Verdict.SUPPORTED), (50, Verdict.REFUTED), (78, Verdict.UNDECIDED)]
)
def test_the_verdict_compares_with_always_answering_the_most_frequent_label(table, right, verdict):
    truth = ["common"] * 80 + ["rare"] * 20
    model = truth[:right] + ["neither"] * (100 - right)
    (finding,) = run(table(truth=truth, model=model)).findings
    assert finding.verdict is verdict
    assert finding.sentence == (
        "model is right more often than always answering the most frequent label, common, would "
        "be (80.0 % of the cases)."
    )


def test_models_that_tie_are_said_to(table):
    truth = [1] * 50 + [2] * 50
    one_off, three_off = [2, *truth[1:]], [2, 2, 2, *truth[3:]]
    evidence = run(
        table(truth=truth, a=three_off, b=one_off, c=one_off), prediction=["a", "b", "c"]
    )
    assert evidence.answer.startswith(
        "Of 3 models, b and c score highest on these cases: right in 99 of 100 cases"
    )


def test_a_single_true_label_is_warned_of(table):
    evidence = run(table(truth=["x"] * 20, model=["x"] * 19 + ["y"]))
    assert "All cases have the same true label, x" in evidence.warnings[0]
    assert cells(evidence, "models")[0]["correct"] == 19
    assert evidence.findings[0].verdict is Verdict.REFUTED


def test_a_model_that_is_never_right_is_warned_of(table):
    evidence = run(table(truth=["Cat", "Dog"], model=["cat", "dog"]))
    assert "Not one prediction of model equals the true label" in evidence.warnings[0]


def test_folds_without_any_chance_have_no_ratio(table):
    evidence = run(table(truth=[1, 2, 1, 2], model=[1, 2, 1, 2], part=[1, 1, 2, 2]), fold="part")
    assert cells(evidence, "spread")[0]["ratio"] is None


def test_the_methods_warnings_become_the_evidences(table):
    path = table(truth=[1, 2, 1], model=[1, 2, 2])
    evidence = run(path, method="normal")
    assert "normal approximation is poor" in evidence.warnings[0]


@pytest.mark.filterwarnings("error")
def test_a_columns_name_may_hold_anything(table):
    name = "$\\frac{x}$\n'\"; DROP TABLE cube; --" + "x" * 100
    evidence = run(table(**{"truth": [1, 2], name: [1, 2]}), prediction=[name])
    assert evidence.findings[0].sentence.startswith("$\\frac{x}$ '\"; DROP TABLE cube; --xxx")
    assert cells(evidence, "models")[0]["model"] == name


@pytest.mark.filterwarnings("error")
def test_names_in_any_script_draw_figures_without_a_word(table, capfd):
    names = ["猫のモデル", "نموذج", "\ufffe\uffff -- ]]> &lt; 😀"]
    columns = {"wahr": [1, 2], **{name: [1, 2] for name in names}, "ก": ["๑", "๒"]}
    evidence = run(table(**columns), truth="wahr", prediction=names, fold="ก")
    shown = [*names[:2], "\ufffd\ufffd -- ]]> &lt; 😀"]
    assert [row["model"] for row in cells(evidence, "models")] == shown
    assert len(evidence.figures) == 2
    assert capfd.readouterr() == ("", "")


def test_what_a_terminal_would_obey_is_replaced_wherever_it_stands(table, tmp_path):
    clear, turn = "\x1b[2J", "\u202e"
    path = table(
        **{"truth": [f"a{clear}", "b"] * 3, f"m{clear}": [f"a{clear}", "b"] * 3},
        **{"n\x01": ["b"] * 6, "n\x02": ["c"] * 6, "part": [f"f{turn}"] * 3 + ["g"] * 3},
        patient=[f"{turn}{i}" for i in range(6)],
    )
    names = [f"m{clear}", "n\x01", "n\x02"]
    parameters = AccuracyParameters(
        table=path, truth="truth", prediction=names, fold="part", group="patient"
    )
    evidence = execute(kit, parameters, agent="Cyra")
    assert [row["model"] for row in cells(evidence, "models")] == ["m�[2J", "n�", "n�"]
    assert {row["fold"] for row in cells(evidence, "folds")} == {"f�", "g"}
    assert "a�[2J" in evidence.findings[0].sentence
    assert evidence.provenance.parameters["prediction"] == ["m�[2J", "n�", "n�"]
    assert evidence.write(tmp_path / "evidence")


def test_very_long_names_and_labels_are_shortened_in_the_middle(table):
    label = "x" * 200_000
    path = table(**{"truth": [label, "b"], "m" * 150_000: [label, "b"], "part": [label, "b"]})
    evidence = run(path, prediction=["m" * 150_000], fold="part")
    assert len(cells(evidence, "models")[0]["model"]) == 999
    assert {len(row["fold"]) for row in cells(evidence, "folds")} == {1, 999}


def test_long_names_that_begin_and_end_alike_stay_apart(table):
    names = [f"{'x' * 100}{middle}{'y' * 100}" for middle in "ab"]
    evidence = run(
        table(truth=[1, 2], **{name: [1, 2] for name in names}, part=[1, 2]),
        prediction=names,
        fold="part",
    )
    assert [row["model"] for row in cells(evidence, "models")] == names
    assert len(evidence.figures) == 2


@pytest.mark.parametrize(
    ("truth", "model", "message"),
    [
        (["cat"], [1], "'model' holds numbers, but the truth 'truth' holds text"),
        ([1, 2], ["one", "two"], "'model' holds text, but the truth 'truth' holds numbers"),
        ([1, 0], [True, False], "'model' holds true/false, but the truth 'truth' holds numbers"),
        ([1, 0, 1], [0.9, 0.2, 0.4], "numbers with decimals.*look like scores"),
        ([1, "", ""], [1, 2, 3], r"no value for 2 of 3 rows in column 'truth' \(first in row 2\)"),
        ([1, 2], ["nan", 2], r"1 of 2 rows in column 'model' \(first in row 1\).*Remove these"),
        (["", "a"], ["a", ""], "column 'truth' .*; 1 of 2 rows in column 'model'"),
        ([], [], "cases.csv has columns but no rows"),
    ],
)
def test_labels_that_cannot_be_compared_are_refused(table, truth, model, message):
    with pytest.raises(KitError, match=message):
        run(table(truth=truth, model=model))


@pytest.mark.parametrize(
    ("truth", "model", "message"),
    [
        ([1, 2], ["1", "2"], "'model' holds text, but the truth 'truth' holds numbers"),
        ([1, 0], [True, False], "'model' holds true/false"),
        ([1, 2], [1, "2"], "'model' of cases.json mixes numbers and text"),
        ([1, 2], [1, [2]], "'model' of cases.json holds lists or other values"),
        ([1, 2], [1, {"a": 1}], "holds lists or other values"),
        ([1, 2], [1, None], "1 of 2 rows in column 'model'"),
    ],
)
def test_types_that_a_file_states_are_believed(tmp_path, truth, model, message):
    path = tmp_path / "cases.json"
    rows = [{"truth": a, "model": b} for a, b in zip(truth, model, strict=True)]
    path.write_text(json.dumps(rows))
    with pytest.raises(KitError, match=message):
        run(path)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"truth": "modle"}, "no column 'modle'. Did you mean 'model'?"),
        ({"fold": "nowhere"}, "no column 'nowhere'"),
        ({"prediction": ["model", "model"]}, "prediction column 'model' is named twice"),
        ({"truth": "model"}, "'model' is named as the truth and as a prediction"),
        ({"fold": "truth"}, "'truth' is named as the fold and as labels"),
        ({"group": "model"}, "'model' is named as the group and as labels"),
        ({"fold": "one"}, "fold column 'one' has one value only: at least two folds"),
        ({"group": "one"}, "group column 'one' has one value only"),
        ({"fold": "id"}, "'id' has 1,001 values.* If it says which cases belong together"),
        ({"group": "gaps"}, r"1 of 1,001 rows in column 'gaps' \(first in row 2\)"),
    ],
)
def test_columns_that_do_not_fit_their_roles_are_refused(table, others, message):
    n = 1_001
    columns = {"truth": [1, 2, 1], "model": [1, 2, 2], "one": [5, 5, 5]}
    rows = {name: values * n for name, values in columns.items()}
    path = table(
        **{name: values[:n] for name, values in rows.items()},
        gaps=[1, "", *range(2, n)],
        id=range(n),
    )
    with pytest.raises(KitError, match=message):
        run(path, **others)


@pytest.mark.parametrize(
    "others",
    [
        {"prediction": []},
        {"prediction": [f"m{i}" for i in range(101)]},
        {"level": 1},
        {"level": 0},
        {"method": "wald"},
        {"tabel": 1},
    ],
)
def test_parameters_outside_their_ranges_are_refused(others):
    with pytest.raises(ValidationError):
        AccuracyParameters(**{"table": "t.csv", "truth": "a", "prediction": ["b"], **others})


@pytest.mark.parametrize("level", [95, "95", 1, 0, -0.5, "nan", "high", None])
def test_a_level_that_is_no_share_is_answered_with_how_to_write_it(level):
    values = {"table": "t.csv", "truth": "a", "prediction": ["b"], "level": level}
    with pytest.raises(KitError) as fault:
        parse(kit, values)
    assert str(fault.value) == "level: Write a number between 0 and 1, such as 0.95 for 95 %."


def test_a_level_may_come_as_text_as_from_a_command_line():
    values = {"table": "t.csv", "truth": "a", "prediction": ["b"], "level": "0.9"}
    assert parse(kit, values).level == 0.9
    schema = AccuracyParameters.model_json_schema()["properties"]["level"]
    assert (schema["exclusiveMinimum"], schema["exclusiveMaximum"]) == (0, 1)


def test_every_parameter_is_explained_for_a_form():
    for name, field in AccuracyParameters.model_fields.items():
        assert field.title, name
        assert field.description.endswith("."), name
    assert AccuracyParameters.file_fields() == ["table"]
    roles = {name: AccuracyParameters.role_of(name) for name in AccuracyParameters.model_fields}
    assert roles == {
        "table": "file",
        "truth": "column",
        "prediction": "column",
        "fold": "column",
        "group": "column",
        "level": None,
        "method": None,
    }


def test_progress_runs_from_0_to_1():
    told = []
    run(IMAGENETTE, "gtlabel", NETWORKS[:1], progress=lambda *step: told.append(step))
    shares = [done for done, _ in told]
    assert shares == sorted(shares)
    assert shares[0] <= 0.2
    assert told[-1] == (1.0, "Done")


def test_a_cancelled_run_ends(table):
    def cancel(done, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        run(table(truth=[1, 2], model=[1, 2]), progress=cancel)


def test_the_same_file_gives_the_same_evidence_to_the_byte():
    first, second = (run(IMAGENETTE, "gtlabel", NETWORKS, fold="fold") for _ in range(2))
    assert first == second
    assert [f.svg for f in first.figures] == [f.svg for f in second.figures]
