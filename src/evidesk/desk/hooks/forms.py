"""Input about hooks."""

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from evidesk.desk.hooks.models import EVENTS
from evidesk.desk.people.models import Person, Role, Unit


class HookForm(forms.Form):
    """Where to, of which vouchers, and what."""

    url = forms.CharField(
        label=_("Where to?"),
        max_length=500,
        help_text=_("An address on the internet that begins with https://."),
        widget=forms.TextInput(
            attrs={"inputmode": "url", "placeholder": "https://", "autocomplete": "off"}
        ),
    )
    unit = forms.ModelChoiceField(
        Unit.objects.none(),
        label=_("Of which vouchers?"),
        required=False,
        empty_label=_("My own: those that I asked for, am offered, or work on"),
    )
    events = forms.MultipleChoiceField(
        label=_("Of what?"),
        choices=[(key, format_lazy("{}: {}", key, text)) for key, text in EVENTS.items()],
        initial=list(EVENTS),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, person: Person, data: Any = None) -> None:
        super().__init__(data)
        units = Unit.objects.all()
        if not person.has_role(Role.OFFICE):
            units = units.filter(pk__in=[pk for pk, role in person.roles if role == Role.LEAD])
        self.fields["unit"].queryset = units  # type: ignore[attr-defined]
        if not units:
            del self.fields["unit"]
