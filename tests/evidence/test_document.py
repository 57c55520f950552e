"""Tables, figures, provenance and the document hold only what can be written and read back."""

import dataclasses
import hashlib
import math
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidesk.evidence import (
    Column,
    Evidence,
    Figure,
    Finding,
    Input,
    Provenance,
    Table,
    Verdict,
    forest_plot,
    printable,
)

from .samples import SVG, a_plotted_figure, a_provenance, a_table, an_estimate, an_evidence


def reread(table: Table) -> Table:
    return Table.from_csv(table.to_csv(), name=table.name, title=table.title, columns=table.columns)


def test_a_table_is_read_from_its_csv_exactly() -> None:
    again = reread(a_table())
    assert again == a_table()
    assert math.copysign(1, again.rows[2][2]) == -1  # type: ignore[arg-type]


def test_a_table_of_one_empty_column_keeps_its_rows() -> None:
    for kind, cell in [("text", ""), ("number", None), ("integer", None)]:
        table = Table("t", "T", (Column("only", kind),), ((cell,), (cell,)))  # type: ignore[arg-type]
        assert reread(table) == table


TEXT = st.text(max_size=20).map(printable)


@given(
    st.lists(
        st.tuples(TEXT, st.none() | st.integers(), st.none() | st.floats(allow_nan=False)),
        max_size=5,
    )
)
def test_any_table_is_read_from_its_csv_exactly(rows: list[tuple[object, ...]]) -> None:
    columns = (Column("a", "text"), Column("b,\n", "integer"), Column('"c"', "number"))
    table = Table("t", "T", columns, tuple(rows))  # type: ignore[arg-type]
    assert reread(table) == table


def test_numpy_scalars_in_a_table_become_plain_numbers() -> None:
    np = pytest.importorskip("numpy")
    columns = (Column("a", "integer"), Column("b", "number"))
    table = Table("t", "T", columns, [[np.int32(3), np.float64(0.5)]])  # type: ignore[arg-type]
    assert table.rows == ((3, 0.5),)
    assert [type(cell) for cell in table.rows[0]] == [int, float]


@pytest.mark.parametrize(
    ("column", "cell", "complaint"),
    [
        ("text", None, "row 1 of table 't': a text cell must be text, got None"),
        ("text", 3, "a text cell must be text"),
        ("text", "\ud800", "a character that UTF-8 cannot"),
        ("text", "x" * 100_001, "a text cell of 100001 characters"),
        ("integer", 1.0, "a cell of kind integer cannot be 1.0"),
        ("integer", True, "a cell of kind integer cannot be True"),
        ("integer", "1", "a cell of kind integer cannot be '1'"),
        ("integer", 2**1024, "an integer of more than 1024 bits"),
        ("integer", -(10**400), "an integer of more than 1024 bits"),
        ("number", 10**400, "a cell of kind number is beyond the largest float"),
        ("number", math.nan, "NaN in a number column; a missing number is None"),
        ("number", False, "a cell of kind number must be a number, got False"),
        ("number", "0.5", "a cell of kind number must be a number, got '0.5'"),
    ],
)
def test_a_cell_that_does_not_fit_its_column_is_refused(
    column: str, cell: object, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Table("t", "T", (Column("a", column),), ((cell,),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "", "Upper", "with space", "../up", "a/b", "a.csv", "-a", "con", "com1", "x" * 65,
        "ä", "a\n", None,
    ],
)  # fmt: skip
def test_a_name_that_is_no_file_name_everywhere_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must name a file"):
        a_table(name)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("t", " ", (Column("a", "text"),), ()), "the title of table 't' must not be empty"),
        (("t", "T", (), ()), "table 't' has no columns"),
        (("t", "T", (Column("a", "text"), Column("a", "text")), ()), "'a' comes 2 times"),
        (("t", "T", (Column("a", "text"),), (("x", "y"),)), "row 1 .* 2 cells for 1 columns"),
    ],
)
def test_a_table_that_is_no_rectangle_is_refused(
    arguments: tuple[object, ...], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Table(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("", "text"), "a column's name must not be empty"),
        (("a", "date"), "must be text, integer or number, got 'date'"),
        (("a", "text", None), "the title of column 'a' must be text"),
        (("a", "text", "", 3), "the unit of column 'a' must be text"),
    ],
)
def test_a_column_of_no_known_kind_is_refused(
    arguments: tuple[object, ...], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Column(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the header must be"),
        ("b\n1\n", "the header must be"),
        ("a\n1,2\n", "2 cells for 1 columns"),
        ("a\none\n", "invalid literal"),
        ('a\n"1\n', "not CSV"),
    ],
)
def test_a_csv_of_another_table_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Table.from_csv(text, name="t", title="T", columns=[Column("a", "integer")])


def test_a_plotted_figure_has_the_same_bytes_every_time_and_is_closed() -> None:
    import matplotlib.pyplot as plt

    first, second = a_plotted_figure(), a_plotted_figure()
    assert first == second
    assert plt.get_fignums() == []
    assert "DOCTYPE" not in first.svg
    assert "<metadata>" not in first.svg
    assert "<text" not in first.svg  # letters are paths: they look the same everywhere


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"alt": "  "}, "the alternative text of figure 'bars' must not be empty"),
        ({"title": ""}, "the title of figure 'bars' must not be empty"),
        ({"data": None}, "the data of figure 'bars' must be a Table"),
        ({"svg": b"<svg/>"}, "the image of figure 'bars' must be text"),
    ],
)
def test_a_figure_without_words_or_data_is_refused(
    changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        dataclasses.replace(an_evidence().figures[0], **changes)  # type: ignore[arg-type]


def test_an_input_is_recorded_by_its_content(tmp_path: Path) -> None:
    content = b"x" * 3_000_000
    (tmp_path / "data.bin").write_bytes(content)
    record = Input.of(str(tmp_path / "data.bin"))
    assert record == Input("data.bin", hashlib.sha256(content).hexdigest(), 3_000_000)


@pytest.mark.parametrize(
    "arguments",
    [("", "a" * 64, 0), ("a", "A" * 64, 0), ("a", "a" * 63, 0), ("a", "a" * 64, -1),
     ("a", "a" * 64, True), ("a", None, 0), ("a", "a" * 64, 2**63)],
)  # fmt: skip
def test_an_input_without_a_true_digest_is_refused(arguments: tuple[str, str, int]) -> None:
    with pytest.raises(ValueError, match=r"an input's name|is no digest|bytes"):
        Input(*arguments)


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = (value,)
    return value


def test_provenance_keeps_parameters_within_one_another() -> None:
    kept = dataclasses.replace(a_provenance(), parameters={"x": nested(49)}).parameters["x"]
    assert str(kept) == "[" * 49 + "0" + "]" * 49


def test_provenance_keeps_times_in_utc_and_names_sorted() -> None:
    east = timezone(timedelta(hours=2))
    provenance = dataclasses.replace(
        a_provenance(),
        started=datetime(2026, 1, 1, 2, tzinfo=east),
        ended=datetime(2026, 1, 1, 3, tzinfo=east),
        parameters={"b": (1, 2), "a": None},
    )
    assert provenance.started == datetime(2026, 1, 1, tzinfo=UTC)
    assert provenance.started.utcoffset() == timedelta(0)
    assert list(provenance.parameters.items()) == [("a", None), ("b", [1, 2])]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"started": datetime(2026, 1, 1)}, "started must be a datetime with a time zone"),  # noqa: DTZ001
        ({"ended": "2026"}, "ended must be a datetime"),
        ({"ended": datetime(2020, 1, 1, tzinfo=UTC)}, "is before started"),
        ({"parameters": {"x": math.nan}}, "parameters must be JSON values"),
        ({"parameters": {"x": object()}}, "parameters must be JSON values"),
        ({"parameters": {"x": "\ud800"}}, "parameters holds a character that UTF-8 cannot"),
        ({"parameters": {"x": [{"\x1b": 1}]}}, "parameters holds the control character"),
        ({"parameters": {"x": nested(50)}}, "more than 50 values in one another"),
        ({"parameters": {"x": 10**5000}}, "parameters must be JSON values"),
        ({"versions": {"": "1"}}, "the name of a package must not be empty"),
        ({"started": datetime.min.replace(tzinfo=timezone(timedelta(hours=2)))}, "no moment that"),
        ({"parameters": {1: 2}}, "parameters must map names to values"),
        ({"parameters": None}, "parameters must map names to values"),
        ({"versions": {"python": 3}}, "the version of 'python' must be text"),
        ({"random_state": 1.5}, "random_state must be an integer or None"),
        ({"random_state": True}, "random_state must be an integer or None"),
        ({"kit": ""}, "kit must not be empty"),
        ({"agent": " "}, "agent must not be empty"),
        ({"commit": ""}, "commit must not be empty"),
    ],
)
def test_provenance_that_says_nothing_is_refused(
    changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        dataclasses.replace(a_provenance(), **changes)  # type: ignore[arg-type]


def test_provenance_survives_json() -> None:
    assert Provenance.from_json(a_provenance().to_json()) == a_provenance()
    with pytest.raises(ValueError, match="not a provenance"):
        Provenance.from_json({"kit": "accuracy"})


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"question": ""}, "question must not be empty"),
        ({"answer": "\n"}, "answer must not be empty"),
        ({"findings": ("a sentence",)}, "findings must be of type Finding"),
        ({"tables": (a_table(), a_table())}, "names of tables must be unique"),
        ({"figures": (Figure("f", "F", SVG, "alt", a_table()),) * 2}, "names of figures must be"),
        ({"warnings": "one sentence"}, "warnings must be several sentences"),
        ({"warnings": ("",)}, "a warning must not be empty"),
        ({"provenance": {}}, "provenance must be of type Provenance"),
    ],
)
def test_evidence_that_says_nothing_or_repeats_itself_is_refused(
    changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        dataclasses.replace(an_evidence(), **changes)  # type: ignore[arg-type]


def test_lists_become_tuples() -> None:
    evidence = Evidence("Q?", "A.", [], warnings=["w"])  # type: ignore[arg-type]
    assert (evidence.findings, evidence.tables, evidence.warnings) == ((), (), ("w",))


def test_a_finding_takes_its_verdict_by_word_and_shows_a_sign() -> None:
    finding = Finding("It holds.", an_estimate(), "refuted")  # type: ignore[arg-type]
    assert finding.verdict is Verdict.REFUTED
    assert [verdict.sign for verdict in Verdict] == ["✓", "✗", "?"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("", an_estimate()), "a finding's sentence must not be empty"),
        (("S.", 0.9), "a finding's estimate must be of type Estimate"),
        (("S.", an_estimate(), "perhaps"), "'perhaps' is not a valid Verdict"),
    ],
)
def test_a_finding_without_sentence_estimate_or_verdict_is_refused(
    arguments: tuple[object, ...], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Finding(*arguments)  # type: ignore[arg-type]


def test_forest_plot_has_a_row_for_each_estimate_and_its_numbers_at_the_right() -> None:
    import matplotlib.pyplot as plt

    for count in (1, 60):
        estimates = {f"row {i}": an_estimate(i) for i in range(count)}
        ax = forest_plot(estimates, xlabel="accuracy")
        assert [label.get_text() for label in ax.get_yticklabels()] == list(estimates)
        assert [text.get_text() for text in ax.texts] == [e.short for e in estimates.values()]
        assert ax.get_xlabel() == "accuracy"
        assert ax.yaxis_inverted()
        plt.close(ax.figure)


def test_forest_plot_marks_the_null_value_that_all_estimates_share() -> None:
    import matplotlib.pyplot as plt

    def dashed(*null_values: float | None) -> int:
        estimates = {str(i): an_estimate(null_value=null) for i, null in enumerate(null_values)}
        fig, ax = plt.subplots()
        assert forest_plot(estimates, ax) is ax
        plt.close(fig)
        return sum(line.get_linestyle() == "--" for line in ax.lines)

    assert [dashed(0.0, 0.0), dashed(0.93, 0.93), dashed(0.0, 1.0), dashed(None)] == [1, 1, 0, 0]


def test_forest_plot_stays_finite_where_the_bounds_do_not() -> None:
    import matplotlib.pyplot as plt

    estimates = {
        "up": an_estimate(3.0, 0.0, high=math.inf, finite=False, unit="s"),
        "both": an_estimate(3.0, low=-math.inf, high=math.inf, finite=False, unit="s"),
    }
    ax = forest_plot(estimates)
    assert all(math.isfinite(limit) for limit in ax.get_xlim())
    assert ax.get_xlabel() == "s"
    assert [line.get_marker() for line in ax.lines].count(">") == 2
    ax = forest_plot({"a": an_estimate(0.0, 0.0, unit="s"), "b": an_estimate(0.0, 0.0)})
    assert ax.get_xlim() == (-1.0, 1.0)
    assert ax.get_xlabel() == ""
    plt.close("all")


def test_forest_plot_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one estimate"):
        forest_plot({})
