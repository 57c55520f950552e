"""The office's rows: hosts, units, fields, skills, and those of later apps.

Like an app's actions: each function checks the rule, writes, and adds to the audit chain, all in
one transaction. Nothing that others may refer to is deleted; it is retired.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from evidesk.desk.audit import actions as audit
from evidesk.desk.people import rules
from evidesk.desk.people.models import Person, Row, Unit
from evidesk.desk.people.rules import Conflict, require


def subject_of(row: Model) -> str:
    """What the audit chain calls the row, for instance ``unit:matter``."""
    return f"{row._meta.model_name}:{getattr(row, 'slug', row.pk)}"


def facts_of(row: Model) -> dict[str, Any]:
    """What the row says, field by field, as JSON: rows it refers to by name."""
    facts: dict[str, Any] = {}
    for name in _columns(row):
        value = getattr(row, name)
        facts[name] = str(value) if isinstance(value, Model) else value
    for many in row._meta.many_to_many:
        facts[many.name] = sorted(str(one) for one in getattr(row, many.name).all())
    return json.loads(json.dumps(facts, cls=DjangoJSONEncoder))  # type: ignore[no-any-return]


def _columns(row: Model) -> list[str]:
    return [f.name for f in row._meta.fields if f.editable and not f.primary_key]


def version_of(row: Model) -> str:
    """A digest of what the row says, by which a form proves what it was made from."""
    text = json.dumps(facts_of(row), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


Many = Mapping[str, Iterable[Model]]


@transaction.atomic
def add(row: Row, by: Person, many: Many | None = None) -> None:
    """A new row. The first unit is the hub, for there has to be one."""
    require(rules.may_edit_network(by))
    if isinstance(row, Unit):
        row.is_hub = not Unit.objects.filter(is_hub=True).exists()
    _write(row, many)
    facts = {name: [None, value] for name, value in facts_of(row).items()}
    audit.append(f"{row._meta.model_name}.added", by.uid, subject_of(row), facts)


@transaction.atomic
def change(row: Row, by: Person, *, seen: str, many: Many | None = None) -> None:
    """Keep what `row` says now, if in the database it is still as the form `seen` showed it."""
    require(rules.may_edit_network(by))
    kept = type(row)._default_manager.select_for_update().get(pk=row.pk)
    if version_of(kept) != seen:
        raise Conflict(
            _("Somebody has changed this in the meantime. Load the page again to see how.")
        )
    before, subject = facts_of(kept), subject_of(kept)
    _write(row, many)
    after = facts_of(row)
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if changed:
        audit.append(f"{row._meta.model_name}.changed", by.uid, subject, changed)


def _write(row: Row, many: Many | None) -> None:
    try:
        with transaction.atomic():
            # Whether it is retired is nothing that a form has shown.
            row.save(update_fields=_columns(row) if row.pk else None)
    except IntegrityError:  # the form had looked; somebody was faster
        raise Conflict(_("Somebody has just taken this name.")) from None
    for name, rows in (many or {}).items():
        getattr(row, name).set(rows)


@transaction.atomic
def retire(row: Row, by: Person) -> None:
    """Offer it to nobody any more. What refers to it stays as it is."""
    require(rules.may_retire(by, row))
    _set_retired(row, by, "retired", timezone.now())


@transaction.atomic
def bring_back(row: Row, by: Person) -> None:
    """Offer a retired row again."""
    require(rules.may_edit_network(by))
    _set_retired(row, by, "brought-back", None)


def _set_retired(row: Row, by: Person, what: str, at: Any) -> None:
    rows = type(row)._default_manager.filter(pk=row.pk, retired_at__isnull=at is not None)
    if not rows.update(retired_at=at):
        raise Conflict(_("Somebody has done this in the meantime."))
    row.retired_at = at
    audit.append(f"{row._meta.model_name}.{what}", by.uid, subject_of(row))


@transaction.atomic
def make_hub(unit: Unit, by: Person) -> None:
    """Whoever has no unit near is sent there from now on."""
    require(rules.may_make_hub(by, unit))
    old = Unit.objects.select_for_update().filter(is_hub=True).first()
    Unit.objects.filter(is_hub=True).update(is_hub=False)
    Unit.objects.filter(pk=unit.pk).update(is_hub=True)
    unit.is_hub = True
    facts = {"hub": [old.slug if old else None, unit.slug]}
    audit.append("unit.made-hub", by.uid, subject_of(unit), facts)
