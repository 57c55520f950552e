"""Full text finds what one may see, the best first, as soon as it is written."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models.signals import post_migrate

from evidesk.desk.lists import actions as list_actions
from evidesk.desk.lists.models import Document, SavedView, Words
from evidesk.desk.lists.queries import search
from evidesk.desk.people.models import Person
from evidesk.desk.privacy.actions import erase_person
from evidesk.desk.runs.actions import report
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import Kind, State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import ANSWERS, STARTS_ON, WHO, Network, a_draft, upload, voucher_in


def found(person: Person, text: str) -> list[str]:
    return [voucher.title for voucher in search(person, text)]


@pytest.mark.parametrize(
    "text",
    [
        "quasar",  # the title
        "QUAS*",
        "gravity",  # an answer
        "ada author",  # its author
        "cyra",  # its consultant
        "lens.fits",  # a file
        "übermorgen",  # a message
        "ubermorgen",
        "inquired",  # the inquiry
        "works",  # the report
        '"works very well"',
        "thanks",  # the feedback
        "quasar gravity lens cyra -planet",
    ],
)
def test_a_voucher_is_found_by_all_that_is_written_in_it(network: Network, text: str) -> None:
    inquiry = actions.inquire(
        subject="Inquired", text="Hello", email="a@example.org", person=network.author
    )
    voucher = actions.start_voucher(network.author, inquiry)
    actions.save_draft(
        voucher, network.author, revision=0, title="A quasar", unit=network.spoke,
        kind=Kind.objects.get(slug="exploration"), answers={**ANSWERS, "about": "Gravity."},
    )  # fmt: skip
    voucher.refresh_from_db()
    actions.answer_inquiry(inquiry, network.lead, "Answered.")
    assert found(network.author, "answered") == ["A quasar"]
    actions.submit(voucher, network.author)
    actions.offer(voucher, network.lead, network.consultant)
    actions.write(voucher, network.author, "See you übermorgen.")
    actions.attach(voucher, network.author, upload(name="lens.fits"))
    actions.accept(voucher, network.consultant, STARTS_ON, 10)
    report(voucher, network.consultant, "It works very well.")
    actions.close(voucher, network.author, rating=5, feedback="Thanks!")
    voucher_in(State.CLOSED, network, title="Another planet")
    assert "A quasar" in found(network.lead, text)


def test_a_draft_is_found_by_its_author_alone_and_as_it_was_saved_last(network: Network) -> None:
    voucher = a_draft(network, title="Secret plan")
    assert found(network.author, "secret plan") == ["Secret plan"]
    for who in ("stranger", "colleague", "lead", "office"):
        assert found(network[who], "secret") == []
        assert found(network[who], "-nothing") == []
    actions.save_draft(
        voucher, network.author, revision=1, title="Public plan", unit=voucher.unit,
        kind=voucher.kind, answers=ANSWERS,
    )  # fmt: skip
    assert found(network.author, "secret") == []
    assert found(network.author, "public") == ["Public plan"]


def test_what_is_undone_is_not_found(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    with transaction.atomic():
        actions.write(voucher, network.author, "ephemeral")
        assert found(network.author, "ephemeral") == ["Trust"]
        transaction.set_rollback(True)
    assert found(network.author, "ephemeral") == []


@pytest.mark.parametrize("state", [State.SUBMITTED, State.ACTIVE, State.CLOSED])
def test_only_those_who_may_see_a_voucher_find_it(network: Network, state: State) -> None:
    voucher = voucher_in(state, network, title="Quokka")
    actions.record(voucher, "message", network.author, "kangaroo")
    seen = {who for who in WHO if found(network[who], "kangaroo")}
    expected = {"author", "colleague", "lead", "office"}
    assert seen == expected | ({"consultant"} if state != State.SUBMITTED else set())


def test_the_best_comes_first(network: Network) -> None:
    said = voucher_in(State.SUBMITTED, network, title="About waves")
    actions.write(said, network.author, "There is a seismogram.")
    voucher_in(State.SUBMITTED, network, title="The seismogram")
    assert found(network.author, "seismogram") == ["The seismogram", "About waves"]


def test_words_are_all_wanted_phrases_in_order_and_minus_is_unwanted(network: Network) -> None:
    for title in ("Red apples", "Green apples", "Apples green and red"):
        voucher_in(State.SUBMITTED, network, title=title)

    def titles(text: str) -> set[str]:
        return set(found(network.author, text))

    assert titles("apple") == {"Red apples", "Green apples", "Apples green and red"}
    assert titles('"apple"') == set()
    assert titles("apples red") == {"Red apples", "Apples green and red"}
    assert titles('"green apples"') == {"Green apples"}
    assert titles("apples -red") == {"Green apples"}
    assert titles('-"green apples" apples') == {"Red apples", "Apples green and red"}
    assert titles("-red") == {"Green apples"}
    assert titles("-red -green") == set()


@pytest.mark.parametrize(
    "text",
    [
        '"', '""', '"""', "'", "''", "\\", "%", "_", "*", "**", '"*"', '*"', "-", "--", "- -",
        "(", ")", "((", "NEAR", "NEAR(", "NEAR(a b, 2)", "a NEAR b", "AND", "OR", "NOT", "NOT a",
        "a AND", "OR a", "title:", "title:a", "{title}: a", "^a", "a^2", "a + b", "a:*", ":*",
        "!a", "a & | b", "<->", "a <-> b", "a <2> b", "\x00", "a\x00b", "\ud7ff", "😀", "a😀b",
        "👩\u200d🔬", "\u202eabc", "' OR 1=1 --", "'; DROP TABLE lists_words; --", "1e5", "-1",
        "0x1f", "1.5e-3", "x" * 200, "é" * 200, "ß" * 100, "日本語", "\u0301", "a\u0301", "İ", "ǆ",
        "$$", "%s", "%(a)s", "{0}", "\t\n\r", "&lt;", "<script>",
    ],
)  # fmt: skip
def test_nothing_that_is_typed_breaks_the_search(network: Network, text: str) -> None:
    voucher_in(State.SUBMITTED, network, title=f"Trust {text}"[:100].replace("\x00", ""))
    list(search(network.author, text))
    list(search(network.author, f"trust -{text}"[:200]))
    response = signed_in(network.author).get("/vouchers/", {"q": text})
    assert response.status_code == 200
    assert b"<script>" not in response.content.replace(b"<script src", b"")
    assert Words.objects.count() == Document.objects.count() == Voucher.objects.count()


def test_too_long_a_text_is_refused(network: Network) -> None:
    with pytest.raises(ValidationError):
        search(network.author, "x" * 201)
    page = signed_in(network.author).get("/vouchers/", {"q": "a " * 60}).content.decode()
    assert "Search for at most 16 words." in page


def test_a_new_name_is_found_and_the_old_one_is_not(network: Network) -> None:
    voucher_in(State.ACTIVE, network)
    person = network["author"]
    person.name = "Ada Lovelace"
    person.save()
    assert found(network.lead, "lovelace") == ["Trust"]
    assert found(network.lead, '"ada author"') == []
    assert list_actions.index_person(person) == 0  # nothing is written for a name that stays
    person.name = "Ada Love"  # part of the name before
    person.save()
    assert found(network.lead, "lovelace") == []


def test_huge_vouchers_can_still_be_written_and_are_found_by_what_was_said_last(
    network: Network,
) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    for part in range(30):
        text = " ".join(f"w{part}x{number:x}" for number in range(2500))
        actions.write(voucher, network.author, text[:20_000])
    actions.write(voucher, network.author, "The very last word is zwieback.")
    assert found(network.author, "zwieback") == ["Trust"]
    assert found(network.author, "w0x1") == []
    assert found(network.author, "trust") == ["Trust"]


def test_reindex_mends_the_index(network: Network, capsys: Any) -> None:
    voucher = voucher_in(State.SUBMITTED, network, title="Aardvark")
    Voucher.objects.filter(pk=voucher.pk).update(title="Zebra")
    Document.objects.all().delete()
    assert found(network.author, "zebra") == []
    call_command("reindex")
    assert "1 vouchers can be found." in capsys.readouterr().out
    assert found(network.author, "zebra") == ["Zebra"]
    assert str(Document.objects.get()) == f"what voucher {voucher.pk} can be found by"
    assert str(Words.objects.defer("words").get()) == f"words of voucher {voucher.pk}"


def test_vouchers_older_than_the_index_are_in_it_after_the_migration(network: Network) -> None:
    voucher_in(State.SUBMITTED, network, title="Older")
    Document.objects.all().delete()
    config = apps.get_app_config("lists")

    class Step:
        app_label = "lists"

    options = {"app_config": config, "verbosity": 0, "interactive": False, "using": "default"}
    post_migrate.send(config, plan=[(Step, True)], **options)
    assert found(network.author, "older") == []
    post_migrate.send(config, plan=[(Step, False)], **options)
    assert found(network.author, "older") == ["Older"]


def test_the_index_agrees_with_the_documents(network: Network) -> None:
    for state in State:
        voucher_in(state, network, title=f"It is {state}")
    Document.objects.filter(voucher__state=State.ACTIVE).delete()
    assert set(found(network.author, "trust")) == {f"It is {s}" for s in State} - {"It is active"}
    if connection.vendor == "sqlite":  # PostgreSQL computes the column itself
        with connection.cursor() as cursor:  # raises if they differ
            cursor.execute(
                "INSERT INTO lists_words(lists_words, rank) VALUES('integrity-check', 1)"
            )


def test_sqlite_learns_how_large_its_tables_are(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    other = 256 * (voucher.pk // 256 + 1)
    Voucher.objects.bulk_create(
        [
            Voucher(
                pk=other,
                reference="V-1",
                author=network.author,
                unit=network.spoke,
                questionnaire=voucher.questionnaire,
            )
        ]
    )
    assert list_actions.index([other]) == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_stat1 WHERE idx = 'voucher_by_change'")
            assert cursor.fetchone() == (1,)


def test_another_database_sees_to_its_index_by_itself(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    voucher_in(State.SUBMITTED, network, title="Older")
    with monkeypatch.context() as patched:
        patched.setattr(list_actions, "connection", SimpleNamespace(vendor="other"))
        patched.setattr(list_actions, "_ANALYSE_EVERY", 1)
        assert list_actions.reindex() == 1
    assert found(network.author, "older") == ["Older"]


def test_of_very_many_hits_the_latest_come_first(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidesk.desk.lists.pages.MOST_RANKED", 1)
    said = voucher_in(State.SUBMITTED, network, title="The seismogram")
    voucher_in(State.SUBMITTED, network, title="A seismogram of waves that go far")
    actions.write(said, network.author, "Hello.")
    voucher_in(State.SUBMITTED, network, title="Later")
    lead = signed_in(network.lead)

    def titles(address: str) -> list[str]:
        return [row.voucher.title for row in lead.get(address).context["rows"]]

    assert titles("/vouchers/?q=seismogram")[0] == "The seismogram"
    assert "the latest come first" in lead.get("/vouchers/?q=seismogram").content.decode()
    assert titles("/vouchers/?q=seismogram&sort=title")[0].startswith("A seismogram")


def test_what_is_erased_is_not_found_any_more(network: Network, media: Any) -> None:
    inquiry = actions.inquire(
        subject="Mongoose", text="Hello", email="a@example.org", person=network.author
    )
    voucher = actions.start_voucher(network.author, inquiry)
    actions.save_draft(
        voucher, network.author, revision=0, title="A quasar", unit=network.spoke,
        kind=Kind.objects.get(slug="exploration"), answers=ANSWERS,
    )  # fmt: skip
    voucher.refresh_from_db()
    actions.submit(voucher, network.author)
    actions.write(voucher, network.author, "I am a kangaroo.")
    actions.attach(voucher, network.author, upload(name="wombat.csv"))
    actions.withdraw(voucher, network.author)
    list_actions.save_view(network.author, "Mine", "q=mine")
    draft = a_draft(network, title="Platypus")
    erased = ("mongoose", "kangaroo", "wombat", "ada author")
    assert all(found(network.office, text) == ["A quasar"] for text in erased)
    erase_person(network["author"], None)
    assert [found(network.office, text) for text in erased] == [[], [], [], []]
    assert found(network.office, "quasar former") == ["A quasar"]
    assert not Document.objects.filter(pk=draft.pk).exists()
    assert not Document.objects.filter(text__contains="kangaroo").exists()
    assert not SavedView.objects.exists()


def test_hits_are_shown_with_what_was_found_marked_and_escaped(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network, title="<i>Quokka</i>")
    actions.write(voucher, network.author, "A <b>quokka</b> & friends")
    page = signed_in(network.lead).get("/vouchers/?q=quokka").content.decode()
    assert "&lt;i&gt;<mark>Quokka</mark>&lt;/i&gt;" in page
    assert "A &lt;b&gt;<mark>quokka</mark>&lt;/b&gt; &amp; friends" in page
