"""A step for many vouchers over HTTP: one operation for each that its page offers."""

from collections.abc import Callable
from typing import Annotated, Any, cast

from django import forms as django_forms
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _
from ninja import Body as InBody
from ninja import Field, Query, Router, Schema

from evidesk.desk.lists import many
from evidesk.desk.lists.many import MOST, STEPS_FOR_MANY
from evidesk.desk.lists.rules import may_take_many
from evidesk.desk.people.models import Person
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.forms import NO_NUL, checked, data_of, schema_of
from evidesk.desk.rest.problems import Invalid
from evidesk.desk.vouchers.models import Voucher

router = Router(tags=["steps"])

_Reference = Annotated[str, Field(max_length=20, pattern=NO_NUL)]
_VOUCHERS = Field(min_length=1, max_length=MOST, description="Their references.")


class OutcomeOut(Schema):
    """Of one voucher: whether it was done, and if not, why not."""

    reference: str
    done: bool
    reason: str


class PossibleOut(Schema):
    """Of one voucher: whether it would be done, and if not, why not."""

    reference: str
    possible: bool
    reason: str


class ManyOf(Schema):
    """Which vouchers it is about."""

    voucher: list[_Reference] = _VOUCHERS


def _chosen(person: Person, field: str, references: list[str]) -> list[Voucher]:
    """The vouchers; a program does not mean to leave out those that are not found."""
    require(may_take_many(person))
    vouchers = many.chosen(person, references)
    missing = {*references} - {voucher.reference for voucher in vouchers}
    if missing:
        why = _("There is nothing here that you may see.")
        raise Invalid({field: [f"{reference}: {why}" for reference in sorted(missing)]})
    return vouchers


def _add(action: str, step: many.Step) -> None:
    """Two operations: what would happen, and to do it."""
    with translation.override("en"):
        label, effect = str(step.label), str(step.effect)
    name = action.replace("-", "_")

    def look(request: HttpRequest, wanted: Query[ManyOf]) -> list[dict[str, Any]]:
        person = person_of(request)
        answers = [
            (voucher, step.rule(person, voucher))
            for voucher in _chosen(person, "voucher", wanted.voucher)
        ]
        return [
            {"reference": one.reference, "possible": bool(answer), "reason": answer.reason}
            for one, answer in answers
        ]

    router.get(
        f"vouchers/many/{action}/",
        response=list[PossibleOut],
        operation_id=f"look_many_{name}",
        summary=f"{label}: for which of these vouchers it is possible",
        description="Nothing happens yet.",
    )(look)
    router.post(
        f"vouchers/many/{action}/",
        response=list[OutcomeOut],
        operation_id=f"many_{name}",
        summary=f"{label}, for many vouchers",
        description=f"{effect} Each takes the step by its own rule: one that is refused leaves "
        "the others alone.",
    )(_taking(action, step))


def _taking(action: str, step: many.Step) -> Callable[..., list[dict[str, Any]]]:
    form = cast("type[django_forms.Form]", step.form)
    title = "".join(part.title() for part in action.split("-"))
    schema = schema_of(form, name=f"Many{title}In", vouchers=(list[_Reference], _VOUCHERS))

    def take(request: HttpRequest, facts: InBody[schema]) -> list[dict[str, Any]]:  # type: ignore[valid-type]
        person = person_of(request)
        given: dict[str, Any] = facts.model_dump()  # type: ignore[attr-defined]
        vouchers = _chosen(person, "vouchers", given.pop("vouchers"))
        data = checked(form(data_of(form(), given)))
        return [
            {"reference": one.voucher.reference, "done": not one.reason, "reason": one.reason}
            for one in many.take(step, person, vouchers, data)
        ]

    return take


for _action, _step in STEPS_FOR_MANY.items():
    _add(_action, _step)
