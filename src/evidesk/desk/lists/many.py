"""A step for many vouchers: each by its ordinary action, with that action's own rule."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms as django_forms
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidesk.desk.lists.forms import HandOverForm
from evidesk.desk.lists.rules import may_take_many
from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Answer, Conflict, Refused, require
from evidesk.desk.vouchers import actions, forms, rules
from evidesk.desk.vouchers.models import State, Voucher
from evidesk.desk.vouchers.queries import for_page, visible_to
from evidesk.desk.vouchers.steps import FORMS, STEPS
from evidesk.desk.vouchers.workflow import BY_ACTION

#: How many vouchers one step can be taken for.
MOST = 100


@dataclass(frozen=True)
class Step:
    """What can be done with many: `rule` and `act` are those of one voucher."""

    label: Any
    effect: Any
    form: Callable[..., django_forms.Form]
    rule: Callable[[Person, Voucher], Answer]
    act: Callable[[Voucher, Person, dict[str, Any]], object]


def _of_workflow(action: str) -> Step:
    row = BY_ACTION[action]
    return Step(
        label=row.label,
        effect=format_lazy(_("It will be “{state}”."), state=State(row.target).label),
        form=FORMS[action],
        rule=lambda person, voucher: rules.may(person, action, voucher),
        act=STEPS[action],
    )


#: An action of one voucher that needs no choice for each becomes one for many by a line here.
STEPS_FOR_MANY: dict[str, Step] = {
    "message": Step(
        label=_("Write a message"),
        effect=_("Everybody on it can read the message."),
        form=forms.MessageForm,
        rule=rules.may_write,
        act=lambda voucher, person, facts: actions.write(voucher, person, facts["text"]),
    ),
    "hand-over": replace(
        _of_workflow("hand-over"),
        effect=format_lazy(_("It stays “{state}”."), state=State.SUBMITTED.label),
        form=HandOverForm,
    ),
    **{
        action: _of_workflow(action)
        for action in ("take-back", "close-without-feedback", "decline")
    },
}


@dataclass(frozen=True)
class Outcome:
    """What became of one voucher: done, or the reason why not."""

    voucher: Voucher
    reason: str = ""


def chosen(person: Person, references: Iterable[str]) -> list[Voucher]:
    """The vouchers of these references that the person may see, in their order.

    Raises :class:`Refused` if there are more than can be done at once.
    """
    # PostgreSQL takes no NUL, not even to look for it.
    wanted = [reference for reference in dict.fromkeys(references) if "\0" not in reference]
    if len(wanted) > MOST:
        raise Refused(
            gettext("At most %(most)d vouchers at once; these are %(n)d.")
            % {"most": MOST, "n": len(wanted)}
        )
    found = {
        voucher.reference: voucher
        for voucher in for_page(visible_to(person).filter(reference__in=wanted))
    }
    return [found[reference] for reference in wanted if reference in found]


def take(
    step: Step, person: Person, vouchers: Sequence[Voucher], facts: dict[str, Any]
) -> list[Outcome]:
    """Take the step for each. One that is refused leaves the others alone."""
    require(may_take_many(person))
    outcomes = []
    for voucher in vouchers:
        try:
            step.act(voucher, person, facts)
        except (Refused, Conflict) as fault:
            outcomes.append(Outcome(voucher, str(fault)))
        else:
            outcomes.append(Outcome(voucher))
    return outcomes
