"""The sorts of rows that the office edits, each with its form, and what was done to a row."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django import forms as django_forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidesk.desk.audit.models import Entry
from evidesk.desk.audit.queries import history
from evidesk.desk.people.models import Field, Host, Person, Row, Skill, Unit
from evidesk.desk.vouchers.forms_network import RowForm
from evidesk.desk.vouchers.models import Kind, Tag

#: How many entries of its history a row's page shows.
HISTORY_SHOWN = 50


@dataclass(frozen=True)
class Catalogue:
    """Rows of one sort that the office edits; `purpose` says what they are for."""

    model: type[Row]
    title: Any
    new: Any
    purpose: Any
    columns: tuple[str, ...]
    fields: tuple[str, ...]

    def form(self, *, new: bool) -> type[RowForm]:
        """The form of one row, made from the model. A short name stays: addresses hold it."""
        widgets: dict[str, type[django_forms.Widget] | django_forms.Widget] = {
            many.name: django_forms.CheckboxSelectMultiple for many in self.model._meta.many_to_many
        }
        made = django_forms.modelform_factory(
            self.model,
            form=RowForm,
            fields=[name for name in self.fields if new or name != "slug"],
            widgets=widgets,
        )
        return cast("type[RowForm]", made)


CATALOGUES: dict[str, Catalogue] = {
    "units": Catalogue(
        Unit,
        gettext_lazy("Units"),
        gettext_lazy("New unit"),
        gettext_lazy("The hub and its spokes: teams, their place and their targets."),
        ("host", "city"),
        (
            *("name", "slug", "host", "city", "state", "focus", "fields"),
            *("respond_days", "decide_days", "offer_days", "home_conflict"),
        ),
    ),
    "hosts": Catalogue(
        Host,
        gettext_lazy("Hosts"),
        gettext_lazy("New host"),
        gettext_lazy("The centres that units sit at."),
        ("full_name",),
        ("name", "full_name"),
    ),
    "fields": Catalogue(
        Field,
        gettext_lazy("Fields of research"),
        gettext_lazy("New field"),
        gettext_lazy("What science a unit serves, and a voucher belongs to."),
        (),
        ("name",),
    ),
    "kinds": Catalogue(
        Kind,
        gettext_lazy("Kinds of voucher"),
        gettext_lazy("New kind"),
        gettext_lazy("What can be asked for, and how long it may take."),
        ("min_days", "max_days"),
        ("name", "slug", "purpose", "min_days", "max_days", "hours", "follow_up", "position"),
    ),
    "skills": Catalogue(
        Skill,
        gettext_lazy("Skills"),
        gettext_lazy("New skill"),
        gettext_lazy("What members can do; their words match vouchers with consultants."),
        ("words",),
        ("name", "words"),
    ),
    "tags": Catalogue(
        Tag,
        gettext_lazy("Tags"),
        gettext_lazy("New tag"),
        gettext_lazy("Words that teams mark vouchers with."),
        (),
        ("name",),
    ),
}


#: What an entry of the audit chain tells, to follow its actor's name.
DONE = {
    "added": gettext_lazy("added it"),
    "changed": gettext_lazy("changed it"),
    "retired": gettext_lazy("retired it"),
    "brought-back": gettext_lazy("brought it back"),
    "made-hub": gettext_lazy("made it the hub"),
    "published": gettext_lazy("published a new version"),
}


@dataclass(frozen=True)
class Deed:
    """What somebody has done to a row; `who` is empty where nobody is known."""

    entry: Entry
    who: str

    @property
    def what(self) -> str:
        """A word for it: added, changed, retired ..."""
        return self.entry.action.split(".", 1)[-1]

    @property
    def changes(self) -> list[tuple[str, Any, Any]]:
        """(field, before, after)."""
        return [
            (name, *pair)
            for name, pair in self.entry.facts.items()
            if isinstance(pair, list) and len(pair) == 2
        ]


def deeds(subject: str) -> list[Deed]:
    """What was done to a subject of the audit chain, the last first; two queries."""
    entries = list(history(subject)[:HISTORY_SHOWN])
    named = {
        str(uid): name
        for uid, name in Person.objects.filter(
            uid__in={UUID(entry.actor) for entry in entries if entry.actor}
        ).values_list("uid", "name")
    }
    return [Deed(entry, named.get(entry.actor, "")) for entry in entries]


def told(subject: str, model: type[Row] | None = None) -> list[dict[str, Any]]:
    """The same in the reader's words."""
    return [
        {
            "at": deed.entry.at,
            "who": deed.who,
            "what": DONE.get(deed.what, deed.what),
            "changes": [
                (_named(field, model), _plain(before), _plain(after))
                for field, before, after in deed.changes
            ],
        }
        for deed in deeds(subject)
    ]


def _named(field: str, model: type[Row] | None) -> str:
    """What a form calls a field."""
    others = {"questions": _("Questions"), "text": _("Text"), "hub": _("Hub")}
    if model is None or field in others:
        return others.get(field, field)
    return str(model._meta.get_field(field).verbose_name)  # type: ignore[union-attr]


def _plain(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, list):
        return "; ".join(one["prompt"] if isinstance(one, dict) else str(one) for one in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "" if value is None else str(value)
