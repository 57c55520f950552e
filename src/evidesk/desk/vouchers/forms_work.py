"""What people type about a voucher beside its document and conversation."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy

from evidesk.desk.vouchers.effort import MOST_HOURS
from evidesk.desk.vouchers.forms import LONGEST_SUMMARY
from evidesk.desk.vouchers.models import Tag, Visibility, Voucher


class TagsForm(forms.Form):
    """Tags in use, and those that the voucher has."""

    tags = forms.ModelMultipleChoiceField(
        Tag.objects.none(),
        label=gettext_lazy("Tags"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("The office keeps the list; ask it for a new one."),
    )

    def __init__(self, data: Any = None, *, voucher: Voucher) -> None:
        chosen = [tag.pk for tag in voucher.tags.all()]
        super().__init__(data, initial={"tags": chosen})
        in_use = Tag.objects.filter(Q(retired_at=None) | Q(pk__in=chosen))
        self.fields["tags"].queryset = in_use  # type: ignore[attr-defined]


class VisibilityForm(forms.Form):
    """Who may see a voucher."""

    visibility = forms.ChoiceField(
        choices=Visibility.choices,
        widget=forms.RadioSelect,
        label=gettext_lazy("Who may see the voucher?"),
    )
    summary = forms.CharField(
        required=False,
        max_length=LONGEST_SUMMARY,
        widget=forms.Textarea(attrs={"rows": 4}),
        label=gettext_lazy("Public summary"),
        help_text=gettext_lazy(
            "What was asked and what came out, for others with a similar question."
        ),
    )


class BookingForm(forms.Form):
    """Hours of a week; the reason only if they are more than there are."""

    week = forms.TypedChoiceField(label=gettext_lazy("Week of"), coerce=date.fromisoformat)
    hours = forms.DecimalField(
        label=gettext_lazy("Hours"),
        min_value=0,
        max_value=MOST_HOURS,
        decimal_places=1,
        max_digits=3,
        help_text=gettext_lazy("0 frees the week."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason, if it is more than there is"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("Overbooking is refused without one; the reason is kept."),
    )

    def __init__(
        self, data: Any = None, *, weeks: Sequence[date], chosen: str, hours: Decimal
    ) -> None:
        super().__init__(data, initial={"week": chosen, "hours": hours})
        self.fields["week"].choices = [  # type: ignore[attr-defined]
            (monday.isoformat(), date_format(monday)) for monday in weeks
        ]
