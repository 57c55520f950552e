"""The API is what it says it is: cases that schemathesis makes from its description, and from what
contradicts it.

EVIDESK_API_EXAMPLES sets how many random cases an operation gets, beside those that are made
systematically.
"""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from evidesk.desk.api import api
from evidesk.desk.hooks.actions import add_hook, ping
from evidesk.desk.hooks.models import EVENTS
from evidesk.desk.lists.actions import save_view
from evidesk.desk.lists.many import STEPS_FOR_MANY
from evidesk.desk.middleware import RATES
from evidesk.desk.notices.models import Mail, MailState, Reply, ReplyState
from evidesk.desk.office.cases import FIGURES
from evidesk.desk.people.actions import create_token
from evidesk.desk.people.limits import Limit
from evidesk.desk.people.models import Absence, GroupRole, Person, Scope, Skill, Token
from evidesk.desk.people.staffing import declare_conflict
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.catalogues import CATALOGUES
from evidesk.desk.vouchers.models import State, Tag
from evidesk.desk.wsgi import application
from tests.desk.network import (
    Network,
    a_draft,
    a_run,
    an_attachment,
    some_evidence,
    voucher_in,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

EXAMPLES = int(os.environ.get("EVIDESK_API_EXAMPLES", "3"))

schema = schemathesis.openapi.from_dict(
    json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/"))),
    config=SchemathesisConfig.from_dict(
        {
            "seed": int(os.environ.get("EVIDESK_API_SEED", "1")),
            "generation": {"max-examples": EXAMPLES, "database": "none"},
            # A condition that does not hold is no fault of what is sent with it.
            "checks": {
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "412"]
                }
            },
        }
    ),
)
schema.app = application

#: What fits its schema can still name rows that there are not, or days that no plan has; then the
#: form says so.
MAY_BE_UNFIT = {
    *("step_offer", "step_accept", "step_plan", "step_hand_over", "step_extend"),
    *(f"evidesk_desk_runs_api_{name}" for name in ("start_run", "report")),
    *(f"evidesk_desk_vouchers_{name}" for name in ("api_change_document",)),
    "evidesk_desk_vouchers_api_inquiries_inquire",
    *(f"evidesk_desk_vouchers_api_beside_{name}" for name in ("set_tags", "book")),
    "evidesk_desk_lists_api_views_keep",
    *(f"{look}many_{name.replace('-', '_')}" for name in STEPS_FOR_MANY for look in ("", "look_")),
    *(f"add_to_{what}" for what in CATALOGUES),
    *(f"change_in_{what}" for what in CATALOGUES),
    *(
        f"evidesk_desk_vouchers_api_members_{name}"
        for name in ("set_hours", "set_skills", "add_absence", "declare_conflict")
    ),
    "evidesk_desk_vouchers_api_groups_add_group",
    "evidesk_desk_vouchers_api_network_publish_questions",
    *(
        f"evidesk_desk_office_api_{name}"
        for name in ("statistics", "rows", "inquiry_rows", "report", "report_pdf")
    ),
}


class Caller:
    """Somebody with a valid token on a desk that has one of everything."""

    def __init__(self, network: Network, crate: Path) -> None:
        active = voucher_in(State.ACTIVE, network)
        file = an_attachment(active, network)
        hook = add_hook(network.author, url="https://hook.example.org/", events=EVENTS)
        ping(hook, network.author)
        inquiry = actions.inquire(
            subject="Hi", text="Hello", email="a@example.org", person=network.author
        )
        Skill.objects.create(name="Birdsong")
        Tag.objects.create(name="birds")
        vouchers = [active, a_draft(network), *(voucher_in(s, network) for s in ROUND)]
        #: Names of things that there are, by the parameter's name.
        self.names: dict[str, list[Any]] = {
            "reference": [one.reference for one in vouchers],
            "key": [inquiry.key],
            "file_id": [file.pk],
            "run_id": [a_run(active, network, file).pk],
            "evidence_id": [some_evidence(active, network, crate).pk],
            "hook_id": [hook.pk],
            "view_id": [save_view(network.author, "Mine", "state=active").pk],
            "token_id": [create_token(network.author, "spare")[0].pk for _ in range(3)],
            "mail_id": [one.pk for one in _some_mail(network)],
            "reply_id": [one.pk for one in _some_replies()],
            "uid": [str(network.colleague.uid)],
            "absence_id": [Absence.objects.create(person=network.colleague, **DAYS).pk],
            "conflict_id": [declare_conflict(network.colleague, network.lead, network.author).pk],
            "pk": [one.model._default_manager.latest("pk").pk for one in CATALOGUES.values()],
            "row_id": [GroupRole.objects.create(group="A:B", unit=network.hub, role="lead").pk],
            "version": [1],
            "figure": list(FIGURES),
            "year": [timezone.localdate().year],
        }
        self.tokens = [
            _token_of(person)
            for person in (network.author, network.lead, network.consultant, network.office)
        ]
        self.cases = 0

    def call(self, case: schemathesis.Case) -> None:
        """Send the case, in turn as another person and about another thing."""
        self.cases += 1
        if case.meta is not None and case.meta.generation.mode.is_positive:
            for name in case.path_parameters or {}:
                known = self.names.get(name, [])
                if known and self.cases % 3:
                    case.path_parameters[name] = known[self.cases % len(known)]
        token = self.tokens[self.cases % len(self.tokens)]
        unfit = case.operation.definition.raw.get("operationId") in MAY_BE_UNFIT
        case.call_and_validate(
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {token}"},
            excluded_checks=[positive_data_acceptance] if unfit else [],
        )


def _some_mail(network: Network) -> list[Mail]:
    return [
        Mail.objects.create(
            person=network.author, address=network.author.email, topic="message",
            subject="Hello", text="Hello!", html="", state=state,
        )
        for state in (MailState.QUEUED, MailState.FAILED)
    ]  # fmt: skip


def _some_replies() -> list[Reply]:
    return [
        Reply.objects.create(message_id=f"{n}", state=ReplyState.REFUSED, reason="Who is this?")
        for n in range(3)
    ]


def _token_of(person: Person) -> str:
    """The text of a token that no case revokes: nothing makes up its number."""
    token, text = create_token(person, "x", scope=Scope.WRITE)
    Token.objects.filter(pk=token.pk).update(id=10**12 + token.pk)
    return text


DAYS = {"first_day": date(2027, 1, 4), "last_day": date(2027, 1, 5)}
ROUND = (State.SUBMITTED, State.OFFERED, State.REPORTED)


@pytest.fixture
def caller(network: Network, media: Path, crate: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(RATES, "api", Limit(10**9, 60))
    found = Caller(network, crate)
    # The test's transaction is in this connection: as in Django's client, no request closes it.
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield found
    for signal in ends:
        signal.connect(close_old_connections)
    if log := os.environ.get("EVIDESK_API_LOG"):
        with Path(log).open("a") as file:
            file.write(f"{found.cases}\n")


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_is_as_it_is_described(case: schemathesis.Case, caller: Caller) -> None:
    caller.call(case)
