"""The kit ``watch``: batches in one go or one by one, alarms, states, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evidesk.evidence import Evidence, Verdict
from evidesk.kits import Cancelled, KitError, watch_figures, watch_reading, watch_state
from evidesk.kits.execution import execute, parse
from evidesk.kits.kit import silent
from evidesk.kits.watch import kit
from evidesk.methods.shift import ShiftWatch


def table(n, shift=0.0, seed=0):
    rng = np.random.default_rng((n, seed))
    return pd.DataFrame(
        {
            "height": rng.normal(1.7 + shift, 0.1, n),
            "weight": rng.normal(70, 10, n),
            "city": rng.choice(["Jena", "Kiel", "Ulm"], n),
        }
    )


@pytest.fixture
def files(tmp_path):
    def written(reference, *batches):
        paths = []
        for number, frame in enumerate((reference, *batches)):
            paths.append(tmp_path / (f"week{number}.csv" if number else "train.csv"))
            frame.to_csv(paths[-1], index=False)
        return {"reference": str(paths[0]), "current": [str(one) for one in paths[1:]]}

    return written


def run(given, progress=silent, **options):
    return execute(kit, parse(kit, {**given, **options}), agent="Ada", progress=progress)


def state_of(evidence, folder, name="state.json"):
    path = folder / name
    path.write_text(evidence.files[0].text)
    return str(path)


def batches_of(evidence):
    [found] = evidence.tables
    return [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]


def test_a_shift_is_told_with_its_row_and_batch(files):
    reference, usual, shifted = table(600), table(60, seed=1), table(80, 0.15, seed=2)
    evidence = run(files(reference, usual, shifted), random_state=3)
    # The numbers are the method's.
    watch = ShiftWatch(reference, random_state=3)
    watch.update(usual)
    result = watch.update(shifted)
    assert 60 < result.alarm <= 140
    assert evidence.answer.startswith(
        f"The stream has shifted: alarm at row {result.alarm}, in batch 2, week2.csv (140 rows in "
    )
    assert evidence.answer.endswith("evidesk run shift train.csv week2.csv --out DIR.")
    [finding] = evidence.findings
    assert finding.verdict == Verdict.SUPPORTED
    assert finding.estimate.value == result.p_value
    first, second = batches_of(evidence)
    assert (first["first_row"], first["rows"], first["alarm"]) == (1, 60, None)
    assert (second["first_row"], second["rows"], second["alarm"]) == (61, 80, result.alarm)
    assert second["log10_e"] == pytest.approx(result.log_wealth / np.log(10))
    [figure] = evidence.figures
    assert f"crosses the alarm's line at 20 at row {result.alarm}" in figure.alt
    assert [row[0] for row in figure.data.rows] == list(range(1, 141))


def test_no_shift_is_none_found(files):
    evidence = run(files(table(400), table(50, seed=1)))
    assert evidence.answer.startswith("No shift was found in 50 rows in 1 batch (any-time p = ")
    assert evidence.findings[0].verdict == Verdict.UNDECIDED
    assert "stays below" in evidence.figures[0].alt
    assert any("exchangeable" in one for one in evidence.warnings)


def test_batches_in_one_go_or_one_by_one_give_the_very_same(files, tmp_path):
    frames = [table(40 + 7 * i, 0.03 * i, seed=i) for i in range(4)]
    given = files(table(700), *frames)
    whole = run(given)
    state, begun = None, run({**given, "current": []})
    state = state_of(begun, tmp_path)
    for path in given["current"]:
        last = run({**given, "current": [path]}, state=state)
        state = state_of(last, tmp_path)
    assert last.files == whole.files
    assert last.tables == whole.tables
    assert last.figures == whole.figures
    assert last.findings == whole.findings
    # How rows are cut into batches makes no difference to the e-value, either.
    joined = run(files(table(700), pd.concat(frames)))
    assert joined.findings == whole.findings
    assert joined.figures[0].data == whole.figures[0].data


def test_a_watch_is_begun_without_a_batch(files):
    evidence = run(files(table(500)))
    assert evidence.answer == "The watch is begun, with 400 reference rows to compare with."
    assert (evidence.findings, evidence.tables, evidence.figures) == ((), (), ())


def test_a_state_in_evidence_is_gone_on_from(files, tmp_path):
    given = files(table(300), table(40, seed=1))
    crate = run(given).write(tmp_path / "crate")
    assert Evidence.read(crate).files[0].title.startswith("The state")
    more = run({**given, "current": []}, state=str(crate / "files" / "state.json"))
    assert more.tables == run(given).tables
    names = [one.name for one in more.provenance.inputs]
    assert names == ["train.csv", "state.json"]
    assert more.provenance.parameters["current"] == []


def test_columns_can_be_chosen_and_a_batch_may_have_more(files):
    reference, batch = table(300), table(60, seed=1)
    batch["later"] = 1
    batch = batch[["later", "city", "weight", "height"]]
    assert batches_of(run(files(reference, batch)))[0]["rows"] == 60
    reference["code"] = np.arange(300) % 3
    batch["code"] = 9
    told = run(files(reference, batch), column=["code"], category=["code"])
    assert "alarm at row" in told.answer
    state = json.loads(told.files[0].text)
    assert state["kinds"] == {"code": "categories"}


def test_a_batch_is_not_taken_twice(files, tmp_path):
    given = files(table(300), table(40, seed=1), table(40, seed=1), table(40, seed=2))
    with pytest.raises(KitError, match=r"week2\.csv has the very content of batch 1, week1\.csv"):
        run(given)
    first, _, other = given["current"]
    evidence = run({**given, "current": [first]})
    state = state_of(evidence, tmp_path)
    with pytest.raises(KitError, match="the same rows are not taken twice"):
        run({**given, "current": [other, first]}, state=state)
    # A state of an earlier version does not know of its batches' content, and is gone on from.
    old = tmp_path / "old.json"

    def forget(body):
        del body["batches"][0]["sha256"], body["settings"]["without"]

    old.write_text(resealed(evidence.files[0].text, forget))
    assert len(batches_of(run({**given, "current": [first]}, state=str(old)))) == 2


def test_columns_that_tell_nothing_are_told(files):
    reference, batch = table(300), table(40, seed=1)
    for frame, start in ((reference, 0), (batch, 1000)):
        frame["event"] = [f"E{start + i:06}" for i in range(len(frame))]
        frame["run"] = 7
    given = files(reference, batch)
    evidence = run(given)
    assert evidence.warnings[0].startswith("Column event has 300 different texts in 300 rows")
    assert evidence.warnings[1].startswith("The reference holds only one value of run: ")
    assert json.loads(evidence.files[0].text)["kinds"].keys() == {
        *("height", "weight", "city", "run")
    }
    assert json.loads(run(given, column=["event"]).files[0].text)["kinds"].keys() == {"event"}
    assert "event" in json.loads(run(given, category=["event"]).files[0].text)["kinds"]
    less = run(given, without=["event", "run"])
    assert "exchangeable" in less.warnings[0]
    with pytest.raises(KitError, match=r"There is no column left to watch\. Column event has"):
        run(given, without=["height", "weight", "city", "run"])
    for without, message in (
        (["nothing"], "no column 'nothing'"),
        ([*reference.columns], r"All columns of train\.csv are left out"),
        (["run"], "both to be watched and to be left out"),
    ):
        with pytest.raises(KitError, match=message):
            run(given, without=without, column=["run"] if message.startswith("both") else [])


def test_dates_in_text_are_dates(files):
    reference, batch, later = table(300), table(40, seed=1), table(40, seed=2)
    hours = np.random.default_rng(0)
    for frame, start in ((reference, "2026-01-01"), (batch, "2026-01-01"), (later, "2027-01-01")):
        when = pd.Timestamp(start) + pd.to_timedelta(hours.integers(0, 300, len(frame)), unit="h")
        frame["when"] = when.astype(str)
    evidence = run(files(reference, batch))
    assert json.loads(evidence.files[0].text)["kinds"]["when"] == "times"
    assert "No shift was found" in evidence.answer
    assert "shifted: alarm" in run(files(reference, later)).answer
    batch.loc[7, "when"] = "yesterday"
    with pytest.raises(KitError, match="it holds dates: there is 'yesterday' in row 8"):
        run(files(reference, batch))
    batch["when"] = None
    assert batches_of(run(files(reference, batch)))[0]["rows"] == 40


def test_a_used_up_reference_is_told(files):
    evidence = run(files(table(60), table(80, seed=1)))
    assert "32 rows of the stream were compared with nothing" in evidence.warnings[0]
    assert evidence.answer.startswith("No shift was found in 48 of 80 rows in 1 batch: the others")
    assert batches_of(evidence)[0]["compared"] == 48
    soon = run(files(table(100), table(60, seed=1)))
    assert soon.warnings[0].startswith("Only 20 reference rows are left")


def test_a_large_reference_is_thinned_and_it_stays_said(files, tmp_path, monkeypatch):
    monkeypatch.setitem(watch_reading.read_reference.__kwdefaults__, "most_numbers", 900)
    given = files(table(600), table(20, seed=1))
    evidence = run(given)
    assert evidence.warnings[0].startswith("train.csv has 600 rows, of which 50 % were drawn")
    later = run({**given, "current": []}, state=state_of(evidence, tmp_path))
    assert later.warnings[0] == evidence.warnings[0]


def test_a_long_path_keeps_the_alarm_and_the_ends(files, monkeypatch):
    monkeypatch.setattr(watch_figures, "MOST_POINTS", 10)
    evidence = run(files(table(600), table(60, seed=1), table(70, 0.2, seed=2)))
    rows = [row[0] for row in evidence.figures[0].data.rows]
    alarm = batches_of(evidence)[1]["alarm"]
    assert {1, 60, alarm, 130} <= set(rows)
    assert rows == sorted(rows)
    assert len(rows) <= 13


def test_dates_and_empty_columns_of_typed_files(tmp_path):
    def parquet(name, n, **more):
        frame = pd.DataFrame(
            {"when": pd.date_range("2026-01-01", periods=n), "gap": pd.array([None] * n, "Float64")}
        ).assign(**more)
        frame.to_parquet(tmp_path / name)
        return str(tmp_path / name)

    reference = parquet("train.parquet", 100)
    same = run({"reference": reference, "current": [parquet("a.parquet", 20)]})
    assert json.loads(same.files[0].text)["kinds"] == {"when": "times", "gap": "empty"}
    filled = run({"reference": reference, "current": [parquet("b.parquet", 40, gap="text")]})
    assert "alarm at row" in filled.answer
    with pytest.raises(KitError, match=r"Column when of c\.parquet holds numbers, and in"):
        run({"reference": reference, "current": [parquet("c.parquet", 20, when=1.5)]})


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (table(20).drop(columns="city"), r"week1\.csv has no column 'city'"),
        (
            table(20).assign(height="tall"),
            r"Column height of week1\.csv holds text, and in .* numbers: there is 'tall' in row 1",
        ),
        (table(20)[:0], r"week1\.csv has no rows"),
        (table(20).assign(weight=np.inf), "infinite number"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(files, batch, message):
    with pytest.raises(KitError, match=message):
        run(files(table(100), batch))


def test_a_batch_beyond_memory_is_refused(files, monkeypatch):
    monkeypatch.setattr(watch_reading, "MOST_NUMBERS", 50)
    with pytest.raises(KitError, match="Part it into smaller batches"):
        run(files(table(100), table(20)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"column": ["hight"]}, "no column 'hight'. Did you mean 'height'"),
        ({"category": ["x"]}, "no column 'x'"),
        ({"level": 95}, "such as 0.95"),
        ({"random_state": -1}, "greater than or equal to 0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(files, options, message):
    with pytest.raises(KitError, match=message):
        run(files(table(100)), **options)


def test_a_reference_with_decimal_commas_is_refused(files):
    frame = table(50)
    frame["height"] = [f"{one:.2f}".replace(".", ",") for one in frame["height"]]
    with pytest.raises(KitError, match=r"Column height of train\.csv holds numbers with a comma"):
        run(files(frame))


def test_a_value_that_makes_a_column_text_is_told(files):
    frame = table(50)
    frame["height"] = frame["height"].astype(object).where(frame.index != 5, "--")
    [told] = run(files(frame)).warnings
    assert told.startswith("Column height was taken as categories: 49 of the 50 values in train")
    assert "are numbers, but not '--' in row 6. Leave such values empty" in told


def test_a_reference_of_few_rows_is_refused(files):
    with pytest.raises(KitError, match="needs 20 rows or more, got 19"):
        run(files(table(19)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 0.9}, "another value of 'level': 0.95, not 0.9"),
        ({"column": ["height"]}, "another value of 'column'"),
        ({"without": ["height"]}, "another value of 'without'"),
        ({"random_state": 5}, "another value of 'random_state': 0, not 5"),
    ],
)
def test_a_state_goes_on_with_what_it_was_begun_with(files, tmp_path, options, message):
    given = files(table(100))
    state = state_of(run(given), tmp_path)
    with pytest.raises(KitError, match=message):
        run(given, state=state, **options)


def test_a_state_belongs_to_its_reference(files, tmp_path):
    state = state_of(run(files(table(100))), tmp_path)
    with pytest.raises(KitError, match="belongs to a watch with another reference"):
        run(files(table(101)), state=state)


def resealed(text, change):
    body = json.loads(text)
    del body["sha256"]
    change(body)
    return json.dumps({**body, "sha256": watch_state._digest(body)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "no state of a watch, or is damaged"),
        (lambda text: "[]", "no state of a watch, or is damaged"),
        (lambda text: "[" * 100_000, "no state of a watch, or is damaged"),
        (lambda text: text.replace("0.95", "0.99"), "no state of a watch, or is damaged"),
        (lambda text: resealed(text, lambda b: b.pop("kinds")), "its parts do not fit"),
        (lambda text: resealed(text, lambda b: b.pop("watch")), "This is no state of a ShiftWatch"),
        (lambda text: resealed(text, lambda b: b.update(version=2)), "its parts do not fit"),
    ],
)
def test_what_is_no_state_is_refused(files, tmp_path, change, message):
    given = files(table(100))
    path = tmp_path / "state.json"
    path.write_text(change(run(given).files[0].text))
    with pytest.raises(KitError, match=message):
        run(given, state=str(path))


def test_a_state_too_large_to_go_on_from_is_refused(files, tmp_path, monkeypatch):
    given = files(table(100))
    path = state_of(run(given), tmp_path)
    monkeypatch.setattr(watch_state, "MOST_STATE_BYTES", 1_000)
    with pytest.raises(KitError, match="state takes 0 MB"):
        run(given)
    with Path(path).open("a") as file:
        file.write(" " * 2**17)
    with pytest.raises(KitError, match="too large to be a watch's state"):
        run(given, state=path)


def test_it_tells_how_far_it_is_and_can_be_cancelled(files):
    given, told = files(table(60), table(20)), []
    run(given, progress=lambda done, _message: told.append(done))
    assert told[-1] == 1

    def cancel(_done, message):
        if message.startswith("Taking"):
            raise Cancelled

    with pytest.raises(Cancelled):
        run(given, progress=cancel)
