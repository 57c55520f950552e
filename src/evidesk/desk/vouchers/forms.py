"""What people type about inquiries and vouchers."""

import secrets
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidesk.desk.people.models import Field, Person, Unit
from evidesk.desk.people.queries import possible_consultants
from evidesk.desk.vouchers.models import Credit, Kind, Visibility, Voucher

LONGEST_TEXT = 20_000
LONGEST_SUMMARY = 1_500


def long_text(label: Any, *, required: bool = True, rows: int = 6, help: Any = "") -> Any:
    """A field for several paragraphs of Markdown."""
    return forms.CharField(
        label=label,
        required=required,
        max_length=LONGEST_TEXT,
        help_text=help,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class InquiryForm(forms.Form):
    """Three fields, no more."""

    subject = forms.CharField(
        max_length=120,
        label=gettext_lazy("What would you like to do?"),
        widget=forms.TextInput(
            attrs={
                "placeholder": gettext_lazy(
                    "for instance: find out whether our classifier can be trusted"
                )
            }
        ),
    )
    text = forms.CharField(
        max_length=5000,
        label=gettext_lazy("Tell us a little more"),
        help_text=gettext_lazy("A few lines are enough. Half-baked ideas are welcome."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    email = forms.EmailField(
        label=gettext_lazy("Where can we reach you?"),
        help_text=gettext_lazy("Your e-mail address at your institute."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class AnswerForm(forms.Form):
    """An answer to an inquiry."""

    answer = long_text(gettext_lazy("Your answer"), help=gettext_lazy("Markdown is fine."))


class DraftForm(forms.Form):
    """The voucher document. While it is a draft, every field may be empty."""

    #: Nothing is marked as optional, for all is needed to submit.
    is_draft = True

    revision = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    window = forms.CharField(max_length=40, widget=forms.HiddenInput, required=False)
    title = forms.CharField(max_length=120, required=False, label=gettext_lazy("Title"))
    kind = forms.ModelChoiceField(
        Kind.objects.none(),
        required=False,
        empty_label=None,
        widget=forms.RadioSelect,
        label=gettext_lazy("Kind"),
    )
    field = forms.ModelChoiceField(
        Field.objects.none(),
        required=False,
        empty_label=gettext_lazy("None of these, or several"),
        label=gettext_lazy("Field of research"),
    )
    unit = forms.ModelChoiceField(
        Unit.objects.none(),
        empty_label=None,
        label=gettext_lazy("Which team?"),
        help_text=gettext_lazy(
            "The one at or near your centre, or of your field; it can be changed later."
        ),
    )

    credit = forms.ChoiceField(
        choices=Credit.choices,
        required=False,
        widget=forms.RadioSelect,
        label=gettext_lazy("If you publish what we find out, how will you name us?"),
        help_text=gettext_lazy(
            "The work itself is free of charge. Co-authorship is for a scientific contribution."
        ),
    )
    visibility = forms.ChoiceField(
        choices=Visibility.choices,
        required=False,
        widget=forms.RadioSelect,
        label=gettext_lazy("Who may see the voucher?"),
        help_text=gettext_lazy("You can change this at any time."),
    )
    summary = forms.CharField(
        required=False,
        max_length=LONGEST_SUMMARY,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=gettext_lazy("Public summary"),
        help_text=gettext_lazy("A few sentences for everybody; only for a public summary."),
    )
    agrees = forms.BooleanField(
        required=False, label=gettext_lazy("I agree to how the network works")
    )

    def __init__(self, voucher: Voucher, data: Any = None) -> None:
        super().__init__(
            data,
            initial={
                "revision": voucher.revision,
                "window": secrets.token_urlsafe(12),
                "title": voucher.title,
                "kind": voucher.kind_id,
                "field": voucher.field_id,
                "unit": voucher.unit_id,
                "credit": voucher.credit,
                "visibility": voucher.visibility,
                "summary": voucher.summary,
            },
        )
        # What is retired can stay chosen, but not be chosen anew.
        for name, rows in (
            ("kind", Kind.objects.all()),
            ("field", Field.objects.all()),
            ("unit", Unit.objects.select_related("host")),
        ):
            in_use = rows.filter(Q(retired_at=None) | Q(pk=self.initial[name]))
            self.fields[name].queryset = in_use  # type: ignore[attr-defined]
        self.fields["kind"].label_from_instance = (  # type: ignore[attr-defined]
            lambda kind: f"{kind.name}: {kind.purpose}"
        )
        self.fields["unit"].label_from_instance = (  # type: ignore[attr-defined]
            lambda unit: f"{unit.name} ({unit.host}, {unit.city})"
        )
        self.question_keys = []
        for question in voucher.answered():
            name = f"answer_{question['key']}"
            self.question_keys.append(question["key"])
            self.fields[name] = long_text(
                question["prompt"], required=False, help=question.get("help", "")
            )
            self.initial[name] = question["answer"]
        last = ("credit", "visibility", "summary", "agrees")  # once the question is told
        self.order_fields([name for name in self.fields if name not in last] + [*last])

    def not_agreed(self) -> bool:
        """Note beside the box that it has to be ticked, if it is not; true then."""
        if not self.cleaned_data["agrees"]:
            self.add_error("agrees", _("Please tick the box: work begins with an agreement."))
        return not self.cleaned_data.get("agrees")

    def answers(self) -> dict[str, str]:
        """The document's answers by the question's key."""
        return {key: self.cleaned_data[f"answer_{key}"] for key in self.question_keys}


class MessageForm(forms.Form):
    """A message in the conversation."""

    text = long_text(gettext_lazy("Your message"), rows=4, help=gettext_lazy("Markdown is fine."))


class FileForm(forms.Form):
    """A file for the voucher."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        help_text=format_lazy(
            gettext_lazy(
                "Up to {size} MB. Kits read tables (CSV, TSV, Parquet, JSON), some also arrays "
                "(npz, HDF5, ROOT)."
            ),
            size=settings.MAX_UPLOAD_BYTES // 2**20,
        ),
    )


# One form for each action of the workflow; an action without facts has the empty form.


class NothingForm(forms.Form):
    """Only the button."""


class QuestionsForm(forms.Form):
    text = long_text(
        gettext_lazy("What do you need to know?"),
        help=gettext_lazy("The scientist can change the document."),
    )


class ReasonForm(forms.Form):
    text = long_text(
        gettext_lazy("The reason"), help=gettext_lazy("Everybody on this voucher can read it.")
    )


class OptionalReasonForm(forms.Form):
    text = long_text(
        gettext_lazy("The reason, if you like to give one"),
        required=False,
        rows=3,
        help=gettext_lazy("Everybody on this voucher can read it."),
    )


class OfferForm(forms.Form):
    consultant = forms.ModelChoiceField(Person.objects.none(), label=gettext_lazy("Consultant"))
    text = long_text(
        gettext_lazy("A note with the offer"),
        required=False,
        rows=3,
        help=gettext_lazy("Everybody on this voucher reads it, the scientist too."),
    )

    def __init__(self, data: Any = None, *, voucher: Voucher) -> None:
        super().__init__(data)
        people: QuerySet[Person] = possible_consultants().exclude(pk=voucher.author_id)
        field = self.fields["consultant"]
        field.queryset = people  # type: ignore[attr-defined]
        field.label_from_instance = lambda person: "{} ({})".format(  # type: ignore[attr-defined]
            person, ", ".join(sorted({m.unit.name for m in person.memberships.all()}))
        )


class HandOverForm(forms.Form):
    unit = forms.ModelChoiceField(Unit.objects.none(), label=gettext_lazy("To which unit?"))
    text = long_text(
        gettext_lazy("The reason"),
        rows=3,
        help=gettext_lazy("Everybody on this voucher reads it, the scientist too."),
    )

    def __init__(self, data: Any = None, *, voucher: Voucher) -> None:
        super().__init__(data)
        others = Unit.objects.filter(retired_at=None).exclude(pk=voucher.unit_id)
        self.fields["unit"].queryset = others  # type: ignore[attr-defined]


class PlanForm(forms.Form):
    # A day that no calendar of ours reaches would have no last day.
    starts_on = forms.DateField(
        label=gettext_lazy("First day"),
        validators=[MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2999, 1, 1))],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    days = forms.IntegerField(label=gettext_lazy("Length in days"))

    def __init__(self, data: Any = None, *, voucher: Voucher) -> None:
        kind = voucher.kind
        assert kind is not None  # a CHECK constraint from the submission on
        super().__init__(
            data,
            initial={
                "starts_on": voucher.starts_on or timezone.localdate(),
                "days": voucher.days or kind.max_days,
            },
        )
        days = self.fields["days"]
        days.help_text = _("%(kind)s: %(least)d to %(most)d days.") % {
            "kind": kind.name,
            "least": kind.min_days,
            "most": kind.max_days,
        }
        days.widget.attrs.update(min=kind.min_days, max=kind.max_days)


class AcceptForm(PlanForm):
    """A plan, and the consultant's side of the agreement."""

    agrees = forms.BooleanField(label=gettext_lazy("I agree to how the network works"))

    def __init__(self, data: Any = None, *, voucher: Voucher) -> None:
        super().__init__(data, voucher=voucher)
        text = voucher.agreement.text if voucher.agreement else ""
        self.fields["agrees"].help_text = _("Chosen by the scientist: %(credit)s. %(text)s") % {
            "credit": Credit(voucher.credit).label,
            "text": text,
        }


class ExtendForm(forms.Form):
    days = forms.IntegerField(label=gettext_lazy("New length in days"))
    text = long_text(
        gettext_lazy("Why is more time needed?"),
        rows=3,
        help=gettext_lazy("Everybody on this voucher can read it."),
    )

    def __init__(self, data: Any = None, *, voucher: Voucher) -> None:
        super().__init__(data)
        kind = voucher.kind
        assert kind is not None  # a CHECK constraint from the submission on
        assert voucher.starts_on is not None  # another one, for active work
        self.fields["days"].help_text = _(
            "It is planned for %(days)d days from %(first)s; %(kind)s takes at most %(most)d."
        ) % {
            "days": voucher.days or 0,
            "first": date_format(voucher.starts_on),
            "kind": kind.name,
            "most": kind.max_days,
        }


class FeedbackForm(forms.Form):
    rating = forms.TypedChoiceField(
        label=gettext_lazy("How was it?"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[
            ("5", gettext_lazy("5: excellent")),
            ("4", gettext_lazy("4: good")),
            ("3", gettext_lazy("3: all right")),
            ("2", gettext_lazy("2: disappointing")),
            ("1", gettext_lazy("1: bad")),
            ("", gettext_lazy("I would rather not say")),
        ],
        widget=forms.RadioSelect,
    )
    feedback = long_text(
        gettext_lazy("What helped, what did not?"),
        required=False,
        help=gettext_lazy("Everybody on this voucher can read it."),
    )
    visibility = forms.ChoiceField(
        choices=Visibility.choices,
        required=False,
        widget=forms.RadioSelect,
        label=gettext_lazy("Who may see the voucher from now on?"),
        help_text=gettext_lazy("You can change this at any time."),
    )
    summary = forms.CharField(
        required=False,
        max_length=LONGEST_SUMMARY,
        widget=forms.Textarea(attrs={"rows": 3}),
        label=gettext_lazy("Public summary"),
        help_text=gettext_lazy(
            "What was asked and what came out, for others with a similar question."
        ),
    )

    def __init__(self, data: Any = None, *, voucher: Voucher) -> None:
        chosen = {"visibility": voucher.visibility, "summary": voucher.summary}
        super().__init__(data, initial=chosen)
