"""What happens to a voucher is written down with it, told to whom it may be, and tried again."""

import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from evidesk.desk.audit.models import Entry
from evidesk.desk.hooks import actions
from evidesk.desk.hooks.jobs import deliver
from evidesk.desk.hooks.models import EVENTS, Delivery, DeliveryState, Hook
from evidesk.desk.people.models import Member, Person
from evidesk.desk.people.rules import Refused
from evidesk.desk.privacy.actions import erase_person
from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import State
from tests.desk.conftest import signed_in
from tests.desk.hooks.receiver import receiver, status
from tests.desk.network import Network, a_draft, voucher_in
from tests.desk.test_api import with_token

URL = "https://hook.example.org/"


def hook_of(owner: Person, **options: Any) -> Hook:
    return actions.add_hook(owner, **{"url": URL, "events": EVENTS, **options})


def told(hook: Hook) -> list[str]:
    return [one.event.removeprefix("voucher.") for one in hook.deliveries.order_by("pk")]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the receiver answers next: a status, or a fault; at the end 200s."""
    from evidesk.desk.hooks import transport

    upcoming: list[Any] = []

    def post(*_: Any, **__: Any) -> int:
        answer = upcoming.pop(0) if upcoming else 200
        if isinstance(answer, int):
            return answer
        raise answer

    monkeypatch.setattr(transport, "post", post)
    return upcoming


def attempt(delivery: Delivery) -> Delivery:
    """As if the time had come, and the worker took it."""
    Delivery.objects.filter(pk=delivery.pk).update(next_at=timezone.now())
    deliver.func(delivery.pk)
    return Delivery.objects.get(pk=delivery.pk)


def fault(text: str = "There was no answer.", number: int | None = None) -> Exception:
    from evidesk.desk.hooks.transport import Undelivered

    return Undelivered(text, number)


# Who is told of what


def test_people_are_told_of_their_own_vouchers_and_leads_of_their_units(network: Network) -> None:
    hooks = {
        "author": hook_of(network.author),
        "stranger": hook_of(network.stranger),
        "consultant": hook_of(network.consultant),
        "lead": hook_of(network["lead"], unit=network.spoke),
        "lead alone": hook_of(network["lead"]),
        "lead elsewhere": hook_of(network["lead_elsewhere"], unit=network.hub),
        "office": hook_of(network["office"], unit=network.spoke),
    }
    voucher = voucher_in(State.ACTIVE, network)
    voucher_actions.write(voucher, network.author, "Hello")
    everything = ["started", "submit", "offer", "accept", "message"]
    assert {who: told(hook) for who, hook in hooks.items()} == {
        "author": everything,
        "stranger": [],
        "consultant": everything[2:],
        "lead": everything[1:],
        "lead alone": [],
        "lead elsewhere": [],
        "office": everything[1:],
    }


def test_only_the_chosen_events_are_told(network: Network) -> None:
    hook = hook_of(network.author, events=["voucher.offer", "voucher.lost"])
    assert hook.events == ["voucher.offer"]
    voucher_in(State.ACTIVE, network)
    assert told(hook) == ["offer"]


def test_what_is_told_holds_no_words_of_anybody(network: Network) -> None:
    hook = hook_of(network.author)
    voucher = voucher_in(State.OFFERED, network)
    payload = hook.deliveries.get(event="voucher.offer").payload
    assert payload["voucher"] == {
        "reference": voucher.reference,
        "state": "offered",
        "unit": "spoke",
        "api": f"/api/vouchers/{voucher.reference}/",
    }
    assert payload["facts"] == {"state": "offered"}
    assert set(payload) == {"id", "event", "at", "facts", "voucher"}
    assert "Consultant" not in json.dumps(payload)


def test_if_the_event_does_not_happen_nothing_is_told(network: Network) -> None:
    hook = hook_of(network.author)
    voucher = a_draft(network)
    before = told(hook)

    def submit_and_fail() -> None:
        voucher_actions.submit(voucher, network.author)
        raise RuntimeError

    with pytest.raises(RuntimeError), transaction.atomic():
        submit_and_fail()
    assert told(hook) == before


def test_whoever_lost_their_place_is_told_no_more(network: Network, answers: list[Any]) -> None:
    hook = hook_of(network["lead"], unit=network.spoke)
    voucher = voucher_in(State.SUBMITTED, network)
    Member.objects.filter(person=network.lead).delete()
    ended = attempt(hook.deliveries.get())
    assert (ended.state, "may not see" in ended.fault) == (DeliveryState.FAILED, True)
    voucher_actions.decline(voucher, network.office, "Not ours.")
    assert told(hook) == ["submit"]
    Person.objects.filter(pk=network.author.pk).update(is_active=False)
    mine = hook_of(network.author)
    voucher_in(State.SUBMITTED, network)
    assert told(mine) == []


# Having hooks


@pytest.mark.parametrize(
    ("who", "unit", "allowed"),
    [
        ("author", None, True),
        ("author", "spoke", False),
        ("colleague", "spoke", False),
        ("lead", "spoke", True),
        ("lead_elsewhere", "spoke", False),
        ("office", "spoke", True),
    ],
)
def test_a_units_hooks_are_its_leads_and_the_offices(
    network: Network, who: str, unit: str | None, allowed: bool
) -> None:
    options = {"unit": getattr(network, unit)} if unit else {}
    if allowed:
        assert hook_of(network[who], **options).secret.startswith("whsec_")
        return
    with pytest.raises(Refused, match="Only a lead"):
        hook_of(network[who], **options)


def test_an_address_that_is_not_public_and_an_eleventh_hook_are_refused(network: Network) -> None:
    with pytest.raises(Refused, match="not a public one"):
        hook_of(network.author, url="https://10.0.0.1/")
    first = hook_of(network.author)
    for _ in range(9):
        assert hook_of(network.author).secret != first.secret
    with pytest.raises(Refused, match="10 hooks already"):
        hook_of(network.author)


def test_a_hook_is_its_owners(network: Network) -> None:
    hook = hook_of(network.author)
    for act in (
        actions.remove_hook,
        actions.switch_on,
        actions.ping,
        lambda hook, by: actions.switch_off(hook, by, "No."),
    ):
        with pytest.raises(Refused, match="Only its owner"):
            act(hook, network.stranger)
    assert Hook.objects.get().disabled_at is None


def test_every_change_of_a_hook_is_in_the_audit_chain(network: Network) -> None:
    hook = hook_of(network.author)
    actions.switch_off(hook, network.author, "Enough.")
    actions.switch_off(hook, network.author, "Enough.")
    with pytest.raises(Refused, match="switched off"):
        actions.ping(fresh_hook(), network.author)
    actions.switch_on(hook, network.author)
    actions.switch_on(hook, network.author)
    actions.remove_hook(hook, network.author)
    entries = Entry.objects.filter(action__startswith="hook.").order_by("number")
    assert [e.action for e in entries] == ["hook.added", "hook.off", "hook.on", "hook.removed"]
    assert URL not in str(entries[0].facts)
    assert not Delivery.objects.exists()


def fresh_hook() -> Hook:
    return Hook.objects.get()


def test_the_database_refuses_a_hook_that_is_off_without_a_reason(network: Network) -> None:
    hook_of(network.author)
    with pytest.raises(IntegrityError, match="hook_disabled_has_reason"), transaction.atomic():
        Hook.objects.update(disabled_at=timezone.now())
    actions.ping(fresh_hook(), network.author)
    with pytest.raises(IntegrityError, match="delivery_ended_has_date"), transaction.atomic():
        Delivery.objects.update(state="delivered")


def test_whoever_is_erased_has_no_hooks_any_more(network: Network) -> None:
    actions.ping(hook_of(network.author), network.author)
    erase_person(network.author, network.author)
    assert not Hook.objects.exists()


# Delivering


def test_a_delivery_is_signed_and_arrives(network: Network) -> None:
    with receiver(status(204)) as there:
        hook = hook_of(network.author, url=there.url)
        delivery = attempt(actions.ping(hook, network.author))
    assert (delivery.state, delivery.status, delivery.attempts) == (DeliveryState.DELIVERED, 204, 1)
    [(headers, body)] = there.came
    assert json.loads(body) == delivery.payload
    assert headers["Evidesk-Event"] == "ping"
    assert headers["Evidesk-Delivery"] == str(delivery.uid) == delivery.payload["id"]
    signed = f"{headers['Evidesk-Timestamp']}.".encode() + body
    expected = hmac.new(hook.secret.encode(), signed, "sha256").hexdigest()
    assert headers["Evidesk-Signature"] == f"v1={expected}"
    assert fresh_hook().succeeded_at is not None
    deliver.func(delivery.pk)
    assert len(there.came) == 1, "what is over is not sent again"


def test_what_does_not_arrive_is_tried_again_later_and_later(
    network: Network, answers: list[Any]
) -> None:
    delivery = actions.ping(hook_of(network.author), network.author)
    answers += [fault(), fault("The answer's status was 500.", 500), fault()]
    waits = []
    for _ in range(3):
        delivery = attempt(delivery)
        waits.append(round((delivery.next_at - timezone.now()).total_seconds() / 60))
    assert waits == [1, 5, 25]
    assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, 3)
    deliver.func(delivery.pk)
    assert Delivery.objects.get().attempts == 3, "not before its time"
    delivery = attempt(delivery)
    assert (delivery.state, delivery.fault) == (DeliveryState.DELIVERED, "")


def test_a_hook_where_nothing_arrives_is_switched_off(network: Network, answers: list[Any]) -> None:
    hook = hook_of(network.author)
    delivery, waiting = (actions.ping(hook, network.author) for _ in range(2))
    answers += [fault() for _ in range(actions.ATTEMPTS)]
    for _ in range(actions.ATTEMPTS):
        delivery = attempt(delivery)
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, 6)
    hook = fresh_hook()
    assert hook.disabled_because.startswith("Nothing arrived for 6 tries in a row.")
    waiting.refresh_from_db()
    assert waiting.fault == "The hook was switched off."
    assert attempt(waiting).state == DeliveryState.FAILED
    voucher_in(State.SUBMITTED, network)
    assert hook.deliveries.count() == 2
    assert Entry.objects.latest("number").action != "hook.on"


def test_a_hook_that_takes_other_things_stays_on(network: Network, answers: list[Any]) -> None:
    hook = hook_of(network.author)
    bad, good = (actions.ping(hook, network.author) for _ in range(2))
    for number in range(actions.ATTEMPTS):
        if number == 3:
            attempt(good)
        answers.append(fault("x" * 400))
        bad = attempt(bad)
    assert (bad.state, len(bad.fault)) == (DeliveryState.FAILED, 300)
    assert fresh_hook().disabled_at is None


@pytest.mark.parametrize("end", [(200, ""), (None, "Too late."), (500, "Too late.")])
def test_a_slow_worker_does_not_overrule_a_quicker_one(
    network: Network, answers: list[Any], end: tuple[int | None, str]
) -> None:
    hook = hook_of(network.author)
    delivery = actions.ping(hook, network.author)
    if end[0] == 500:  # its last try
        Delivery.objects.update(attempts=actions.ATTEMPTS - 1)
    slow = actions.begin_attempt(delivery.pk)
    assert slow is not None
    assert actions.begin_attempt(delivery.pk) is None, "it is taken"
    attempt(delivery)  # its lease is over
    before = Delivery.objects.values().get()
    actions.end_attempt(slow, *end)
    assert Delivery.objects.values().get() == before


def test_a_delivery_whose_worker_was_killed_gets_another_job(
    network: Network, answers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hook_of(network.author)
    lost, old, other = (actions.ping(hook, network.author) for _ in range(3))
    attempt(old)
    now = timezone.now()
    Delivery.objects.filter(pk=lost.pk).update(next_at=now - timedelta(hours=1))
    Delivery.objects.filter(pk=old.pk).update(ended_at=now - timedelta(days=31))
    enqueued: list[int] = []
    monkeypatch.setattr(
        type(deliver), "enqueue", lambda _, delivery_id: enqueued.append(delivery_id)
    )
    deliver.func(other.pk)
    deliver.func(other.pk)
    assert enqueued == [lost.pk]
    assert not Delivery.objects.filter(pk=old.pk).exists()


# Pages


def test_a_hook_is_made_tried_and_removed_on_its_page(network: Network) -> None:
    client = signed_in(network.author)
    assert "You have none" in client.get("/me/hooks/").content.decode()
    wrong = client.post("/me/hooks/", {"url": "https://127.1/", "events": ["voucher.submit"]})
    assert "four decimal numbers" in wrong.content.decode()
    html = client.post("/me/hooks/", {"url": URL, "events": ["voucher.submit"]}).content.decode()
    hook = fresh_hook()
    assert hook.secret in html
    assert hook.secret not in client.get("/me/hooks/").content.decode()
    page = f"/me/hooks/{hook.pk}/"
    assert hook.secret not in client.get(page).content.decode()
    tried = client.post(f"{page}ping/", follow=True).content.decode()
    assert "A test is on its way" in tried
    assert "ping" in tried
    assert "The hook is off" in client.post(f"{page}switch/", follow=True).content.decode()
    assert "Switch it on first" in client.post(f"{page}ping/", follow=True).content.decode()
    assert "The hook is on" in client.post(f"{page}switch/", follow=True).content.decode()
    assert signed_in(network.stranger).post(f"{page}remove/").status_code == 404
    assert "removed" in client.post(f"{page}remove/", follow=True).content.decode()
    assert not Hook.objects.exists()


def test_units_are_offered_to_those_who_may(network: Network) -> None:
    def offered(who: str) -> list[str]:
        html = signed_in(network[who]).get("/me/hooks/").content.decode()
        return [unit for unit in ("Hub", "Spoke") if f">{unit}</option>" in html]

    assert offered("author") == offered("consultant") == []
    assert (offered("lead"), offered("office")) == (["Spoke"], ["Hub", "Spoke"])


def test_a_program_reads_its_own_hooks_log(
    network: Network, answers: list[Any], settings: Any
) -> None:
    hook = hook_of(network.author)
    attempt(actions.ping(hook, network.author))
    client = with_token(network, "author", "read")
    [one] = client.get("/api/hooks/").json()["items"]
    assert (one["url"], one["unit"], "secret" in one) == (URL, None, False)
    address = f"/api/hooks/{hook.pk}/deliveries/"
    [delivery] = client.get(address).json()["items"]
    assert (delivery["state"], delivery["event"]) == ("delivered", "ping")
    assert with_token(network, "lead").get(address).status_code == 404


def test_every_event_has_words_for_it() -> None:
    assert all(str(text) for text in EVENTS.values())
    assert {"voucher.submit", "voucher.message", "voucher.evidence"} <= EVENTS.keys()


def test_names_for_whoever_looks_into_the_database(network: Network) -> None:
    hook = hook_of(network.author)
    assert str(hook) == URL
    assert str(actions.ping(hook, network.author)) == f"ping to {hook.pk}"
