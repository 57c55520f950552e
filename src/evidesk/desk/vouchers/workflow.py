"""The voucher's way, as one table: action, from, to, who, guards.

Everything that moves a voucher reads this table: the rules, the one function that performs a
transition (`actions.transition`), the buttons on the page, and the docs page made from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from evidesk.desk.people.models import Role
from evidesk.desk.people.rules import ALLOWED, Answer, refuse
from evidesk.desk.vouchers.models import OPEN, State, Visibility, Voucher

Facts = Mapping[str, Any]


class Part(StrEnum):
    """The part that a person plays for a voucher; the value completes "Only ... can do this"."""

    AUTHOR = gettext_noop("the scientist who asks")
    TRIAGE = gettext_noop("a lead of the unit or the office")
    OFFERED = gettext_noop("the consultant it is offered to")
    CONSULTANT = gettext_noop("the voucher's consultant")
    DESK = gettext_noop("the desk itself")

    @property
    def label(self) -> str:
        """The value in the reader's language."""
        return gettext(self.value)


@dataclass(frozen=True)
class Guard:
    """A condition beside who and from where; `check` decides it, `text` tells it in the docs and
    in the API's description, which are English.
    """

    text: str
    check: Callable[[Voucher, Facts], Answer]


@dataclass(frozen=True)
class Transition:
    """One row of the table. `label` is the button, `past` completes "Mara Lind ..."."""

    action: str
    sources: tuple[State, ...]
    target: State
    who: tuple[Part, ...]
    label: str | Promise
    past: str | Promise
    guards: tuple[Guard, ...] = ()


def _complete(voucher: Voucher, _: Facts) -> Answer:
    missing = [q["prompt"] for q in voucher.answered() if not q["answer"].strip()]
    if not voucher.title.strip():
        missing.insert(0, gettext("Title"))
    if voucher.kind is None:
        missing.insert(0, gettext("Kind"))
    if voucher.visibility == Visibility.SUMMARY and not voucher.summary.strip():
        missing.append(gettext("Public summary"))
    if missing:
        return refuse(
            gettext("Please fill in first: %(missing)s") % {"missing": "; ".join(missing)}
        )
    return ALLOWED


def _said(name: str, what: str, please: Promise) -> Guard:
    def check(_voucher: Voucher, facts: Facts) -> Answer:
        return ALLOWED if str(facts.get(name, "")).strip() else refuse(str(please))

    return Guard(f"somebody has written {what}", check)


def _able(voucher: Voucher, facts: Facts) -> Answer:
    person = facts["consultant"]
    if person == voucher.author:
        return refuse(gettext("Nobody can be their own consultant."))
    if not (person.is_active and person.has_role(Role.CONSULTANT, Role.LEAD)):
        return refuse(
            gettext("%(person)s is not a consultant of the network.") % {"person": person}
        )
    return ALLOWED


def _fits_kind(voucher: Voucher, facts: Facts) -> Answer:
    kind = voucher.kind
    assert kind is not None  # a CHECK constraint from the submission on
    if not kind.min_days <= facts["days"] <= kind.max_days:
        return refuse(
            gettext("%(kind)s takes %(least)d to %(most)d days, not %(days)d.")
            % {
                "kind": kind.name,
                "least": kind.min_days,
                "most": kind.max_days,
                "days": facts["days"],
            }
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
QUESTIONS = _said("text", "the questions", _("Please write the questions."))
REASON = _said("text", "the reason", _("Please write the reason."))
REPORT = _said("report", "the report", _("Please write the report."))

TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        "submit", (State.DRAFT, State.RETURNED), State.SUBMITTED, (Part.AUTHOR,),
        _("Submit"), _("submitted the voucher"), (COMPLETE,),
    ),
    Transition(
        "return", (State.SUBMITTED,), State.RETURNED, (Part.TRIAGE,),
        _("Ask back"), _("sent it back with questions"), (QUESTIONS,),
    ),
    Transition(
        "decline", (State.SUBMITTED,), State.DECLINED, (Part.TRIAGE,),
        _("Decline"), _("declined the voucher"), (REASON,),
    ),
    Transition(
        "offer", (State.SUBMITTED,), State.OFFERED, (Part.TRIAGE,),
        _("Offer to a consultant"), _("offered it to"), (ABLE,),
    ),
    Transition(
        "hand-over", (State.SUBMITTED,), State.SUBMITTED, (Part.TRIAGE,),
        _("Hand over to another unit"), _("handed it over to"),
        (ELSEWHERE, REASON),
    ),
    Transition(
        "expire", (State.OFFERED,), State.SUBMITTED, (Part.DESK,),
        _("End an offer that nobody answered"), _("ended the offer, which nobody answered"),
        (EXPIRED,),
    ),
    Transition(
        "take-back", (State.OFFERED,), State.SUBMITTED, (Part.TRIAGE,),
        _("Take the offer back"), _("took the offer back"),
    ),
    Transition(
        "turn-down", (State.OFFERED,), State.SUBMITTED, (Part.OFFERED,),
        _("Turn down"), _("turned the offer down"), (REASON,),
    ),
    Transition(
        "accept", (State.OFFERED,), State.ACTIVE, (Part.OFFERED,),
        _("Accept and plan"), _("accepted and planned the work"), (AGREED, FITS_KIND),
    ),
    Transition(
        "plan", (State.ACTIVE,), State.ACTIVE, (Part.CONSULTANT,),
        _("Change the plan"), _("changed the planned dates"), (FITS_KIND, NOT_LONGER),
    ),
    Transition(
        "extend", (State.ACTIVE,), State.ACTIVE, (Part.CONSULTANT,),
        _("Extend"), _("extended the planned time"),
        (FITS_KIND, LONGER, REASON),
    ),
    Transition(
        "report", (State.ACTIVE,), State.REPORTED, (Part.CONSULTANT,),
        _("Write the report"), _("handed in the report"), (REPORT,),
    ),
    Transition(
        "close", (State.REPORTED,), State.CLOSED, (Part.AUTHOR,),
        _("Give feedback and close"), _("closed the voucher"),
    ),
    Transition(
        "close-without-feedback", (State.REPORTED,), State.CLOSED, (Part.TRIAGE,),
        _("Close without feedback"), _("closed the voucher without feedback"),
    ),
    Transition(
        "withdraw", (State.DRAFT, *OPEN[:-1]), State.WITHDRAWN, (Part.AUTHOR,),
        _("Withdraw"), _("withdrew the voucher"),
    ),
)  # fmt: skip

BY_ACTION = {transition.action: transition for transition in TRANSITIONS}

#: The one thing each part should do next, in each state, and what the page says beside its button.
NEXT_STEP: dict[tuple[State, Part], tuple[str, str | Promise]] = {
    (State.DRAFT, Part.AUTHOR): ("submit", _("Finish the document and submit it.")),
    (State.RETURNED, Part.AUTHOR): (
        "submit",
        _(
            "The team has questions; they are at the end of the conversation. Change the document "
            "where it helps, and submit it again."
        ),
    ),
    (State.SUBMITTED, Part.TRIAGE): (
        "offer",
        _("Read the document, then offer it to a consultant, ask back, or decline."),
    ),
    (State.OFFERED, Part.OFFERED): (
        "accept",
        _("This is offered to you. Accept it with a plan, or turn it down with a reason."),
    ),
    (State.ACTIVE, Part.CONSULTANT): (
        "report",
        _(
            "Talk to the scientist, run kits on the files, and hand in the report when you are "
            "done."
        ),
    ),
    (State.REPORTED, Part.AUTHOR): (
        "close",
        _("The report is in the conversation. Tell us how it was; that closes the voucher."),
    ),
}

#: What the page says to those whose turn it is not.
WAITING = {
    State.DRAFT: _("The scientist is still writing."),
    State.SUBMITTED: _("The team reads it and finds somebody for it, usually within a few days."),
    State.RETURNED: _("The scientist has been asked something and can submit it again."),
    State.OFFERED: _("A consultant has been asked and can accept or turn it down."),
    State.ACTIVE: _("The work is in progress. Write to each other below."),
    State.REPORTED: _("The report is there; the scientist can give feedback and close."),
    State.CLOSED: _("This voucher is closed. Everything stays here to be read."),
    State.WITHDRAWN: _("The scientist has withdrawn it."),
    State.DECLINED: _("The team could not take this on; the reason is in the conversation."),
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
    """The table for the docs, which are English."""
    with translation.override("en"):
        return _as_markdown()


def _as_markdown() -> str:
    lines = ["| action | from | to | who | provided that |", "| --- | --- | --- | --- | --- |"]
    lines += [
        "| {} | {} | {} | {} | {} |".format(
            transition.label,
            ", ".join(str(state.label) for state in transition.sources),
            transition.target.label,
            " or ".join(transition.who),
            "; ".join(guard.text for guard in transition.guards) or "-",
        )
        for transition in TRANSITIONS
    ]
    return "\n".join(lines) + "\n"
