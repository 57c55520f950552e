"""The kit ``shift``: two tables, whether, how much and where they differ."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evidesk.evidence import Verdict
from evidesk.kits import Cancelled, KitError, load, silent
from evidesk.kits import shift as module
from evidesk.kits.execution import execute, parse
from evidesk.kits.shift import kit
from evidesk.kits.two_tables import TwoTables
from evidesk.methods.shift import two_sample_test
from tests.evidence.samples import an_estimate
from tests.kits.tables import rows


def table(n, shift=0.0, seed=0):
    """Pulse follows weight in the shifted table, and more ages are missing."""
    rng = np.random.default_rng([seed, n, int(100 * shift)])
    frame = pd.DataFrame(
        {
            "height": rng.normal(1.7, 0.1, n),
            "weight": rng.normal(70, 10, n),
            "age": np.where(rng.random(n) < 0.05 + shift, np.nan, rng.integers(18, 80, n)),
            "city": rng.choice(["Jena", "Kiel", "Ulm"], n, p=[0.3 + shift, 0.3, 0.4 - shift]),
        }
    )
    frame["pulse"] = rng.normal(60, 8, n) + (frame.weight - 70) * bool(shift)
    return frame


@pytest.fixture
def files(tmp_path):
    def write(reference, current):
        paths = {"reference": tmp_path / "train.csv", "current": tmp_path / "now.csv"}
        reference.to_csv(paths["reference"], index=False)
        current.to_csv(paths["current"], index=False)
        return paths

    return write


def run(paths, progress=silent, **options):
    return kit.run(parse(kit, {**paths, **options}), progress)


def test_the_kit_is_installed():
    assert load("shift") is kit


def test_a_shift_is_found_and_placed(files):
    reference, current = table(500), table(400, 0.2)
    evidence = run(files(reference, current), random_state=3)
    assert evidence.answer.startswith("The tables differ, in ")
    assert "AUROC of 0." in evidence.answer
    by_sentence = {one.sentence.split()[0]: one.verdict for one in evidence.findings[2:]}
    assert by_sentence["age"] == by_sentence["city"] == Verdict.SUPPORTED
    assert by_sentence["height"] == Verdict.UNDECIDED
    assert evidence.findings[0].verdict == evidence.findings[1].verdict == Verdict.SUPPORTED
    pair = rows(evidence, "pairs")[0]
    assert {pair["first"], pair["second"]} == {"weight", "pulse"}
    assert any("age is missing" in one["rule"] for one in rows(evidence, "regions"))
    assert [one.name for one in evidence.figures] == ["features", "roc", "pair"]
    # The numbers are the method's.
    expected = two_sample_test(dict(reference.items()), dict(current.items()), random_state=3)
    size = {one["what"]: one["value"] for one in rows(evidence, "size")}
    assert size["AUROC"] == expected.auc.value
    assert size["p-value"] == expected.p_value.value


def test_no_shift_is_none_found(files):
    evidence = run(files(table(200), table(150, seed=1)))
    assert evidence.answer.startswith("No difference was found (p = 0.")
    assert evidence.findings[0].verdict == Verdict.UNDECIDED


def test_columns_are_held_back_where_the_whole_test_finds_nothing(files, monkeypatch):
    def blind(*arguments, **options):
        p = replace(nothing, level=0.95)
        return replace(found(*arguments, **options), p_value=p, p_value_any_shift=p)

    found, nothing = two_sample_test, an_estimate(0.4, 0.0)
    monkeypatch.setattr(module, "two_sample_test", blind)
    evidence = run(files(table(500), table(400, 0.2)), random_state=3)
    assert evidence.answer.startswith("No difference was found (p = 0.4, ")
    assert {one.verdict for one in evidence.findings} == {Verdict.UNDECIDED}
    assert any("columns would be found to shift: " in one for one in evidence.warnings)
    assert [one.name for one in evidence.figures] == ["features", "roc"]


def test_a_sure_but_small_difference_is_said_to_be_small(files):
    reference, current = table(12_000)[["height"]], table(12_000, seed=1)[["height"]]
    current["height"] += 0.008
    told = run(files(reference, current)).answer
    assert told.startswith("The tables differ, in height")
    assert told.endswith("(--min-effect) sets what you do not mind.")


def test_times_are_told_as_such_and_no_row_alone(tmp_path):
    rng = np.random.default_rng(0)
    paths = {}
    for name, turn in (("reference", 0.0), ("current", 0.5)):
        day = rng.permutation(600) / 20
        frame = pd.DataFrame(
            {
                "when": pd.Timestamp("2026-03-01") + pd.to_timedelta(day, unit="D"),
                "signal": rng.normal(size=600) + turn * (day - 15),
            }
        )
        paths[name] = tmp_path / f"{name}.parquet"
        frame.to_parquet(paths[name])
    evidence = run(paths)
    assert any("when > 2026-03-" in one["rule"] for one in rows(evidence, "regions"))
    pair = evidence.figures[-1]
    assert pair.title.startswith(("when and signal hang together", "signal and when hang together"))
    columns = [one.name for one in pair.data.columns]
    cells = [dict(zip(columns, row, strict=True)) for row in pair.data.rows]
    along = "first" if pair.title.startswith("when") else "second"
    assert all(one[f"{along}_low"].startswith("2026-03-") for one in cells)
    assert {one["reference"] for one in cells} & {1, 2} == set()
    assert sum(one["reference"] for one in cells) > 500


def test_many_columns_and_warnings_in_the_words_of_the_faces(files):
    rng = np.random.default_rng(0)
    names = [f"a_long_name_of_a_sensor_that_is_number_{i:02d}" for i in range(27)]
    reference, current = (
        pd.DataFrame(rng.normal(size=(60, 27)), columns=names).assign(kind=kind)
        for kind in ("a", "b")
    )
    reference["drift"] = current["drift"] = np.arange(60.0)
    evidence = run(files(reference, current))
    assert evidence.figures[0].title.endswith(", and 4 more in the table")
    assert any("give “Rows in a block” (--block-length) or" in one for one in evidence.warnings)


def test_the_evidence_names_both_files_and_is_the_same_by_seed(files, tmp_path):
    paths = files(table(120), table(90, 0.2))
    first, second = (
        execute(kit, parse(kit, {**paths, "random_state": 1}), agent="Ada") for _ in range(2)
    )
    assert [one.name for one in first.provenance.inputs] == ["train.csv", "now.csv"]
    assert first.provenance.random_state == 1
    assert first.findings == second.findings
    assert first.tables == second.tables
    assert [one.svg for one in first.figures] == [one.svg for one in second.figures]
    first.write(tmp_path / "crate")


def test_a_small_shift_need_not_count(files):
    evidence = run(files(table(800), table(800, 0.05)), min_effect=0.3)
    assert evidence.answer.startswith("No difference beyond an AUROC of 0.8 was found (p = 1, ")
    assert evidence.answer.endswith(" Of any shift at all, p = 0.001.")
    assert evidence.findings[0].sentence.startswith("The tables differ beyond an AUROC of 0.8")
    assert evidence.findings[0].verdict == Verdict.UNDECIDED
    assert evidence.findings[1].sentence.startswith("The tables come from different distributions")
    assert evidence.findings[1].verdict == Verdict.SUPPORTED
    size = {one["what"]: one["value"] for one in rows(evidence, "size")}
    assert size["p-value"] == pytest.approx(0.001)
    assert size["p-value beyond an AUROC of 0.8"] > 0.99
    apart = table(300)
    apart["height"] += 1
    told = run(files(table(300), apart), min_effect=0.2).answer
    assert told.startswith("The tables differ beyond an AUROC of 0.7, in height")
    assert told.endswith(" Of any shift at all, p = 0.001.")


def test_groups_and_blocks_are_taken_as_one_case(files):
    reference, current = table(120), table(120, seed=1)
    reference["patient"] = np.arange(120) // 4
    current["patient"] = 100 + np.arange(120) // 4
    evidence = run(files(reference, current), group="patient")
    assert "30 groups" in str(evidence.findings[1].estimate)
    evidence = run(files(reference, current), column=["height"], block_length=10)
    assert "12 groups" in str(evidence.findings[1].estimate)
    with pytest.raises(KitError, match="Name a group or a length of blocks, not both"):
        run(files(reference, current), group="patient", block_length=10)


def test_of_large_tables_some_rows_are_searched(files, monkeypatch):
    monkeypatch.setattr(module, "_MOST_SEARCHED", 400)
    reference, current = table(600), table(500, 0.2)
    reference["patient"] = np.arange(600)
    current["patient"] = 1000 + np.arange(500)
    evidence = run(files(reference, current), group="patient")
    assert any("was looked for among" in one for one in evidence.warnings)
    assert evidence.answer.startswith("The tables differ, in ")
    drop = files(reference.drop(columns="patient"), current.drop(columns="patient"))
    assert any("was looked for among" in one for one in run(drop).warnings)


def test_data_made_from_the_very_seed_are_thinned_at_random(files, monkeypatch):
    monkeypatch.setattr(module, "_MOST_SEARCHED", 2_000)
    # As in many a first try: angles by NumPy's generator with the kit's own seed, 0.
    reference, current = (
        pd.DataFrame({"phi": np.random.default_rng(seed).uniform(-np.pi, np.pi, 4_000)})
        for seed in (0, 1)
    )
    evidence = run(files(reference, current))
    [found] = rows(evidence, "features")
    assert found["alone"] > 0.05
    thinned, _ = module._searched(
        TwoTables(
            {"phi": reference["phi"].to_numpy()}, {"phi": current["phi"].to_numpy()}, None, ()
        ),
        parse(kit, files(reference, current)),
    )
    for sample in (thinned.reference, thinned.current):
        assert 850 < len(sample["phi"]) < 1_150
        assert abs(sample["phi"].mean()) < 4 * np.pi / np.sqrt(3 * 1_000)


def test_few_rows_are_told_what_cannot_be_said(files):
    one = run(files(table(40), table(1)), column=["height"], level=0.9)
    assert [figure.name for figure in one.figures] == ["features"]
    assert any("cannot be told" in warning for warning in one.warnings)
    far = table(1)
    far["height"] = 99.0
    told = run(files(table(40), far), column=["height"], level=0.9)
    assert told.answer == "The tables differ, in height (p = 0.02, 40 and 1 rows)."


@pytest.mark.parametrize(
    ("reference", "current", "options", "message"),
    [
        (table(3), table(2), {}, "At least 7 rows"),
        (table(9)[["height"]] * 0, table(9)[["height"]] * 0, {}, "All columns are constant"),
        (table(9), table(9), {"block_length": 20}, "“Rows in a block” must be an integer from 1"),
        (table(9), table(9)[["height"]], {}, "Only train.csv has the column"),
        (table(9), table(9), {"level": 95}, "such as 0.95"),
        (table(9), table(9), {"min_effect": 0.5}, "min_effect: Input should be less than 0.5"),
    ],
)
def test_tables_that_cannot_be_compared_say_why(files, reference, current, options, message):
    with pytest.raises(KitError, match=message):
        run(files(reference, current), **options)


def test_it_tells_how_far_it_is_and_can_be_cancelled(files):
    paths, told = files(table(60), table(60)), []
    run(paths, progress=lambda done, _message: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1

    def cancel(done, _message):
        if done > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(paths, progress=cancel)
