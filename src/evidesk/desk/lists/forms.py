"""What a list shows, and what a kept view is called."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from evidesk.desk.lists import rules
from evidesk.desk.lists.models import SavedView
from evidesk.desk.lists.queries import possible_filters
from evidesk.desk.lists.words import LONGEST, parse
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.vouchers.forms import long_text
from evidesk.desk.vouchers.models import State


def _one_of(label: Any, nothing: Any, rows: Mapping[str, Any]) -> forms.TypedChoiceField:
    """A choice of rows that are read already: asking whether a choice exists needs no query."""
    return forms.TypedChoiceField(
        label=label,
        required=False,
        choices=[("", nothing), *((key, str(row)) for key, row in rows.items())],
        coerce=rows.__getitem__,
        empty_value=None,
    )


def _day(label: Any) -> forms.DateField:
    # A day that no calendar of ours reaches would have no next one.
    return forms.DateField(
        label=label,
        required=False,
        validators=[MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2999, 1, 1))],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )


class FilterForm(forms.Form):
    """What the list of vouchers shows; everything is in the address.

    A filter that makes no sense is said to be wrong and left out; the others still hold, as
    `cleaned_data` then has only them.
    """

    q = forms.CharField(
        required=False,
        label=_("Search"),
        max_length=LONGEST,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": _("words, “exact words”, -not, V-2026-0042")}
        ),
    )
    whose = forms.ChoiceField(
        required=False,
        label=_("Whose"),
        choices=[
            ("", _("All I may see")),
            ("waiting", _("Waiting for me")),
            ("mine", _("I am part of")),
        ],
    )
    # Chosen by the tabs above the list, and kept when the other filters change.
    state = forms.ChoiceField(
        required=False, label=_("State"), choices=[("", ""), *State.choices],
        widget=forms.HiddenInput,
    )  # fmt: skip
    overdue = forms.BooleanField(required=False, label=_("Only overdue"))
    dated = forms.ChoiceField(
        required=False,
        label=_("Date"),
        choices=[("", _("Submitted")), ("ended", _("Ended")), ("changed", _("Last changed"))],
    )
    since = _day(_("From"))
    until = _day(_("To"))
    sort = forms.ChoiceField(
        required=False,
        label=_("Sort"),
        choices=[
            ("", _("Best or latest")),
            ("changed", _("Last changed")),
            ("longest", _("Waiting longest")),
            ("newest", _("Newest")),
            ("ends", _("Ending soonest")),
            ("title", _("Title")),
        ],
    )
    field_order = (
        "q", "whose", "unit", "state", "kind", "consultant", "dated", "since", "until", "sort",
        "overdue",
    )  # fmt: skip
    #: What is always seen; the rest is under "More filters".
    FIRST = ("q", "whose", "unit")

    def __init__(self, data: Any, person: Person) -> None:
        super().__init__(data)
        rows = possible_filters(person)
        self.units: list[Unit] = list(rows["unit"].values())
        self.fields["unit"] = _one_of(_("Team"), _("Any team"), rows["unit"])
        self.fields["kind"] = _one_of(_("Kind"), _("Any kind"), rows["kind"])
        if person.is_member:  # scientists see only vouchers of their own
            self.fields["consultant"] = _one_of(_("Consultant"), _("Anybody"), rows["consultant"])
        self.order_fields(self.field_order)

    @classmethod
    def of_address(cls, query: str, person: Person) -> "FilterForm":
        """The form that an address or a kept view has filled in."""
        return cls(QueryDict(query), person)

    def clean_q(self) -> str:
        text: str = self.cleaned_data["q"]
        parse(text)
        return text

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", _("This is before the first day."))

    def set_fields(self) -> dict[str, str]:
        """The filters that are set and make sense, as in the address."""
        self.full_clean()
        return {
            name: str(self.data[name]).strip()
            for name in self.fields
            if self.cleaned_data.get(name) not in (None, "", False)
        }

    def address(self, **changes: str) -> str:
        """The query part of the address of this list, always written the same way."""
        chosen = {**self.set_fields(), **changes}
        return urlencode({name: text for name, text in chosen.items() if text})

    def first_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.FIRST]

    def more_fields(self) -> list[forms.BoundField]:
        return [field for field in self.visible_fields() if field.name not in self.FIRST]

    def has_more(self) -> bool:
        """Whether one of the filters under "More filters" is set or wrong."""
        return any(field.data or field.errors for field in self.more_fields())


class HandOverForm(forms.Form):
    """To which unit, for vouchers of any."""

    unit = forms.ModelChoiceField(Unit.objects.filter(retired_at=None), label=_("To which unit?"))
    text = long_text(
        _("The reason"), rows=3, help=_("Everybody on these vouchers reads it, scientists too.")
    )


class ViewForm(forms.Form):
    """A name for the filters of a list."""

    name = forms.CharField(max_length=60, label=_("Name"))
    is_default = forms.BooleanField(required=False, label=_("Open the list with it"))

    def __init__(
        self,
        data: Any = None,
        *,
        person: Person,
        units: Iterable[Unit],
        view: SavedView | None = None,
    ) -> None:
        initial, prefix = {}, ""
        if view is not None:
            prefix = f"view-{view.pk}"
            initial = {
                "name": view.name,
                "unit": view.unit.slug if view.unit else "",
                "is_default": view.is_default,
            }
        super().__init__(data, initial=initial, prefix=prefix, auto_id=f"{prefix or 'view'}-%s")
        shareable = {unit.slug: unit for unit in units if rules.may_share(person, unit)}
        if shareable:
            self.fields["unit"] = _one_of(_("Share with"), _("Nobody, it is mine"), shareable)

    def values(self) -> dict[str, Any]:
        """For `actions.save_view` and `actions.change_view`."""
        unit: Unit | None = self.cleaned_data.get("unit")
        return {
            "name": self.cleaned_data["name"],
            "unit": unit,
            "is_default": self.cleaned_data["is_default"],
        }
