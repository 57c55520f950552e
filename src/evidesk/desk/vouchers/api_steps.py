"""The workflow over HTTP: one operation for each action, with the very form of its page."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from django import forms as django_forms
from django.http import HttpRequest
from django.utils import translation
from ninja import Body as InBody
from ninja import Field, Router, Schema

from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.forms import Body, checked, data_of, schema_of
from evidesk.desk.vouchers import actions, queries, rules
from evidesk.desk.vouchers.models import Voucher
from evidesk.desk.vouchers.steps import FORMS, OWN_PAGE, STEPS, form_for
from evidesk.desk.vouchers.workflow import BY_ACTION, Transition

router = Router(tags=["steps"])


class MovedOut(Schema):
    """Where the voucher stands now."""

    reference: str
    state: str


def _take(request: HttpRequest, reference: str, action: str, facts: Mapping[str, Any]) -> Voucher:
    person = person_of(request)
    voucher = queries.voucher_for(person, reference)
    require(rules.may(person, action, voucher))
    form = form_for(voucher, action, {})
    form = form_for(voucher, action, data_of(form, dict(facts)))
    STEPS[action](voucher, person, checked(form))
    return voucher


def _operation(action: str, form: type[django_forms.Form]) -> Callable[..., Voucher]:
    """The operation of an action; one whose form has no fields takes no body."""
    if not form.base_fields:  # they are known without a voucher

        def take_step(request: HttpRequest, reference: str) -> Voucher:
            return _take(request, reference, action, {})

        return take_step
    schema = schema_of(form, name=f"{action.title().replace('-', '')}In")

    def take_step_with(request: HttpRequest, reference: str, facts: InBody[schema]) -> Voucher:  # type: ignore[valid-type]
        return _take(request, reference, action, facts.model_dump(exclude_unset=True))  # type: ignore[attr-defined]

    return take_step_with


def _summary(step: Transition) -> str:
    """The button's name in English, in which the API is described."""
    with translation.override("en"):
        return str(step.label)


def _describe(step: Transition) -> str:
    guards = "; ".join(guard.text for guard in step.guards)
    sources = " or ".join(f"`{source.value}`" for source in step.sources)
    return f"For {' or '.join(step.who)}, from {sources} to `{step.target.value}`." + (
        f" Provided that {guards}." if guards else ""
    )


def _add(action: str, form: type[django_forms.Form]) -> None:
    step = BY_ACTION[action]
    router.post(
        f"vouchers/{{reference}}/steps/{action}/",
        response=MovedOut,
        operation_id=f"step_{action.replace('-', '_')}",
        url_name=f"step-{action}",
        summary=_summary(step),
        description=_describe(step),
    )(_operation(action, form))


for _action, _form in (FORMS | OWN_PAGE).items():
    _add(_action, cast("type[django_forms.Form]", _form))


class SubmitIn(Body):
    """What the page's box says."""

    agrees: Literal[True] = Field(description="You agree to what the document's `agreement` says.")


@router.post(
    "vouchers/{reference}/steps/submit/",
    response=MovedOut,
    operation_id="step_submit",
    summary=_summary(BY_ACTION["submit"]),
    description=_describe(BY_ACTION["submit"]),
)
def submit(request: HttpRequest, reference: str, facts: SubmitIn) -> Voucher:
    """Its page is the document's, which saves it before."""
    person = person_of(request)
    voucher = queries.voucher_for(person, reference)
    actions.submit(voucher, person)
    return voucher
