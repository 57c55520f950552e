"""Filters, sorting, tabs: what a list shows and what its address says."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from evidesk.desk.lists.forms import FilterForm
from evidesk.desk.people.models import Member
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.lists.test_list import shown
from tests.desk.network import STARTS_ON, Network, voucher_in


@pytest.fixture
def dated(network: Network) -> None:
    """Three vouchers: closed in 2024, overdue since March 2026, planned for the future."""
    for title, state, submitted, starts_on in (
        ("old", State.CLOSED, date(2024, 5, 1), STARTS_ON),
        ("late", State.ACTIVE, date(2026, 2, 1), STARTS_ON),
        ("new", State.ACTIVE, date(2026, 3, 1), timezone.localdate() - timedelta(days=9)),
    ):
        voucher = voucher_in(state, network, title=title)
        moment = timezone.make_aware(datetime.combine(submitted, time(23)))
        rows = Voucher.objects.filter(pk=voucher.pk)
        rows.update(submitted_at=moment, starts_on=starts_on)
        if state == State.CLOSED:
            rows.update(ended_at=moment + timedelta(days=30))


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("overdue=on", {"late"}),
        ("overdue=on&state=closed", set()),
        ("since=2026-02-01", {"late", "new"}),
        ("since=2024-05-01&until=2024-05-01", {"old"}),
        ("until=2024-04-30", set()),
        ("until=2026-02-28", {"old", "late"}),
        ("dated=ended&since=2024-05-31&until=2024-05-31", {"old"}),
        ("dated=changed&until=2025-01-01", set()),
        ("kind=exploration", {"old", "late", "new"}),
        ("kind=implementation", set()),
        ("q=late&overdue=on", {"late"}),
        ("whose=mine&q=-late", set()),
    ],
)
def test_filters_by_date_and_kind(
    network: Network, dated: None, query: str, titles: set[str]
) -> None:
    assert shown(network, "lead", f"/vouchers/?{query}") == titles


def test_the_last_day_is_not_overdue_yet(network: Network) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    for days_ago, is_overdue in ((9, False), (10, True)):
        starts_on = timezone.localdate() - timedelta(days=days_ago)
        Voucher.objects.update(starts_on=starts_on, days=10)
        voucher.refresh_from_db()
        assert voucher.is_overdue == is_overdue
        assert bool(shown(network, "lead", "/vouchers/?overdue=on")) == is_overdue


@pytest.mark.parametrize(
    ("sort", "titles"),
    [
        ("title", ["late", "new", "old"]),
        ("longest", ["old", "late", "new"]),
        ("newest", ["new", "late", "old"]),
        ("ends", ["old", "late", "new"]),
        ("changed", ["new", "late", "old"]),
        ("", ["new", "late", "old"]),
    ],
)
def test_a_list_is_sorted_as_asked(
    network: Network, dated: None, sort: str, titles: list[str]
) -> None:
    rows = signed_in(network.lead).get(f"/vouchers/?sort={sort}").context["rows"]
    assert [row.voucher.title for row in rows] == titles
    by_match = signed_in(network.lead).get(f"/vouchers/?q=trust&sort={sort}").context["rows"]
    assert sorted(row.voucher.title for row in by_match) == sorted(titles)


def test_vouchers_of_a_consultant_are_found_even_when_they_have_left(network: Network) -> None:
    voucher_in(State.ACTIVE, network, title="Theirs")
    voucher_in(State.SUBMITTED, network, title="Nobody's")
    Member.objects.filter(person=network.consultant).delete()
    address = f"/vouchers/?consultant={network.consultant.uid}"
    assert shown(network, "lead", address) == {"Theirs"}
    # Scientists are not offered the filter, so it says nothing to them.
    assert shown(network, "author", address) == {"Theirs", "Nobody's"}


def test_a_wrong_filter_is_told_and_left_out_while_the_others_hold(network: Network) -> None:
    voucher_in(State.ACTIVE, network, title="Active")
    voucher_in(State.SUBMITTED, network, title="Submitted")
    lead = signed_in(network.lead)
    page = lead.get("/vouchers/?since=2026-13-01&state=active&kind=no")
    assert [row.voucher.title for row in page.context["rows"]] == ["Active"]
    html = page.content.decode()
    assert "Enter a valid date." in html
    assert "no is not one of the available choices" in html
    html = lead.get("/vouchers/?since=2026-02-01&until=2026-01-01").content.decode()
    assert "This is before the first day." in html
    assert "valid choice" in lead.get("/vouchers/?state=lost").content.decode()


def test_the_tabs_count_each_state_of_what_the_other_filters_leave(network: Network) -> None:
    for title in ("Red apple", "Green apple", "Pear"):
        voucher_in(State.SUBMITTED, network, title=title)
    voucher_in(State.ACTIVE, network, title="Apple pie")
    context = signed_in(network.lead).get("/vouchers/?q=apple&state=active").context
    assert [(str(tab.label), tab.count, tab.is_current) for tab in context["tabs"]] == [
        ("All", 3, False),
        ("Waiting for triage", 2, False),
        ("In progress", 1, True),
    ]
    assert [tab.address for tab in context["tabs"]] == [
        "q=apple", "q=apple&state=submitted", "q=apple&state=active",
    ]  # fmt: skip
    empty = signed_in(network.lead).get("/vouchers/?state=closed").context["tabs"]
    assert [(str(tab.label), tab.count) for tab in empty][-1] == ("Closed", 0)


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("", ""),
        ("q=+a+b++&page=3&select=all&foo=1", "q=a+b"),
        ("sort=title&q=x&state=active", "q=x&state=active&sort=title"),
        ("overdue=1&since=2026-01-01", "since=2026-01-01&overdue=1"),
        ("state=lost&kind=exploration", "kind=exploration"),
        ("q=a%26b%3D%3Cc%3E", "q=a%26b%3D%3Cc%3E"),
    ],
)
def test_an_address_is_always_written_the_same_way(
    network: Network, query: str, address: str
) -> None:
    form = FilterForm.of_address(query, network.lead)
    assert form.address() == address
    again = FilterForm.of_address(address, network.lead)
    assert again.address() == address
    assert again.is_valid()


def test_rows_tell_what_is_overdue_and_every_page_needs_no_script(network: Network) -> None:
    voucher_in(State.ACTIVE, network)
    html = signed_in(network.lead).get("/vouchers/").content.decode()
    assert ">overdue</span>" in html
    assert "onclick" not in html


def all_pages(network: Network) -> list[Any]:
    return [signed_in(network[who]).get("/vouchers/") for who in ("author", "lead", "office")]


def test_scientists_see_neither_steps_for_many_nor_consultants(network: Network) -> None:
    voucher_in(State.SUBMITTED, network)
    author, lead, office = (page.content.decode() for page in all_pages(network))
    assert "With the chosen ones" not in author
    assert 'name="consultant"' not in author
    for html in (lead, office):
        assert "With the chosen ones" in html
        assert 'name="consultant"' in html
