"""Input from people about themselves."""

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from evidesk.desk.people.actions import TOKEN_DAYS
from evidesk.desk.people.models import Scope


class TokenForm(forms.Form):
    """A name by which the owner knows the token again, what it may do, and for how long."""

    name = forms.CharField(
        max_length=80,
        label=_("What is it for?"),
        widget=forms.TextInput(attrs={"placeholder": _("for instance: login node")}),
    )
    scope = forms.ChoiceField(
        label=_("What may it do?"),
        choices=Scope.choices,
        initial=Scope.EVIDENCE,
        widget=forms.RadioSelect,
        help_text=_("Give it no more than the program needs."),
    )
    days = forms.TypedChoiceField(
        label=_("For how long?"),
        coerce=int,
        choices=[(days, format_lazy(_("{days} days"), days=days)) for days in TOKEN_DAYS],
        initial=90,
    )
