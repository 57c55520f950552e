"""The audit chain: nothing happens without its entry, and no entry changes unseen."""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from evidesk.desk.audit import actions, queries
from evidesk.desk.audit.models import GENESIS, Entry, Head, Sealed
from evidesk.desk.people import actions as people_actions
from evidesk.desk.people.rules import Refused
from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import Event, State, Voucher
from tests.desk.network import Network, a_draft, fresh, voucher_in


@pytest.fixture
def closed(network: Network) -> Voucher:
    """A voucher that went all the way, with a chain that tells of it."""
    return voucher_in(State.CLOSED, network)


def _without_guard(statement: str, *values: Any) -> None:
    """What somebody with the database's password could do."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no table is altered before that
            cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_is_kept")
            cursor.execute(statement, values)
            cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_is_kept")
            return
        found = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%%'"
        cursor.execute(found, [])
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute(statement, values)
        for _, sql in triggers:
            cursor.execute(sql)


def test_each_event_of_a_voucher_is_in_the_chain(network: Network, closed: Voucher) -> None:
    told = [f"voucher.{event.kind}" for event in Event.objects.order_by("pk")]
    entries = list(Entry.objects.all())
    assert [entry.action for entry in entries] == told
    assert {entry.subject for entry in entries} == {f"voucher:{closed.reference}"}
    assert entries[0].previous == GENESIS
    assert entries[1].actor == str(network.author.uid)
    assert entries[-1].facts == {"state": "closed", "rating": 5}
    found = queries.verify()
    assert (found.entries, found.erased, found.problems) == (len(told), 0, ())
    assert found.head == f"{len(told)}:{entries[-1].digest}"


def test_what_is_refused_leaves_no_entry(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    before = Entry.objects.count()
    with pytest.raises(Refused):
        voucher_actions.offer(voucher, network.stranger, network.consultant)
    assert Entry.objects.count() == before


def test_an_entry_falls_with_its_transaction(network: Network) -> None:
    with transaction.atomic():
        people_actions.create_token(network.author, "laptop")
        transaction.set_rollback(True)
    assert not Entry.objects.exists()
    assert Head.objects.get().number == 0


def test_without_a_transaction_there_is_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "connection", SimpleNamespace(in_atomic_block=False))
    with pytest.raises(RuntimeError, match="in the transaction"):
        actions.append("unit.changed", None, "unit:hub")


def test_the_chain_holds_no_personal_data(network: Network, closed: Voucher) -> None:
    voucher_actions.inquire(
        subject="Secret subject", text="Secret text", email="x@example.org", person=None
    )
    people_actions.create_token(network.author, "Secret laptop")
    written = json.dumps([list(row) for row in Entry.objects.values_list()], default=str)
    personal = ["Secret", "example.org", "Thanks", closed.title, "Author", "Consultant", "trust?"]
    assert not [word for word in personal if word in written]


def test_the_submitted_document_is_sealed(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    content = Entry.objects.get(action="voucher.submit").sealed.content
    assert content["answers"] == voucher.answers
    assert content["title"] == voucher.title


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET facts = '{}'", "DELETE FROM audit_entry"]
)
def test_the_database_refuses_to_change_an_entry(closed: Voucher, statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="never changed or deleted"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert queries.verify().problems == ()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("SET facts = '{}' WHERE number = 2", "Entry 2 was changed: voucher.submit"),
        ("SET action = 'voucher.x' WHERE number = 3", "Entry 3 was changed"),
        ("SET actor = '' WHERE number = 2", "Entry 2 was changed"),
        ("SET subject = 'voucher:V' WHERE number = 2", "Entry 2 was changed"),
        ("SET seal = '' WHERE number = 2", "Entry 2 was changed"),
        ("SET previous = digest WHERE number = 2", "Entry 2 does not follow"),
    ],
)
def test_a_changed_entry_is_found(closed: Voucher, change: str, problem: str) -> None:
    _without_guard(f"UPDATE audit_entry {change}")
    assert any(problem in found for found in queries.verify().problems)


def test_a_moved_time_is_found(closed: Voucher) -> None:
    at = Entry.objects.get(number=2).at - timedelta(microseconds=1)
    _without_guard("UPDATE audit_entry SET at = %s WHERE number = 2", at)
    assert any("Entry 2 was changed" in found for found in queries.verify().problems)


def test_a_missing_entry_is_found(closed: Voucher) -> None:
    Sealed.objects.filter(entry=2).delete()
    _without_guard("DELETE FROM audit_entry WHERE number = 2")
    problems = queries.verify().problems
    assert problems[0] == "Entry 2 is missing: the next one is 3."
    assert "Entry 3 does not follow the entry before it." in problems


def test_a_cut_end_is_found(closed: Voucher) -> None:
    last = Head.objects.get().number
    Sealed.objects.filter(entry=last).delete()
    _without_guard("DELETE FROM audit_entry WHERE number = %s", last)
    assert f"The chain ends at entry {last - 1}" in queries.verify().problems[0]


def test_a_changed_text_is_found(closed: Voucher) -> None:
    Sealed.objects.filter(entry=2).update(content={"text": "Something else"})
    assert queries.verify().problems == ("The text that entry 2 seals was changed.",)


def test_a_new_chain_does_not_hold_the_old_head(network: Network, closed: Voucher) -> None:
    old = str(Head.objects.get())
    a_draft(network)
    assert queries.verify(old).problems == ()
    assert queries.verify("3:" + "f" * 64).problems == (
        f"The head 3:{'f' * 64} from earlier is not in the chain.",
    )


def test_a_broken_chain_names_only_so_many_problems(closed: Voucher) -> None:
    _without_guard("UPDATE audit_entry SET action = 'x'")
    assert len(queries.verify(most=2).problems) == 2


def test_erasing_leaves_the_chain_whole(network: Network, closed: Voucher) -> None:
    erased = actions.erase_sealed(network.author.uid, network.author.name)
    assert erased == Entry.objects.filter(actor=str(network.author.uid)).exclude(seal="").count()
    found = queries.verify()
    assert (found.erased, found.problems) == (erased, ())


def test_the_history_of_a_thing_begins_with_the_last(network: Network, closed: Voucher) -> None:
    a_draft(network)
    history = queries.history(f"voucher:{closed.reference}")
    assert [entry.action for entry in history][:2] == ["voucher.close", "voucher.report"]
    assert str(history[0]).endswith(f"voucher.close voucher:{closed.reference}")
    assert str(history[0].sealed) == f"what entry {history[0].number} seals"


def test_the_command_says_that_the_chain_is_whole(
    network: Network, closed: Voucher, capsys: pytest.CaptureFixture[str]
) -> None:
    head = str(Head.objects.get())
    actions.erase_sealed(network.author.uid, network.author.name)
    call_command("verify_audit", head=head)
    said = capsys.readouterr().out
    assert "The audit chain is whole:" in said
    assert "texts erased" in said
    assert f"head {head}" in said


def test_the_command_fails_when_the_chain_is_broken(closed: Voucher) -> None:
    _without_guard("UPDATE audit_entry SET facts = '{}' WHERE number = 2")
    with pytest.raises(CommandError, match=r"audit chain is broken\.\nEntry 2 was changed"):
        call_command("verify_audit")


def test_a_token_is_in_the_chain_from_creation_to_revocation(network: Network) -> None:
    token, text = people_actions.create_token(network.author, "laptop")
    people_actions.revoke_token(network.stranger, token.pk)
    people_actions.revoke_token(network.author, token.pk)
    assert [(e.action, e.subject) for e in Entry.objects.all()] == [
        ("token.created", f"token:{token.pk}"),
        ("token.revoked", f"token:{token.pk}"),
    ]
    assert text not in json.dumps([s.content for s in Sealed.objects.all()])


def test_inquiries_are_in_the_chain(network: Network) -> None:
    inquiry = voucher_actions.inquire(subject="Hi", text="Ho", email="a@b.de", person=None)
    voucher_actions.answer_inquiry(inquiry, network.lead, "Yes")
    assert [e.action for e in Entry.objects.all()] == ["inquiry.asked", "inquiry.answered"]
    assert fresh(a_draft(network)).reference
