"""The kit ``regression``: sums made by SQL tell what the methods tell of all cases."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidesk.evidence import Verdict
from evidesk.kits import Cancelled, KitError, load, regression_counts, silent
from evidesk.kits.execution import execute, parse
from evidesk.kits.regression import RegressionParameters, kit
from evidesk.methods.metrics.means import evaluate_means
from evidesk.methods.metrics.regression import evaluate_values, mae, r2, rmse, spearman
from tests.kits.tables import rows, write

METRICS = {"rmse": rmse, "mae": mae, "r2": r2, "spearman": spearman}


def run(path, truth="y", prediction=("a",), progress=silent, **others):
    parameters = RegressionParameters(
        table=path, truth=truth, prediction=list(prediction), **others
    )
    return kit.run(parameters, progress)


def numbers(n=200, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(1_000, 3, n)
    return {
        "y": y,
        "a": y + rng.standard_t(3, n),
        "b": 900 + 0.1 * y + rng.exponential(2, n),
        "station": np.arange(n) // 8,
    }


@pytest.fixture
def table(tmp_path):
    return lambda **columns: write(tmp_path / "cases.csv", **columns)


def test_the_kit_is_installed():
    assert load("regression") is kit


@pytest.mark.filterwarnings("ignore:Do not rely")
@pytest.mark.parametrize("group", [None, "station"])
def test_the_metrics_are_those_of_the_methods(table, group):
    columns = numbers()
    evidence = run(table(**columns), prediction=["a", "b"], group=group, unit="K", level=0.9)
    groups = None if group is None else columns["station"]
    for name, method in METRICS.items():
        found = rows(evidence, name)
        effects = evaluate_values(
            name, columns["y"], {m: columns[m] for m in "ab"}, groups=groups
        ).design_effects
        for row, effect in zip(found, effects, strict=True):
            e = method(columns["y"], columns[row["model"]], groups=groups, level=0.9)
            assert (row[name], row["low"], row["high"], row["n"]) == pytest.approx(
                (e.value, e.low, e.high, 200), rel=1e-9
            )
            assert row.get("design_effect", 1.0) == pytest.approx(effect, rel=1e-9)
    errors = {m: columns[m] - columns["y"] for m in "ab"}
    expected = evaluate_means(errors, groups=groups).estimates(level=0.9)
    for row in rows(evidence, "mean_error"):
        e = expected[row["model"]]
        assert (row["mean_error"], row["low"], row["high"]) == pytest.approx(
            (e.value, e.low, e.high), rel=1e-9
        )
    assert {e.estimate.over for e in evidence.findings} == {"25 groups" if group else "cases"}


@pytest.mark.filterwarnings("ignore:Do not rely")
@settings(max_examples=15, deadline=None)
@given(
    y=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30),
    shift=st.floats(-1e9, 1e9),
    seed=st.integers(0, 9),
)
def test_any_numbers_give_what_the_methods_give(tmp_path_factory, y, shift, seed):
    y = np.array(y) + shift
    a = y + np.random.default_rng(seed).normal(0, 10.0 ** (seed - 5), len(y))
    path = write(tmp_path_factory.mktemp("any") / "cases.csv", y=y.tolist(), a=a.tolist())
    with regression_counts.TableFile(path, silent) as file:
        cases = regression_counts.look(file, "y", ["a"], None, silent)
        found = regression_counts.metrics(cases, 0.95, "", silent, (0, 1))
    for name, method in (("RMSE", rmse), ("MAE", mae)):
        ours, e = found[name][0]["a"], method(y, a)
        assert (ours.value, ours.low, ours.high) == pytest.approx(
            (e.value, e.low, e.high), rel=1e-6
        )
    if np.ptp(y) > max(1e-4 * np.abs(y).max(), 1e-60):
        ours, e = found["R2"][0]["a"], r2(y, a)
        assert (1 - ours.value, 1 - ours.low) == pytest.approx((1 - e.value, 1 - e.low), rel=1e-5)


def test_the_answer_names_the_smallest_error_and_what_it_explains(table):
    evidence = run(table(**numbers()), prediction=["b", "a"], unit="K")
    first = rows(evidence, "rmse")[1]
    assert evidence.answer.startswith(
        f"Of 2 models, a has the smallest root mean squared error: {first['rmse']:.2f} ["
    )
    assert "K at 95 %, over 200 cases; it explains 0." in evidence.answer
    assert evidence.warnings[0].startswith("Which model is better is not answered here.")
    assert len(evidence.figures) == 8
    alone = run(table(**numbers()))
    assert alone.answer.startswith("The root mean squared error of a is ")
    assert alone.warnings == ()
    assert [figure.name for figure in alone.figures] == ["predicted", "errors", "bias"]
    assert alone.provenance is None


def test_models_that_tie_are_said_to(table):
    columns = numbers()
    evidence = run(table(**columns, c=columns["a"]), prediction=["a", "c"])
    assert evidence.answer.startswith("Of 2 models, a and c have the smallest")
    assert "; they explain " in evidence.answer


def test_findings_say_which_way_predictions_are_off(table):
    y = np.arange(60.0)
    off = np.tile([0.9, 1.1], 30)
    path = table(y=y, high=y + off, low=y - off, even=y + off - 1, worse=3 * y - 59)
    evidence = run(path, prediction=["high", "low", "even", "worse"])
    verdicts = {finding.sentence: finding.verdict for finding in evidence.findings}
    assert verdicts["On average, high predicts too high."] is Verdict.SUPPORTED
    assert verdicts["On average, low predicts too low."] is Verdict.SUPPORTED
    assert {v for s, v in verdicts.items() if s.startswith("On average, even")} == {
        Verdict.UNDECIDED
    }
    closer = "is closer to the true values than always predicting their mean."
    assert verdicts[f"high {closer}"] is Verdict.SUPPORTED
    assert verdicts[f"worse {closer}"] is Verdict.REFUTED


def test_a_useless_model_is_left_undecided(table):
    rng = np.random.default_rng(0)
    y = rng.normal(size=40)
    evidence = run(table(y=y, a=y.mean() + 0.05 * rng.normal(size=40)))
    assert evidence.findings[1].verdict is Verdict.UNDECIDED


def test_a_constant_truth_has_no_r2_and_no_ranks(table):
    evidence = run(table(y=[2] * 8, a=[1, 2, 3, 4] * 2))
    assert {t.name for t in evidence.tables} == {"rmse", "mae", "mean_error"}
    assert "The true value is the same in all cases" in evidence.warnings[0]
    assert "R2" not in evidence.answer


def test_a_constant_prediction_ranks_nothing(table):
    evidence = run(table(y=range(20), a=[3] * 20))
    assert "spearman" not in {t.name for t in evidence.tables}
    assert "a predicts the same for all cases, which ranks nothing." in evidence.warnings
    both = run(table(y=range(20), a=[3] * 20, b=range(20, 40)), prediction=["a", "b"])
    assert [row["model"] for row in rows(both, "spearman")] == ["b"]


def test_copies_of_the_truth_are_warned_of(table):
    evidence = run(table(y=range(20), a=range(20)))
    assert rows(evidence, "rmse")[0]["high"] == 0
    assert any("Every prediction of a equals the true value" in w for w in evidence.warnings)


def test_few_large_errors_are_warned_of(table):
    evidence = run(table(y=[0.0] * 29 + [1.0], a=[0.001] * 29 + [30.0]))
    assert any("Do not rely on this RMSE" in warning for warning in evidence.warnings)


def test_ranks_of_too_many_cases_are_left_out(table, monkeypatch):
    monkeypatch.setattr("evidesk.kits.regression_counts.MOST_RANKED", 399)
    evidence = run(table(**numbers()))
    assert any("Spearman's correlation is left out" in w for w in evidence.warnings)


def test_figures_hold_all_cases_or_say_how_many_they_leave_out(table):
    rng = np.random.default_rng(0)
    y = rng.normal(size=5_000)
    a = y + rng.normal(size=5_000) / 10
    evidence = run(table(y=y, a=a))
    data = {figure.name: figure.data for figure in evidence.figures}
    assert sum(row[-1] for row in data["predicted"].rows) == 5_000
    y[0], a[1] = 1e9, -1e12
    evidence = run(table(y=y, a=a))
    (warning,) = (w for w in evidence.warnings if w.startswith("The figures leave out"))
    data = {figure.name: figure.data for figure in evidence.figures}
    shown = sum(row[-1] for row in data["errors"].rows)
    assert 4_900 < shown < 5_000
    widths = [row[2] - row[1] for row in data["errors"].rows]
    assert max(widths) < 0.1
    assert "of a" in warning


def test_numbers_whose_like_is_drawn_as_one_cell(table):
    # Outliers beyond what doubles can tell from the crowd end the search for its range.
    evidence = run(table(y=[1e60] + [1.0] * 3_000, a=[1.0] + [1.0] * 3_000))
    assert len(evidence.figures) == 3


@pytest.mark.parametrize("group", [None, "station"])
def test_mean_errors_by_true_value_are_those_of_the_method(table, group):
    columns = numbers(400)
    evidence = run(table(**columns), group=group)
    (bias,) = (f.data for f in evidence.figures if f.name == "bias")
    assert sum(row[2] for row in bias.rows) >= 395
    y, error = columns["y"], columns["a"] - columns["y"]
    middle = max(bias.rows, key=lambda row: row[2])
    edges = [(row[1] + other[1]) / 2 for row, other in zip(bias.rows, bias.rows[1:], strict=False)]
    assert sorted(edges) == edges
    near = np.argsort(np.abs(y - middle[1]))[: middle[2]]
    assert abs(middle[3] - error[near].mean()) < 1


def test_only_the_best_models_are_drawn_in_detail(table):
    columns = numbers(60)
    rng = np.random.default_rng(1)
    extra = {f"m{i}": columns["y"] + rng.normal(0, 1 + 9 * i, 60) for i in range(7)}
    evidence = run(table(y=columns["y"], **extra), prediction=list(extra))
    (predicted,) = (f for f in evidence.figures if f.name == "predicted")
    assert {row[0] for row in predicted.data.rows} == {f"m{i}" for i in range(6)}
    assert any("show the 6 models with the smallest errors of 7" in w for w in evidence.warnings)


@pytest.mark.parametrize("name", ["cases.parquet", "cases.jsonl", "cases.tsv"])
def test_every_format_gives_the_same_evidence(tmp_path, table, name):
    columns = {key: values.tolist() for key, values in numbers(60).items()}
    expected = run(table(**columns), group="station")
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.table(columns), path)
    elif name.endswith("jsonl"):
        path.write_text("\n".join(map(json.dumps, pa.table(columns).to_pylist())))
    else:
        path.write_text((tmp_path / "cases.csv").read_text().replace(",", "\t"))
    assert run(path, group="station") == expected


def test_a_folder_of_files_is_one_table_whatever_their_order(tmp_path):
    columns = numbers(300)
    pq.write_table(pa.table(columns), tmp_path / "one.parquet")
    folder = tmp_path / "parts"
    folder.mkdir()
    for i, part in enumerate(np.array_split(np.random.default_rng(0).permutation(300), 4)):
        pq.write_table(pa.table({k: v[part] for k, v in columns.items()}), folder / f"{i}.parquet")
    one, many = run(tmp_path / "one.parquet"), run(folder)
    assert one.answer == many.answer
    for name in ("rmse", "mae", "mean_error", "r2"):
        assert rows(one, name) == rows(many, name)


def test_the_same_file_gives_the_same_evidence_to_the_byte(table):
    path = table(**numbers(20_000))
    first, second = (run(path, prediction=["a", "b"], group="station") for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", r"no value in 1 of 3 rows in column 'a' \(first in row 2\)"),
        ("NaN", r"no value in 1 of 3 rows in column 'a' \(first in row 2\)"),
        ("x", r"something that is no number in 1 of 3 rows in column 'a' \(first in row 2, 'x'\)"),
        ("1,5", "'1,5'.*with a decimal point"),
        ("1_2", "first in row 2, '1_2'"),
        ("true", "first in row 2, 'true'"),
        ("-inf", "an infinite number in 1 of 3 rows"),
        ("1e71", r"beyond 1e\+70, too large for their powers"),
    ],
)
def test_what_is_no_number_is_refused_by_row_and_column(table, value, message):
    with pytest.raises(KitError, match=message):
        run(table(y=[1, 2, 3], a=[1, value, 3]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, None], "no value in 1 of 2 rows"),
        ([1, "2"], "something that is no number in 1 of 2 rows"),
        ([1, True], "no number"),
        ([1, [2]], "no number"),
        ([1, {"a": 2}], "no number"),
        ([1, float("inf")], "an infinite number"),
    ],
)
def test_types_that_a_file_states_are_believed(tmp_path, values, message):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([{"y": 1.5, "a": value} for value in values]))
    with pytest.raises(KitError, match=message):
        run(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "2"], "no number in 2 of 2 rows in column 'a' .*first in row 1, '1'"),
        ([True, False], "no number in 2 of 2 rows"),
        ([1.0, float("nan")], "no value in 1 of 2 rows"),
        ([1.0, float("-inf")], "an infinite number"),
        ([[1], [2]], "no number"),
    ],
)
def test_parquet_says_its_types_itself(tmp_path, values, message):
    pq.write_table(pa.table({"y": [1, 2], "a": values}), tmp_path / "t.parquet")
    with pytest.raises(KitError, match=message):
        run(tmp_path / "t.parquet")


def test_a_faulty_row_in_a_folder_is_named_with_its_file(tmp_path):
    for i, values in enumerate(([1.0, 2.0], [3.0, None])):
        pq.write_table(pa.table({"y": [1.0, 2.0], "a": values}), tmp_path / f"{i}.parquet")
    with pytest.raises(KitError, match=r"first in row 2 of 1.parquet"):
        run(tmp_path)


def test_decimals_and_small_integers_are_numbers(tmp_path):
    y = pa.array([1, 2, 4], pa.uint8())
    a = pa.array(["1.00", "2.50", "3.00"]).cast(pa.decimal128(5, 2))
    pq.write_table(pa.table({"y": y, "a": a}), tmp_path / "t.parquet")
    assert rows(run(tmp_path / "t.parquet"), "mae")[0]["mae"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"truth": "yy"}, "no column 'yy'"),
        ({"prediction": ["a", "a"]}, "'a' is named as a prediction twice"),
        ({"truth": "a"}, "'a' is named as the truth and as a prediction"),
        ({"group": "y"}, "'y' is named as the truth and as the group"),
        ({"group": "one"}, "group column 'one' has one value only"),
        ({"group": "gaps"}, r"1 of 3 rows in column 'gaps' \(first in row 2\)"),
    ],
)
def test_columns_that_do_not_fit_their_roles_are_refused(table, others, message):
    path = table(y=[1, 2, 3], a=[1, 2, 4], one=[5, 5, 5], gaps=["p", "", "q"])
    with pytest.raises(KitError, match=message):
        run(path, **others)


@pytest.mark.parametrize(
    ("values", "message"), [([], "columns but no rows"), ([1], "has one row only")]
)
def test_too_few_rows_are_refused(table, values, message):
    with pytest.raises(KitError, match=message):
        run(table(y=values, a=values))


def test_names_in_any_script_and_of_any_length(table, tmp_path):
    name = "猫\x1b[2J" + "x" * 300
    path = table(**{"y": range(9), name: range(1, 10), "patient": [1, 2, 3] * 3})
    parameters = RegressionParameters(
        table=path, truth="y", prediction=[name], group="patient", unit=" mg/l\n"
    )
    evidence = execute(kit, parameters, agent="Cyra")
    assert "\x1b" not in evidence.answer
    assert "mg/l at" in evidence.answer
    assert evidence.write(tmp_path / "evidence")


def test_a_cancelled_run_ends(table):
    def cancel(done, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        run(table(y=[1, 2], a=[1, 2]), progress=cancel)


def test_progress_runs_from_0_to_1(table):
    told = []
    run(table(**numbers(20)), progress=lambda *step: told.append(step))
    shares = [done for done, _ in told]
    assert all(0 <= share <= 1 for share in shares)
    assert told[-1] == (1.0, "Done")


def test_every_parameter_is_explained_for_a_form():
    for name, field in RegressionParameters.model_fields.items():
        assert field.title, name
        assert field.description.endswith("."), name
    assert RegressionParameters.role_of("prediction") == "column"
    with pytest.raises(KitError, match="unit"):
        parse(kit, {"table": "t.csv", "truth": "y", "prediction": ["a"], "unit": "x" * 41})


def test_more_groups_than_memory_holds_are_refused(table, monkeypatch):
    monkeypatch.setattr("evidesk.kits.sums._MOST_SUMS", 24)
    with pytest.raises(KitError, match="25 groups are too many to be held in memory"):
        run(table(**numbers()), group="station")
