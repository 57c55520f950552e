"""What mails say, and that nobody gets anything into them but words."""

import re
import uuid
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.utils import timezone

from evidesk.desk.notices import letters
from evidesk.desk.notices.kinds import Topic
from evidesk.desk.notices.models import Mail
from evidesk.desk.people.models import Person
from evidesk.desk.runs import actions as run_actions
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.network import Network, some_evidence, voucher_in
from tests.desk.notices.conftest import mail_of

pytestmark = pytest.mark.usefixtures("mailing")

#: What somebody could put into their name, a title or a subject to break out of a header.
INJECTIONS = [
    f"Ada{end}{line}"
    for end in ("\n", "\r\n", "\r", "\n ", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00\n")
    for line in (
        "Bcc: all@example.org",
        "\r\n\r\n<script>alert(1)</script>",
        "Content-Type: text/html",
        "Reply-To: mallory@example.org",
    )
] + [
    "=?utf-8?q?Ada=0ABcc=3A_all=40example.org?=",
    '"Ada" <mallory@example.org>, "x',
    "Ada <mallory@example.org>",
    "\u202egro.elpmaxe@yrollam",
    "Ada\ud800",
    "Ada\x1b[2J",
    "A" * 5_000,
    "",
]


def parsed(mail: Mail) -> Any:
    raw = letters.as_message(mail).as_bytes()
    assert re.search(rb"[^\r]\n", raw) is None, "lines end as SMTP wants them"
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return message_from_bytes(raw, policy=policy.default)


@pytest.mark.parametrize("text", INJECTIONS, ids=lambda text: repr(text[:40]))
def test_hostile_names_and_titles_stay_words(network: Network, text: str) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    storable = text.replace("\x00", "").replace("\ud800", "")
    Person.objects.filter(pk__in=[network.author.pk, network.consultant.pk]).update(
        name=storable[:200]
    )
    Voucher.objects.filter(pk=voucher.pk).update(title=storable[:120])
    actions.write(Voucher.objects.get(pk=voucher.pk), network["author"], "Hello")
    mail = Mail.objects.latest("pk")
    mail.person.name = text  # as it is, though no database would keep it
    mail.subject = text
    message = parsed(mail)
    assert sorted(message.keys()) == sorted(
        {
            "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References",
            "Auto-Submitted", "X-Loop", "List-Unsubscribe", "List-Unsubscribe-Post",
            "MIME-Version", "Content-Type",
        }
    )  # fmt: skip
    assert [one.addr_spec for one in message["To"].addresses] == [mail.address]
    assert [one.addr_spec for one in message["From"].addresses] == ["desk@example.org"]
    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()
    assert [part.get_content_type() for part in (plain, html)] == ["text/plain", "text/html"]
    assert "<script" not in html.get_content()
    assert "\u202e" not in message["Subject"] + message["To"].addresses[0].display_name


def test_a_message_by_mail(network: Network, settings: Any, tmp_path: Any) -> None:
    settings.MAIL = mail_of(inbox=tmp_path)
    voucher = voucher_in(State.ACTIVE, network)
    actions.write(voucher, network.consultant, "Are these **all**?\n\n![x](https://evil.test/p)")
    mail = Mail.objects.latest("pk")
    message = parsed(mail)
    assert (mail.person, mail.topic, mail.state) == (network.author, Topic.MESSAGE, "queued")
    assert message["Subject"] == f"[{voucher.reference}] Trust"
    assert message["Message-ID"] == f"<{mail.message_id}@example.org>"
    assert message["References"] == message["In-Reply-To"] == f"<{voucher.reference}@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"].startswith("desk+")
    assert len(message["Reply-To"].partition("@")[0]) <= 64
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = message.iter_parts()
    text = plain.get_content().replace("\r\n", "\n")
    assert text.startswith("=-=-= Write above this line to answer =-=-=")
    assert "Cyra Consultant wrote:\n\nAre these **all**?" in text
    event = voucher.events.latest("pk")
    assert f"https://desk.example.org/vouchers/{voucher.reference}/#event-{event.pk}" in text
    assert "<strong>all</strong>" in html.get_content()
    assert "<img" not in html.get_content()


def test_the_same_bytes_at_every_attempt(network: Network) -> None:
    voucher_in(State.SUBMITTED, network)
    mail = Mail.objects.latest("pk")
    first = letters.as_message(mail).as_bytes()
    assert letters.as_message(Mail.objects.get(pk=mail.pk)).as_bytes() == first


def test_reports_evidence_and_files_are_links_only(
    network: Network, media: Any, crate: Any
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    some_evidence(voucher, network, crate)
    assert not Mail.objects.filter(notice__kind="evidence").exists(), "in the digest by default"
    run_actions.report(voucher, network.consultant, "SECRET result", voucher.evidence.all())
    mail = Mail.objects.latest("pk")
    assert mail.person == network.author
    assert "handed in the report" in mail.text
    assert "#report" in mail.text
    assert "SECRET" not in mail.text + mail.html


def test_a_long_text_is_cut_and_a_title_too(network: Network) -> None:
    voucher = voucher_in(State.ACTIVE, network, title="T" * 120)
    actions.write(voucher, network.consultant, "word " * 3_000)
    mail = Mail.objects.latest("pk")
    assert " …" in mail.text
    assert len(mail.text) < 5_000
    assert letters.one_line("a" * 300) == "a" * 199 + "…"


def test_an_account_mail_cannot_be_unsubscribed_from(network: Network) -> None:
    from evidesk.desk.people.actions import create_token

    create_token(network.author, "laptop")
    mail = Mail.objects.get()
    assert "List-Unsubscribe" not in letters.as_message(mail)
    assert mail.subject == "[evidesk] Your account"
    assert "laptop" in mail.text
    assert "/me/tokens/" in mail.text


def test_whoever_asked_without_an_account_gets_the_answer(network: Network) -> None:
    asked = actions.inquire(
        subject="Hi\nBcc: x@y.org", text="Q", email="a@exämple.org", person=None
    )
    assert {mail.person for mail in Mail.objects.all()} == {
        network.lead, network.lead_elsewhere, network.office,
    }  # fmt: skip
    actions.answer_inquiry(asked, network.lead, "Yes, *come*.")
    mail = Mail.objects.get(person=None)
    message = parsed(mail)
    assert message["To"] == "a@xn--exmple-cua.org"
    assert message["Subject"] == "[evidesk] Hi Bcc: x@y.org"
    assert f"/inquiries/{asked.key}/" in mail.text
    assert "because you asked" in mail.text
    assert "List-Unsubscribe" not in message


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "@example.org", "a@", "ä@example.org", "a b@example.org", "a@b\r\nDATA", "a@..",
     "a" * 300 + "@example.org", "a@" + "x" * 300],
)  # fmt: skip
def test_an_address_that_is_none_is_not_written_to(address: str) -> None:
    mail = Mail(address=address, topic=Topic.TURN, subject="x", text="x", html="x")
    mail.message_id, mail.created_at = uuid.uuid4(), timezone.now()
    with pytest.raises(letters.CannotWrite, match="is no address"):
        letters.as_message(mail)
