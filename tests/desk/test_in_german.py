"""Vouchers, runs, lists and the office, as somebody reads them who has chosen German."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from evidesk.desk.office import cases, wording
from evidesk.desk.office.rows import csv_lines
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.runs import actions as run_actions
from evidesk.desk.runs.models import Run, RunState
from evidesk.desk.vouchers import rules, workflow
from evidesk.desk.vouchers.api_steps import _summary
from evidesk.desk.vouchers.models import Event, State, Voucher
from evidesk.methods.waiting import kaplan_meier
from tests.desk.conftest import signed_in
from tests.desk.network import (
    STARTS_ON,
    Network,
    a_draft,
    a_run,
    an_attachment,
    some_evidence,
    voucher_in,
)

#: A name that would break out of a page, fill in a placeholder, or be a template's.
HOSTILE = '<b class="x">%(name)s{{ 7|add:7 }}%s&'
ESCAPED = "&lt;b class=&quot;x&quot;&gt;%(name)s{{ 7|add:7 }}%s&amp;"


def reading(person: Person) -> Client:
    """A browser in which the person has chosen German."""
    Person.objects.filter(pk=person.pk).update(language="de")
    return signed_in(Person.objects.get(pk=person.pk))


def page(browser: Client, address: str, **sent: Any) -> str:
    """The page that a form or an address leads to, as words between single blanks."""
    answer = browser.post(address, sent, follow=True) if sent else browser.get(address, follow=True)
    html = answer.content.decode()
    assert '<html lang="de">' in html
    return " ".join(html.split())


@pytest.mark.parametrize(
    ("state", "label", "hint"),
    [
        (State.DRAFT, "Entwurf", "Stellen Sie das Dokument fertig"),
        (State.SUBMITTED, "Wartet auf Sichtung", "Das Team liest es"),
        (State.RETURNED, "Mit Rückfragen zurück", "reichen Sie es wieder ein."),
        (State.OFFERED, "Angeboten", "Ein Consultant ist gefragt worden"),
        (State.ACTIVE, "In Arbeit", "Die Arbeit läuft."),
        (State.REPORTED, "Bericht liegt vor", "Sagen Sie uns, wie es war"),
        (State.CLOSED, "Abgeschlossen", "Alles bleibt hier zum Nachlesen."),
        (State.WITHDRAWN, "Zurückgezogen", "Der Voucher wurde zurückgezogen."),
        (State.DECLINED, "Abgelehnt", "der Grund steht im Gespräch."),
    ],
)
def test_a_voucher_says_where_it_stands(
    network: Network, state: State, label: str, hint: str
) -> None:
    voucher = voucher_in(state, network)
    author = reading(network.author)
    html = page(author, f"/vouchers/{voucher.reference}/")
    assert label in html
    assert hint in html
    assert "Ada Author</strong> hat den Entwurf begonnen" in html
    assert label in page(author, "/vouchers/?state=")


def test_what_happened_is_told_in_whole_sentences(network: Network) -> None:
    voucher = voucher_in(State.CLOSED, network)
    html = page(reading(network.author), f"/vouchers/{voucher.reference}/")
    assert "Lena Lead</strong> hat ihn Cyra Consultant angeboten" in html
    assert "hat angenommen und die Arbeit geplant: ab 02.03.2026, 10 Tage" in html
    assert "<dd>02.03. bis 11.03.2026 (10 Tage)</dd>" in html
    assert "<strong>Cyra Consultant</strong> hat den Bericht abgegeben" in html
    assert "5 von 5" in html


def test_a_step_is_refused_in_german(network: Network) -> None:
    active = voucher_in(State.ACTIVE, network)
    with translation.override("de"):
        assert rules.may(network.author, "report", active).reason == (
            "Das kann nur der Consultant des Vouchers."
        )
        assert rules.may(network.author, "submit", active).reason == (
            f"{active.reference} hat den Status „In Arbeit“; "
            "das geht nur aus „Entwurf“ oder „Mit Rückfragen zurück“."
        )


def test_every_part_completes_the_refusal(network: Network) -> None:
    with translation.override("de"):
        told = {part: rules._any_of([part.label]) for part in workflow.Part}
        assert rules._any_of(["A", "B", "C"]) == "A oder B oder C"
    assert told[workflow.Part.TRIAGE] == "die Leitung des Teams oder die Geschäftsstelle"
    assert len(set(told.values())) == len(workflow.Part)
    assert not set(told.values()) & {part.value for part in workflow.Part}
    assert workflow.Part.AUTHOR.label == workflow.Part.AUTHOR.value, "and in English it is itself"


def test_an_incomplete_document_is_sent_back_in_german(network: Network) -> None:
    author = reading(network.author)
    address = author.post("/vouchers/new/").headers["Location"]
    draft = Voucher.objects.get()
    sent = {"revision": 0, "unit": network.spoke.pk, "agrees": "on", "submit": "1"}
    html = page(author, address, **sent)
    assert "Bitte füllen Sie zuerst aus: Art; Titel; " in html
    del sent["agrees"]
    html = page(author, address, **{**sent, "revision": 1})
    assert "Bitte setzen Sie das Häkchen" in html
    draft.refresh_from_db()
    assert draft.state == State.DRAFT


def test_a_form_takes_iso_dates_and_says_the_limits(network: Network) -> None:
    offered = voucher_in(State.OFFERED, network)
    consultant = reading(network.consultant)
    address = f"/vouchers/{offered.reference}/do/accept/"
    assert "Exploration: 1 bis 14 Tage." in page(consultant, address)
    html = page(consultant, address, starts_on="2026-03-02", days="15", agrees="on")
    assert "Exploration dauert 1 bis 14 Tage, nicht 15." in html
    html = page(consultant, address, starts_on="2026-03-02", days="10", agrees="on")
    assert f"{offered.reference} hat jetzt den Status „In Arbeit“." in html
    assert Voucher.objects.get().starts_on == STARTS_ON


def test_hours_are_written_with_a_comma_and_read_with_a_point(network: Network) -> None:
    active = voucher_in(State.ACTIVE, network)
    Voucher.objects.filter(pk=active.pk).update(starts_on=timezone.localdate())
    lead, address = reading(network.lead), f"/vouchers/{active.reference}/effort/"
    week = re.search(r'<option value="([\d-]+)"', page(lead, address))
    assert week is not None
    sent = {"week": week[1], "hours": "7.5", "reason": ""}
    html = page(lead, address, **sent)
    assert "Cyra Consultant hat in dieser Woche 0,0 h frei, nicht 7,5." in html
    html = page(lead, address, **{**sent, "reason": "It is urgent."})
    assert "<strong>7,5</strong>" in html
    assert 'type="number" name="hours" value="7.5"' in html


@pytest.mark.parametrize("state", [State.ACTIVE, State.REPORTED])
def test_hostile_names_stay_words_inside_of_sentences(network: Network, state: State) -> None:
    voucher = voucher_in(state, network)
    everybody = [network.author, network.consultant, network.lead]
    Person.objects.filter(pk__in=[one.pk for one in everybody]).update(name=HOSTILE)
    Voucher.objects.filter(pk=voucher.pk).update(title=HOSTILE)
    Unit.objects.filter(pk=network.spoke.pk).update(name=HOSTILE)
    Event.objects.filter(kind="offer").update(data={"to": HOSTILE, "person": 1})
    for person in everybody:
        browser = reading(person)
        for address in ("/", f"/vouchers/{voucher.reference}/", "/vouchers/?state=", "/notices/"):
            html = page(browser, address)
            assert ESCAPED in html.replace("&#x27;", "'"), address
            assert "<b class" not in html


def test_a_run_that_failed_is_told_in_german_and_kept_in_english(
    network: Network, media: Path
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    run = a_run(voucher, network, an_attachment(voucher, network))
    Run.objects.update(state=RunState.RUNNING, seen_alive_at=timezone.now(), message="Starting")
    consultant = reading(network.consultant)
    assert "0 % Beginnt" in page(consultant, f"/runs/{run.pk}/")
    with translation.override("de"):
        run_actions.end_run(run.pk, RunState.FAILED, fault="The worker was stopped. Run it again.")
    html = page(consultant, f"/runs/{run.pk}/")
    assert "Der Worker wurde angehalten." in html
    assert "Gescheitert" in html
    run.refresh_from_db()
    assert run.fault == "The worker was stopped. Run it again."


def test_what_no_catalog_knows_of_a_fault_is_shown_as_it_is(network: Network, media: Path) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    run = a_run(voucher, network, an_attachment(voucher, network))
    Run.objects.update(state=RunState.RUNNING, seen_alive_at=timezone.now())
    run_actions.end_run(run.pk, RunState.FAILED, fault="<b>100 %%(d)s</b>")
    html = page(reading(network.consultant), f"/runs/{run.pk}/")
    assert "&lt;b&gt;100 %%(d)s&lt;/b&gt;" in html


def test_evidence_stays_as_it_came_with_german_around_it(
    network: Network, media: Path, crate: Path
) -> None:
    stored = some_evidence(voucher_in(State.ACTIVE, network), network, crate)
    html = page(reading(network.author), f"/evidence/{stored.pk}/")
    assert stored.answer in html
    assert "Jede Prüfsumme wurde gerade eben geprüft." in html
    assert re.search(r"\d{1,2}\. \w+ 20\d\d, \d\d:\d\d", html), "a German date and time"


def test_a_kit_asks_in_its_own_words_within_a_german_form(network: Network, media: Path) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    attachment = an_attachment(voucher, network)
    address = reverse("start-run", args=[voucher.reference, attachment.pk, "accuracy"])
    html = page(reading(network.consultant), address)
    assert "Spalte wählen" in html


def test_the_history_of_a_row_names_its_fields(network: Network) -> None:
    office, spoke = reading(network.office), network.spoke
    address = f"/network/edit/units/{spoke.pk}/"
    office.post(address, {"how": "hub"})
    office.post(f"{address}state/", {"how": "hub"})
    html = page(office, address)
    assert "hat es zum Hub gemacht" in html
    assert "Hub:</span>" in html


def test_what_the_docs_and_scripts_read_is_english_whoever_asks(network: Network) -> None:
    with translation.override("de"):
        assert "| Submit | Draft, Back with questions |" in workflow.as_markdown()
        assert _summary(workflow.BY_ACTION["submit"]) == "Submit"
        header = next(csv_lines(cases.FIGURES["closure"], []))
    assert "Days taken,Has ended" in header
    author = reading(network.author)
    a_draft(network)
    exported = b"".join(author.get("/vouchers/export.csv").streaming_content).decode()  # type: ignore[arg-type]
    assert exported.startswith('"reference","title","kind","state"')
    assert '"draft"' in exported


def test_figures_are_written_with_a_comma(network: Network) -> None:
    curve = kaplan_meier(np.array([0.5, 1.9, 1.9, 3.0]), np.ones(4, dtype=bool), level=0.95)
    with translation.override("de"):
        shown = wording.waiting(curve)
        assert shown.value == "1,9 Tage"
        assert wording.describe_curve(curve).startswith("Bei der Hälfte höchstens 1,9 Tage (")
    assert wording.waiting(curve).value == "1.9 days"


def test_the_office_reads_its_statistics_and_its_report(network: Network) -> None:
    voucher_in(State.CLOSED, network)
    office = reading(network.office)
    html = page(office, "/office/")
    assert "Zeit bis zum ersten Kontakt" in html
    assert "von 1 eingereichten" in html
    today = timezone.localdate()
    html = page(office, f"/office/report/{today.year}/")
    assert f"Im Jahr {today.year} wurde bisher 1 Voucher eingereicht." in html
    months = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
    assert f"Stand vom {today.day}. {months.split()[today.month - 1]} {today.year}:" in html


def test_a_date_without_a_year_is_short_in_both(network: Network) -> None:
    day = date(2026, 11, 25)
    assert date_format(day, "SHORT_MONTH_DAY_FORMAT") == "25 Nov"
    assert date_format(day, "WEEKDAY_FORMAT") == "Wed 25 November"
    with translation.override("de"):
        assert date_format(day, "SHORT_MONTH_DAY_FORMAT") == "25.11."
        assert date_format(day, "WEEKDAY_FORMAT") == "Mi, 25. November"
