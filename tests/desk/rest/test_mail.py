"""The desk's mail over the API, which is the office's."""

from typing import Any

import pytest

from evidesk.desk.audit.models import Entry
from evidesk.desk.notices.models import Mail, MailState, Reply, ReplyState
from evidesk.desk.vouchers.models import State
from tests.desk.network import WHO, Network, voucher_in
from tests.desk.notices.conftest import mailing
from tests.desk.rest.test_oneself import ask, queries_of
from tests.desk.test_api import with_token

__all__ = ["mailing"]


def a_mail(network: Network, **columns: Any) -> Mail:
    """One that waits, if nothing else is said."""
    return Mail.objects.create(
        **{
            "person": network.author, "address": network.author.email, "topic": "message",
            "subject": "Hello", "text": "What it says.", "html": "",
            **columns,
        }
    )  # fmt: skip


def a_reply(network: Network, number: int = 1, **columns: Any) -> Reply:
    return Reply.objects.create(
        **{
            "message_id": f"<{number}@example.org>", "state": ReplyState.REFUSED,
            "reason": "Who is this?", "sender": "x@y.org", "subject": "Hm", "text": "Oh.",
            "person": network.author,
            **columns,
        }
    )  # fmt: skip


# What goes


def test_the_outbox_is_read_in_pages_and_by_state(network: Network, mailing: None) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    Mail.objects.all().delete()
    mails = [a_mail(network, voucher=voucher, subject=f"No. {n}") for n in range(3)]
    failed = a_mail(network, state=MailState.FAILED, person=None, last_answer="550 No.")
    program = with_token(network, "office")
    page = ask(program, "get", "mail/?limit=2&state=queued")
    rest = ask(program, "get", f"mail/?state=queued&cursor={page['next']}")
    found = page["items"] + rest["items"]
    own = Mail.objects.filter(person=network.office, topic="security").get()  # of the token
    assert [one["id"] for one in found] == [own.pk, *(one.pk for one in mails[::-1])]
    one = found[1]
    assert (one["subject"], one["person"], one["voucher"]) == (
        "No. 2",
        "Ada Author",
        voucher.reference,
    )
    assert "text" not in one
    [other] = ask(program, "get", "mail/?state=failed")["items"]
    assert (other["id"], other["person"], other["voucher"]) == (failed.pk, None, None)
    assert other["last_answer"] == "550 No."
    assert len(ask(program, "get", "mail/?state=")["items"]) == 5


@pytest.mark.parametrize("state", ["lost", "queued%00", "x" * 3000])
def test_a_state_that_is_none_is_told(network: Network, state: str) -> None:
    answer = ask(with_token(network, "office"), "get", f"mail/?state={state}", status=422)
    assert list(answer["errors"]) == ["state"]


def test_a_mail_is_read_with_its_text_and_without_the_persons_secrets(
    network: Network, mailing: None
) -> None:
    mail = a_mail(network)
    found = ask(with_token(network, "office"), "get", f"mail/{mail.pk}/")
    assert (found["text"], found["possible"]) == ("What it says.", ["retry", "cancel"])
    assert found["headers"]["Subject"] == "Hello"
    assert found["headers"]["List-Unsubscribe"] == "(only the person's)"
    assert "/unsubscribe/" not in str(found)
    assert "html" not in found


def test_a_bad_address_is_shown_and_not_a_fault(network: Network) -> None:
    mail = a_mail(network, address="no address")
    found = ask(with_token(network, "office"), "get", f"mail/{mail.pk}/")
    assert found["headers"] == {"To": "“no address” is no address."}


def test_a_mail_is_cancelled_and_tried_again(network: Network, mailing: None) -> None:
    mail = a_mail(network, attempts=3)
    program = with_token(network, "office")
    at = f"mail/{mail.pk}/"
    stopped = ask(program, "post", f"{at}cancel/")
    assert (stopped["state"], stopped["possible"]) == ("cancelled", ["retry"])
    why = ask(program, "post", f"{at}cancel/", status=403)
    assert why["detail"] == "Only a mail that waits can be cancelled."
    again = ask(program, "post", f"{at}retry/")
    assert (again["state"], again["attempts"]) == ("queued", 0)
    actions = Entry.objects.filter(subject=f"mail:{mail.pk}").order_by("number")
    assert [one.action for one in actions] == ["mail.cancelled", "mail.retried"]


def test_a_desk_that_sends_no_mail_tries_none(network: Network) -> None:
    mail = a_mail(network)
    program = with_token(network, "office")
    assert ask(program, "get", f"mail/{mail.pk}/")["possible"] == ["cancel"]
    why = ask(program, "post", f"mail/{mail.pk}/retry/", status=403)
    assert why["detail"] == "This desk sends no mail (EVIDESK_SMTP_URL)."


# What came


def test_replies_are_read_and_dealt_with(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    replies = [a_reply(network, number, voucher=voucher) for number in range(3)]
    a_reply(network, 9, state=ReplyState.DISMISSED)
    program = with_token(network, "office")
    page = ask(program, "get", "mail/replies/?limit=2")
    rest = ask(program, "get", f"mail/replies/?cursor={page['next']}")
    assert [one["id"] for one in page["items"] + rest["items"]] == [r.pk for r in replies[::-1]]
    one = page["items"][0]
    assert (one["reason"], one["text"], one["person"], one["voucher"]) == (
        "Who is this?",
        "Oh.",
        "Ada Author",
        voucher.reference,
    )
    at = f"mail/replies/{replies[0].pk}/dismiss/"
    ask(program, "post", at, status=204)
    ask(program, "post", at, status=404)
    kept = Reply.objects.get(pk=replies[0].pk)
    assert (kept.state, kept.text) == (ReplyState.DISMISSED, "")
    assert len(ask(program, "get", "mail/replies/")["items"]) == 2


def test_a_reply_of_nobody_is_read(network: Network) -> None:
    a_reply(network, person=None, sender="", subject="", text="")
    [one] = ask(with_token(network, "office"), "get", "mail/replies/")["items"]
    assert (one["person"], one["voucher"], one["sender"]) == (None, None, "")


# Who may


@pytest.mark.parametrize("who", [who for who in WHO if who != "office"])
def test_mail_is_the_offices(network: Network, mailing: None, who: str) -> None:
    mail, reply = a_mail(network), a_reply(network)
    program = with_token(network, who)
    for number in (mail.pk, 10**9):  # nobody else learns which there are
        for method, path in (
            ("get", "mail/"),
            ("get", f"mail/{number}/"),
            ("post", f"mail/{number}/retry/"),
            ("post", f"mail/{number}/cancel/"),
            ("get", "mail/replies/"),
            ("post", f"mail/replies/{number}/dismiss/"),
        ):
            why = ask(program, method, path, status=403)
            assert why["detail"] == "Only the office sees the desk's mail."
    mail.refresh_from_db()
    reply.refresh_from_db()
    assert (mail.state, reply.state) == (MailState.QUEUED, ReplyState.REFUSED)


def test_a_mail_or_reply_that_there_is_not(network: Network) -> None:
    program = with_token(network, "office")
    for number in (10**9, 99999999999999999999):
        ask(program, "get", f"mail/{number}/", status=404)
        ask(program, "post", f"mail/{number}/retry/", status=404)
        ask(program, "post", f"mail/{number}/cancel/", status=404)
        ask(program, "post", f"mail/replies/{number}/dismiss/", status=404)


@pytest.mark.parametrize("many", [1, 20])
def test_the_lists_ask_equally_often_for_one_and_for_twenty(network: Network, many: int) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    for number in range(many):
        a_mail(network, voucher=voucher)
        a_reply(network, number, voucher=voucher)
    program = with_token(network, "office")
    counts = [queries_of(program, path) for path in ("mail/", "mail/replies/")]
    assert counts == [5, 5], "rate, token, its use, the office, rows"
