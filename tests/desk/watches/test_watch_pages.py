"""The pages of watches, and their API."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evidesk.desk.people.actions import create_token
from evidesk.desk.people.models import Scope
from evidesk.desk.vouchers.models import Attachment, Voucher
from evidesk.desk.watches import actions, pages
from evidesk.desk.watches.models import Watch
from tests.desk.conftest import signed_in
from tests.desk.network import Network, an_attachment, fresh
from tests.desk.test_api import with_token
from tests.desk.watches.conftest import closed, give, rows, work


def text_of(response: Any) -> str:
    return str(response.content.decode())


def batch_file(content: bytes, name: str = "monday.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_an_empty_page_says_what_to_do_next(network: Network, voucher: Voucher) -> None:
    author = signed_in(network.author)
    where = f"/vouchers/{voucher.reference}/watches/"
    assert "Upload the table that the model was made from" in text_of(author.get(where))
    closed(voucher, network)
    assert "evidesk run watch" in text_of(author.get(where))
    assert "Is the model in use?" in text_of(author.get(f"/vouchers/{voucher.reference}/"))
    told = text_of(signed_in(network.office).get(where))
    assert "Only the voucher&#x27;s scientist and its consultant can watch" in told


def test_a_watch_goes_its_way_by_its_pages(
    network: Network, voucher: Voucher, reference: Attachment
) -> None:
    author = signed_in(network.author)
    where = f"/vouchers/{voucher.reference}/files/{reference.pk}/watch/"
    html = text_of(author.get(where))
    assert "train.csv" in html
    assert 'name="current"' not in html
    assert "This field is required" in text_of(author.post(where, {"level": "0.9"}))
    refused = author.post(where, {"name": "Leaks", "level": "7"})
    assert "Write a number between 0 and 1" in text_of(refused)
    response = author.post(where, {"name": "Leaks", "level": "0.9", "column": ["a"]})
    watch = Watch.objects.get()
    assert response["Location"] == f"/watches/{watch.pk}/"
    assert watch.parameters["column"] == ["a"]
    page = f"/watches/{watch.pk}/"
    assert "The worker reads the reference" in text_of(author.get(page))
    status = author.get(f"{page}status/")
    assert "HX-Refresh" not in status
    assert author.get(f"{page}path.svg").status_code == 404
    work(watch)
    assert author.get(f"{page}status/")["HX-Refresh"] == "true"
    html = text_of(author.get(page))
    assert "There are 320 rows to compare with" in html
    assert "hx-get" not in html
    assert "The file is empty" in text_of(author.post(f"{page}batches/", {"file": batch_file(b"")}))
    author.post(f"{page}batches/", {"file": batch_file(rows(30, seed=1))})
    author.post(f"{page}batches/", {"file": batch_file(rows(90, 2.0, seed=2), "tuesday.csv")})
    author.post(f"{page}batches/", {"file": batch_file(b"a\n1,2\n", "broken.csv")})
    assert "3 batches wait for the worker" in text_of(author.get(page))
    watch = work(watch)
    html = text_of(author.get(page))
    assert f"At row {watch.alarm}, in batch 2 (tuesday.csv)" in html
    assert "What to do now" in html
    assert "at most 10 % over all time" in html
    assert "at 10 there is the alarm" in html
    assert "broken.csv" in html
    figure = author.get(f"{page}path.svg")
    assert figure["Content-Type"] == "image/svg+xml"
    assert "sandbox" in figure["Content-Security-Policy"]
    assert "raised the alarm of the watch" in text_of(author.get(f"/vouchers/{voucher.reference}/"))
    author.post(f"{page}stop/")
    assert "Let the watch go on" in text_of(author.get(page))
    assert "stopped already" in text_of(author.post(f"{page}stop/", follow=True))
    author.post(f"{page}resume/")
    assert "is not stopped" in text_of(author.post(f"{page}resume/", follow=True))


def test_what_is_no_table_cannot_be_compared_with(network: Network, voucher: Voucher) -> None:
    file = an_attachment(voucher, network, b"\xff\xfe\xff")
    where = f"/vouchers/{voucher.reference}/files/{file.pk}/watch/"
    response = signed_in(network.author).get(where, follow=True)
    assert response.redirect_chain[-1][0] == f"/vouchers/{voucher.reference}/watches/"
    assert "table.csv" in text_of(response)


def test_a_refusal_at_the_last_moment_keeps_what_was_typed(
    network: Network, voucher: Voucher, reference: Attachment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: Any, **__: Any) -> Any:
        raise actions.Refused("Too late.")

    monkeypatch.setattr(actions, "begin_watch", late)
    where = f"/vouchers/{voucher.reference}/files/{reference.pk}/watch/"
    html = text_of(signed_in(network.author).post(where, {"name": "My leaks"}))
    assert "Too late." in html
    assert "My leaks" in html


def test_many_batches_are_not_all_shown(
    network: Network, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "BATCHES_SHOWN", 1)
    for seed in (1, 2, 3):
        give(watch, network.author, rows(20, seed=seed), f"day{seed}.csv")
    html = text_of(signed_in(network.author).get(f"/watches/{watch.pk}/"))
    assert "2 earlier batches are in the API" in html
    assert "day3.csv" in html
    assert "day1.csv" not in html


def test_a_watch_goes_its_way_by_the_api(
    network: Network, voucher: Voucher, reference: Attachment
) -> None:
    api = with_token(network, "consultant")
    where = f"/api/vouchers/{voucher.reference}/watches/"

    def begin(**body: Any) -> Any:
        wanted = {"name": "Leaks", "file": reference.pk, "parameters": {}, **body}
        return api.post(where, wanted, content_type="application/json")

    assert begin(parameters={"level": 3}).json()["errors"].keys() == {"parameters.level"}
    assert begin(parameters={"state": "/etc/passwd"}).json()["errors"].keys() == {
        "parameters.state"
    }
    assert begin(file=99).status_code == 404
    strange = an_attachment(fresh(voucher), network, b"\xff\xfe\xff")
    assert begin(file=strange.pk).json()["errors"].keys() == {"file"}
    told = begin(parameters={"column": ["a"], "level": 0.9})
    assert told.status_code == 201, told.content
    told = told.json()
    assert (told["state"], told["reference"], told["waiting"]) == ("starting", reference.pk, 0)
    watch = Watch.objects.get()
    work(watch)
    pushing = create_token(network.consultant, "nightly", scope=Scope.EVIDENCE)[1]
    for content, name in ((rows(30, seed=1), "a.csv"), (rows(90, 2.0, seed=2), "b.csv")):
        sent = api.post(
            f"/api/watches/{watch.pk}/batches/",
            {"file": batch_file(content, name)},
            headers={"authorization": f"Bearer {pushing}"},
        )
        assert sent.status_code == 201, sent.content
    again = api.post(f"/api/watches/{watch.pk}/batches/", {"file": batch_file(rows(30, seed=1))})
    assert again.status_code == 409
    assert api.get(f"/api/watches/{watch.pk}/").json()["waiting"] == 2
    watch = work(watch)
    told = api.get(f"/api/watches/{watch.pk}/").json()
    assert (told["state"], told["batches"], told["rows"]) == ("alarm", 2, 120)
    assert told["alarm"] == watch.alarm
    first, second = api.get(f"/api/watches/{watch.pk}/batches/").json()["items"]
    assert (first["state"], first["number"], first["rows"]) == ("taken", 1, 30)
    assert second["log10_e"] == told["log10_e"]
    assert [one["id"] for one in api.get(where).json()["items"]] == [watch.pk]
    assert api.post(f"/api/watches/{watch.pk}/stop/").json()["state"] == "stopped"
    assert api.post(f"/api/watches/{watch.pk}/resume/").json()["state"] == "alarm"
