"""A crate whose digests hold can still be hostile: it is read and shown, or refused, no third."""

import copy
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from evidesk.evidence import (
    Column,
    Evidence,
    EvidenceError,
    Figure,
    Table,
    crate,
    layout,
    printable,
    render,
)
from evidesk.evidence.checks import check_text

from .crates import FILES, document, folder_of, refusal, sealed
from .samples import SVG, an_estimate, an_evidence

DOCUMENT = json.loads(FILES["evidence.json"])
FUZZED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300
)


def deep(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


HOSTILE_VALUES = [
    None, True, 0, -1, 10**400, -(10**400), 10**4000, 2**63, 1e308, 5e-324, float("inf"),
    float("nan"), "", " ", "inf", "-inf", "\ud800", "\x1b[2J", "\u202ecod", "\x00", "a" * 501,
    "a" * 5_001, "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-01",
    "../../etc/passwd", "tables/again.csv", "con", "integer", "{0.__class__}", [], {}, [[]],
    {"a": {}}, {"\x1b": "\x1b"}, deep(49), deep(60), deep(300), [1] * 1_001, ["w"] * 1_001,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def mutated(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """The document after the change of one place in it."""
    value = copy.deepcopy(value)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return value


def removed(holder: Any, key: Any) -> None:
    del holder[key]


def doubled(holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder.append(holder[key])
    else:
        holder[f"{key} again"] = holder[key]


def put(replacement: Any) -> Callable[[Any, Any], None]:
    def change(holder: Any, key: Any) -> None:
        holder[key] = replacement

    return change


def assert_shown_or_refused(folder: Path) -> None:
    try:
        evidence = Evidence.read(folder)
    except EvidenceError as error:
        check_text("the message", str(error), longest=1_000)
        return
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        Console(file=nowhere, width=80).print(render(evidence))
    assert crate.files(evidence)["evidence.json"]


@given(
    path=st.sampled_from([path for path in places(DOCUMENT) if path]),
    change=st.sampled_from([removed, doubled, *map(put, HOSTILE_VALUES)]),
)
@FUZZED
def test_whatever_the_document_says_it_is_shown_or_refused(
    tmp_path: Path, path: tuple[Any, ...], change: Callable[[Any, Any], None]
) -> None:
    text = json.dumps(mutated(DOCUMENT, path, change))
    assert_shown_or_refused(folder_of(sealed({"evidence.json": text.encode()}), tmp_path))


@given(
    name=st.sampled_from(["evidence.json", "tables/accuracy.csv", "figures/bars.svg"]),
    piece=st.sampled_from(
        ["9" * 400, "9" * 5_000, "1e999", "NaN", "nan", "\x00", "\x1b", "\r", '"', ",", "\n", "<",
         "{", "[" * 50_000, "\\ud800", "&#0;", "]]>", "é", "\ufeff", "<g>" * 200, "١٢"]
    ),
    data=st.data(),
)  # fmt: skip
@FUZZED
def test_whatever_a_file_says_it_is_shown_or_refused(
    tmp_path: Path, name: str, piece: str, data: st.DataObject
) -> None:
    text = FILES[name].decode()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 8, len(text))))
    changed = (text[:start] + piece + text[end:]).encode()
    assert_shown_or_refused(folder_of(sealed({name: changed}), tmp_path))


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("findings", 0, "estimate", "high"), 10**400, "high is beyond the largest float"),
        (("findings", 0, "estimate", "n"), 10**400, "at $.findings[0].estimate.n: 1000"),
        (("provenance", "inputs", 0, "size"), 10**400, "at $.provenance.inputs[0].size: 1000"),
        (("provenance", "started"), "0001-01-01T00:00:00+23:59", "no moment that UTC can tell"),
        (("provenance", "parameters"), {"a": deep(300)}, "more than 50 values in one another"),
        (("provenance", "versions"), {"": "1"}, "at $.provenance.versions: '' should be non-empty"),
        (("question",), deep(300), "at $.question: [["),
        (("question",), "a" * 5_001, "at $.question: at most 5000 are possible, got 5001"),
        (("answer",), "clear\x1b[2J", r"answer holds the control character '\x1b'"),
        (("warnings",), ["w"] * 1_001, "at $.warnings: at most 1000 are possible, got 1001"),
        (("figures", 0, "title"), "t" * 501, "at $.figures[0].title: at most 500 are possible"),
        (("\x1b[31m",), 0, "'\\x1b[31m' was unexpected"),
    ],
)  # fmt: skip
def test_a_hostile_document_is_refused_with_a_clear_message(
    tmp_path: Path, path: tuple[Any, ...], value: Any, complaint: str
) -> None:
    text = json.dumps(mutated(DOCUMENT, path, put(value)))
    message = refusal(folder_of(sealed({"evidence.json": text.encode()}), tmp_path))
    assert message.startswith("evidence.json ")
    assert complaint in message


@pytest.mark.parametrize("cell", ["9" * 400, "9" * 5_000])
def test_a_number_of_many_digits_in_a_table_is_refused(tmp_path: Path, cell: str) -> None:
    rows = FILES["tables/accuracy.csv"].replace(b",670,", f",{cell},".encode())
    message = refusal(folder_of(sealed({"tables/accuracy.csv": rows}), tmp_path))
    assert message.startswith("tables/accuracy.csv cannot be read: ")


# What evidence can hold, for whoever writes it and for whoever reads it.

NARROW = (Column("a", "integer"),)


def tables(count: int) -> tuple[Table, ...]:
    return tuple(Table(f"t{i}", "T", NARROW, ()) for i in range(count))


def figures(count: int) -> tuple[Figure, ...]:
    return tuple(Figure(f"f{i}", "F", SVG, "alt", tables(1)[0]) for i in range(count))


@pytest.mark.parametrize(
    ("field", "most", "make"),
    [
        ("findings", 200, lambda count: an_evidence().findings[:1] * count),
        ("tables", 200, tables),
        ("figures", 100, figures),
        ("warnings", 1_000, lambda count: ("Careful.",) * count),
    ],
)
def test_evidence_holds_no_more_than_can_be_read(
    tmp_path: Path, field: str, most: int, make: Callable[[int], tuple[object, ...]]
) -> None:
    full = dataclasses.replace(an_evidence(), **{field: make(most)})
    assert Evidence.read(full.write(tmp_path / "crate")) == full
    with pytest.raises(ValueError, match=f"at most {most} {field} are possible, got {most + 1}"):
        dataclasses.replace(full, **{field: make(most + 1)})
    listed = json.loads((tmp_path / "crate" / "evidence.json").read_bytes())[field]
    fuller = sealed({"evidence.json": document(**{field: [*listed, listed[0]]})})
    message = refusal(folder_of(fuller, tmp_path / "fuller"))
    assert f"at $.{field}: at most {most} are possible, got {most + 1}" in message


def test_a_table_holds_at_most_a_thousand_columns_and_says_so_at_once(tmp_path: Path) -> None:
    columns = tuple(Column(f"c{i}", "integer") for i in range(40_000))
    assert len(Table("t", "T", columns[:1_000], ()).columns) == 1_000
    started = time.process_time()
    with pytest.raises(ValueError, match="at most 1000 columns of table 't' are possible"):
        Table("t", "T", columns, ())
    wide = copy.deepcopy(DOCUMENT)
    wide["tables"][0]["columns"] = [vars_of(column) for column in columns]
    message = refusal(folder_of(sealed({"evidence.json": json.dumps(wide).encode()}), tmp_path))
    assert "at $.tables[0].columns: at most 1000 are possible, got 40000" in message
    assert time.process_time() - started < 2


def vars_of(column: Column) -> dict[str, str]:
    return dataclasses.asdict(column)


LONG_SENTENCE, LONG_NAME = "s" * 5_001, "n" * 501


@pytest.mark.parametrize(
    "make",
    [
        lambda: dataclasses.replace(an_evidence(), question=LONG_SENTENCE),
        lambda: dataclasses.replace(an_evidence(), answer=LONG_SENTENCE),
        lambda: dataclasses.replace(an_evidence(), warnings=(LONG_SENTENCE,)),
        lambda: dataclasses.replace(an_evidence().findings[0], sentence=LONG_SENTENCE),
        lambda: dataclasses.replace(an_evidence().figures[0], alt=LONG_SENTENCE),
        lambda: dataclasses.replace(an_evidence().figures[0], title=LONG_NAME),
        lambda: an_estimate(method=LONG_NAME),
        lambda: an_estimate(unit=LONG_NAME),
        lambda: Table("t", LONG_NAME, NARROW, ()),
        lambda: Column(LONG_NAME, "text"),
        lambda: Column("a", "text", LONG_NAME),
        lambda: Column("a", "text", "", LONG_NAME),
        lambda: dataclasses.replace(an_evidence().provenance, kit=LONG_NAME),  # type: ignore[type-var]
        lambda: dataclasses.replace(an_evidence().provenance, agent=LONG_NAME),  # type: ignore[type-var]
        lambda: dataclasses.replace(an_evidence().provenance, commit=LONG_NAME),  # type: ignore[type-var]
        lambda: dataclasses.replace(an_evidence().provenance, versions={LONG_NAME: "1"}),  # type: ignore[type-var]
        lambda: dataclasses.replace(an_evidence().provenance, versions={"a": LONG_NAME}),  # type: ignore[type-var]
    ],
)  # fmt: skip
def test_a_text_too_long_to_be_read_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(
        ValueError, match=r"must have at most (5000|500) characters, got (5001|501)"
    ):
        make()


def test_more_cells_than_anyone_reads_are_neither_written_nor_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "MAX_CELLS", 40)
    rows = tuple((i,) for i in range(50))
    evidence = dataclasses.replace(an_evidence(), tables=(Table("t", "T", NARROW, rows),))
    complaint = r"the evidence has \d+ cells of tables, and at most 40 are possible"
    with pytest.raises(EvidenceError, match=complaint):
        evidence.write(tmp_path / "crate")
    monkeypatch.undo()
    evidence.write(tmp_path / "crate")
    monkeypatch.setattr(layout, "MAX_CELLS", 40)
    monkeypatch.setattr(Table, "from_csv", lambda *_, **__: pytest.fail("a table was made"))
    with pytest.raises(EvidenceError, match=complaint):
        Evidence.read(tmp_path / "crate")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("evidence.json", b"[" + b'"",' * 1_500_000 + b'""]'),
        ("evidence.json", document(warnings=[""] * 900_000)),
        ("evidence.json", document(**{f"k{i}": 0 for i in range(300_000)})),
        ("tables/accuracy.csv", b"model,n,accuracy,seconds\r\n" + b"a\n" * 30_000_000),
        ("figures/bars.svg", SVG.replace("/>", "/>" + "<g>" * 5_000_000).encode()),
        ("figures/bars.svg", SVG.replace("/>", "/>" + "<g/>" * 5_000_000).encode()),
    ],
    ids=["much in little", "warnings", "unknown fields", "rows", "elements", "flat elements"],
)  # fmt: skip
def test_a_crate_made_to_exhaust_is_refused_at_once(
    tmp_path: Path, name: str, content: bytes
) -> None:
    folder = folder_of(sealed({name: content}), tmp_path)
    started = time.process_time()
    refusal(folder)
    assert time.process_time() - started < 5


# Texts that a terminal would obey.

UNPRINTABLE = ["\x00", "\x07", "\x1b", "\r", "\x7f", "\x9b", "\u202e", "\u2066", "\u2069"]


@pytest.mark.parametrize("character", UNPRINTABLE)
def test_a_character_that_a_terminal_would_obey_is_refused(character: str) -> None:
    with pytest.raises(ValueError, match="question holds the control character"):
        dataclasses.replace(an_evidence(), question=f"Is it {character}?")
    assert printable(f"Is it {character}?") == "Is it \ufffd?"


@given(st.text())
def test_printable_text_can_be_evidence_and_what_could_be_stays_as_it_is(text: str) -> None:
    check_text("it", printable(text))
    try:
        check_text("it", text)
    except ValueError:
        assert printable(text) != text
    else:
        assert printable(text) == text


def test_every_control_character_is_refused_and_nothing_else_is() -> None:
    import unicodedata

    every = map(chr, range(sys.maxunicode + 1))
    refused = {c for c in every if printable(c) != c}
    every = map(chr, range(sys.maxunicode + 1))
    control = {c for c in every if unicodedata.category(c) in ("Cc", "Cs")} - {"\n", "\t"}
    others = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFFFE, 0xFFFF]
    assert refused - control == set(map(chr, others))
    assert control <= refused


def test_tabs_lines_and_every_language_are_welcome() -> None:
    text = "a\tb\nünïcødé ✓ 漢字 עברית العربية 👩‍🔬"
    assert dataclasses.replace(an_evidence(), question=text).question == text == printable(text)


def test_an_error_quotes_hostile_text_tamed_and_shortened() -> None:
    assert str(EvidenceError("x\x1b[2J\ud800")) == "x\ufffd[2J\ufffd"
    assert str(EvidenceError("x" * 1_000)) == "x" * 1_000
    assert str(EvidenceError("x" * 1_001)) == "x" * 999 + "…"
