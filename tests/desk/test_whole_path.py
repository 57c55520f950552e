"""The whole path through real forms, from an inquiry to a closed voucher."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from evidesk.desk.runs.jobs import execute_run
from evidesk.desk.runs.models import Run, StoredEvidence
from evidesk.desk.vouchers.models import Attachment, Inquiry, Kind, State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import ANSWERS, TABLE, Network, fresh, voucher_in


def document(network: Network, voucher: Voucher, **changes: Any) -> dict[str, Any]:
    """What the document's form sends."""
    return {
        "revision": voucher.revision,
        "window": "one",
        "title": "Which network to trust",
        "kind": Kind.objects.get(slug="exploration").pk,
        "unit": network.spoke.pk,
        "agrees": "on",
        **{f"answer_{key}": text for key, text in ANSWERS.items()},
    } | changes


def go(client: Client, path: str, data: dict[str, Any]) -> str:
    """Send a form and follow to the page where one ends; returns its text."""
    response = client.post(path, data, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain, response.content.decode()
    return str(response.content.decode())


def test_from_an_inquiry_to_a_closed_voucher(network: Network, media: Path) -> None:
    visitor = signed_in(None)
    hello = {"subject": "Which network?", "text": "We have three.", "email": "ada@example.org"}
    html = go(visitor, "/talk/", hello)
    assert "Thank you, it is on our desk" in html
    inquiry = Inquiry.objects.get()
    page = f"/inquiries/{inquiry.key}/"
    assert f"http://localhost{page}" in html

    lead = signed_in(network.lead)
    assert "Which network?" in lead.get("/").content.decode()
    assert "**together**" not in go(lead, page, {"answer": "Let us look **together**."})
    assert "<strong>together</strong>" in visitor.get(page).content.decode()

    author = signed_in(network.author)
    assert "Make it a voucher" in author.get(page).content.decode()
    html = go(author, "/vouchers/new/", {"inquiry": inquiry.key})
    assert "We have three." in html
    voucher = Voucher.objects.get()
    address = f"/vouchers/{voucher.reference}/"
    html = go(author, f"{address}edit/", document(network, voucher, submit="1"))
    assert "is submitted. The team has it now." in html

    go(lead, f"{address}do/offer/", {"consultant": network.consultant.pk, "text": "For you?"})
    consultant = signed_in(network.consultant)
    html = consultant.get(address).content.decode()
    assert "This is offered to you" in html
    assert "For you?" in html
    go(
        consultant,
        f"{address}do/accept/",
        {"starts_on": "2026-03-02", "days": "10", "agrees": "on"},
    )

    go(author, f"{address}messages/", {"text": "Here are the *predictions*."})
    go(author, f"{address}files/", {"file": SimpleUploadedFile("table.csv", TABLE)})
    file = Attachment.objects.get()

    choice = consultant.get(f"{address}files/{file.pk}/run/").content.decode()
    assert f"{address}files/{file.pk}/run/accuracy/" in choice
    start = consultant.get(f"{address}files/{file.pk}/run/accuracy/")
    assert "True label" in start.content.decode()
    parameters = {"truth": "truth", "prediction": "model", "level": "0.95", "method": "wilson"}
    html = go(consultant, f"{address}files/{file.pk}/run/accuracy/", parameters)
    assert "Waiting for the worker" in html
    execute_run.call(run_id=Run.objects.get().pk)
    evidence = StoredEvidence.objects.get()
    html = author.get(address).content.decode()
    assert "right in 6 of 8 cases" in html
    assert "right in 6 of 8 cases" in author.get(f"/evidence/{evidence.pk}/").content.decode()

    report = {"text": "## Trust it\n\nIt is right.", "evidence": [evidence.pk]}
    go(consultant, f"{address}report/", report)
    html = author.get(address).content.decode()
    assert "<h3>Trust it</h3>" in html
    assert "Rests on" in html
    html = go(author, f"{address}do/close/", {"rating": "5", "feedback": "Thank you!"})
    assert "Thank you!" in html
    voucher = fresh(voucher)
    assert (voucher.state, voucher.rating) == (State.CLOSED, 5)
    assert [event.kind for event in voucher.events.all()] == [
        "started", "submit", "offer", "accept", "message", "file", "run", "evidence", "report",
        "close",
    ]  # fmt: skip


def test_the_other_ways_through_their_forms(network: Network) -> None:
    author, lead = signed_in(network.author), signed_in(network.lead)
    consultant = signed_in(network.consultant)
    voucher = voucher_in(State.SUBMITTED, network)
    do = f"/vouchers/{voucher.reference}/do/"
    assert "How many?" in go(lead, f"{do}return/", {"text": "How many?"})
    again = document(network, fresh(voucher), submit="1")
    assert "is submitted" in go(author, f"/vouchers/{voucher.reference}/edit/", again)
    go(lead, f"{do}offer/", {"consultant": network.consultant.pk})
    go(lead, f"{do}take-back/", {"text": ""})
    go(lead, f"{do}offer/", {"consultant": network.consultant.pk})
    response = consultant.post(f"{do}turn-down/", {"text": "On holiday."}, follow=True)
    assert response.redirect_chain == [("/", 302)], "they do not see the voucher any more"
    go(lead, f"{do}offer/", {"consultant": network.consultant.pk})
    go(consultant, f"{do}accept/", {"starts_on": "2026-03-02", "days": "10", "agrees": "on"})
    go(consultant, f"{do}plan/", {"starts_on": "2026-03-03", "days": "9"})
    assert fresh(voucher).days == 9
    go(consultant, f"{do}extend/", {"days": "14", "text": "The data came late."})
    assert fresh(voucher).days == 14
    go(author, f"{do}withdraw/", {"text": ""})
    assert fresh(voucher).state == State.WITHDRAWN
    other = voucher_in(State.SUBMITTED, network)
    go(lead, f"/vouchers/{other.reference}/do/decline/", {"text": "Not ours."})
    assert fresh(other).state == State.DECLINED
    third = voucher_in(State.REPORTED, network)
    address = f"/vouchers/{third.reference}/do/close-without-feedback/"
    assert "How was it?" not in lead.get(address).content.decode()
    go(lead, address, {"rating": "1"})
    assert fresh(third).rating is None, "only the scientist rates"


@pytest.mark.parametrize(
    ("state", "who", "action", "data", "told"),
    [
        (State.SUBMITTED, "lead", "return", {"text": " "}, "This field is required"),
        (State.SUBMITTED, "lead", "decline", {"text": "x" * 20_001}, "at most 20000"),
        (State.SUBMITTED, "lead", "offer", {"consultant": "1" * 30}, "Select a valid choice"),
        (State.SUBMITTED, "lead", "offer", {}, "This field is required"),
        (State.OFFERED, "consultant", "accept", {"starts_on": "soon", "days": "1"}, "valid date"),
        (
            State.OFFERED,
            "consultant",
            "accept",
            {"starts_on": "2026-03-02", "days": "15", "agrees": "on"},
            "Exploration takes 1 to 14 days, not 15",
        ),
        (
            State.OFFERED,
            "consultant",
            "accept",
            {"starts_on": "9999-12-31", "days": "14"},
            "Ensure this value is less than or equal to",
        ),
        (State.REPORTED, "author", "close", {"rating": "6"}, "Select a valid choice"),
    ],
)
def test_a_form_that_does_not_fit_says_so_and_changes_nothing(
    network: Network, state: State, who: str, action: str, data: dict[str, Any], told: str
) -> None:
    voucher = voucher_in(state, network)
    response = signed_in(network[who]).post(f"/vouchers/{voucher.reference}/do/{action}/", data)
    assert response.status_code == 200
    assert told in response.content.decode()
    assert fresh(voucher).state == state


def test_a_step_that_somebody_else_was_faster_with_is_explained(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    lead = signed_in(network.lead)
    address = f"/vouchers/{voucher.reference}/do/offer/"
    assert lead.get(address).status_code == 200
    go(signed_in(network.office), f"/vouchers/{voucher.reference}/do/decline/", {"text": "No."})
    html = go(lead, address, {"consultant": network.consultant.pk})
    assert "is “Declined”; this is possible only from" in html


# Drafts


def test_a_draft_is_saved_while_it_is_typed(network: Network) -> None:
    voucher = voucher_in(State.DRAFT, network)
    author, address = signed_in(network.author), f"/vouchers/{voucher.reference}/edit/"
    htmx = {"HX-Request": "true"}
    for title in ("Typed", "Typed so far"):  # the same window saves again and again
        typed = document(network, voucher, title=title, answer_about="")
        html = author.post(address, typed, headers=htmx).content.decode()
        assert "Saved at" in html
        assert "<html" not in html
        assert fresh(voucher).title == title
    other = document(network, voucher, title="From an older window", window="two")
    html = author.post(address, other, headers=htmx).content.decode()
    assert "Not saved" in html
    assert "changed in another window" in html
    html = author.post(address, document(network, voucher, title="x" * 121), headers=htmx)
    assert "at most 120 characters" in html.content.decode()
    author.post(f"/vouchers/{voucher.reference}/do/withdraw/", {})
    html = author.post(address, document(network, voucher), headers=htmx).content.decode()
    assert "Not saved" in html
    assert "<html" not in html, "no whole page in the place of two words"


def test_a_draft_is_saved_without_javascript(network: Network) -> None:
    voucher = voucher_in(State.DRAFT, network)
    author, address = signed_in(network.author), f"/vouchers/{voucher.reference}/edit/"
    html = go(author, address, document(network, voucher, title="Without", keep="1"))
    assert "Saved." in html
    assert fresh(voucher).title == "Without"


def test_an_older_window_keeps_the_typed_text_and_cannot_overwrite_by_trying_again(
    network: Network,
) -> None:
    voucher = voucher_in(State.DRAFT, network)
    author, address = signed_in(network.author), f"/vouchers/{voucher.reference}/edit/"
    go(author, address, document(network, voucher, title="Newer", keep="1"))
    older = document(network, voucher, title="Older", answer_about="A long text", submit="1")
    older["window"] = "two"
    for _ in range(2):
        response = author.post(address, older)
        html = response.content.decode()
        assert "changed in another window" in html
        assert "A long text" in html
        for name in ("revision", "window"):
            older[name] = response.context["form"][name].value()
    assert (fresh(voucher).title, fresh(voucher).state) == ("Newer", State.DRAFT)


def test_an_incomplete_document_is_saved_and_what_is_missing_is_listed(network: Network) -> None:
    voucher = voucher_in(State.DRAFT, network)
    author, address = signed_in(network.author), f"/vouchers/{voucher.reference}/edit/"
    data = document(network, voucher, answer_data="", title="Half", submit="1")
    html = author.post(address, data).content.decode()
    assert "Please fill in first: What data do you have?" in html
    assert fresh(voucher).title == "Half"
    go(author, address, document(network, voucher, submit="1"))  # from the same window
    assert fresh(voucher).state == State.SUBMITTED


def test_a_returned_document_without_a_kind_is_no_server_error(network: Network) -> None:
    voucher = voucher_in(State.RETURNED, network)
    author, address = signed_in(network.author), f"/vouchers/{voucher.reference}/edit/"
    html = author.post(address, document(network, voucher, kind="")).content.decode()
    assert "Choose a kind" in html


# Messages, files and inquiries


def test_a_refused_message_keeps_its_text(network: Network) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    address = f"/vouchers/{voucher.reference}/messages/"
    response = signed_in(network.author).post(address, {"text": ""})
    assert response.status_code == 422
    assert "This field is required" in response.content.decode()
    response = signed_in(network.colleague).post(address, {"text": "May I?"})
    assert response.status_code == 403
    assert voucher.events.filter(kind="message").count() == 0


def test_a_refused_file_is_explained_on_the_page(
    network: Network, media: Path, settings: Any
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    address = f"/vouchers/{voucher.reference}/files/"
    author = signed_in(network.author)
    settings.MAX_UPLOAD_BYTES = 2**20
    for file, told in (
        (SimpleUploadedFile("empty.csv", b""), "The file is empty"),
        (SimpleUploadedFile("large.csv", b"x" * (2**20 + 1)), "larger than 1 MB"),
        ("no file", "This field is required"),
    ):
        response = author.post(address, {"file": file})
        assert response.status_code == 422
        assert told in response.content.decode()


@pytest.mark.parametrize("name", ["größe 测试.html", 'quo"te;.svg', "plain.csv", "a\u2028b.html"])
def test_a_file_is_only_ever_a_download(network: Network, media: Path, name: str) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    author = signed_in(network.author)
    content = b"<script>alert(1)</script>"
    author.post(
        f"/vouchers/{voucher.reference}/files/", {"file": SimpleUploadedFile(name, content)}
    )
    response = author.get(f"/vouchers/{voucher.reference}/files/{Attachment.objects.get().pk}/")
    assert b"".join(response.streaming_content) == content
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    disposition = response["Content-Disposition"]
    assert disposition.startswith("attachment; filename")
    assert disposition.isascii()
    assert disposition.isprintable()


def test_answering_an_inquiry_needs_a_role_and_happens_once(network: Network) -> None:
    go(signed_in(network.author), "/talk/", {"subject": "Hi", "text": "x", "email": "a@b.de"})
    inquiry = Inquiry.objects.get()
    assert inquiry.person == network.author
    page = f"/inquiries/{inquiry.key}/"
    response = signed_in(None).post(page, {"answer": "Me!"})
    assert response.status_code == 403
    assert b"Sign in to answer an inquiry" in response.content
    response = signed_in(network.stranger).post(page, {"answer": "Me!"})
    assert response.status_code == 403
    assert b"answered by the leads and the office" in response.content
    lead = signed_in(network.lead)
    assert b"This field is required" in lead.post(page, {"answer": ""}).content
    go(lead, page, {"answer": "Yes"})
    assert b"answered this inquiry in the meantime" in lead.post(page, {"answer": "No"}).content
    go(signed_in(network.author), "/vouchers/new/", {"inquiry": inquiry.key})
    response = signed_in(network.author).post("/vouchers/new/", {"inquiry": inquiry.key})
    assert response.status_code == 403
    assert b"has become a voucher already" in response.content
    assert signed_in(network.author).post("/vouchers/new/", {"inquiry": "x"}).status_code == 404


def test_an_inquiry_that_is_not_complete_is_not_sent(network: Network) -> None:
    author = signed_in(network.author)
    assert network.author.email in author.get("/talk/").content.decode()
    html = author.post("/talk/", {"subject": "", "text": "x", "email": "nowhere"}).content.decode()
    assert "This field is required" in html
    assert "valid email" in html
    assert not Inquiry.objects.exists()
