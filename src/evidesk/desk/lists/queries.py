"""Reading lists of vouchers: found by words, filtered, sorted, counted."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, DateField, Exists, F, Func, OuterRef, Q, QuerySet
from django.utils import timezone

from evidesk.desk.lists.models import Distance, Document, SavedView, Words
from evidesk.desk.lists.words import Match, parse
from evidesk.desk.people.models import Member, Person, Role, Unit
from evidesk.desk.vouchers.models import Kind, State, Voucher
from evidesk.desk.vouchers.queries import visible_to, waiting_for


def search(person: Person, text: str) -> QuerySet[Voucher]:
    """The vouchers that the person may see and that have what the text asks for, the best first.

    The one way to full text, on SQLite and PostgreSQL; :func:`evidesk.desk.lists.words.parse` tells
    what can be asked for. A text without any letter or digit finds nothing.

    Raises
    ------
    ValidationError : the text is too long, or has too many words.
    """
    wanted = parse(text)
    vouchers = visible_to(person)
    if not wanted:
        return vouchers.none()
    if wanted.has_not:
        unwanted = Words.objects.filter(words__match=Match(wanted.has_not, all=False))
        vouchers = vouchers.exclude(pk__in=unwanted.values("voucher"))
    if not wanted.has:
        return vouchers
    match = Match(wanted.has)
    return vouchers.filter(words__words__match=match).order_by(Distance(match), "-pk")


class LastDay(Func):
    """The last planned day (`Voucher.ends_on`) in the database's own arithmetic."""

    output_field = DateField()

    def __init__(self) -> None:
        super().__init__(F("starts_on"), F("days"))

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, Any]:
        return self.as_sql(
            compiler,
            connection,
            template="date(%(expressions)s - 1) || ' days')",
            arg_joiner=", (",
        )

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="(%(expressions)s - 1)", arg_joiner=" + ")


#: What a list can be sorted by, beside how well it matches: the names in the address.
ORDERS: dict[str, tuple[Any, ...]] = {
    "changed": ("-changed_at", "-pk"),
    "longest": (F("submitted_at").asc(nulls_last=True), "pk"),
    "newest": (F("submitted_at").desc(nulls_last=True), "-pk"),
    "ends": (LastDay().asc(nulls_last=True), "pk"),
    "title": ("title", "pk"),
}
#: What a period can be about.
DATES = {"submitted": "submitted_at", "ended": "ended_at", "changed": "changed_at"}


def wanted_by(person: Person, filters: Mapping[str, Any]) -> QuerySet[Voucher]:
    """What a list shows. `filters` are the cleaned values of `forms.FilterForm`, any of them."""
    text = filters.get("q")
    vouchers = search(person, text) if text else visible_to(person)
    for name in ("state", "unit", "kind", "consultant"):
        if value := filters.get(name):
            vouchers = vouchers.filter(**{name: value})
    if filters.get("whose") == "waiting":
        vouchers = vouchers.filter(pk__in=waiting_for(person).order_by().values("pk"))
    if filters.get("whose") == "mine":
        vouchers = vouchers.filter(Q(author=person) | Q(offered_to=person) | Q(consultant=person))
    if filters.get("overdue"):
        vouchers = vouchers.alias(last_day=LastDay()).filter(
            state=State.ACTIVE, last_day__lt=timezone.localdate()
        )
    column = DATES[filters.get("dated") or "submitted"]
    if since := filters.get("since"):
        vouchers = vouchers.filter(**{f"{column}__gte": _start_of(since)})
    if until := filters.get("until"):
        vouchers = vouchers.filter(**{f"{column}__lt": _start_of(until + timedelta(days=1))})
    if sort := filters.get("sort"):
        return vouchers.order_by(*ORDERS[sort])
    return vouchers


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def states_of(vouchers: QuerySet[Voucher]) -> dict[str, int]:
    """How many of them are in each state, in one pass; without the states that none is in."""
    counts = vouchers.order_by().values_list("state").annotate(n=Count("pk"))
    return dict(counts.values_list("state", "n"))


def texts_of(vouchers: list[Voucher]) -> dict[int, str]:
    """What snippets are cut from, by the voucher's id."""
    documents = Document.objects.filter(voucher__in=vouchers)
    return dict(documents.values_list("voucher_id", "text"))


def possible_filters(person: Person) -> dict[str, dict[str, Any]]:
    """What vouchers can be filtered by: units and kinds by slug, consultants by uid.

    Who has no role any more is among the consultants as long as one of their vouchers is.
    """
    found: dict[str, dict[str, Any]] = {
        "unit": {unit.slug: unit for unit in Unit.objects.all()},
        "kind": {kind.slug: kind for kind in Kind.objects.all()},
    }
    if person.is_member:
        # One look into an index for each person, however many vouchers there are.
        themselves = OuterRef("pk")
        members = Member.objects.filter(person=themselves, role__in=[Role.CONSULTANT, Role.LEAD])
        consulting = Voucher.objects.filter(consultant=themselves).order_by()
        people = Person.objects.filter(Exists(members) | Exists(consulting)).only("uid", "name")
        found["consultant"] = {str(one.uid): one for one in people}
    return found


def views_for(person: Person) -> QuerySet[SavedView]:
    """The person's own views, and those that are shared with one of their units."""
    return (
        SavedView.objects.filter(Q(owner=person) | Q(unit__in=person.unit_ids))
        .select_related("owner", "unit")
        .order_by("name", "pk")
    )
