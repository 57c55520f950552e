"""Reads for triage: the inbox with its clocks, and who could take which voucher."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import Case, F, QuerySet, Sum, When
from django.db.models.functions import Coalesce, Least
from django.utils import timezone
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from evidesk.desk.people.models import ConflictOfInterest, Person, Role, Skill, Unit
from evidesk.desk.people.queries import members
from evidesk.desk.vouchers import effort, matching, similar
from evidesk.desk.vouchers.matching import Candidate, Match, Sign, strongest
from evidesk.desk.vouchers.models import STAFFED, State, Voucher
from evidesk.desk.vouchers.queries import visible_to
from evidesk.desk.vouchers.similar import text_of

#: Weeks whose free hours count for an offer, from the present one on.
WEEKS = 4
#: How many vouchers are assigned together at most, those that are due first.
BATCH = 50
#: A skill counts from any word in common on.
_LEAST_SKILL = 1e-6


def led_units(person: Person) -> QuerySet[Unit]:
    """The units whose vouchers the person decides on."""
    if person.has_role(Role.OFFICE):
        return Unit.objects.all()
    led = [unit for unit, role in person.roles if role == Role.LEAD]
    return Unit.objects.filter(pk__in=led)


def inbox(person: Person, unit: Unit | None = None) -> QuerySet[Voucher]:
    """What waits in the person's units for a decision, a consultant or the scientist, by what is
    due first; where the clock stands still, last. One query, whatever is in it.
    """
    waiting = Voucher.objects.filter(
        unit__in=led_units(person), state__in=[State.SUBMITTED, State.OFFERED, State.RETURNED]
    ).exclude(author=person)
    if unit is not None:
        waiting = waiting.filter(unit=unit)
    decision = Coalesce(F("decide_by"), F("respond_by"))
    due = Case(
        When(state=State.OFFERED, then=F("offered_until")),
        When(state=State.RETURNED, then=None),
        When(responded_at=None, respond_by__isnull=False, then=Least(decision, F("respond_by"))),
        default=F("decide_by"),
    )
    return (
        waiting.select_related("unit", "kind", "author", "offered_to")
        .defer("answers", "report", "feedback")
        .annotate(due_on=due)
        .order_by(F("due_on").asc(nulls_last=True), "submitted_at", "pk")
    )


class Team:
    """All possible consultants with their free hours, past work and conflicts; a fixed number of
    queries, for one voucher or for a whole inbox.
    """

    def __init__(self, viewer: Person) -> None:
        self.people = list(members().filter(memberships__role__in=[Role.CONSULTANT, Role.LEAD]))
        mondays = effort.weeks_from(timezone.localdate(), WEEKS)
        self._weeks = effort.weeks_of(self.people, mondays)
        offered = Voucher.objects.filter(state=State.OFFERED).values_list("offered_to")
        self._offered = dict(offered.annotate(Sum("kind__hours")).order_by())
        self._books = similar.library()
        past: dict[int, list[int]] = defaultdict(list)
        work = Voucher.objects.filter(state__in=STAFFED, consultant__in=self.people)
        for person, voucher in work.values_list("consultant", "pk").order_by("pk"):
            past[person].append(voucher)
        self._past = {one.pk: _places(self._books.documents, past[one.pk]) for one in self.people}
        self._skills = {one.pk: _places(self._books.skills, _skills(one)) for one in self.people}
        self._conflicts = set(ConflictOfInterest.objects.values_list("person", "scientist"))
        self._viewer = viewer

    def free_hours(self, person: Person, voucher: Voucher | None = None) -> float:
        """Free hours of the next weeks, less what open offers to the person would take."""
        free = sum(max(0.0, float(week.free)) for week in self._weeks[person.pk])
        offered = self._offered.get(person.pk, 0)
        if voucher is not None and voucher.offered_to_id == person.pk and voucher.kind:
            offered -= voucher.kind.hours
        return max(0.0, free - float(offered))

    def candidates(self, vouchers: Sequence[Voucher]) -> dict[int, list[Candidate]]:
        """For each voucher (with unit and author) every possible consultant, in one order."""
        found: dict[int, list[Candidate]] = {}
        for voucher in vouchers:
            alike = self._books.texts.similarities(text_of(voucher.title, voucher.answers))
            if voucher.pk in self._books.documents:
                alike[self._books.documents[voucher.pk]] = 0  # it is no past work
            found[voucher.pk] = [
                Candidate(
                    key=person.pk,
                    name=person.name,
                    skill=strongest(alike, self._skills[person.pk], _LEAST_SKILL),
                    past=strongest(alike, self._past[person.pk], similar.LEAST),
                    free_hours=self.free_hours(person, voucher),
                    conflicts=tuple(self._reasons(person, voucher)),
                    place=", ".join(sorted({m.unit.name for m in person.memberships.all()})),
                )
                for person in self.people
            ]
        return found

    def explained(self, voucher: Voucher, matches: Iterable[Match]) -> list[Match]:
        """The matches with the names of their signs and the words in common. Past work is named
        only if the viewer may see it.
        """
        text = text_of(voucher.title, voucher.answers)
        return [
            replace(
                match,
                candidate=replace(
                    match.candidate,
                    skill=self._told(match.candidate.skill, text),
                    past=self._told(match.candidate.past, text),
                ),
            )
            for match in matches
        ]

    def _told(self, sign: Sign, text: str) -> Sign:
        if sign.place < 0:
            return sign
        name = self._names.get(sign.place)
        if name is None:
            return replace(sign, name=_("a voucher that you may not see"))
        return replace(sign, name=name, words=self._books.texts.shared(text, sign.place))

    @cached_property
    def _names(self) -> dict[int, str]:
        """What each place holds: skills, and past work that the viewer may see."""
        work = visible_to(self._viewer).filter(state__in=STAFFED, consultant__in=self.people)
        titles = work.values_list("pk", "reference", "title")
        skills = {s.pk: s.name for person in self.people for s in _skills(person)}
        return {
            **{
                self._books.documents[pk]: f"{reference} {title}"
                for pk, reference, title in titles
                if pk in self._books.documents
            },
            **{place: skills[pk] for pk, place in self._books.skills.items() if pk in skills},
        }

    def _reasons(self, person: Person, voucher: Voucher) -> Iterable[str]:
        """Why it should not be this person."""
        if person.pk == voucher.author_id:
            yield _("It is their own voucher.")
        if (person.pk, voucher.author_id) in self._conflicts:
            yield _("A conflict of interest with the scientist is declared.")
        at_home = bool(person.home) and person.home.lower() == voucher.author.home.lower()
        if voucher.unit.home_conflict and at_home:
            yield _("They are at the scientist's own centre.")


def _skills(person: Person) -> list[Skill]:
    profile = getattr(person, "profile", None)
    return list(profile.skills.all()) if profile else []


def _places(places: dict[int, int], rows: Iterable[Any]) -> NDArray[np.intp]:
    pks = (getattr(row, "pk", row) for row in rows)
    return np.array([places[pk] for pk in pks if pk in places], dtype=np.intp)


def ranking(viewer: Person, voucher: Voucher) -> list[Match]:
    """Who could take the voucher, the best first."""
    assert voucher.kind is not None  # a CHECK constraint from the submission on
    team = Team(viewer)
    candidates = team.candidates([voucher])[voucher.pk]
    return team.explained(voucher, matching.rank(candidates, voucher.kind.hours))


def ranked(viewer: Person, voucher: Voucher) -> list[tuple[int, Match, str]]:
    """The ranking with places from 1 on, and what became of an earlier offer to the person."""
    before = turned_down(voucher)
    matches = ranking(viewer, voucher)
    return [(n, match, before.get(match.candidate.key, "")) for n, match in enumerate(matches, 1)]


def proposals_for_inbox(viewer: Person) -> tuple[list[tuple[Voucher, Match | None]], int]:
    """Proposals for all that waits in the person's inbox, up to :data:`BATCH` vouchers, those that
    are due first; and how many are left out.
    """
    waiting = inbox(viewer).filter(state=State.SUBMITTED).defer(None)
    return proposals(viewer, list(waiting[:BATCH])), max(0, waiting.count() - BATCH)


def proposals(viewer: Person, vouchers: Sequence[Voucher]) -> list[tuple[Voucher, Match | None]]:
    """Each voucher with who should take it so that all together are served best."""
    team = Team(viewer)
    hours = {v.pk: float(v.kind.hours) for v in vouchers if v.kind}
    assigned = matching.assign(team.candidates(vouchers), hours)
    return [
        (voucher, team.explained(voucher, [assigned[voucher.pk]])[0])
        if voucher.pk in assigned
        else (voucher, None)
        for voucher in vouchers
    ]


def turned_down(voucher: Voucher) -> dict[int, str]:
    """People to whom this voucher was offered in vain, each with what became of it last."""
    told: dict[int, str] = {}
    offered_to: int | None = None
    rows = voucher.events.filter(kind__in=["offer", "turn-down", "take-back", "expire"])
    for event in rows.order_by("pk"):
        if event.kind == "offer":
            offered_to = event.data.get("person")
        elif offered_to is not None:
            told[offered_to] = event.kind
    return told
