"""What people do beside the workflow: inquiries, drafts, messages and files."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.vouchers import actions, queries, rules, storage
from evidesk.desk.vouchers.models import Counter, Inquiry, Kind, State, Voucher
from tests.desk.network import (
    ANSWERS,
    TABLE,
    WHO,
    Network,
    a_draft,
    an_attachment,
    fresh,
    upload,
    voucher_in,
)


def an_inquiry(network: Network | None = None) -> Inquiry:
    return actions.inquire(
        subject="Trust?",
        text="Which one?",
        email="ada@example.org",
        person=network.author if network else None,
    )


# Inquiries


@pytest.mark.parametrize("who", WHO)
def test_leads_and_the_office_answer_inquiries_once(network: Network, who: str) -> None:
    inquiry = an_inquiry(network)
    if who not in ("lead", "lead_elsewhere", "office"):
        with pytest.raises(Refused, match="answered by the leads and the office"):
            actions.answer_inquiry(inquiry, network[who], "Yes")
        return
    actions.answer_inquiry(inquiry, network[who], "Yes")
    with pytest.raises(Conflict, match="answered this inquiry in the meantime"):
        actions.answer_inquiry(inquiry, network.office, "No")
    inquiry.refresh_from_db()
    assert (inquiry.answer, inquiry.answered_by, inquiry.status) == (
        "Yes",
        network[who],
        "answered",
    )


def test_an_inquiry_becomes_a_voucher_with_its_text_once(network: Network) -> None:
    inquiry, seen = an_inquiry(network), Inquiry.objects.get()
    assert inquiry.status == "open"
    voucher = actions.start_voucher(network.author, inquiry)
    assert (voucher.title, voucher.answers) == ("Trust?", {"about": "Which one?"})
    with pytest.raises(Conflict, match="become a voucher already"):
        actions.start_voucher(network.author, seen)  # a second click
    assert Voucher.objects.count() == 1
    assert Counter.objects.get().last == 1, "a number is not lost"
    inquiry.refresh_from_db()
    assert inquiry.status == "voucher"
    with pytest.raises(Refused, match="become a voucher already"):
        actions.start_voucher(network.author, inquiry)


def test_an_inquiry_belongs_to_whoever_wrote_it(network: Network) -> None:
    with pytest.raises(Refused, match="Only whoever wrote the inquiry"):
        actions.start_voucher(network.stranger, an_inquiry(network))


def test_an_inquiry_without_sign_in_goes_to_the_first_scientist_who_knows_its_address(
    network: Network,
) -> None:
    inquiry = an_inquiry()
    with pytest.raises(Refused, match="ask the scientist"):
        actions.start_voucher(network.lead, inquiry)
    actions.start_voucher(network.stranger, inquiry)
    inquiry.refresh_from_db()
    assert inquiry.person == network.stranger


def test_people_see_their_own_inquiries_and_those_who_answer_see_all(network: Network) -> None:
    an_inquiry(network)
    an_inquiry()
    seen = {who: queries.inquiries_for(network[who]).count() for who in WHO}
    assert seen == dict.fromkeys(WHO, 0) | {
        "author": 1, "lead": 2, "lead_elsewhere": 2, "office": 2
    }  # fmt: skip


# Drafts


def test_a_draft_begins_at_the_unit_of_the_home_centre_or_else_at_the_hub(
    network: Network,
) -> None:
    assert actions.start_voucher(network.author).unit == network.spoke
    network.stranger.home = "kit"
    assert actions.start_voucher(network.stranger).unit == network.spoke
    network.stranger.home = ""
    assert actions.start_voucher(network.stranger).unit == network.hub


def save(voucher: Voucher, network: Network, who: str = "author", **changes: Any) -> None:
    kept = {
        "revision": voucher.revision,
        "title": "New",
        "kind": Kind.objects.get(slug="exploration"),
        "unit": network.spoke,
        "answers": ANSWERS,
    }
    actions.save_draft(voucher, network[who], **(kept | changes))


def test_each_save_counts_up_and_an_older_window_overwrites_nothing(network: Network) -> None:
    voucher = a_draft(network)
    save(voucher, network)
    assert fresh(voucher).revision == voucher.revision + 1
    with pytest.raises(Conflict, match="changed in another window"):
        save(voucher, network, title="Older")
    assert fresh(voucher).title == "New"


def test_a_window_does_not_conflict_with_itself(network: Network) -> None:
    voucher = a_draft(network)
    save(voucher, network, window="one")
    save(voucher, network, window="one", title="Typed on")
    with pytest.raises(Conflict, match="changed in another window"):
        save(voucher, network, window="two")
    assert fresh(voucher).title == "Typed on"


@pytest.mark.parametrize("state", State)
def test_only_the_author_edits_and_only_before_submission_or_after_questions(
    network: Network, state: State
) -> None:
    voucher = voucher_in(state, network)
    for who in WHO:
        if who == "author" and state in (State.DRAFT, State.RETURNED):
            save(fresh(voucher), network, who)
        else:
            with pytest.raises(Refused):
                save(fresh(voucher), network, who)


def test_a_draft_may_lose_its_kind_but_a_returned_voucher_may_not(network: Network) -> None:
    save(a_draft(network), network, kind=None)
    voucher = voucher_in(State.RETURNED, network)
    with pytest.raises(Refused, match="Choose a kind"):
        save(voucher, network, kind=None)


# Messages and files


@pytest.mark.parametrize("state", State)
def test_everyone_with_a_part_writes_and_attaches_while_the_voucher_is_open(
    network: Network, state: State, media: Path
) -> None:
    voucher = voucher_in(state, network)
    open_ = state not in (State.DRAFT, State.CLOSED, State.WITHDRAWN, State.DECLINED)
    for who in WHO:
        takes_part = bool(rules.parts(network[who], voucher))
        if open_ and takes_part:
            event = actions.write(voucher, network[who], "Hello")
            assert event.text == "Hello"
            assert actions.attach(voucher, network[who], upload()).uploader == network[who]
            continue
        reason = (
            "Only the people of this voucher"
            if not takes_part
            else "once the voucher is submitted"
            if state == State.DRAFT
            else "is over"
        )
        with pytest.raises(Refused, match=reason):
            actions.write(voucher, network[who], "Hello")
        with pytest.raises(Refused, match=reason):
            actions.attach(voucher, network[who], upload())


def test_a_message_marks_the_voucher_as_changed(network: Network) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    before = voucher.changed_at
    event = actions.write(voucher, network.author, "Hello")
    assert fresh(voucher).changed_at == event.at > before


def test_an_ended_voucher_does_not_grow_by_who_still_holds_an_older_one(
    network: Network, media: Path
) -> None:
    older = voucher_in(State.ACTIVE, network)
    actions.withdraw(fresh(older), network.author)
    count = older.events.count()
    with pytest.raises(Conflict, match="has changed in the meantime"):
        actions.write(older, network.author, "Hello?")
    with pytest.raises(Conflict, match="has changed in the meantime"):
        actions.attach(older, network.author, upload())
    assert (older.events.count(), older.attachments.count()) == (count, 0)


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_file_is_kept_once_under_its_digest_however_often_it_comes(
    network: Network, media: Path
) -> None:
    one = voucher_in(State.ACTIVE, network)
    two = voucher_in(State.ACTIVE, network)
    first, second = an_attachment(one, network), an_attachment(two, network)
    digest = hashlib.sha256(TABLE).hexdigest()
    assert first.sha256 == second.sha256 == digest
    assert first.size == len(TABLE)
    assert files_in(media) == [first.path] == [media / digest[:2] / digest]
    assert first.path.read_bytes() == TABLE
    event = one.events.last()
    assert (event.kind, event.data) == ("file", {"attachment": first.pk, "name": "table.csv"})


def test_empty_and_too_large_files_are_refused_and_leave_nothing(
    network: Network, media: Path, settings: Any
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    settings.MAX_UPLOAD_BYTES = 2**20
    with pytest.raises(Refused, match="The file is empty"):
        actions.attach(voucher, network.author, upload(b""))
    with pytest.raises(Refused, match=r"larger than 1 MB.*evidesk push"):
        actions.attach(voucher, network.author, upload(b"x" * (2**20 + 1)))
    actions.attach(voucher, network.author, upload(b"x" * 2**20))
    assert len(files_in(media)) == 1


def test_a_file_that_breaks_off_leaves_nothing(media: Path) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"some"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        storage.keep(breaking())
    assert files_in(media) == []


def test_a_file_without_a_name_gets_one(network: Network, media: Path) -> None:
    class Nameless:
        name, size = None, 3

        def chunks(self) -> list[bytes]:
            return [b"abc"]

    voucher = voucher_in(State.ACTIVE, network)
    assert str(actions.attach(voucher, network.author, Nameless())) == "file"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("table.csv", "table.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\table.csv", "table.csv"),
        ("..", "file"),
        ("....", "file"),
        ("", "file"),
        ("folder/", "file"),
        (".bashrc", "bashrc"),
        ("a\x00b\r\nc\x1b[31m.csv", "abc[31m.csv"),
        ("invoice\u202efdp.csv", "invoicefdp.csv"),
        ("zero\u200bwidth.csv", "zerowidth.csv"),
        ("lone\ud800surrogate.csv", "lonesurrogate.csv"),
        ("größe 测试.csv", "größe 测试.csv"),
        ("x" * 300 + ".csv.gz", "x" * 143 + ".csv.gz"),
        ("v1.2." + "x" * 300 + ".csv.gz", "v1.2." + "x" * 138 + ".csv.gz"),
        ("x." + "y" * 300, "x." + "y" * 148),
        ("测" * 150 + ".csv", "测" * 48 + ".csv"),
    ],
)
def test_names_of_files_are_made_harmless(name: str, kept: str) -> None:
    assert storage.harmless_name(name) == kept


@given(st.text(max_size=400))
def test_any_name_can_be_a_file_of_that_name(name: str) -> None:
    kept = storage.harmless_name(name)
    assert kept
    assert kept == storage.harmless_name(kept)
    assert len(os.fsencode(kept)) <= 150
    assert "/" not in kept
    assert kept not in (".", "..")
    assert not any(ord(c) < 32 for c in kept)
