"""Notices, preferences, unsubscribing, and the office's outbox, in a browser."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidesk.desk.audit.models import Entry
from evidesk.desk.notices import actions as notices
from evidesk.desk.notices import queries, rules
from evidesk.desk.notices.addresses import unsubscribe_token
from evidesk.desk.notices.kinds import Topic, Way
from evidesk.desk.notices.models import Mail, MailState, Notice, Reply, ReplyState
from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.privacy import actions as privacy
from evidesk.desk.privacy import retention
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State
from tests.desk.conftest import signed_in
from tests.desk.network import Network, voucher_in


def html_of(client: Any, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response.content.decode()
    return str(response.content.decode())


# Notices


def test_the_bell_counts_what_is_unread_and_the_page_groups_it_by_voucher(network: Network) -> None:
    first = voucher_in(State.SUBMITTED, network, title="First")
    second = voucher_in(State.SUBMITTED, network, title="Second")
    actions.write(first, network.author, "One more.")
    lead = signed_in(network.lead)
    html = html_of(lead, "/notices/")
    assert re.search(r'class="count">3<', html)
    assert html.count("<section") == 2
    assert html.index("First") < html.index("Second"), "what happened last comes first"
    event = first.events.latest("pk")
    assert f"/vouchers/{first.reference}/#event-{event.pk}" in html
    assert html.count("Mark as read") == 3
    assert 'class="count"' not in html_of(signed_in(network.stranger), "/notices/")
    assert second.reference in html


def test_opening_a_voucher_reads_its_notices_and_no_others(network: Network) -> None:
    first, second = (voucher_in(State.SUBMITTED, network) for _ in range(2))
    lead = signed_in(network.lead)
    html_of(lead, f"/vouchers/{first.reference}/")
    unread = network.lead.notices.filter(read_at=None)
    assert [notice.voucher for notice in unread] == [second]
    assert network.office.notices.filter(read_at=None).count() == 2
    lead.head(f"/vouchers/{second.reference}/")
    lead.get("/vouchers/V-2000-0001/")
    assert unread.count() == 1


def test_one_or_all_can_be_marked_and_only_ones_own(network: Network) -> None:
    for _ in range(3):
        voucher_in(State.SUBMITTED, network)
    lead = signed_in(network.lead)
    mine, others = network.lead.notices.first(), network.office.notices.first()
    assert mine is not None
    assert others is not None
    lead.post("/notices/read/", {"notice": mine.pk})
    lead.post("/notices/read/", {"notice": others.pk})
    assert network.lead.notices.filter(read_at=None).count() == 2
    assert network.office.notices.filter(read_at=None).count() == 3
    assert html_of(lead, "/notices/?unread=1").count("Mark as read") == 2
    for wrong in ("x", "-1", "1" * 30):
        assert lead.post("/notices/read/", {"notice": wrong}).status_code == 404
    lead.post("/notices/read/")
    assert network.lead.notices.filter(read_at=None).count() == 0
    assert "You have read everything" in html_of(lead, "/notices/?unread=1")


def test_a_voucher_that_is_not_theirs_any_more_shows_no_title(network: Network) -> None:
    voucher = voucher_in(State.OFFERED, network, title="A secret title")
    actions.take_back(voucher, network.lead)
    html = html_of(signed_in(network["consultant"]), "/notices/")
    assert "took the offer back" in html
    assert "A secret title" not in html
    assert f"/vouchers/{voucher.reference}/" not in html


def test_an_inquirys_and_the_accounts_notices(network: Network) -> None:
    asked = actions.inquire(subject="Hi there", text="x", email="a@b.org", person=None)
    notices.new_calendar(network.lead)
    html = html_of(signed_in(network.lead), "/notices/")
    assert "Somebody asks" in html
    assert "Hi there" in html
    assert f"/inquiries/{asked.key}/" in html
    assert "A calendar address was made for your account" in html


@pytest.mark.parametrize("n", [1, 30])
def test_the_lists_ask_equally_often_for_one_and_for_thirty(network: Network, n: int) -> None:
    for _ in range(n):
        voucher_in(State.SUBMITTED, network)
        Reply.objects.create(
            message_id=f"{Reply.objects.count()}", state=ReplyState.REFUSED, reason="No.",
            person=network.author, voucher=network.author.vouchers.first(),
        )  # fmt: skip
    office = signed_in(network.office)
    for path, expected in (("/notices/", 7), ("/mail/", 7), ("/mail/replies/", 6)):
        with CaptureQueriesContext(connection) as captured:
            html_of(office, path)
        assert len(captured) == expected, path


def test_the_count_is_asked_for_once_a_request(network: Network) -> None:
    with CaptureQueriesContext(connection) as captured:
        html_of(signed_in(network.stranger), "/notices/")
    counts = [q for q in captured if "COUNT" in q["sql"] and "read_at" in q["sql"]]
    assert len(counts) == 1


# Preferences


def test_a_choice_is_kept_and_decides_about_mail(network: Network) -> None:
    author = signed_in(network.author)
    html = html_of(author, "/me/mail/")
    assert "What do you want mail about?" in html
    assert "always at once" in html
    chosen = {"what": "ways", "turn": "now", "progress": "never", "message": "daily",
              "work": "now", "inquiry": "now", "waiting": "daily"}  # fmt: skip
    assert "Kept." in author.post("/me/mail/", chosen, follow=True).content.decode()
    assert Entry.objects.latest("number").facts == {
        "progress": ["now", "never"], "message": ["now", "daily"], "work": ["daily", "now"],
    }  # fmt: skip
    before = Entry.objects.count()
    author.post("/me/mail/", chosen)
    assert Entry.objects.count() == before, "nothing changed"
    voucher = voucher_in(State.ACTIVE, network)
    actions.write(voucher, network.consultant, "Hello")
    told = {n.kind: (n.in_digest, hasattr(n, "mail")) for n in network.author.notices.all()}
    assert told == {"message": (True, False), "accept": (False, False)}


@pytest.mark.parametrize(
    "wrong", [{"message": "hourly"}, {"waiting": "now"}, {"turn": ""}, {"progress": "x" * 9_999}]
)
def test_a_choice_that_is_none_changes_nothing(network: Network, wrong: dict[str, str]) -> None:
    chosen = {"what": "ways", "turn": "never", "progress": "never", "message": "never",
              "work": "never", "inquiry": "never", "waiting": "never"} | wrong  # fmt: skip
    response = signed_in(network.author).post("/me/mail/", chosen)
    assert response.status_code == 200
    assert not network.author.preferences.exists()


def test_the_account_cannot_be_silenced(network: Network) -> None:
    with pytest.raises(Refused, match="“Your account” cannot be told this way: no mail"):
        notices.choose_ways(network.author, {Topic.SECURITY: Way.NEVER})
    notices.unsubscribe(network.author, (Topic.SECURITY,))
    assert not network.author.preferences.exists()


def test_a_stored_choice_that_a_topic_no_longer_has_counts_as_none(network: Network) -> None:
    network.author.preferences.create(topic=Topic.WAITING, way=Way.NOW)
    assert queries.preferences_of(network.author)[Topic.WAITING] == Way.DAILY
    assert queries.ways([network.author], Topic.WAITING) == {network.author.pk: Way.DAILY}


def test_a_desk_without_mail_says_so(network: Network, settings: Any) -> None:
    settings.DEMO = False
    settings.MAIL = type(settings.MAIL)("", "", "", None, None)
    assert "does not send mail yet" in html_of(signed_in(network.author), "/me/mail/")
    assert "EVIDESK_SMTP_URL is not set" in html_of(signed_in(network.office), "/mail/")


# Unsubscribing


def test_one_click_ends_mail_about_a_topic_and_looking_does_not(network: Network) -> None:
    nobody = signed_in(None, enforce_csrf_checks=True)
    path = f"/unsubscribe/{unsubscribe_token(str(network.author.uid), 'message')}/"
    assert "No more mail about this?" in html_of(nobody, path)
    assert not network.author.preferences.exists(), "programs open every link of a mail"
    response = nobody.post(path, {"List-Unsubscribe": "One-Click"})
    assert "“Somebody writes” is told on the page" in response.content.decode()
    assert network.author.preferences.get().way == Way.NEVER
    assert nobody.post(path).status_code == 200, "twice is no fault"


def test_the_digests_link_ends_all_that_it_tells(network: Network) -> None:
    notices.choose_ways(network.author, {Topic.MESSAGE: Way.DAILY})
    path = f"/unsubscribe/{unsubscribe_token(str(network.author.uid), 'digest')}/"
    assert "The daily digest" in html_of(signed_in(None), path)
    signed_in(None).post(path)
    ways = queries.preferences_of(network.author)
    assert {topic for topic, way in ways.items() if way == Way.NEVER} == {
        Topic.MESSAGE, Topic.WORK, Topic.WAITING,
    }  # fmt: skip


@pytest.mark.parametrize("token", ["x", "a.b:c", "a" * 2_000])
def test_a_link_that_was_made_up_leads_nowhere(network: Network, token: str) -> None:
    assert signed_in(None).get(f"/unsubscribe/{token}/").status_code == 404
    assert signed_in(None).post(f"/unsubscribe/{token}/").status_code == 404


def test_the_link_of_somebody_who_left_leads_nowhere(network: Network) -> None:
    path = f"/unsubscribe/{unsubscribe_token(str(network.author.uid), 'message')}/"
    Person.objects.filter(pk=network.author.pk).update(is_active=False)
    assert signed_in(None).post(path).status_code == 404


# The office


def test_the_outbox_of_a_demo_shows_what_it_would_send(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    office = signed_in(network.office)
    assert "A demo sends no mail" in html_of(office, "/mail/")
    assert "No mail here" in html_of(office, "/mail/?state=failed")
    assert html_of(office, "/mail/?state=nonsense").count("mail-row") == 2
    mail = Mail.objects.latest("pk")
    html = html_of(office, f"/mail/{mail.pk}/")
    assert "Ada Author submitted the voucher" in html
    assert f"[{voucher.reference}] Trust" in html
    assert "Try now" not in html
    assert "Do not send it" not in html
    mail.state = MailState.FAILED
    with pytest.raises(Refused, match="sends no mail"):
        notices.retry(mail, network.office)


def test_the_office_sees_faults_tries_again_and_cancels(network: Network, mailing: None) -> None:
    voucher_in(State.SUBMITTED, network)
    mail = Mail.objects.latest("pk")
    Mail.objects.filter(pk=mail.pk).update(
        state=MailState.FAILED, attempts=3, last_answer="550 <b>no</b>"
    )
    office = signed_in(network.office)
    assert "1 mail was given up" in html_of(office, "/mail/")
    html = html_of(office, f"/mail/{mail.pk}/")
    assert "550 &lt;b&gt;no&lt;/b&gt;" in html
    assert "3 attempts" in html
    assert "unsubscribe/" not in html, "nobody else's links"
    office.post(f"/mail/{mail.pk}/retry/")
    again = Mail.objects.get(pk=mail.pk)
    assert (again.state, again.attempts) == (MailState.QUEUED, 0)
    office.post(f"/mail/{mail.pk}/cancel/")
    assert Mail.objects.get(pk=mail.pk).state == MailState.CANCELLED
    assert office.post(f"/mail/{mail.pk}/cancel/").status_code == 403
    done = Entry.objects.filter(subject=f"mail:{mail.pk}").values_list("action", flat=True)
    assert list(done) == ["mail.retried", "mail.cancelled"]


def test_a_mail_that_went_meanwhile_is_not_cancelled_or_sent_again(
    network: Network, mailing: None
) -> None:
    voucher_in(State.SUBMITTED, network)
    mail = Mail.objects.latest("pk")
    Mail.objects.filter(pk=mail.pk).update(state=MailState.SENT, sent_at=timezone.now())
    for act in (notices.cancel, notices.retry):
        with pytest.raises(Conflict, match="was faster"):
            act(mail, network.office)
    sent = Mail.objects.get(pk=mail.pk)
    with pytest.raises(Refused, match="not one that can be tried"):
        notices.retry(sent, network.office)


def test_a_bad_address_is_shown_and_not_a_fault(network: Network) -> None:
    Person.objects.filter(pk=network.office.pk).update(email="none")
    voucher_in(State.SUBMITTED, network)
    mail = Mail.objects.get(address="none")
    assert "“none” is no address" in html_of(signed_in(network.office), f"/mail/{mail.pk}/")


def test_replies_that_were_not_taken_are_dealt_with(network: Network) -> None:
    reply = Reply.objects.create(
        message_id="1", sender="x@y.org", subject="Hm", text="<script>1</script>",
        state=ReplyState.REFUSED, reason="Because.",
    )  # fmt: skip
    office = signed_in(network.office)
    html = html_of(office, "/mail/replies/")
    assert "Because." in html
    assert "&lt;script&gt;" in html
    address = f"/mail/replies/{reply.pk}/dismiss/"
    assert signed_in(network.lead).post(address).status_code == 403
    assert "Every reply has found" in office.post(address, follow=True).content.decode()
    assert Reply.objects.get().text == ""
    assert office.post(address).status_code == 404
    with pytest.raises(Conflict):
        notices.dismiss(reply, network.office)


def test_only_the_office_sees_and_moves_mail(network: Network, mailing: None) -> None:
    voucher_in(State.SUBMITTED, network)
    mail = Mail.objects.latest("pk")
    for act in (notices.cancel, notices.retry):
        with pytest.raises(Refused, match="Only the office"):
            act(mail, network.lead)
    assert not rules.may_see_mail(network.author)


# Erasing


def test_an_erased_person_is_in_no_mail(network: Network, mailing: None) -> None:
    voucher = voucher_in(State.CLOSED, network)
    asked = actions.inquire(
        subject="Ada asks", text="x", email=network.author.email, person=network.author
    )
    actions.answer_inquiry(asked, network.lead, "Yes.")
    notices.new_calendar(network.author)
    notices.choose_ways(network.author, {Topic.MESSAGE: Way.NEVER})
    Reply.objects.create(
        message_id="1", sender=network.author.email, state=ReplyState.REFUSED, reason="No."
    )
    privacy.erase_person(network["author"], network.office)
    assert not Mail.objects.filter(text__contains="Ada").exists()
    assert not Mail.objects.filter(address=network.author.email).exists()
    assert Mail.objects.filter(voucher=voucher).exists(), "others' mails stay"
    for table in (network.author.notices, network.author.preferences, network.author.replies):
        assert not table.exists()
    assert not Reply.objects.exists()


def test_an_erased_inquiry_is_in_no_mail_and_is_not_answered(
    network: Network, mailing: None
) -> None:
    asked = actions.inquire(subject="Hi", text="secret", email="a@b.org", person=None)
    assert Mail.objects.filter(inquiry=asked).count() == 3
    privacy.erase_inquiries([asked])
    assert not Mail.objects.filter(inquiry=asked).exists()
    asked.refresh_from_db()
    actions.answer_inquiry(asked, network.lead, "Too late.")
    assert not Mail.objects.exists()


def test_old_mail_goes_by_itself_unless_it_still_waits(network: Network, mailing: None) -> None:
    voucher_in(State.SUBMITTED, network)
    old = timezone.now() - timedelta(days=181)
    Mail.objects.update(created_at=old)
    first, second = Mail.objects.all()
    Mail.objects.filter(pk=first.pk).update(state=MailState.SENT, sent_at=old)
    assert retention.apply()["mails"] == 1
    assert Mail.objects.get() == second
    notices.forget_mail(second)
    assert Mail.objects.get() == second


def test_what_was_told_is_taken_along(network: Network) -> None:
    voucher_in(State.ACTIVE, network)
    from evidesk.desk.privacy.queries import data_of

    data = data_of(network.author)
    assert [notice["what"] for notice in data["notices"]] == [
        "Cyra Consultant accepted and planned the work"
    ]
    assert len(data["mails"]) == 1
    assert Notice.objects.filter(person=network.author).count() == 1
