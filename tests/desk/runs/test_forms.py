"""Forms made of kits' parameters: each type has its field, and the model has the last word."""

from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.utils import timezone

from evidesk.desk.runs.forms import KitForm
from evidesk.desk.runs.queries import others_of
from evidesk.desk.vouchers.models import Attachment, State
from evidesk.kits import Kit, load
from tests.desk.network import Network, an_attachment, voucher_in
from tests.kits.trial import install

COLUMNS = ["a", "b", "größe <1>"]
NONE = Attachment.objects.none()


@pytest.fixture
def every(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kit:
    install(tmp_path, monkeypatch)
    return load("every")


def test_the_form_of_the_accuracy_kit() -> None:
    form = KitForm(load("accuracy"), COLUMNS, NONE)
    assert list(form.fields) == ["truth", "prediction", "fold", "group", "level", "method"]
    truth, prediction, fold = (form.fields[name] for name in ("truth", "prediction", "fold"))
    assert truth.label == "True label"
    assert "label that is right" in truth.help_text
    assert truth.choices[0] == ("", "choose a column")
    assert fold.choices[0] == ("", "none")
    assert not fold.required
    assert [value for value, _ in truth.choices[1:]] == COLUMNS
    assert [value for value, _ in prediction.choices] == COLUMNS
    assert form["level"].initial == 0.95
    assert ("clopper-pearson", "clopper-pearson") in form.fields["method"].choices
    html = form.as_div()
    assert "größe &lt;1&gt;" in html
    assert "<1>" not in html


def test_what_the_form_of_the_accuracy_kit_gives() -> None:
    data = {"truth": "a", "prediction": ["b"], "fold": "", "level": "0.9", "method": "wilson"}
    form = KitForm(load("accuracy"), COLUMNS, NONE, data)
    assert form.is_valid(), form.errors
    assert form.values == {
        "truth": "a", "prediction": ["b"], "level": 0.9, "method": "wilson"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"truth": ""}, "truth", "This field is required"),
        ({"truth": "c"}, "truth", "Select a valid choice"),
        ({"prediction": []}, "prediction", "This field is required"),
        ({"prediction": ["a", "z"]}, "prediction", "Select a valid choice"),
        ({"level": "95"}, "level", "such as 0.95 for 95 %"),
        ({"level": "nan"}, "level", "Enter a number"),
        ({"method": "magic"}, "method", "Select a valid choice"),
    ],
)
def test_a_complaint_stands_beside_its_field(
    changes: dict[str, Any], field: str, told: str
) -> None:
    data = {"truth": "a", "prediction": ["b"], "level": "0.9", "method": "wilson"} | changes
    form = KitForm(load("accuracy"), COLUMNS, NONE, data)
    assert not form.is_valid()
    assert told in form.errors[field][0]


def test_every_type_has_its_field(every: Kit) -> None:
    form = KitForm(every, COLUMNS, NONE)
    kinds = {name: type(field) for name, field in form.fields.items()}
    assert kinds == {
        "one": forms.ChoiceField,
        "some": forms.MultipleChoiceField,
        "perhaps": forms.ChoiceField,
        "given": forms.ChoiceField,
        "choice": forms.ChoiceField,
        "maybe": forms.ChoiceField,
        "yes": forms.BooleanField,
        "whole": forms.IntegerField,
        "real": forms.FloatField,
        "text": forms.CharField,
        "must": forms.IntegerField,
    }
    assert form.fields["given"].choices[0] == ("a", "a"), "it has a default"
    assert form.fields["maybe"].choices[0] == ("", "none")
    assert form["choice"].initial == "right"
    assert form.fields["must"].label == "must"
    required = [name for name, field in form.fields.items() if field.required]
    assert required == ["one", "some", "must"]


def test_what_the_form_of_every_type_gives(every: Kit) -> None:
    data = {
        "one": "a", "some": ["b"], "perhaps": "", "given": "b", "choice": "left", "maybe": "",
        "whole": "0", "real": "", "text": "", "must": "0",
    }  # fmt: skip
    form = KitForm(every, COLUMNS, NONE, data)
    assert not form.is_valid()
    assert form.errors == {"whole": ["Input should be greater than or equal to 1"]}
    form = KitForm(every, COLUMNS, NONE, data | {"whole": "9"})
    assert form.is_valid(), form.errors
    assert form.values == {
        "one": "a", "some": ["b"], "given": "b", "choice": "left", "yes": False, "whole": 9,
        "must": 0,
    }  # fmt: skip


def test_a_complaint_about_several_fields_stands_above_them(every: Kit) -> None:
    data = {"one": "a", "some": ["a"], "given": "b", "choice": "left", "whole": "2", "must": "1"}
    form = KitForm(every, COLUMNS, NONE, data)
    assert not form.is_valid()
    assert form.non_field_errors() == ["A column cannot be compared with itself."]


def test_a_further_file_is_one_of_the_vouchers_others(
    every: Kit, network: Network, media: Path
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    first, second, third = (an_attachment(voucher, network) for _ in range(3))
    foreign = an_attachment(voucher_in(State.ACTIVE, network), network)
    erased = an_attachment(voucher, network)
    Attachment.objects.filter(pk=erased.pk).update(erased_at=timezone.now())
    others = others_of(first)
    assert list(others) == [third, second]

    form = KitForm(load("pair"), COLUMNS, others, {"second": second.pk})
    assert list(form.fields) == ["second", "third"]
    assert form.is_valid(), form.errors
    assert (form.values, form.further_files) == ({}, {"second": [second]})
    assert "table.csv" in form.as_div()
    for wrong in (first, foreign, erased):
        form = KitForm(load("pair"), COLUMNS, others, {"second": wrong.pk})
        assert "Select a valid choice" in form.errors["second"][0]
    form = KitForm(load("pair"), COLUMNS, others, {"second": "/etc/passwd"})
    assert "Select a valid choice" in form.errors["second"][0]
    form = KitForm(load("pair"), COLUMNS, others, {"second": second.pk, "third": third.pk})
    # The model sees the files' names, which are the same here.
    assert form.non_field_errors() == ["Choose three files, not one twice."]
