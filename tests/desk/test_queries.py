"""Each page asks the database equally often for one voucher and for thirty."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidesk.desk.hooks.actions import add_hook, ping
from evidesk.desk.hooks.models import EVENTS
from evidesk.desk.people.actions import create_token
from evidesk.desk.runs import actions as run_actions
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import (
    Network,
    a_run,
    an_attachment,
    some_evidence,
    upload,
    voucher_in,
)

#: Queries of each page; session, person and the number of unread notices are three of them, and
#: a voucher's page marks its notices as read. A consultant has no inquiries, so that
#: only their number is asked for.
HOME = {"author": 9, "consultant": 9, "lead": 9, "office": 9}
LIST = {"author": 10, "consultant": 11, "lead": 11, "office": 11}
INQUIRIES = {"author": 6, "consultant": 5, "lead": 6, "office": 6}
VOUCHER = {"author": 14, "consultant": 14, "lead": 14, "office": 14}
# One of them counts the request for the rate limit, two are the token.
API_LIST = 5
API_VOUCHER = 6
API_DOCUMENT = 6
API_OF_VOUCHER = 6
API_HOOKS = 4
API_UNITS = 5
RUN = 7
NETWORK = 7
HOOKS = 7
HOOK = 6


def queries(get: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert get().status_code == 200
    return len(captured)


def fill(network: Network, n: int) -> None:
    """Vouchers in all states, with their people, and inquiries."""
    states = [*State]
    for number in range(n):
        voucher_in(states[(4 + number) % len(states)], network)
        inquiry = actions.inquire(
            subject="Hi", text="Hello", email="a@example.org", person=network.author
        )
        if number % 2:
            actions.start_voucher(network.author, inquiry)


@pytest.mark.parametrize("n", [1, 30])
@pytest.mark.parametrize("who", HOME)
def test_lists_and_the_home_page(network: Network, who: str, n: int) -> None:
    fill(network, n)
    client = signed_in(network[who])
    context = client.get("/").context
    empty = (not context["waiting"]) + (not context["recent"])  # of what is empty no row is read
    assert queries(lambda: client.get("/")) == HOME[who] - empty
    assert queries(lambda: client.get("/vouchers/")) == LIST[who]
    assert queries(lambda: client.get("/inquiries/")) == INQUIRIES[who]


@pytest.mark.parametrize("n", [1, 30])
@pytest.mark.parametrize("who", VOUCHER)
def test_a_vouchers_page(network: Network, crates: list[Path], who: str, n: int) -> None:
    voucher = busy_voucher(network, crates, n)
    client = signed_in(network[who])
    assert queries(lambda: client.get(f"/vouchers/{voucher.reference}/")) == VOUCHER[who]


@pytest.mark.parametrize("n", [1, 30])
def test_a_run_and_the_network(network: Network, crates: list[Path], n: int) -> None:
    voucher = busy_voucher(network, crates, n)
    client = signed_in(network.consultant)
    run = voucher.runs.latest("pk")
    assert queries(lambda: client.get(f"/runs/{run.pk}/")) == RUN
    assert queries(lambda: client.get("/network/")) == NETWORK


@pytest.mark.parametrize("n", [1, 30])
def test_the_api(network: Network, crates: list[Path], n: int) -> None:
    fill(network, n)
    voucher = busy_voucher(network, crates, n)
    _, token = create_token(network.consultant, "x")
    client = signed_in(None, HTTP_AUTHORIZATION=f"Bearer {token}")
    client.get("/api/vouchers/")  # opens the rate limit's window
    for number in range(min(n, 10)):
        add_hook(network.consultant, url=f"https://example.org/{number}", events=EVENTS)
    assert queries(lambda: client.get("/api/vouchers/")) == API_LIST
    assert queries(lambda: client.get("/api/inquiries/")) == API_LIST
    assert queries(lambda: client.get("/api/hooks/")) == API_HOOKS
    assert queries(lambda: client.get("/api/units/")) == API_UNITS
    path = f"/api/vouchers/{voucher.reference}/"
    assert queries(lambda: client.get(path)) == API_VOUCHER
    assert queries(lambda: client.get(f"{path}document/")) == API_DOCUMENT
    for part in ("timeline", "files", "evidence"):
        assert queries(lambda part=part: client.get(f"{path}{part}/")) == API_OF_VOUCHER
    # One looks for runs whose worker has vanished, one for their further files.
    assert queries(lambda: client.get(f"{path}runs/")) == API_OF_VOUCHER + 2


@pytest.mark.parametrize("n", [1, 10])
def test_the_pages_of_hooks(network: Network, n: int) -> None:
    for number in range(n):
        hook = add_hook(network.lead, url=f"https://example.org/{number}", events=EVENTS)
    for _ in range(3 * n):
        ping(hook, network.lead)
    client = signed_in(network["lead"])
    assert queries(lambda: client.get("/me/hooks/")) == HOOKS
    assert queries(lambda: client.get(f"/me/hooks/{hook.pk}/")) == HOOK


def busy_voucher(network: Network, crates: list[Path], n: int) -> Voucher:
    """A voucher with n of everything, reported on all of its evidence."""
    voucher = voucher_in(State.ACTIVE, network)
    for number in range(n):
        actions.write(voucher, network.author, f"Message **{number}**")
        file = actions.attach(voucher, network.author, upload(name=f"table-{number}.csv"))
        run_actions.cancel_run(a_run(voucher, network, file), network.consultant)
        some_evidence(voucher, network, crates[number])
    run_actions.report(voucher, network.consultant, "It works.", voucher.evidence.all())
    an_attachment(voucher, network)
    return voucher
