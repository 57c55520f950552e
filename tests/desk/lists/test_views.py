"""Kept views: named, shared within a unit, one of them the default."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidesk.desk.audit.models import Entry
from evidesk.desk.lists import actions
from evidesk.desk.lists.models import SavedView
from evidesk.desk.people.rules import Refused
from evidesk.desk.vouchers.models import State
from tests.desk.conftest import signed_in
from tests.desk.network import Network, voucher_in


def keep(network: Network, who: str, **data: Any) -> Any:
    fields = {"name": "Mine", "query": "state=active&sort=title", **data}
    return signed_in(network[who]).post("/vouchers/views/", fields)


def test_a_list_is_kept_under_a_name_and_opened_again(network: Network) -> None:
    response = keep(network, "colleague", query="sort=title&state=active&page=7&nonsense=1")
    assert response.url == "/vouchers/?state=active&sort=title"
    view = SavedView.objects.get()
    assert (str(view), view.query, view.unit, view.is_default) == (
        "Mine", "state=active&sort=title", None, False,
    )  # fmt: skip
    page = signed_in(network.colleague).get(response.url).content.decode()
    assert 'href="?state=active&amp;sort=title" aria-current="page">Mine</a>' in page
    assert "Mine" not in signed_in(network.lead).get("/vouchers/").content.decode()
    assert Entry.objects.latest("number").action == "view.saved"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"query": "state=lost"}, "One of the filters makes no sense"),
        ({"query": "since=yesterday&q=x"}, "One of the filters makes no sense"),
        ({"query": "q=" + "x" * 201}, "One of the filters makes no sense"),
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 61}, "at most 60 characters"),
        ({"name": "a\x00b"}, "Null characters are not allowed"),
        ({"unit": "hub"}, "not one of the available choices"),
        ({"unit": "nowhere"}, "not one of the available choices"),
    ],
)
def test_a_view_that_makes_no_sense_is_not_kept(
    network: Network, data: dict[str, str], reason: str
) -> None:
    response = keep(network, "lead", **data)
    assert response.status_code == 422
    assert reason in response.content.decode()
    assert not SavedView.objects.exists()


def test_a_name_is_used_once_by_each_person(network: Network) -> None:
    keep(network, "lead")
    response = keep(network, "lead", query="")
    assert response.status_code == 422
    assert "You have a view “Mine” already" in response.content.decode()
    assert keep(network, "office").status_code == 302
    assert SavedView.objects.count() == 2


def test_leads_share_views_with_their_unit(network: Network) -> None:
    keep(network, "lead", unit="spoke", name="Ours")
    html = signed_in(network.colleague).get("/vouchers/").content.decode()
    assert "Ours <span" in html
    views = signed_in(network.colleague).get("/vouchers/views/").content.decode()
    assert "Shared with you" in views
    assert "Lena Lead, Spoke" in views
    for who in ("consultant", "stranger", "office"):
        assert "Ours" not in signed_in(network[who]).get("/vouchers/").content.decode()


def test_others_share_nothing(network: Network) -> None:
    # The field is not offered, so what is sent for it says nothing.
    keep(network, "colleague", unit="spoke")
    assert SavedView.objects.get().unit is None
    with pytest.raises(Refused, match="Only leads and the office of Spoke"):
        actions.save_view(network.colleague, "x", "", unit=network.spoke)
    assert SavedView.objects.count() == 1


def test_the_default_view_opens_the_list_until_another_is_it(network: Network) -> None:
    voucher_in(State.SUBMITTED, network)
    keep(network, "lead", is_default="on")
    lead = signed_in(network.lead)
    assert lead.get("/vouchers/").url == "/vouchers/?state=active&sort=title"
    assert lead.get("/vouchers/?state=").status_code == 200
    keep(network, "lead", name="Other", query="state=closed", is_default="on", unit="spoke")
    assert lead.get("/vouchers/").url == "/vouchers/?state=closed"
    assert SavedView.objects.filter(is_default=True).count() == 1
    assert signed_in(network.colleague).get("/vouchers/").status_code == 200  # not their default


def test_a_default_view_of_everything_is_the_list_itself(network: Network) -> None:
    assert keep(network, "lead", query="", is_default="on").url == "/vouchers/?state="
    assert signed_in(network.lead).get("/vouchers/").status_code == 200


def test_a_view_is_changed_and_deleted_by_its_owner_alone(network: Network) -> None:
    keep(network, "lead", unit="spoke")
    view = SavedView.objects.get()
    address = f"/vouchers/views/{view.pk}/"
    named = {f"view-{view.pk}-name": "Better", f"view-{view.pk}-is_default": "on"}
    for who in ("colleague", "office", "stranger"):
        assert signed_in(network[who]).post(address, named).status_code == 404
        assert signed_in(network[who]).post(address, {"delete": "1"}).status_code == 404
    with pytest.raises(Refused, match="Only whoever keeps a view"):
        actions.delete_view(view, network.colleague)
    lead = signed_in(network.lead)
    assert lead.post(address, named).url == "/vouchers/views/"
    view.refresh_from_db()
    assert (view.name, view.unit, view.is_default) == ("Better", None, True)
    assert lead.post(address, {}).status_code == 422
    keep(network, "lead", name="Second")
    response = lead.post(address, {**named, f"view-{view.pk}-name": "Second"})
    assert "You have a view “Second” already" in response.content.decode()
    assert lead.post(address, {"delete": "1"}).status_code == 302
    assert [one.name for one in SavedView.objects.all()] == ["Second"]
    assert [e.action for e in Entry.objects.order_by("number")][-3:] == [
        "view.changed", "view.saved", "view.deleted",
    ]  # fmt: skip


def test_a_view_whose_filter_is_gone_says_so(network: Network) -> None:
    SavedView.objects.create(owner=network.lead, name="Old", query="unit=gone&q=x")
    html = signed_in(network.lead).get("/vouchers/?unit=gone&q=x").content.decode()
    assert "gone is not one of the available choices" in html


def test_a_name_is_text(network: Network) -> None:
    keep(network, "lead", name="<script>alert(1)</script>", query="q=%22%3E%3Cb%3E")
    for address in ("/vouchers/", "/vouchers/views/", "/vouchers/?q=%22%3E%3Cb%3E"):
        html = signed_in(network.lead).get(address).content.decode()
        assert "<script>alert" not in html
        assert '"><b>' not in html


@pytest.mark.parametrize("n", [1, 3])
def test_views_need_equally_many_queries_for_one_and_three(network: Network, n: int) -> None:
    for number in range(n):
        keep(network, "lead", name=f"View {number}", unit="spoke")
    client = signed_in(network.lead)
    for address, expected in (("/vouchers/", 9), ("/vouchers/views/", 6)):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        assert len(captured) == expected
