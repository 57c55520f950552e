"""With an idempotency key, what is sent twice is done once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory
from django.utils import timezone

from evidesk.desk.people.rules import Conflict
from evidesk.desk.rest import actions
from evidesk.desk.rest.models import Once
from evidesk.desk.vouchers.models import Attachment, Event, Voucher
from tests.desk.network import TABLE, Network, a_network
from tests.desk.test_api import with_token

KEY = {"Idempotency-Key": "abc-1"}


def say(client: Any, voucher: Voucher, text: str, **headers: str) -> HttpResponse:
    return client.post(
        f"/api/vouchers/{voucher.reference}/messages/",
        {"text": text},
        content_type="application/json",
        headers=headers,
    )


def messages(voucher: Voucher) -> int:
    return Event.objects.filter(voucher=voucher, kind="message").count()


def test_the_first_answer_is_given_again(network: Network, voucher: Voucher) -> None:
    client = with_token(network, "author")
    first, second = (say(client, voucher, "Hello", **KEY) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert messages(voucher) == 1
    say(client, voucher, "Hello")  # without a key it is another message
    assert messages(voucher) == 2


def test_another_request_under_the_same_key_is_refused(network: Network, voucher: Voucher) -> None:
    client = with_token(network, "author")
    say(client, voucher, "Hello", **KEY)
    other = say(client, voucher, "Something else", **KEY)
    assert other.status_code == 409
    assert "was used for another request" in other.json()["detail"]
    assert messages(voucher) == 1


def test_everybody_has_keys_of_their_own(network: Network, voucher: Voucher) -> None:
    for who in ("author", "consultant"):
        assert say(with_token(network, who), voucher, "Hello", **KEY).status_code == 201
    assert messages(voucher) == 2


def test_a_reader_is_not_given_a_writers_answer(network: Network, voucher: Voucher) -> None:
    say(with_token(network, "author"), voucher, "Hello", **KEY)
    refused = say(with_token(network, "author", "read"), voucher, "Hello", **KEY)
    assert refused.status_code == 403
    assert "scope" in refused.json()["detail"]


def test_what_was_refused_can_be_mended_under_the_same_key(
    network: Network, voucher: Voucher
) -> None:
    client = with_token(network, "author")
    assert say(client, voucher, " ", **KEY).status_code == 422
    assert say(client, voucher, "Hello", **KEY).status_code == 201
    assert messages(voucher) == 1


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 201])
def test_a_key_is_a_header_of_plain_characters(
    network: Network, voucher: Voucher, key: str
) -> None:
    answer = say(with_token(network, "author"), voucher, "Hi", **{"Idempotency-Key": key})
    assert (answer.status_code, messages(voucher)) == (422, 0)


def test_a_file_sent_twice_is_kept_once_whatever_the_boundary(
    network: Network, voucher: Voucher
) -> None:
    client = with_token(network, "author")
    address = f"/api/vouchers/{voucher.reference}/files/"
    for content, status in ((TABLE, 201), (TABLE, 201), (TABLE + b"a,a\n", 409)):
        file = SimpleUploadedFile("table.csv", content)
        answer = client.post(address, {"file": file, "note": "x"}, headers={"Idempotency-Key": "f"})
        assert answer.status_code == status
    assert Attachment.objects.get().path.read_bytes() == TABLE


def test_after_a_day_a_key_is_free_again(network: Network, voucher: Voucher) -> None:
    client = with_token(network, "author")
    say(client, voucher, "Hello", **KEY)
    Once.objects.update(begun_at=timezone.now() - timedelta(hours=25))
    say(client, voucher, "Something else", **KEY)
    assert messages(voucher) == 2
    assert actions.forget_old() == 0
    Once.objects.update(begun_at=timezone.now() - timedelta(hours=25))
    assert actions.forget_old() == 1


def test_what_was_begun_and_never_finished_is_in_the_way_for_ten_minutes(
    network: Network, voucher: Voucher
) -> None:
    client = with_token(network, "author")
    say(client, voucher, "Hello", **KEY)
    Once.objects.update(status=None)
    busy = say(client, voucher, "Hello", **KEY)
    assert busy.status_code == 409
    assert "being worked on" in busy.json()["detail"]
    Once.objects.update(begun_at=timezone.now() - timedelta(minutes=11))
    assert say(client, voucher, "Hello", **KEY).status_code == 201
    assert messages(voucher) == 2


def test_whoever_lost_the_key_in_the_middle_does_nothing(
    network: Network, voucher: Voucher
) -> None:
    request = RequestFactory().post("/api/x/", {}, content_type="application/json")

    def slow() -> HttpResponse:
        Once.objects.update(begun_at=timezone.now())  # another one has taken it over
        Voucher.objects.update(title="twice")
        return JsonResponse({})

    with pytest.raises(Conflict, match="took so long"):
        actions.do_once(request, network.author, "k", slow)
    assert Voucher.objects.get().title == "Trust"


def test_a_key_that_vanished_in_between_is_a_conflict(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = RequestFactory().post("/api/x/", {}, content_type="application/json")
    actions.do_once(request, network.author, "k", lambda: JsonResponse({}))
    monkeypatch.setattr("django.db.models.query.QuerySet.first", lambda _: None)
    with pytest.raises(Conflict, match="being worked on"):
        actions.do_once(request, network.author, "k", lambda: JsonResponse({}))


def test_a_fault_leaves_the_key_free(network: Network) -> None:
    request = RequestFactory().post("/api/x/", {}, content_type="application/json")

    def fail() -> HttpResponse:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        actions.do_once(request, network.author, "k", fail)
    assert not Once.objects.exists()


def test_of_two_at_once_one_acts_and_the_other_is_told(file_database: None) -> None:
    network = a_network()
    begun, told = threading.Event(), threading.Event()
    outcomes: list[str] = []

    def act() -> HttpResponse:
        begun.set()
        assert told.wait(20)
        return JsonResponse({"done": True})

    def send(name: str) -> None:
        request = RequestFactory().post("/api/x/", {}, content_type="application/json")
        try:
            actions.do_once(request, network.author, "k", act)
            outcomes.append(f"{name} done")
        except Conflict:
            outcomes.append(f"{name} told")
            told.set()
        finally:
            connection.close()

    first = threading.Thread(target=send, args=("first",))
    first.start()
    assert begun.wait(20)
    second = threading.Thread(target=send, args=("second",))
    second.start()
    for thread in (first, second):
        thread.join(30)
    assert outcomes == ["second told", "first done"]
    assert Once.objects.get().status == 200
