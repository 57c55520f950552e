"""Forms made of kits' parameters, and the report's form."""

from typing import Any, Literal, get_args, get_origin

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.runs.queries import names_of
from evidesk.desk.vouchers.forms import long_text
from evidesk.desk.vouchers.models import Attachment
from evidesk.kits import Kit, complaints, unwrap


class KitForm(forms.Form):
    """The form of a kit's parameters, for a file whose columns are known.

    Fields, labels and help come from the kit's pydantic model, and so does the validation; the
    first file is chosen before and is not a field (`file_title` says what it is), further ones are
    among `others`.

    After validation, `values` holds what was given, and `further_files` those files by parameter,
    the first uploaded one first where several are taken.
    """

    def __init__(
        self, kit: Kit, columns: list[str], others: QuerySet[Attachment], data: Any = None
    ) -> None:
        super().__init__(data)
        self.kit = kit
        self.file_field, *self.further = kit.parameters.file_fields()
        self.file_title = kit.parameters.model_fields[self.file_field].title
        for name, info in kit.parameters.model_fields.items():
            if name in self.further:
                field: forms.Field
                if kit.parameters.takes_many(name):
                    field = _FilesField(others.order_by("pk"), **_common(name, info))
                else:
                    field = _FileField(others, **_common(name, info))
                self.fields[name] = field
            elif name != self.file_field:
                self.fields[name] = _form_field(name, info, kit, columns)

    def clean(self) -> dict[str, Any]:
        """Ask the model itself; its complaints go to the fields they are about."""
        values = {
            name: value
            for name, value in (super().clean() or {}).items()
            if value not in ("", None)
        }
        self.further_files: dict[str, list[Attachment]] = {}
        for name in self.further:
            chosen = values.pop(name, None)
            if chosen:
                self.further_files[name] = [chosen] if isinstance(chosen, Attachment) else [*chosen]
        self.values = values
        if self.errors:
            return values
        names = {
            self.file_field: "file",
            **names_of(self.kit, self.further_files),
        }
        try:
            self.kit.parameters.model_validate({**values, **names})
        except ValidationError as fault:
            for place, complaint in complaints(fault):
                field = place.split(".")[0]
                self.add_error(field if field in self.fields else None, complaint)
        return values


class _FileField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, attachment: Any) -> str:
        return str(attachment.name)


class _FilesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, attachment: Any) -> str:
        return str(attachment.name)


def _common(name: str, info: FieldInfo) -> dict[str, Any]:
    """What the fields of all types take."""
    return {
        "label": info.title or name,
        "help_text": info.description or "",
        "required": info.is_required(),
    }


def _form_field(name: str, info: FieldInfo, kit: Kit, columns: list[str]) -> forms.Field:
    """The form field for one parameter."""
    common = _common(name, info)
    if info.default is not PydanticUndefined and info.default is not None:
        common["initial"] = info.default
    inner, is_list, is_optional = unwrap(info.annotation)
    if kit.parameters.role_of(name) == "column":
        choices = [(column, column) for column in columns]
        if is_list:
            return forms.MultipleChoiceField(
                choices=choices, widget=forms.CheckboxSelectMultiple, **common
            )
        if is_optional or "initial" not in common:
            choices.insert(0, ("", _("none") if is_optional else _("choose a column")))
        return forms.ChoiceField(choices=choices, **common)
    if get_origin(inner) is Literal:
        none = [("", _("none"))] if is_optional else []
        return forms.ChoiceField(choices=[*none, *((v, v) for v in get_args(inner))], **common)
    if inner is bool:
        return forms.BooleanField(**{**common, "required": False})
    if inner is int:
        return forms.IntegerField(**common)
    if inner is float:
        return forms.FloatField(widget=forms.NumberInput(attrs={"step": "any"}), **common)
    return forms.CharField(**common)


class ReportForm(forms.Form):
    """The report, and what it rests on."""

    text = long_text(
        gettext_lazy("Report"),
        rows=14,
        help=gettext_lazy(
            "What was asked, what was done, what came out and how sure that is. Markdown is fine."
        ),
    )
    evidence = forms.ModelMultipleChoiceField(
        StoredEvidence.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Evidence that it rests on"),
    )

    def __init__(self, evidence: QuerySet[StoredEvidence], data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["evidence"]
        field.queryset = evidence  # type: ignore[attr-defined]
        field.label_from_instance = lambda one: one.answer  # type: ignore[attr-defined]
        if not evidence:
            del self.fields["evidence"]
