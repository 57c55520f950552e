"""What people type about a voucher beside its document and conversation."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy

from evidesk.desk.vouchers.models import Tag, Voucher


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
