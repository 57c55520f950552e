"""Mails, digests and the calendar are in the language of whoever gets them."""

from email.message import EmailMessage
from typing import Any

import pytest
from django.utils import timezone, translation

from evidesk.desk.notices import actions as notices
from evidesk.desk.notices.digests import write_digest
from evidesk.desk.notices.feed import calendar_of
from evidesk.desk.notices.inbox import take
from evidesk.desk.notices.kinds import Topic, Way, as_markdown
from evidesk.desk.notices.letters import as_message
from evidesk.desk.notices.models import Mail, MailState, Notice, Reply
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import Network, a_draft, voucher_in

pytestmark = pytest.mark.usefixtures("mailing")


def speaks_german(person: Person) -> Person:
    Person.objects.filter(pk=person.pk).update(language="de")
    return Person.objects.get(pk=person.pk)


def mail_to(person: Person) -> Mail:
    return Mail.objects.filter(person=person).latest("pk")


@pytest.mark.parametrize("writer_speaks", ["en", "de"])
def test_each_reader_gets_the_mail_in_their_language(network: Network, writer_speaks: str) -> None:
    lead = speaks_german(network.lead)
    draft = a_draft(network)
    with translation.override(writer_speaks):
        actions.submit(draft, network.author)
        assert translation.get_language() == writer_speaks
    german, english = mail_to(lead), mail_to(network.office)
    assert "Ada Author hat den Voucher eingereicht." in german.text
    assert "Welche E-Mails Sie bekommen, wählen Sie hier:" in german.text
    assert '<html lang="de">' in german.html
    assert "Ada Author submitted the voucher." in english.text
    assert '<html lang="en">' in english.html
    assert german.subject == english.subject, "so that each reader's program keeps them together"


def test_hostile_names_stay_words_in_a_german_mail(network: Network) -> None:
    lead = speaks_german(network.lead)
    Person.objects.filter(pk=network.author.pk).update(name="<b>%(actor)s{{ 7 }}</b>")
    actions.submit(a_draft(network), network["author"])
    found = mail_to(lead)
    assert "<b>%(actor)s{{ 7 }}</b> hat den Voucher eingereicht." in found.text
    assert "&lt;b&gt;%(actor)s{{ 7 }}&lt;/b&gt; hat" in found.html
    assert "<b>" not in found.html


def test_an_account_s_mail_has_a_german_subject(network: Network) -> None:
    author = speaks_german(network.author)
    notices.new_calendar(author)
    assert mail_to(author).subject == "[evidesk] Ihr Konto"
    assert "Für Ihr Konto wurde eine Kalenderadresse erstellt." in mail_to(author).text


def test_whoever_has_no_account_is_answered_in_english(network: Network) -> None:
    inquiry = actions.inquire(subject="Hi", text="You?", email="a@example.org", person=None)
    with translation.override("de"):
        actions.answer_inquiry(inquiry, network.lead, "Yes.")
    assert "You get this mail because you asked us something." in Mail.objects.latest("pk").text


def test_the_digest_is_in_german_with_german_days(network: Network) -> None:
    lead = speaks_german(network.lead)
    voucher_in(State.SUBMITTED, network)
    assert write_digest(lead, timezone.localdate())
    found = mail_to(lead)
    assert found.subject == "Ihr Tag am Desk"
    assert "WARTET AUF SIE" in found.text
    assert "* Einem Consultant anbieten: V-" in found.text
    author = speaks_german(network.author)
    active = voucher_in(State.ACTIVE, network)
    Voucher.objects.filter(pk=active.pk).update(starts_on="2026-03-02", days=10)
    assert write_digest(author, timezone.localdate())
    assert "* Mi, 11. März: " in mail_to(author).text


def test_the_calendar_is_in_german_and_stays_the_same(network: Network) -> None:
    voucher_in(State.ACTIVE, network)
    author = speaks_german(network.author)
    content = calendar_of(author)
    assert "SUMMARY:Bericht fällig: V-" in content.decode()
    with translation.override("en"):
        assert calendar_of(author) == content


def test_why_a_reply_was_not_taken_is_kept_in_english_and_told_in_german(
    network: Network, maildir: Any
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    author, office = speaks_german(network.author), speaks_german(network.office)
    notices.choose_ways(author, {Topic.MESSAGE: Way.NOW})
    actions.write(voucher, network.consultant, "Are these all?")
    answer = EmailMessage()
    answer["From"], answer["To"] = author.email, as_message(mail_to(author))["Reply-To"]
    answer["Message-ID"] = "<1@example.org>"
    answer.set_content("> Are these all?\n")
    with translation.override("de"):
        take(answer.as_bytes())
    english, german = "There is no text in it that is not quoted.", "Sie enthält keinen Text"
    assert Reply.objects.get().reason == english
    assert Notice.objects.get(kind="reply-refused").text == english
    assert german in mail_to(author).text
    assert english not in mail_to(author).text
    assert german in signed_in(author).get("/notices/").content.decode()
    assert german in signed_in(office).get("/mail/replies/").content.decode()


def test_the_name_of_a_token_is_never_translated(network: Network) -> None:
    author = speaks_german(network.author)
    notices.tell("token-created", [author], text="Files")
    assert "Dateien" not in mail_to(author).text
    assert ": Files" in " ".join(signed_in(author).get("/notices/").content.decode().split())


def test_the_outbox_says_in_german_why_a_mail_did_not_go(network: Network) -> None:
    actions.submit(a_draft(network), network.author)
    waiting = Mail.objects.latest("pk")
    Mail.objects.update(
        state=MailState.FAILED, last_answer="The worker stopped while it sent this mail."
    )
    office = signed_in(speaks_german(network.office))
    for address in ("/mail/", f"/mail/{waiting.pk}/"):
        html = office.get(address).content.decode()
        assert "Der Worker ist stehen geblieben" in html
        assert "Aufgegeben" in html


def test_the_table_for_the_docs_is_english_whoever_makes_it() -> None:
    with translation.override("de"):
        assert "| somebody submitted the voucher |" in as_markdown()
