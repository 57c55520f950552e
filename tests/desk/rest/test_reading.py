"""Lists by cursor, ETags, and what a token's scope reaches."""

import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from ninja import Schema

from evidesk.desk.people.actions import create_token
from evidesk.desk.people.models import Field, Scope, Token
from evidesk.desk.rest.paging import CURSOR, cursor_of, number_of
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.network import Network, a_draft, fresh, voucher_in
from tests.desk.test_api import with_token

# Pages


@pytest.mark.parametrize("number", [0, 1, 63, 64, 1000, 2**31, 2**63 - 1])
def test_a_cursor_stands_for_a_row(number: int) -> None:
    assert re.fullmatch(CURSOR, cursor_of(number))
    assert number_of(cursor_of(number)) == number


def test_a_list_is_read_to_its_end_while_others_write(network: Network) -> None:
    made = [a_draft(network).reference for _ in range(5)]
    client = with_token(network, "author")
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/vouchers/?limit=2&cursor={cursor}").json()
        seen += [one["reference"] for one in page["items"]]
        cursor = page["next"]
        a_draft(network)  # a new one at the top
        oldest = Voucher.objects.get(reference=made[0])
        actions.save_draft(  # and an old one that would move up in the page's list
            oldest, network.author, revision=oldest.revision, title="x", kind=None,
            unit=network.hub, answers={},
        )  # fmt: skip
    assert seen == made[::-1]


def test_the_timeline_is_read_from_its_beginning(network: Network, voucher: Voucher) -> None:
    client = with_token(network, "author")
    address = f"/api/vouchers/{voucher.reference}/timeline/"
    page = client.get(f"{address}?limit=3").json()
    rest = client.get(f"{address}?cursor={page['next']}").json()
    kinds = [event["kind"] for event in page["items"] + rest["items"]]
    assert kinds == ["started", "submit", "offer", "accept"]
    assert rest["next"] is None
    assert page["items"][2]["data"]["to"] == "Cyra Consultant"


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "cursor=zAAAAAAAAAA", "cursor=AAAAAAAAAAB", "limit=0", "limit=1001", "limit=x"],
)
def test_a_wrong_page_is_told(network: Network, query: str) -> None:
    answer = with_token(network, "author").get(f"/api/vouchers/?{query}")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [query.split("=")[0]]


def test_a_list_is_filtered_as_on_the_page(network: Network) -> None:
    drafts = [a_draft(network, title) for title in ("Trust", "Noise")]
    submitted = voucher_in(State.SUBMITTED, network, "Jets")
    client = with_token(network, "author")

    def found(query: str) -> list[str]:
        return [v["title"] for v in client.get(f"/api/vouchers/?{query}").json()["items"]]

    assert found("q=nois") == ["Noise"]
    assert found("state=submitted") == ["Jets"]
    assert found("unit=spoke&whose=waiting") == ["Noise", "Trust"]
    assert found("unit=nowhere") == []
    assert found("kind=exploration&state=submitted") == ["Jets"]
    assert found("kind=grant") == []
    today = timezone.localdate()
    assert found(f"since={today}&until={today}") == ["Jets"], "by submission"
    assert found(f"dated=changed&since={today}") == ["Jets", "Noise", "Trust"]
    assert found(f"until={today - timedelta(days=1)}") == []
    assert found("overdue=true") == []
    for wrong in ("state=lost", "since=0001-01-01", "until=9999-12-31", "dated=x", "consultant=x"):
        answer = client.get(f"/api/vouchers/?{wrong}")
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [wrong.split("=")[0]])
    long = client.get(f"/api/vouchers/?q={'a%20' * 90}")
    assert (long.status_code, list(long.json()["errors"])) == (422, ["q"])
    assert len(drafts) + 1 == len(found("")) == 3
    assert submitted.reference


def test_a_members_vouchers_are_found_by_their_uid(network: Network, voucher: Voucher) -> None:
    client = with_token(network, "consultant")
    units = client.get("/api/units/").json()
    uids = {member["name"]: member["uid"] for unit in units for member in unit["members"]}

    def found(uid: str) -> list[str]:
        page = client.get(f"/api/vouchers/?consultant={uid}").json()
        return [one["reference"] for one in page["items"]]

    assert found(uids["Cyra Consultant"]) == [voucher.reference]
    assert found(uids["Otto Outsider"]) == found(str(UUID(int=0))) == []


# ETags


def test_what_has_not_changed_is_not_sent_again(network: Network, voucher: Voucher) -> None:
    client = with_token(network, "author")
    for path in ("", "document/", "timeline/", "files/", "evidence/", "runs/"):
        address = f"/api/vouchers/{voucher.reference}/{path}"
        first = client.get(address)
        assert (first.status_code, first["Vary"], first["Cache-Control"]) == (
            200,
            "Authorization, Cookie, Accept-Language",
            "private, no-cache",
        )
        again = client.get(address, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
    tag = client.get(f"/api/vouchers/{voucher.reference}/timeline/")["ETag"]
    actions.write(voucher, network.consultant, "Hello")
    address = f"/api/vouchers/{voucher.reference}/timeline/"
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 200


def test_a_draft_is_changed_only_if_it_is_what_was_read(network: Network) -> None:
    voucher = a_draft(network)
    client = with_token(network, "author")
    address = f"/api/vouchers/{voucher.reference}/document/"

    def save(body: dict[str, object], **headers: str):  # type: ignore[no-untyped-def]
        return client.patch(address, body, content_type="application/json", headers=headers)

    read = client.get(address)
    assert read.json()["revision"] == 1
    change = {"revision": 1, "title": "Better", "answers": {"data": "More of it"}}
    saved = save(change, **{"If-Match": read["ETag"]})
    assert saved.status_code == 200
    assert (saved.json()["revision"], saved.json()["title"]) == (2, "Better")
    after = fresh(voucher)
    assert after.answers["data"] == "More of it"
    assert (after.answers["about"], after.unit, after.kind) == (
        "Which of our networks can we trust?",
        network.spoke,
        voucher.kind,
    )
    stale = save({**change, "title": "Late"}, **{"If-Match": read["ETag"]})
    assert (stale.status_code, "since you read it" in stale.json()["detail"]) == (412, True)
    assert save({**change, "title": "Late"}).status_code == 409
    assert save({"revision": 2, "unit": "hub", "kind": "implementation"}).status_code == 200
    physics = Field.objects.create(name="Nuclear physics")
    placed = save({"revision": 3, "title": "Any", "field": physics.name}, **{"If-Match": "*"})
    assert (placed.status_code, placed.json()["field"]) == (200, "Nuclear physics")
    after = fresh(voucher)
    assert (after.title, after.unit, str(after.kind)) == ("Any", network.hub, "Implementation")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "x" * 121}, "title"),
        ({"unit": "nowhere"}, "unit"),
        ({"kind": "grant"}, "kind"),
        ({"field": "Alchemy"}, "field"),
        ({"answers": {"age": "42"}}, "answers.age"),
        ({"answers": {"about": "x" * 20_001}}, "answer_about"),
        ({"state": "closed"}, "state"),
        ({"revision": -1}, "revision"),
        ({"title": "a\0b"}, "title"),
    ],
)
def test_a_draft_refuses_what_its_page_refuses(
    network: Network, change: dict[str, object], field: str
) -> None:
    voucher = a_draft(network)
    answer = with_token(network, "author").patch(
        f"/api/vouchers/{voucher.reference}/document/",
        {"revision": 1, **change},
        content_type="application/json",
    )
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert fresh(voucher).revision == 1


# Scopes


@pytest.mark.parametrize(
    ("scope", "reads", "pushes", "writes"),
    [(Scope.READ, 200, 403, 403), (Scope.EVIDENCE, 200, 422, 403), (Scope.WRITE, 200, 422, 201)],
)
def test_a_token_reaches_as_far_as_its_scope(
    network: Network, voucher: Voucher, scope: Scope, reads: int, pushes: int, writes: int
) -> None:
    client = with_token(network, "consultant", scope)
    me = client.get("/api/me/").json()
    assert (me["name"], me["token"]["scope"]) == ("Cyra Consultant", scope.value)
    assert me["roles"] == [{"unit": "hub", "role": "consultant"}]
    address = f"/api/vouchers/{voucher.reference}"
    assert client.get(f"{address}/").status_code == reads
    # What is sent is no crate; only who may push is told so.
    assert client.post(f"{address}/evidence/", {"x": "y"}).status_code == pushes
    text = {"text": "Hello"}
    answer = client.post(f"{address}/messages/", text, content_type="application/json")
    assert answer.status_code == writes


def test_no_address_makes_tokens_or_hooks(network: Network) -> None:
    from evidesk.desk.api import api

    paths = api.get_openapi_schema()["paths"]
    posted = {path for path, methods in paths.items() if "post" in methods}
    about = {path for path in posted if "token" in path or "hook" in path}
    assert about == {f"/api/hooks/{{hook_id}}/{act}/" for act in ("ping", "switch")}


def test_the_scope_of_a_token_is_one_of_three(network: Network) -> None:
    from django.db import IntegrityError, transaction

    create_token(network.author, "x")
    with pytest.raises(IntegrityError, match="token_scope_is_known"), transaction.atomic():
        Token.objects.update(scope="all")


def test_no_two_schemas_have_one_name() -> None:
    """The description of the API knows a schema by its name alone."""

    def below(schema: type[Schema]) -> Iterator[type[Schema]]:
        for one in schema.__subclasses__():
            yield one
            yield from below(one)

    ours = {one for one in below(Schema) if one.__module__.startswith("evidesk.")}
    names = [one.__name__ for one in ours]
    assert len(names) > 100
    assert [name for name in names if names.count(name) > 1] == []
