"""What each action of the workflow asks for, and does with it: for the pages and for the API."""

from collections.abc import Callable
from typing import Any

from django import forms as django_forms

from evidesk.desk.people.models import Person
from evidesk.desk.vouchers import actions, forms, work
from evidesk.desk.vouchers.models import Voucher

FORMS: dict[str, Callable[..., django_forms.Form]] = {
    "return": forms.QuestionsForm,
    "decline": forms.ReasonForm,
    "hand-over": forms.HandOverForm,
    "take-back": forms.OptionalReasonForm,
    "turn-down": forms.ReasonForm,
    "accept": forms.AcceptForm,
    "plan": forms.PlanForm,
    "extend": forms.ExtendForm,
    "close": forms.FeedbackForm,
    "close-without-feedback": forms.NothingForm,
    "withdraw": forms.OptionalReasonForm,
}

#: Actions that have a page of their own, and hence no button beside the others.
OWN_PAGE: dict[str, Callable[..., django_forms.Form]] = {"offer": forms.OfferForm}

#: Actions whose form begins with what the voucher says.
ABOUT_VOUCHER = {"offer", "hand-over", "accept", "plan", "extend", "close"}

STEPS: dict[str, Callable[[Voucher, Person, dict[str, Any]], None]] = {
    "return": lambda v, p, f: actions.send_back(v, p, f["text"]),
    "decline": lambda v, p, f: actions.decline(v, p, f["text"]),
    "offer": lambda v, p, f: actions.offer(v, p, f["consultant"], f["text"]),
    "hand-over": lambda v, p, f: actions.hand_over(v, p, f["unit"], f["text"]),
    "take-back": lambda v, p, f: actions.take_back(v, p, f["text"]),
    "turn-down": lambda v, p, f: actions.turn_down(v, p, f["text"]),
    "accept": lambda v, p, f: actions.accept(v, p, f["starts_on"], f["days"]),
    "plan": lambda v, p, f: actions.plan(v, p, f["starts_on"], f["days"]),
    "extend": lambda v, p, f: actions.extend(v, p, f["days"], f["text"]),
    "close": lambda v, p, f: work.close(v, p, **f),
    "close-without-feedback": lambda v, p, _: actions.close_without_feedback(v, p),
    "withdraw": lambda v, p, f: actions.withdraw(v, p, f["text"]),
}


def form_for(voucher: Voucher, action: str, data: Any) -> django_forms.Form:
    """The form that asks for an action's facts."""
    form = (FORMS | OWN_PAGE)[action]
    return form(data, voucher=voucher) if action in ABOUT_VOUCHER else form(data)


def save_draft(voucher: Voucher, person: Person, form: forms.DraftForm) -> None:
    """Keep what a valid form says; raises what :func:`actions.save_draft` raises."""
    data = form.cleaned_data
    actions.save_draft(
        voucher,
        person,
        revision=data["revision"],
        title=data["title"],
        kind=data["kind"],
        unit=data["unit"],
        field=data["field"],
        credit=data["credit"] or None,
        visibility=data["visibility"] or None,
        summary=data["summary"],
        answers=form.answers(),
        window=data["window"],
    )
