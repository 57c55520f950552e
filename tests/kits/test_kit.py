"""What a kit is, and how kits are found."""

from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import Field, ValidationError, model_validator

from evidesk.kits import (
    ColumnName,
    InputFile,
    Kit,
    KitError,
    Parameters,
    complaints,
    installed,
    load,
    option_of,
    silent,
    unwrap,
)
from tests.kits.trial import install


class Some(Parameters):
    table: InputFile
    other: InputFile | None = None
    truth: ColumnName
    models: list[ColumnName] = Field(min_length=1)
    fold: ColumnName | None = None
    level: float = 0.95
    names: dict[str, list[int]] = Field(default={})


def test_parameters_know_which_of_them_are_files_and_columns() -> None:
    assert Some.file_fields() == ["table", "other"]
    roles = {name: Some.role_of(name) for name in Some.model_fields}
    assert roles == {
        "table": "file", "other": "file", "truth": "column", "models": "column", "fold": "column",
        "level": None, "names": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, (int, False, False)),
        (list[int], (int, True, False)),
        (int | None, (int, False, True)),
        (None | int, (int, False, True)),
        (Optional[ColumnName], (str, False, True)),  # noqa: UP045 - others' kits write so
        (list[ColumnName] | None, (str, True, True)),
        (Annotated[list[Annotated[bool, "b"]] | None, "a"], (bool, True, True)),
        (Literal["a", "b"] | None, (Literal["a", "b"], False, True)),
        (InputFile, (Path, False, False)),
    ],
)
def test_an_annotation_says_type_list_and_whether_it_may_be_left_out(
    annotation: Any, expected: tuple[Any, bool, bool]
) -> None:
    assert unwrap(annotation) == expected


def test_a_line_to_fill_in_holds_what_must_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch)
    assert {name: installed()[name].usage for name in ("accuracy", "every", "trial")} == {
        "accuracy": ("evidesk run accuracy FILE --truth COLUMN --prediction COLUMN --out DIR"),
        "every": "evidesk run every FILE --one COLUMN --some COLUMN --must VALUE --out DIR",
        "trial": "evidesk run trial FILE --out DIR",
    }

    class Switched(Parameters):
        really_do_it: bool

    assert option_of("really_do_it") == "--really-do-it"
    kit = Kit("switched", "t", "q", Switched, lambda *_: None)
    assert kit.usage == "evidesk run switched --really-do-it --out DIR"


def test_a_complaint_names_its_parameter_and_leaves_out_pydantics_own_words() -> None:
    class Pair(Parameters):
        low: float = Field(default=0.0, ge=0)
        high: list[float] = Field(default=[])

        @model_validator(mode="after")
        def _ordered(self) -> "Pair":
            if self.low > 1:
                raise ValueError("Value error, or so: give less.")
            return self

    def told(**values: Any) -> list[tuple[str, str]]:
        with pytest.raises(ValidationError) as caught:
            Pair(**values)
        return complaints(caught.value)

    assert told(low=2) == [("", "Value error, or so: give less.")]
    assert told(low=-1, high=["x"]) == [
        ("low", "Input should be greater than or equal to 0"),
        ("high.0", "Input should be a valid number, unable to parse string as a number"),
    ]


def test_parameters_refuse_unknown_names_and_do_not_change() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Some(table="a", truth="b", models=["c"], leevl=0.9)
    given = Some(table="a", truth="b", models=["c"])
    assert given.table == Path("a")
    with pytest.raises(ValidationError, match="frozen"):
        given.level = 0.5


def test_a_default_is_checked_like_any_value() -> None:
    class Wrong(Parameters):
        level: float = Field(default=2.0, lt=1)

    with pytest.raises(ValidationError, match="less than 1"):
        Wrong()


def test_installed_kits_are_listed_in_order_and_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = [*installed()]
    assert own == sorted(own)
    assert {"accuracy", "classification"} <= set(own)
    install(tmp_path, monkeypatch)
    assert [*installed()] == sorted([*own, "every", "pair", "patient", "trial"])
    assert load("trial").title == "A trial"
    assert load("accuracy") is installed()["accuracy"]


@pytest.mark.parametrize("name", ["nothing", "", "Accuracy", "os:system"])
def test_a_kit_that_is_not_there_is_named_with_those_that_are(name: str) -> None:
    with pytest.raises(KitError, match=r"There is no kit .*\. Installed: accuracy, "):
        load(name)


def test_silence_says_nothing() -> None:
    assert silent(0.5, "half") is None
