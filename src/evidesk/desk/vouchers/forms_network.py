"""What the office types about the network, and members about themselves."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidesk.desk.people.models import FULL_TIME_HOURS, Person, Row, Skill


class AgreementForm(forms.Form):
    """The text that both sides agree to."""

    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=5000,
        help_text=gettext_lazy("Markdown is fine."),
        widget=forms.Textarea(attrs={"rows": 12}),
    )
    based_on = forms.IntegerField(widget=forms.HiddenInput)


_SHARE = re.compile(r"(\d{1,3}(?:[.,]\d{1,2})?)\s*(h|%|)")


class RowForm(forms.ModelForm):  # type: ignore[type-arg]
    """Any of the office's rows. What is retired can stay chosen, but not be chosen anew."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if not isinstance(field, forms.ModelChoiceField):
                continue
            rows = field.queryset
            if rows is not None and issubclass(rows.model, Row):
                chosen = self.initial.get(name)
                kept = chosen if isinstance(chosen, list) else [chosen] if chosen else []
                pks = [getattr(one, "pk", one) for one in kept]
                field.queryset = rows.filter(Q(retired_at=None) | Q(pk__in=pks))

    def many(self) -> dict[str, Any]:
        """The rows that were chosen for fields that take several."""
        names = [many.name for many in self.instance._meta.many_to_many]
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


class QuestionForm(forms.Form):
    """One question of the voucher document."""

    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=50)
    prompt = forms.CharField(label=gettext_lazy("Question"), required=False, max_length=200)
    help = forms.CharField(
        label=gettext_lazy("Help below it"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    is_draft = True  # nothing is marked as optional: an empty row is no question

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if key and not re.fullmatch(r"[-a-z0-9]+", key):
            raise forms.ValidationError(_("This is no key of a question."))
        return key


class _AnyNumber(forms.BaseFormSet):  # type: ignore[type-arg]
    def clean(self) -> None:
        keys = [f.cleaned_data["key"] for f in self.forms if f.cleaned_data.get("key")]
        if len(keys) != len(set(keys)):
            raise forms.ValidationError(_("A question is there twice. Load the page again."))

    def asked(self) -> list[dict[str, Any]]:
        """What the rows ask, if they are valid; an empty one asks nothing."""
        return [form.cleaned_data for form in self.forms if form.cleaned_data.get("prompt")]


#: All questions of the document and two empty rows for new ones.
QuestionFormSet = cast(
    "type[_AnyNumber]",
    forms.formset_factory(
        QuestionForm, formset=_AnyNumber, extra=2, max_num=30, validate_max=True, absolute_max=40
    ),
)


def hours_of(text: str) -> Decimal:
    """Hours in a week, from ``15.6``, ``15,6 h`` or a share of full time such as ``40 %``.

    Raises
    ------
    ValueError : it is neither, or more than a week has; the message says what to write.
    """
    found = _SHARE.fullmatch(text.strip().lower())
    if not found:
        raise ValueError(_("Write hours such as 16 or 15.6, or a share of full time such as 40 %."))
    number = Decimal(found[1].replace(",", "."))
    if found[2] == "%":
        number *= Decimal(FULL_TIME_HOURS) / 100
    if number > FULL_TIME_HOURS:
        raise ValueError(_("A week of full time has %(h)d hours.") % {"h": FULL_TIME_HOURS})
    return number.quantize(Decimal("0.1"))


class HoursForm(forms.Form):
    """How much time a member has for vouchers."""

    hours = forms.CharField(
        label=gettext_lazy("Hours for vouchers in a week"),
        max_length=12,
        help_text=gettext_lazy("Hours such as 16, or a share of full time (39) such as 40 %."),
    )

    def clean_hours(self) -> Decimal:
        try:
            return hours_of(self.cleaned_data["hours"])
        except ValueError as fault:
            raise forms.ValidationError(str(fault)) from None


class SkillsForm(forms.Form):
    """Skills from the network's list."""

    skills = forms.ModelMultipleChoiceField(
        Skill.objects.none(),
        label=gettext_lazy("Skills"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: Any = None, *, chosen: Iterable[Skill]) -> None:
        pks = [skill.pk for skill in chosen]
        super().__init__(data, initial={"skills": pks})
        skills = Skill.objects.filter(Q(retired_at=None) | Q(pk__in=pks))
        self.fields["skills"].queryset = skills  # type: ignore[attr-defined]


def day(label: Any) -> forms.DateField:
    """A day that calendars reach."""
    return forms.DateField(
        label=label,
        validators=[MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2999, 1, 1))],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )


class AbsenceForm(forms.Form):
    """Days without work on vouchers; only oneself is asked for a reason."""

    first_day = day(gettext_lazy("First day"))
    last_day = day(gettext_lazy("Last day"))
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Only you can read it."),
    )

    def __init__(self, data: Any = None, *, is_own: bool) -> None:
        super().__init__(data)
        if not is_own:
            del self.fields["reason"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = data.get("first_day"), data.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _("The last day is before the first."))
        return data


class ConflictForm(forms.Form):
    """With whom there is a conflict of interest."""

    scientist = forms.EmailField(
        label=gettext_lazy("Their e-mail address"),
        help_text=gettext_lazy("Somebody who has signed in here; you are not proposed to them."),
    )

    def clean_scientist(self) -> Person:
        found = list(Person.objects.filter(email__iexact=self.cleaned_data["scientist"])[:2])
        if len(found) != 1:
            raise forms.ValidationError(_("Nobody here has this address, or several people have."))
        return found[0]
