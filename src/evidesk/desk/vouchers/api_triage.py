"""Triage over HTTP: the inbox, who could take a voucher, proposals, similar vouchers."""

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema
from ninja.pagination import paginate

from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.forms import NO_NUL
from evidesk.desk.rest.paging import Pages
from evidesk.desk.vouchers import rules, similar, triage
from evidesk.desk.vouchers.api import VoucherOut
from evidesk.desk.vouchers.clock import Due, due_of
from evidesk.desk.vouchers.matching import Match, Sign
from evidesk.desk.vouchers.models import Voucher
from evidesk.desk.vouchers.queries import public_summaries, voucher_for
from evidesk.desk.vouchers.similar import Similar

router = Router(tags=["triage"])


class DueOut(Schema):
    """What is due: a `response`, a `decision` or the answer to an `offer`; `paused` has no day.

    `days` are the working days left, negative when it is over.
    """

    what: str
    on: date | None
    days: int


class WaitingOut(VoucherOut):
    """A voucher of the inbox."""

    offered_to: str | None
    submitted_at: datetime
    due: DueOut | None

    @staticmethod
    def resolve_offered_to(voucher: Voucher) -> str | None:
        return voucher.offered_to.name if voucher.offered_to else None

    @staticmethod
    def resolve_due(voucher: Voucher) -> Due | None:
        return due_of(voucher, timezone.localdate())


class InboxOut(Schema):
    """What is due first, and how many more there are."""

    items: list[WaitingOut]
    left_out: int


class InboxOf(Schema):
    """Whose inbox; one of a unit that you do not look after is empty."""

    unit: str = Field("", max_length=50, pattern=NO_NUL, description="Its slug.")
    limit: int = Field(100, ge=1, le=1000, description="How many at most.")


@router.get(
    "inbox/",
    response=InboxOut,
    summary="What waits in your units, what is due first on top",
    description="It has no cursor, for its order changes with whatever is done: take what is on "
    "top, and ask again.",
)
def inbox(request: HttpRequest, wanted: Query[InboxOf]) -> dict[str, Any]:
    person = person_of(request)
    require(rules.may_triage(person))
    waiting = triage.inbox(person)
    if wanted.unit:
        waiting = waiting.filter(unit__slug=wanted.unit)
    items = list(waiting[: wanted.limit])
    return {"items": items, "left_out": max(0, waiting.count() - len(items))}


class SignOut(Schema):
    """A sign that somebody knows the topic: how much it is like the document, by which words."""

    name: str
    similarity: float
    words: list[str]


class CandidateOut(Schema):
    """How well somebody fits: `score` is `affinity` (knows the topic) times `capacity` (has time),
    and 0 if there are `conflicts`.
    """

    id: int = Field(description="What an offer names them by.")
    name: str
    units: str
    score: float
    affinity: float
    capacity: float
    skill: SignOut | None = Field(description="The skill that is most like the document.")
    past: SignOut | None = Field(description="The past work that is most like it.")
    free_hours: float = Field(description="In the next four weeks, open offers counted.")
    conflicts: list[str] = Field(description="Why it should not be them.")

    @classmethod
    def of(cls, match: Match, **more: Any) -> "CandidateOut":
        one = match.candidate
        return cls(
            id=one.key,
            name=one.name,
            units=one.place,
            score=match.score,
            affinity=match.affinity,
            capacity=match.capacity,
            skill=_told(one.skill),
            past=_told(one.past),
            free_hours=one.free_hours,
            conflicts=list(one.conflicts),
            **more,
        )


def _told(sign: Sign) -> SignOut | None:
    if not sign.similarity:
        return None
    return SignOut(name=sign.name, similarity=sign.similarity, words=list(sign.words))


class RankedOut(CandidateOut):
    """A candidate, with their place in the ranking."""

    place: int
    earlier: str = Field(
        description="What became of an earlier offer of this voucher to them: `turn-down`, "
        "`take-back`, `expire`, or empty."
    )


@router.get(
    "vouchers/{reference}/candidates/",
    response=list[RankedOut],
    summary="Who could take the voucher, the best first, and why",
)
def candidates(request: HttpRequest, reference: str) -> list[CandidateOut]:
    person = person_of(request)
    voucher = voucher_for(person, reference)
    require(rules.may(person, "offer", voucher))
    return [
        RankedOut.of(match, place=place, earlier=earlier)
        for place, match, earlier in triage.ranked(person, voucher)
    ]


class ProposalOut(Schema):
    """A voucher, and who should take it; null if there is nobody left."""

    voucher: WaitingOut
    candidate: CandidateOut | None


class ProposalsOut(Schema):
    """An assignment for all that waits, with the greatest sum of scores."""

    items: list[ProposalOut]
    total: float
    left_out: int = Field(description="Vouchers that wait, too: those that are due last.")


@router.get(
    "inbox/proposals/",
    response=ProposalsOut,
    summary="Who should take what so that all are served best",
)
def proposals(request: HttpRequest) -> dict[str, Any]:
    person = person_of(request)
    require(rules.may_triage(person))
    rows, left_out = triage.proposals_for_inbox(person)
    return {
        "items": [
            {"voucher": voucher, "candidate": CandidateOut.of(match) if match else None}
            for voucher, match in rows
        ],
        "total": sum(match.score for _, match in rows if match),
        "left_out": left_out,
    }


class SummaryOut(Schema):
    """What somebody made public of a voucher."""

    title: str
    summary: str
    kind: str | None
    unit: str
    state: str

    @staticmethod
    def resolve_kind(voucher: Voucher) -> str | None:
        return VoucherOut.resolve_kind(voucher)

    @staticmethod
    def resolve_unit(voucher: Voucher) -> str:
        return voucher.unit.slug


@router.get(
    "summaries/",
    response=list[SummaryOut],
    summary="What others asked and what came out, as far as they made it public",
    auth=None,
)
@paginate(Pages)
def summaries(request: HttpRequest) -> Any:
    return public_summaries()


class SimilarOut(Schema):
    """How much a voucher is like another one; what is not public of it is told to the team."""

    similarity: float
    public: SummaryOut
    voucher: VoucherOut | None


@router.get(
    "vouchers/{reference}/similar/",
    response=list[SimilarOut],
    summary="Vouchers that are like this one",
    description="For the author of a draft, public summaries; for whoever can offer the voucher "
    "to a consultant, all vouchers that they may see.",
)
def similar_vouchers(request: HttpRequest, reference: str) -> list[dict[str, Any]]:
    person = person_of(request)
    voucher = voucher_for(person, reference)
    if rules.may_edit(person, voucher):
        return [_likened(one, for_team=False) for one in similar.for_scientist(voucher)]
    require(rules.may(person, "offer", voucher))
    return [_likened(one, for_team=True) for one in similar.for_team(person, voucher)]


def _likened(found: Similar, *, for_team: bool) -> dict[str, Any]:
    voucher, similarity = found
    return {"similarity": similarity, "public": voucher, "voucher": voucher if for_team else None}
