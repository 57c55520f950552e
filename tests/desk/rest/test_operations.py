"""A whole voucher through the API, and what it says when something is wrong."""

import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evidesk.desk.people.log_in.actions import set_active
from evidesk.desk.rest.forms import checked, data_of, schema_of
from evidesk.desk.rest.problems import Invalid
from evidesk.desk.vouchers.models import Attachment, Inquiry, State, Tag, Voucher
from evidesk.desk.vouchers.steps import FORMS, OWN_PAGE
from evidesk.desk.vouchers.workflow import TRANSITIONS, Part
from tests.desk.network import (
    ANSWERS,
    TABLE,
    Network,
    an_attachment,
    fresh,
    some_evidence,
    voucher_in,
)
from tests.desk.rest.program import Program
from tests.desk.test_api import push, with_token

PLAN = {"starts_on": "2026-03-02", "days": 10}
COLUMNS = {"truth": "truth", "prediction": ["model"]}


def test_a_voucher_goes_its_whole_way(network: Network, media: Path, crate: Path) -> None:
    author, lead, consultant = (Program(network, w) for w in ("author", "lead", "consultant"))
    asked = {"subject": "Trust", "text": "Can we trust it?", "email": "ada@example.org"}
    inquiry = author.post("inquiries/", asked, 201)
    answered = lead.post(f"inquiries/{inquiry['key']}/answer/", {"answer": "Start a voucher!"})
    assert (answered["status"], answered["answered_by"]) == ("answered", "Lena Lead")
    reference = author.post("vouchers/", {"inquiry": inquiry["key"]}, 201)["reference"]
    assert author.get(f"inquiries/{inquiry['key']}/")["voucher"] == reference
    assert author.get("inquiries/")["items"][0]["status"] == "voucher"
    at = f"vouchers/{reference}/"
    document = author.get(f"{at}document/")
    assert document["questions"][0]["answer"] == "Can we trust it?"
    assert document["agreement"]
    change = {
        "revision": 0,
        "kind": "exploration",
        "unit": "spoke",
        "credit": "acknowledgement",
        "visibility": "private",
        "answers": ANSWERS,
    }
    author.client.patch(f"/api/{at}document/", change, content_type="application/json")
    author.post(f"{at}steps/submit/", {"agrees": False}, 422)
    author.post(f"{at}steps/submit/", {"agrees": True})
    member = next(
        member
        for unit in lead.get("units/")
        for member in unit["members"]
        if member["name"] == "Cyra Consultant"
    )
    moved = lead.post(f"{at}steps/offer/", {"consultant": member["id"]})
    assert moved == {"reference": reference, "state": "offered"}
    consultant.post(f"{at}steps/accept/", {**PLAN, "agrees": True})
    said = author.post(f"{at}messages/", {"text": "Here is the file."}, 201)
    assert said["actor"] == "Ada Author"
    file = SimpleUploadedFile("table.csv", TABLE)
    kept = author.client.post(f"/api/{at}files/", {"file": file}).json()
    content = consultant.client.get(f"/api/{at}files/{kept['id']}/")
    assert b"".join(content.streaming_content) == TABLE
    assert content["ETag"] == f'"{kept["sha256"]}"'
    assert [one["name"] for one in author.get(f"{at}files/")["items"]] == ["table.csv"]
    wanted = {
        "kit": "accuracy",
        "file": kept["id"],
        "parameters": {**COLUMNS, "level": 0.9},
    }
    run = consultant.post(f"{at}runs/", wanted, 201)
    assert (run["state"], run["parameters"]["level"]) == ("queued", 0.9)
    assert consultant.get(f"runs/{run['id']}/") == consultant.get(f"{at}runs/")["items"][0]
    assert consultant.post(f"runs/{run['id']}/cancel/")["state"] == "cancelled"
    assert push(consultant.client, fresh_of(reference), crate).status_code == 201
    evidence = author.get(f"{at}evidence/")["items"][0]
    detail = author.get(f"evidence/{evidence['id']}/")
    assert (detail["voucher"], detail["added_by"]) == (reference, "Cyra Consultant")
    assert detail["findings"]
    zipped = author.client.get(f"/api/evidence/{evidence['id']}/download/")
    assert b"".join(zipped.streaming_content) == crate.read_bytes()
    report = {"text": "It works.", "evidence": [evidence["id"]]}
    assert consultant.post(f"{at}steps/report/", report)["state"] == "reported"
    author.post(f"{at}steps/close/", {"rating": 5, "feedback": "Thanks!"})
    closed = author.get(at)
    assert (closed["state"], closed["rating"], closed["possible"]) == ("closed", 5, [])
    export = author.client.get("/api/me/export/")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(export.streaming_content)))
    assert json.loads(archive.read("data.json"))["person"]["name"] == "Ada Author"


def fresh_of(reference: str) -> Voucher:
    return Voucher.objects.get(reference=reference)


def test_every_action_of_the_table_is_an_operation() -> None:
    from evidesk.desk.api import api

    paths = api.get_openapi_schema()["paths"]
    by_people = [step for step in TRANSITIONS if step.who != (Part.DESK,)]
    for step in by_people:
        operation = paths[f"/api/vouchers/{{reference}}/steps/{step.action}/"]["post"]
        assert operation["summary"] == step.label
    assert {*FORMS, *OWN_PAGE, "submit", "report"} == {step.action for step in by_people}


@pytest.mark.parametrize(
    ("step", "facts", "field"),
    [
        ("return", {}, "text"),
        ("return", {"text": " \n "}, "text"),
        ("return", {"text": 5}, "text"),
        ("decline", {"text": "x" * 20_001}, "text"),
        ("offer", {"consultant": 0}, "consultant"),
        ("offer", {"consultant": "Cyra"}, "consultant"),
        ("offer", {"consultant": 1, "urgent": True}, "urgent"),
    ],
)
def test_a_step_says_which_fact_is_wrong(
    network: Network, step: str, facts: dict[str, Any], field: str
) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    answer = Program(network, "lead").post(
        f"vouchers/{voucher.reference}/steps/{step}/", facts, 422
    )
    assert list(answer["errors"]) == [field]
    assert fresh(voucher).state == State.SUBMITTED


def test_a_step_that_the_rules_refuse_is_told_why(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    at = f"vouchers/{voucher.reference}/steps/"
    why = Program(network, "author").post(f"{at}decline/", {"text": "No."}, 403)
    assert why["detail"].startswith("Only a lead of the unit or the office")
    Program(network, "stranger").post(f"{at}accept/", {**PLAN, "agrees": True}, 404)
    assert Program(network, "lead").get(f"{at}decline/", 405)["detail"]
    assert Program(network, "lead").post(f"{at}fly/", {}, 404)["detail"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kit": "magic"}, "kit"),
        ({"parameters": {}}, "parameters.truth"),
        ({"parameters": {**COLUMNS, "truth": "lies"}}, "parameters.truth"),
        ({"parameters": {**COLUMNS, "x": 1}}, "parameters.x"),
        (
            {"parameters": {"truth": "truth", "prediction": ["model"], "level": 2}},
            "parameters.level",
        ),
    ],
)
def test_a_run_says_what_is_wrong_with_it(
    network: Network, voucher: Voucher, changes: dict[str, Any], field: str
) -> None:
    file = an_attachment(voucher, network)
    wanted = {"kit": "accuracy", "file": file.pk, "parameters": COLUMNS}
    at = f"vouchers/{voucher.reference}/runs/"
    answer = Program(network, "consultant").post(at, {**wanted, **changes}, 422)
    assert field in answer["errors"]
    Program(network, "consultant").post(at, {**wanted, "file": file.pk + 1}, 404)
    Program(network, "author").post(at, wanted, 403)
    assert not voucher.runs.exists()


def test_a_run_needs_a_table(network: Network, voucher: Voucher) -> None:
    file = an_attachment(voucher, network, content=b"Not a table at all.")
    Attachment.objects.update(name="notes.txt")
    wanted = {"kit": "accuracy", "file": file.pk}
    at = f"vouchers/{voucher.reference}/runs/"
    assert list(Program(network, "consultant").post(at, wanted, 422)["errors"]) == ["file"]


def test_a_report_rests_on_the_vouchers_own_evidence(
    network: Network, voucher: Voucher, crate: Path
) -> None:
    consultant = Program(network, "consultant")
    at = f"vouchers/{voucher.reference}/steps/report/"
    wrong = consultant.post(at, {"text": "It works.", "evidence": [7]}, 422)
    assert wrong["errors"] == {"evidence": ["This voucher has no evidence."]}
    some_evidence(voucher, network, crate)
    wrong = consultant.post(at, {"text": "It works.", "evidence": [7]}, 422)
    assert list(wrong["errors"]) == ["evidence"]
    assert fresh(voucher).state == State.ACTIVE


def test_an_inquiry_is_read_by_whoever_knows_its_key(network: Network) -> None:
    asked = {"subject": "Hi", "text": "Hello", "email": "a@example.org"}
    key = Program(network, "author").post("inquiries/", asked, 201)["key"]
    assert Program(network, "stranger").get(f"inquiries/{key}/")["subject"] == "Hi"
    assert Program(network, "stranger").get("inquiries/")["items"] == []
    Program(network, "author").post(f"inquiries/{key}/answer/", {"answer": "Me!"}, 403)
    Program(network, "author").get("inquiries/no-such-key/", 404)
    Program(network, "author").post("inquiries/", {**asked, "email": "nobody"}, 422)
    Program(network, "author").post("vouchers/", {"inquiry": "no-such-key"}, 404)
    assert Inquiry.objects.count() == 1


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", "{", 400),
        ("application/json", "[" * 100_000, 400),
        ("application/json", "[]", 422),
        ("application/json", '"text"', 422),
        ("application/json", '{"text": "\\ud800"}', 422),
        ("application/json", '{"text": NaN}', 422),
        ("application/json", " ", 400),
        ("text/plain", '{"text": "Hello"}', 415),
        ("application/x-www-form-urlencoded", "text=Hello", 415),
        ("application/json", '{"text": "' + "x" * 2**20 + '"}', 413),
    ],
)
def test_a_body_that_cannot_be_taken_is_told_in_the_one_shape(
    network: Network, voucher: Voucher, content_type: str, body: str, status: int
) -> None:
    answer = with_token(network, "author").post(
        f"/api/vouchers/{voucher.reference}/messages/", body, content_type=content_type
    )
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_form_that_cannot_be_taken_is_told_too(network: Network, voucher: Voucher) -> None:
    client = with_token(network, "author")
    address = f"/api/vouchers/{voucher.reference}/files/"
    kind = "multipart/form-data"
    assert client.post(address, b"--x", content_type=kind).status_code == 400
    assert client.post(address, {"file": "no file"}).status_code == 422
    assert client.post(address, {}, content_type="application/json").status_code == 415
    empty = client.post(address, {"file": SimpleUploadedFile("a.csv", b"")})
    assert (empty.status_code, empty.json()["detail"]) == (403, "The file is empty.")


def test_addresses_that_are_none_answer_as_json(network: Network) -> None:
    client = with_token(network, "author")
    for path, status in (("nothing/", 404), ("runs/x/", 404), ("runs/99999999999999999999/", 404)):
        answer = client.get(f"/api/{path}")
        assert (answer.status_code, list(answer.json())) == (status, ["detail"])
    answer = client.delete("/api/vouchers/")
    assert (answer.status_code, set(answer["Allow"].split(", "))) == (405, {"GET", "POST"})
    assert answer.json()["detail"]


def test_a_form_with_a_field_of_an_unknown_kind_is_a_programmers_mistake() -> None:
    from django import forms

    class Odd(forms.Form):
        duration = forms.DurationField()

    with pytest.raises(TypeError, match="does not know how to take a DurationField"):
        schema_of(Odd)


def test_a_schema_says_what_a_form_takes() -> None:
    from django import forms

    class Every(forms.Form):
        agree = forms.BooleanField()
        loud = forms.BooleanField(required=False)
        many = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")], required=False)
        one = forms.ChoiceField(choices=[("a", "A")])
        count = forms.IntegerField(min_value=1, max_value=3, required=False)
        share = forms.DecimalField(min_value=0, max_value=Decimal(40))
        tags = forms.ModelMultipleChoiceField(Tag.objects.none())
        file = forms.FileField()

    properties = json.loads(json.dumps(schema_of(Every).model_json_schema()))["properties"]
    assert properties["agree"]["const"] is True
    assert properties["loud"] == {"default": False, "title": "Loud", "type": "boolean"}
    assert properties["many"]["items"]["enum"] == ["a", "b"]
    assert properties["one"]["const"] == "a"
    assert properties["count"]["anyOf"][0] == {"maximum": 3, "minimum": 1, "type": "integer"}
    assert properties["share"] == {
        "maximum": 40,
        "minimum": 0,
        "title": "Share",
        "type": "number",
    }
    assert properties["tags"]["items"]["maxLength"] == 100
    assert "file" not in properties


@pytest.mark.django_db
def test_rows_are_named_one_or_many_at_a_time() -> None:
    from django import forms

    class Named(forms.Form):
        tag = forms.ModelChoiceField(Tag.objects.all())
        tags = forms.ModelMultipleChoiceField(Tag.objects.all())

    first, second = (Tag.objects.create(name=name) for name in ("Owls", "Bats"))
    data = data_of(Named(), {"tag": "Bats", "tags": ["Bats", "Owls"]})
    assert data == {"tag": second.pk, "tags": [second.pk, first.pk]}
    assert checked(Named(data))["tag"] == second
    with pytest.raises(Invalid, match="tags: Select a valid choice"):
        checked(Named(data_of(Named(), {"tag": "Bats", "tags": ["Bats", "Newts"]})))


def test_a_token_does_what_its_person_may_do_now(network: Network, media: Path) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    path = f"/api/vouchers/{voucher.reference}/"
    client = with_token(network, "lead")
    assert client.get(path).status_code == 200
    network.lead.memberships.all().delete()
    assert client.get(path).status_code == 404
    declined = client.post(
        f"{path}steps/decline/", {"text": "No."}, content_type="application/json"
    )
    assert declined.status_code == 404
    set_active(network.lead, False)
    assert client.get("/api/me/").status_code == 401
    set_active(network.lead, True)
    assert client.get("/api/me/").json()["roles"] == []
