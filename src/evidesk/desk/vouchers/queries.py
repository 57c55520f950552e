"""Reads about inquiries and vouchers that more than one page needs."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from evidesk.desk.people.models import Person, Role
from evidesk.desk.vouchers import rules
from evidesk.desk.vouchers.models import Event, Inquiry, State, Visibility, Voucher


def visible_to(person: Person) -> QuerySet[Voucher]:
    """The vouchers that `rules.may_see` allows, as a query."""
    involved = Q(author=person) | Q(offered_to=person) | Q(consultant=person)
    submitted = Q(submitted_at__isnull=False)
    if person.has_role(Role.OFFICE):
        return Voucher.objects.filter(involved | submitted)
    open_to = Q(unit__in=person.unit_ids)
    if person.is_member:
        handed = Voucher.former_units.through.objects.filter(unit__in=person.unit_ids)
        open_to |= ~Q(visibility=Visibility.PRIVATE) | Q(pk__in=handed.values("voucher"))
    return Voucher.objects.filter(involved | (submitted & open_to))


def for_list(vouchers: QuerySet[Voucher]) -> QuerySet[Voucher]:
    """With all that a row of a list shows, and without the long texts."""
    return vouchers.select_related("kind", "unit", "author", "consultant", "offered_to").defer(
        "answers", "report", "feedback"
    )


def public_summaries() -> QuerySet[Voucher]:
    """What others asked and what came out, as far as they made it public."""
    public = Voucher.objects.filter(visibility=Visibility.SUMMARY, submitted_at__isnull=False)
    return for_list(public.exclude(state__in=[State.WITHDRAWN, State.DECLINED]))


#: What a row shows, and what the rules ask of it for its next step. To make five objects with all
#: their columns of each row is most of what reading the rows costs.
_OF_A_ROW = (
    "reference",
    "title",
    "state",
    "changed_at",
    "starts_on",
    "days",
    "visibility",
    "submitted_at",
    "kind__name",
    "unit__name",
    "author__name",
    "consultant__name",
    "offered_to__name",
)


def rows(ids: Iterable[int]) -> list[Voucher]:
    """The vouchers of these ids, in their order, with all that a row of a list shows.

    To sort and skip ids alone, and then to read the few rows, is much less work for the database.
    """
    wanted = list(ids)
    vouchers = for_list(Voucher.objects.filter(pk__in=wanted)).only(*_OF_A_ROW)
    found = {one.pk: one for one in vouchers}
    return [found[pk] for pk in wanted if pk in found]


def for_page(vouchers: QuerySet[Voucher]) -> QuerySet[Voucher]:
    """With all that a voucher's own page and the rules need."""
    return vouchers.select_related(
        "kind__follow_up",
        "unit__host",
        "field",
        "agreement",
        "author",
        "consultant",
        "offered_to",
        "questionnaire",
        "inquiry__answered_by",
    )


def voucher_for(person: Person, reference: str) -> Voucher:
    """The voucher of that reference; 404 if there is none or the person may not see it."""
    voucher = get_object_or_404(for_page(Voucher.objects.all()), reference=reference)
    # Of one voucher that is read anyway, the rule itself is cheaper than its query.
    if not rules.may_see(person, voucher):
        raise Http404
    return voucher


def waiting_for(person: Person) -> QuerySet[Voucher]:
    """The vouchers whose next step is the person's (see `workflow.NEXT_STEP`)."""
    mine = Q(author=person, state__in=[State.DRAFT, State.RETURNED, State.REPORTED])
    offered = Q(offered_to=person, state=State.OFFERED)
    working = Q(consultant=person, state=State.ACTIVE)
    triage = Q(state=State.SUBMITTED) & ~Q(author=person)
    if not person.has_role(Role.OFFICE):
        led = [unit for unit, role in person.roles if role == Role.LEAD]
        triage &= Q(unit__in=led)
    return Voucher.objects.filter(mine | offered | working | triage)


def timeline(voucher: Voucher) -> QuerySet[Event]:
    """What happened to the voucher, first things first."""
    return voucher.events.select_related("actor").only(
        "voucher", "at", "kind", "text", "data", "erased_at", "actor__name"
    )


def inquiries_for(person: Person) -> QuerySet[Inquiry]:
    """For those who answer, every inquiry; for others, their own."""
    inquiries = Inquiry.objects.select_related("person", "answered_by", "voucher")
    if person.has_role(Role.LEAD, Role.OFFICE):
        return inquiries
    return inquiries.filter(person=person)
