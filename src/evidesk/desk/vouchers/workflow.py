"""The voucher's way, as one table: action, from, to, who, guards.

Everything that moves a voucher reads this table: the rules, the one function that performs a
transition (`actions.transition`), the buttons on the page, and the docs page made from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext

from evidesk.desk.people.models import Role
from evidesk.desk.people.rules import ALLOWED, Answer, refuse
from evidesk.desk.vouchers.models import OPEN, State, Visibility, Voucher

Facts = Mapping[str, Any]


class Part(StrEnum):
    """The part that a person plays for a voucher; the value completes "Only ... can do this"."""

    AUTHOR = "the scientist who asks"
    TRIAGE = "a lead of the unit or the office"
    OFFERED = "the consultant it is offered to"
    CONSULTANT = "the voucher's consultant"
    DESK = "the desk itself"


@dataclass(frozen=True)
class Guard:
    """A condition beside who and from where; `text` tells it, `check` decides it."""

    text: str
    check: Callable[[Voucher, Facts], Answer]


@dataclass(frozen=True)
class Transition:
    """One row of the table. `label` is the button, `past` completes "Mara Lind ..."."""

    action: str
    sources: tuple[State, ...]
    target: State
    who: tuple[Part, ...]
    label: str
    past: str
    guards: tuple[Guard, ...] = ()


def _complete(voucher: Voucher, _: Facts) -> Answer:
    missing = [q["prompt"] for q in voucher.answered() if not q["answer"].strip()]
    if not voucher.title.strip():
        missing.insert(0, "Title")
    if voucher.kind is None:
        missing.insert(0, "Kind")
    if voucher.visibility == Visibility.SUMMARY and not voucher.summary.strip():
        missing.append(gettext("Public summary"))
    if missing:
        return refuse("Please fill in first: " + "; ".join(missing))
    return ALLOWED


def _said(name: str, what: str) -> Guard:
    def check(_: Voucher, facts: Facts) -> Answer:
        return ALLOWED if str(facts.get(name, "")).strip() else refuse(f"Please write {what}.")

    return Guard(f"somebody has written {what}", check)


def _able(voucher: Voucher, facts: Facts) -> Answer:
    person = facts["consultant"]
    if person == voucher.author:
        return refuse("Nobody can be their own consultant.")
    if not (person.is_active and person.has_role(Role.CONSULTANT, Role.LEAD)):
        return refuse(f"{person} is not a consultant of the network.")
    return ALLOWED


def _fits_kind(voucher: Voucher, facts: Facts) -> Answer:
    kind = voucher.kind
    assert kind is not None  # a CHECK constraint from the submission on
    if not kind.min_days <= facts["days"] <= kind.max_days:
        return refuse(
            f"{kind.name} takes {kind.min_days} to {kind.max_days} days, not {facts['days']}."
        )
    return ALLOWED


def _agreed(voucher: Voucher, _: Facts) -> Answer:
    if voucher.agreement_id is None:
        return refuse(gettext("The scientist has not agreed yet on how the network is credited."))
    return ALLOWED


def _not_longer(voucher: Voucher, facts: Facts) -> Answer:
    if facts["days"] > (voucher.days or 0):
        return refuse(gettext("A longer time is an extension, which needs a reason."))
    return ALLOWED


def _longer(voucher: Voucher, facts: Facts) -> Answer:
    if facts["days"] <= (voucher.days or 0):
        return refuse(
            gettext("It is planned for %(days)d days already.") % {"days": voucher.days or 0}
        )
    return ALLOWED


def _elsewhere(voucher: Voucher, facts: Facts) -> Answer:
    unit = facts["unit"]
    if unit.pk == voucher.unit_id:
        return refuse(gettext("It is with this unit already."))
    if unit.is_retired:
        return refuse(gettext("This unit takes no vouchers any more."))
    return ALLOWED


def _expired(voucher: Voucher, facts: Facts) -> Answer:
    if voucher.offered_until is None or facts["today"] <= voucher.offered_until:
        return refuse(gettext("The offer still holds."))
    return ALLOWED


COMPLETE = Guard("title, kind and every question are filled in", _complete)
AGREED = Guard(
    "the scientist has agreed to how the network works, and who accepts agrees too", _agreed
)
ELSEWHERE = Guard("the other unit takes vouchers", _elsewhere)
EXPIRED = Guard("the offer's last day is over", _expired)
NOT_LONGER = Guard("the planned length does not grow", _not_longer)
LONGER = Guard("the planned length grows", _longer)
ABLE = Guard("the chosen person is a consultant or lead and not the author", _able)
FITS_KIND = Guard("the planned length is within the limits of its kind", _fits_kind)

TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        "submit", (State.DRAFT, State.RETURNED), State.SUBMITTED, (Part.AUTHOR,),
        "Submit", "submitted the voucher", (COMPLETE,),
    ),
    Transition(
        "return", (State.SUBMITTED,), State.RETURNED, (Part.TRIAGE,),
        "Ask back", "sent it back with questions", (_said("text", "the questions"),),
    ),
    Transition(
        "decline", (State.SUBMITTED,), State.DECLINED, (Part.TRIAGE,),
        "Decline", "declined the voucher", (_said("text", "the reason"),),
    ),
    Transition(
        "offer", (State.SUBMITTED,), State.OFFERED, (Part.TRIAGE,),
        "Offer to a consultant", "offered it to", (ABLE,),
    ),
    Transition(
        "hand-over", (State.SUBMITTED,), State.SUBMITTED, (Part.TRIAGE,),
        "Hand over to another unit", "handed it over to",
        (ELSEWHERE, _said("text", "the reason")),
    ),
    Transition(
        "expire", (State.OFFERED,), State.SUBMITTED, (Part.DESK,),
        "End an offer that nobody answered", "ended the offer, which nobody answered", (EXPIRED,),
    ),
    Transition(
        "take-back", (State.OFFERED,), State.SUBMITTED, (Part.TRIAGE,),
        "Take the offer back", "took the offer back",
    ),
    Transition(
        "turn-down", (State.OFFERED,), State.SUBMITTED, (Part.OFFERED,),
        "Turn down", "turned the offer down", (_said("text", "the reason"),),
    ),
    Transition(
        "accept", (State.OFFERED,), State.ACTIVE, (Part.OFFERED,),
        "Accept and plan", "accepted and planned the work", (AGREED, FITS_KIND),
    ),
    Transition(
        "plan", (State.ACTIVE,), State.ACTIVE, (Part.CONSULTANT,),
        "Change the plan", "changed the planned dates", (FITS_KIND, NOT_LONGER),
    ),
    Transition(
        "extend", (State.ACTIVE,), State.ACTIVE, (Part.CONSULTANT,),
        "Extend", "extended the planned time",
        (FITS_KIND, LONGER, _said("text", "the reason")),
    ),
    Transition(
        "report", (State.ACTIVE,), State.REPORTED, (Part.CONSULTANT,),
        "Write the report", "handed in the report", (_said("report", "the report"),),
    ),
    Transition(
        "close", (State.REPORTED,), State.CLOSED, (Part.AUTHOR,),
        "Give feedback and close", "closed the voucher",
    ),
    Transition(
        "close-without-feedback", (State.REPORTED,), State.CLOSED, (Part.TRIAGE,),
        "Close without feedback", "closed the voucher without feedback",
    ),
    Transition(
        "withdraw", (State.DRAFT, *OPEN[:-1]), State.WITHDRAWN, (Part.AUTHOR,),
        "Withdraw", "withdrew the voucher",
    ),
)  # fmt: skip

BY_ACTION = {transition.action: transition for transition in TRANSITIONS}

#: The one thing each part should do next, in each state, and what the page says beside its button.
NEXT_STEP: dict[tuple[State, Part], tuple[str, str]] = {
    (State.DRAFT, Part.AUTHOR): ("submit", "Finish the document and submit it."),
    (State.RETURNED, Part.AUTHOR): (
        "submit",
        "The team has questions; they are at the end of the conversation. Change the document "
        "where it helps, and submit it again.",
    ),
    (State.SUBMITTED, Part.TRIAGE): (
        "offer",
        "Read the document, then offer it to a consultant, ask back, or decline.",
    ),
    (State.OFFERED, Part.OFFERED): (
        "accept",
        "This is offered to you. Accept it with a plan, or turn it down with a reason.",
    ),
    (State.ACTIVE, Part.CONSULTANT): (
        "report",
        "Talk to the scientist, run kits on the files, and hand in the report when you are done.",
    ),
    (State.REPORTED, Part.AUTHOR): (
        "close",
        "The report is in the conversation. Tell us how it was; that closes the voucher.",
    ),
}

#: What the page says to those whose turn it is not.
WAITING = {
    State.DRAFT: "The scientist is still writing.",
    State.SUBMITTED: "The team reads it and finds somebody for it, usually within a few days.",
    State.RETURNED: "The scientist has been asked something and can submit it again.",
    State.OFFERED: "A consultant has been asked and can accept or turn it down.",
    State.ACTIVE: "The work is in progress. Write to each other below.",
    State.REPORTED: "The report is there; the scientist can give feedback and close.",
    State.CLOSED: "This voucher is closed. Everything stays here to be read.",
    State.WITHDRAWN: "The scientist has withdrawn it.",
    State.DECLINED: "The team could not take this on; the reason is in the conversation.",
}

#: The good way through the states, as the page shows it.
WAY = (
    State.DRAFT,
    State.SUBMITTED,
    State.OFFERED,
    State.ACTIVE,
    State.REPORTED,
    State.CLOSED,
)


def as_markdown() -> str:
    """The table for the docs."""
    lines = ["| action | from | to | who | provided that |", "| --- | --- | --- | --- | --- |"]
    lines += [
        "| {} | {} | {} | {} | {} |".format(
            transition.label,
            ", ".join(state.label for state in transition.sources),
            transition.target.label,
            " or ".join(transition.who),
            "; ".join(guard.text for guard in transition.guards) or "-",
        )
        for transition in TRANSITIONS
    ]
    return "\n".join(lines) + "\n"
