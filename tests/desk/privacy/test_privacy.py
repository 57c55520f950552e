"""Consent first; take everything along; be erased, and nothing of you is left but the record."""

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from evidesk.desk.audit import queries as audit
from evidesk.desk.audit.models import Entry, Sealed
from evidesk.desk.people import actions as people_actions
from evidesk.desk.people.models import Member, Person, Token
from evidesk.desk.people.rules import PRIVACY_VERSION, Conflict, Refused
from evidesk.desk.privacy import actions, retention, rules
from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import Attachment, Event, Inquiry, State, Voucher, stored_path
from tests.desk.conftest import signed_in
from tests.desk.network import Network, a_draft, an_attachment, some_evidence, voucher_in

EVERYTHING = ["drafts", "inquiries", "files", "mails", "people"]


@pytest.fixture
def whole(
    network: Network, media: Path, crate: Path, django_capture_on_commit_callbacks: Any
) -> Any:
    """A closed voucher of the author's with messages, a file and evidence; a draft; an inquiry."""
    voucher = voucher_in(State.ACTIVE, network, title="A question of trust")
    an_attachment(voucher, network)
    voucher_actions.write(voucher, network.author, "Here is Ada's secret.")
    voucher_actions.write(voucher, network.consultant, "Thank you.")
    some_evidence(voucher, network, crate)
    from evidesk.desk.runs import actions as run_actions

    run_actions.report(voucher, network.consultant, "It works.")
    voucher.refresh_from_db()
    voucher_actions.close(voucher, network.author, rating=5, feedback="Ada says thanks.")
    a_draft(network, "An idea of Ada's")
    voucher_actions.inquire(
        subject="Ada asks", text="Ada's text", email="ada@example.org", person=network.author
    )
    people_actions.create_token(network.author, "Ada's laptop")
    return voucher


def _consent_gone(person: Person) -> None:
    Person.objects.filter(pk=person.pk).update(consented_to="", consented_at=None)


# Consent


def test_whoever_has_not_agreed_sees_the_question_first_and_comes_back(network: Network) -> None:
    _consent_gone(network.author)
    client = signed_in(network.author)
    answer = client.get("/vouchers/?q=a&state=closed")
    assert answer["Location"] == "/consent/?next=%2Fvouchers%2F%3Fq%3Da%26state%3Dclosed"
    page = client.get(answer["Location"])
    assert "I agree" in page.content.decode()
    agreed = client.post(
        "/consent/", {"version": PRIVACY_VERSION, "next": "/vouchers/?q=a&state=closed"}
    )
    assert agreed["Location"] == "/vouchers/?q=a&state=closed"
    assert client.get("/vouchers/").status_code == 200
    assert "You agreed to this on" in client.get("/consent/").content.decode()
    assert Entry.objects.get().facts == {"version": PRIVACY_VERSION}


def test_before_consent_nothing_is_taken_and_leaving_is_possible(network: Network) -> None:
    _consent_gone(network.author)
    client = signed_in(network.author)
    refused = client.post("/vouchers/new/")
    assert refused.status_code == 403
    assert not Voucher.objects.exists()
    assert client.get("/privacy/").status_code == 200
    assert client.post("/sign-out/").status_code == 302


def test_a_token_needs_consent_too(network: Network) -> None:
    _, text = people_actions.create_token(network.author, "laptop")
    _consent_gone(network.author)
    answer = signed_in(None).get("/api/vouchers/", HTTP_AUTHORIZATION=f"Bearer {text}")
    assert (answer.status_code, "agree" in answer.json()["detail"]) == (403, True)


def test_one_agrees_only_to_what_was_shown(network: Network) -> None:
    with pytest.raises(Conflict, match="has changed in the meantime"):
        people_actions.consent(network.author, "1999-01")


def test_everybody_can_read_the_privacy_page(network: Network, settings: Any) -> None:
    settings.CONTACT, settings.RETAIN_FILE_DAYS = "office@example.org", 0
    page = signed_in(None).get("/privacy/").content.decode()
    assert "mailto:office@example.org" in page
    assert "365 days" in page
    assert "<td>kept</td>" in page


# Export


def test_the_export_holds_all_and_only_ones_own(network: Network, whole: Voucher) -> None:
    a_draft(Network(**{**vars(network), "author": network.stranger}), "Somebody else's")
    client = signed_in(network.author)
    answer = client.post("/me/data/export/")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    data = json.loads(archive.read("data.json"))
    assert data["person"]["email"] == "ada.author@example.org"
    assert {one["title"] for one in data["vouchers"]} == {"A question of trust", "An idea of Ada's"}
    assert data["inquiries"][0]["text"] == "Ada's text"
    assert data["tokens"][0]["name"] == "Ada's laptop"
    names = archive.namelist()
    assert any(name.endswith("-table.csv") for name in names)
    assert any("evidence" in name and name.endswith(".zip") for name in names)
    assert Entry.objects.order_by("-number")[0].action == "person.exported"


def test_a_consultants_export_holds_what_they_wrote(network: Network, whole: Voucher) -> None:
    with actions.export(network.consultant) as file:
        data = json.loads(zipfile.ZipFile(file).read("data.json"))
    assert data["vouchers"] == []
    assert "Thank you." in [event["text"] for event in data["written_elsewhere"]]
    assert data["memberships"] == [{"unit": "Hub", "role": "consultant"}]


def test_an_export_that_fails_leaves_nothing_behind(network: Network, whole: Voucher) -> None:
    stored_path(Attachment.objects.get().sha256).unlink()
    with pytest.raises(FileNotFoundError):
        actions.export(network.author)
    assert not Entry.objects.filter(action="person.exported").exists()


# Erasure


def _dump() -> str:
    """All text in the database but for the tables that tests fill themselves."""
    with connection.cursor() as cursor:
        text = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            text.append(repr(cursor.fetchall()))
    return "\n".join(text)


def _named(name: str) -> list[str]:
    """Where the name stands as a word; within a digest it says nothing."""
    return re.findall(rf".{{0,60}}\b{name}\b.{{0,20}}", _dump(), re.IGNORECASE)


def test_after_erasure_nothing_in_the_database_names_the_person(
    network: Network, whole: Voucher, django_capture_on_commit_callbacks: Any
) -> None:
    sha256 = Attachment.objects.get().sha256
    assert _named("ada")
    with django_capture_on_commit_callbacks(execute=True):
        actions.erase_person(network.author, network.author)
    assert not _named("ada")
    assert not stored_path(sha256).exists()
    whole.refresh_from_db()
    assert (whole.author.name, whole.title) == ("a former user", "A question of trust")
    assert (whole.report, whole.rating, whole.feedback) == ("It works.", 5, "")
    assert whole.evidence.count() == 1
    assert not Voucher.objects.filter(state=State.DRAFT).exists()
    assert not Token.objects.exists()
    assert Inquiry.objects.get().subject == "An erased inquiry"
    assert audit.verify().problems == ()
    assert Entry.objects.order_by("-number")[0].action == "person.erased"


def test_an_erased_consultant_is_not_named_in_offers(network: Network, whole: Voucher) -> None:
    actions.erase_person(network.consultant, network.consultant)
    assert not _named("cyra")
    assert Event.objects.get(kind="offer").data["to"] == "a former member"
    assert not Member.objects.filter(person=network.consultant).exists()


def test_the_erased_are_signed_out_and_told(network: Network) -> None:
    client = signed_in(network.stranger)
    wrong = client.post("/me/data/", {"word": "delete"})
    assert "Nothing was erased" in wrong.content.decode()
    done = client.post("/me/data/", {"word": " Erase "})
    assert done["Location"] == "/"
    assert "You are erased" in client.get("/").content.decode()
    assert client.get("/me/data/").status_code == 302
    network.stranger.refresh_from_db()
    assert (network.stranger.is_active, network.stranger.email) == (False, "")


@pytest.mark.parametrize("who", ["author", "consultant"])
def test_nobody_is_erased_while_a_voucher_needs_them(network: Network, who: str) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    with pytest.raises(Refused, match=voucher.reference):
        actions.erase_person(network[who], network[who])
    answer = signed_in(network[who]).post("/me/data/", {"word": "erase"})
    assert voucher.reference in answer.content.decode()
    assert Person.objects.get(pk=network[who].pk).is_active


def test_the_last_of_the_office_stays(network: Network) -> None:
    with pytest.raises(Refused, match="the whole office"):
        actions.erase_person(network.office, network.office)


def test_content_that_somebody_else_gave_too_stays(
    network: Network, whole: Voucher, django_capture_on_commit_callbacks: Any
) -> None:
    other = voucher_in(State.ACTIVE, network)
    an_attachment(other, network)
    Attachment.objects.filter(voucher=other).update(uploader=network.consultant)
    Voucher.objects.filter(pk=other.pk).update(author=network.stranger)
    sha256 = Attachment.objects.filter(voucher=other).get().sha256
    with django_capture_on_commit_callbacks(execute=True):
        actions.erase_person(network.author, network.author)
    assert stored_path(sha256).exists()


def test_erased_words_and_files_are_shown_as_erased(network: Network, whole: Voucher) -> None:
    attachment = Attachment.objects.get()
    actions.erase_person(network.author, network.author)
    client = signed_in(network.consultant)
    page = client.get(f"/vouchers/{whole.reference}/").content.decode()
    assert "wrote something that is erased" in page
    assert "erased file" in page
    gone = client.get(f"/vouchers/{whole.reference}/files/{attachment.pk}/")
    assert gone.status_code == 404


# Retention


@pytest.fixture
def old(network: Network, whole: Voucher) -> Voucher:
    """Everything is four years old; nobody has signed in since."""
    long_ago = timezone.now() - timedelta(days=4 * 365 + 2)
    voucher_actions.answer_inquiry(Inquiry.objects.get(), network.lead, "Yes")
    Inquiry.objects.update(answered_at=long_ago)
    Voucher.objects.update(changed_at=long_ago)
    Voucher.objects.filter(pk=whole.pk).update(ended_at=long_ago - timedelta(days=400))
    Person.objects.update(last_login=long_ago, issuer="https://login.example.org")
    return whole


def test_a_dry_run_shows_what_is_due_and_erases_nothing(
    network: Network, old: Voucher, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _dump()
    call_command("retention")
    said = capsys.readouterr().out
    assert "drafts: 1 due, older than 365 days" in said
    assert "inquiries: 1 due, older than 730 days" in said
    assert "files: 1 due" in said
    assert "people: 2 due" in said
    assert "Nothing was erased" in said
    assert _dump() == before


def test_what_is_due_is_erased_and_told_in_the_chain(
    network: Network, old: Voucher, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("retention", apply=True)
    assert "drafts: 1 erased" in capsys.readouterr().out
    told = Entry.objects.filter(action="retention.erased").values_list("subject", flat=True)
    assert sorted(subject.split(":")[0] for subject in told) == [
        "drafts", "files", "inquiries", "people", "people",
    ]  # fmt: skip
    network.author.refresh_from_db()
    assert not network.author.is_active
    assert retention.apply() == dict.fromkeys(EVERYTHING, 0)
    assert audit.verify().problems == ()


def test_what_is_young_or_switched_off_stays(
    network: Network, whole: Voucher, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retention.apply() == dict.fromkeys(EVERYTHING, 0)
    settings.RETAIN_DRAFT_DAYS = 0
    Voucher.objects.update(changed_at=timezone.now() - timedelta(days=9999))
    assert retention.apply()["drafts"] == 0
    call_command("retention")
    assert "drafts: kept for ever" in capsys.readouterr().out


def test_whom_a_voucher_needs_in_the_meantime_stays(
    network: Network, old: Voucher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "may_erase", lambda _: rules.refuse("needed"))
    assert retention.apply()["people"] == 0


@pytest.mark.parametrize("who", ["author", "consultant", "lead"])
def test_only_the_office_sees_what_is_due(network: Network, who: str) -> None:
    assert signed_in(network[who]).get("/office/retention/").status_code == 403


def test_the_office_sees_what_is_due(network: Network, old: Voucher, settings: Any) -> None:
    settings.RETAIN_FILE_DAYS = 0
    page = signed_in(network.office).get("/office/retention/").content.decode()
    assert "After 365 days: 1 is due." in page
    assert "After 1095 days: 2 are due." in page
    assert "Kept for ever." in page
    assert Sealed.objects.exists()
