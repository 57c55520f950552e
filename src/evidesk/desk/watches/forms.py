"""Forms of watches."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from evidesk.desk.runs.forms import KitForm
from evidesk.desk.vouchers.models import Attachment
from evidesk.desk.watches.actions import KIT
from evidesk.desk.watches.models import Watch
from evidesk.kits import load


class WatchForm(KitForm):
    """What a new watch is called, and the kit's parameters; files come later, batch by batch."""

    def __init__(self, columns: list[str], data: Any = None) -> None:
        super().__init__(load(KIT), columns, Attachment.objects.none(), data)
        for one in self.further:
            del self.fields[one]
        name = forms.CharField(
            max_length=Watch._meta.get_field("name").max_length,
            label=gettext_lazy("Name"),
            help_text=gettext_lazy("What is watched, such as the model and where it is used."),
        )
        self.fields = {"name": name, **self.fields}

    def clean(self) -> dict[str, Any]:
        # The name is the desk's; the kit knows none.
        self.name = self.cleaned_data.pop("name", "")
        return super().clean()


class BatchForm(forms.Form):
    """The next rows of a stream."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        help_text=format_lazy(
            gettext_lazy(
                "A table with the reference's columns, its rows in their order. Up to {size} MB: "
                "CSV, TSV, Parquet, JSON."
            ),
            size=settings.MAX_UPLOAD_BYTES // 2**20,
        ),
    )
