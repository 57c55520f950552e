"""What a page of the office tells of: the person's units, and what the address asks for."""

from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidesk.desk.office import queries, rules
from evidesk.desk.office.periods import Period, day_number
from evidesk.desk.office.queries import InquiryTable, VoucherTable
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.vouchers.models import Kind


class ScopeForm(forms.Form):
    """Filters; everything is in the address."""

    unit = forms.ChoiceField(required=False, label=gettext_lazy("Unit"))
    kind = forms.ChoiceField(required=False, label=gettext_lazy("Kind"))
    period = forms.CharField(
        required=False, label=gettext_lazy("Submitted in"), widget=forms.Select
    )

    def __init__(self, data: QueryDict, units: list[Unit], kinds: list[Kind]) -> None:
        super().__init__(data)
        if len(units) == 1:
            del self.fields["unit"]
        else:
            self._choose("unit", _("All units"), [(one.slug, one.name) for one in units])
        self._choose("kind", _("All kinds"), [(one.slug, one.name) for one in kinds])

    def _choose(self, name: str, every: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = [("", every), *choices]  # type: ignore[attr-defined]

    def clean_period(self) -> Period:
        found = Period.parse(self.cleaned_data["period"] or "all")
        if found is None:
            raise ValidationError(_("Choose one of the periods."))
        return found

    def offer_periods(self, table: VoucherTable) -> None:
        """All years in which something was submitted, the latest first."""
        year = first = timezone.localdate().year
        if len(table):
            earliest = float(table.submitted.min())
            while day_number(timezone.localdate().replace(year=first, month=1, day=1)) > earliest:
                first -= 1
        years = [str(one) for one in range(year, first - 1, -1)]
        choices = [Period.parse(slug) for slug in ("all", "12-months", *years)]
        self.fields["period"].widget.choices = [
            (one.slug, one.name) for one in choices if one is not None
        ]


@dataclass(frozen=True)
class Scope:
    """The units that are shown, of those that the person sees; the kind; the period; the tables of
    their vouchers, and of inquiries where they belong on the page.
    """

    seen: list[Unit]
    unit: Unit | None
    kinds: list[Kind]
    kind: Kind | None
    period: Period
    table: VoucherTable
    inquiries: InquiryTable | None
    form: ScopeForm

    @property
    def units(self) -> list[Unit]:
        return [self.unit] if self.unit else self.seen

    @property
    def is_filtered(self) -> bool:
        return bool(self.kind or self.period.slug != "all" or (self.unit and len(self.seen) > 1))

    def address(self, figure: str, **more: object) -> str:
        """Where the rows of a figure of this scope are."""
        wanted = {
            "unit": self.unit.slug if self.unit else "",
            "kind": self.kind.slug if self.kind else "",
            "period": self.period.slug,
            **more,
        }
        query = urlencode({name: value for name, value in wanted.items() if value})
        return f"{reverse('office-rows', args=[figure])}?{query}"


def scope_for(person: Person, data: QueryDict, period: str = "") -> Scope:
    """What the person may see of what the address asks for; what it asks wrongly is left out, and
    the form tells. A `period` given here goes before the address's.
    """
    ids = rules.unit_ids_to_see(person)
    units = list(Unit.objects.all() if ids is None else Unit.objects.filter(pk__in=ids))
    kinds = list(Kind.objects.all())
    if period:
        data = data.copy()
        data["period"] = period
    form = ScopeForm(data, units, kinds)
    form.is_valid()
    wanted = form.cleaned_data
    unit = next((one for one in units if one.slug == wanted.get("unit")), None)
    kind = next((one for one in kinds if one.slug == wanted.get("kind")), None)
    chosen = wanted.get("period") or Period.parse("all")
    assert isinstance(chosen, Period)
    everything = ids is None and unit is None
    table = queries.voucher_table(None if everything else [unit] if unit else units)
    form.offer_periods(table)
    if kind is not None:
        table = table.where(np.asarray(table.kind == kind.pk))
    # Inquiries have no kind and no unit; a filter by one would leave none of them.
    inquiries = None if kind or (unit and len(units) > 1) else queries.inquiry_table()
    return Scope(units, unit, kinds, kind, chosen, table, inquiries, form)
