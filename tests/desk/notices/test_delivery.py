"""Sending: a real mail server that takes, refuses, hangs and breaks off; and nothing goes twice."""

import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import NameOID
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from evidesk.desk.mail_settings import MailSettings, Server
from evidesk.desk.notices import delivery, smtp
from evidesk.desk.notices.delivery import LEASE, claim, deliver, end_lost_leases, finish
from evidesk.desk.notices.jobs import send_mail
from evidesk.desk.notices.models import DigestDay, Mail, MailState
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State
from tests.desk.network import Network, a_network, voucher_in
from tests.desk.notices.conftest import BASE, Sink

LOOPBACK = IPv4Address("127.0.0.1")


@pytest.fixture
def mail(network: Network, mailing: None) -> Mail:
    """One mail that waits: a lead of the unit is told of a voucher."""
    voucher_in(State.SUBMITTED, network)
    Mail.objects.exclude(person=network.lead).delete()
    return Mail.objects.get()


def fresh(mail: Mail) -> Mail:
    return Mail.objects.get(pk=mail.pk)


# The server takes it


def test_a_mail_goes_and_what_the_server_said_is_kept(sink: Sink, mail: Mail) -> None:
    send_mail.call()
    (recipients, _), message = sink.taken[0], sink.messages[0]
    assert recipients == [mail.address] == ["lena.lead@example.org"]
    assert message["Message-ID"] == f"<{mail.message_id}@example.org>"
    assert "Ada Author submitted the voucher" in message.get_body(("plain",)).get_content()
    assert "<strong>" in message.get_body(("html",)).get_content()
    sent = fresh(mail)
    assert (sent.state, sent.attempts) == (MailState.SENT, 1)
    assert sent.last_answer == "250 2.0.0 taken as 4711"
    assert deliver() == 0, "once is enough"
    assert len(sink.taken) == 1


def test_many_mails_go_through_one_connection(sink: Sink, network: Network) -> None:
    for _ in range(5):
        voucher_in(State.SUBMITTED, network)
    assert deliver() == Mail.objects.count() == 10
    assert sink.connections == 1


def test_a_pass_leaves_the_rest_to_the_next(
    sink: Sink, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST_MAILS", 3)
    for _ in range(2):
        voucher_in(State.SUBMITTED, network)
    assert [deliver(), deliver(), deliver()] == [3, 1, 0]


def test_the_job_is_queued_with_the_mail_in_one_transaction(
    network: Network, mailing: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(type(send_mail), "enqueue", lambda *a, **k: asked.append(connection))
    voucher_in(State.SUBMITTED, network)
    assert len(asked) == 1, "one for all the mails of a step"
    settings.DEMO = True
    voucher_in(State.SUBMITTED, network)
    assert len(asked) == 1, "a demo sends nothing"


# The server does not take it


@pytest.mark.parametrize(
    ("says", "state", "answer"),
    [
        ({"lena.lead@example.org": "550 5.1.1 no such user"}, MailState.FAILED, "550 5.1.1 no"),
        ({"lena.lead@example.org": "450 4.2.1 greylisted"}, MailState.QUEUED, "450 4.2.1 grey"),
        ({"lena.lead@example.org": "421 going away"}, MailState.QUEUED, "421 going away"),
        ({"DATA": "554 5.7.1 looks like spam"}, MailState.FAILED, "554 5.7.1 looks like"),
        ({"DATA": "452 4.3.1 disk full"}, MailState.QUEUED, "452 4.3.1 disk full"),
        ({"MAIL": "553 5.7.1 not your address"}, MailState.QUEUED, "The sender desk@example.org"),
        ({"MAIL": "451 later"}, MailState.QUEUED, "The sender desk@example.org is refused: 451"),
        ({"DATA": "drop"}, MailState.QUEUED, "The connection broke ("),
        ({"DATA": "hang"}, MailState.QUEUED, "The connection broke ("),
    ],
)  # fmt: skip
def test_a_refusal_is_final_only_if_it_is_about_this_mail(
    sink: Sink, mail: Mail, says: dict[str, str], state: MailState, answer: str
) -> None:
    sink.says = says
    before = timezone.now()
    assert deliver() == 0
    after = fresh(mail)
    assert (after.state, after.attempts) == (state, 1)
    assert after.last_answer.startswith(answer)
    assert not sink.taken
    if state == MailState.QUEUED:
        assert after.due_at >= before + timedelta(seconds=30)
        assert deliver() == 0, "not before it is due"
        Mail.objects.update(due_at=before)
        sink.says = {}
        assert deliver() == 1
        assert sink.messages[0]["Message-ID"] == f"<{mail.message_id}@example.org>"


def test_one_bad_address_does_not_keep_the_others(sink: Sink, network: Network) -> None:
    Person.objects.filter(pk=network.lead.pk).update(email="no address")
    Person.objects.filter(pk=network.office.pk).update(email="gone@example.org")
    sink.says = {"gone@example.org": "550 gone"}
    voucher_in(State.ACTIVE, network)
    deliver()
    states = dict(Mail.objects.filter(notice__kind="submit").values_list("address", "state"))
    assert states == {"no address": "failed", "gone@example.org": "failed"}
    assert Mail.objects.filter(person=network.consultant).get().state == MailState.SENT
    bad = Mail.objects.filter(address="no address").first()
    assert bad is not None
    assert bad.last_answer == "“no address” is no address."


def test_who_has_left_gets_no_mail(sink: Sink, mail: Mail, network: Network) -> None:
    Person.objects.filter(pk=network.lead.pk).update(is_active=False)
    assert deliver() == 0
    assert fresh(mail).state == MailState.FAILED
    assert not sink.taken


def test_a_server_that_is_away_is_asked_once_a_pass(network: Network, mailing: None) -> None:
    voucher_in(State.SUBMITTED, network)
    assert deliver() == 0
    tried = Mail.objects.filter(attempts=1).get()
    assert tried.state == MailState.QUEUED
    assert tried.last_answer.startswith("127.0.0.1:1 cannot be used: ")
    assert Mail.objects.filter(attempts=0).count() == 1


def test_a_server_that_always_breaks_off_is_left_after_three(
    sink: Sink, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink.says = {"DATA": "drop"}
    for _ in range(3):
        voucher_in(State.SUBMITTED, network)
    deliver()
    assert Mail.objects.filter(attempts=1).count() == 3
    assert Mail.objects.filter(attempts=0).count() == 3


def test_a_server_that_breaks_off_after_taking_it_is_not_asked_again(
    sink: Sink, mail: Mail
) -> None:
    """It took the mail, said nothing, and cannot be told from one that did not: so it comes twice,
    under one Message-ID."""
    sink.says = {"DATA": "taken then drop"}
    deliver()
    assert fresh(mail).state == MailState.QUEUED
    sink.says = {}
    Mail.objects.update(due_at=timezone.now())
    deliver()
    assert len({message["Message-ID"] for message in sink.messages}) == 1
    assert len(sink.taken) == 2


def test_pauses_double_up_to_six_hours_and_never_fall_together() -> None:
    now = timezone.now()
    pauses = [
        [(delivery.next_attempt(n, now) - now).total_seconds() / 60 for _ in range(50)]
        for n in (1, 2, 3, 9, 12, 1_000)
    ]
    for expected, drawn in zip((1, 2, 4, 256, 360, 360), pauses, strict=True):
        assert 0.5 * expected <= min(drawn) < max(drawn) <= 1.5 * expected


def test_after_five_days_it_is_given_up(sink: Sink, mail: Mail) -> None:
    sink.says = {"DATA": "452 disk full"}
    Mail.objects.update(queued_at=timezone.now() - timedelta(days=5, minutes=1))
    deliver()
    assert fresh(mail).state == MailState.FAILED


# The log-in


def test_a_password_goes_to_no_stranger_in_the_clear(
    sink: Sink, mail: Mail, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "is_local", False)
    server = Server("smtp", "127.0.0.1", sink.port, "desk", "hunter2")
    settings.MAIL = MailSettings(BASE, "evidesk", "desk@example.org", server, None)
    assert deliver() == 0
    assert "offers no encryption" in fresh(mail).last_answer
    assert "hunter2" not in fresh(mail).last_answer + repr(settings.MAIL)


def test_a_log_in_that_is_refused_is_for_the_desk_to_mend(
    sink: Sink, mail: Mail, settings: Any
) -> None:
    server = Server("smtp", "127.0.0.1", sink.port, "desk", "hunter2")
    settings.MAIL = MailSettings(BASE, "evidesk", "desk@example.org", server, None)
    assert deliver() == 0
    assert fresh(mail).state == MailState.QUEUED
    assert "cannot be used" in fresh(mail).last_answer


def test_an_encrypted_server_that_speaks_plainly_is_none(
    sink: Sink, mail: Mail, settings: Any
) -> None:
    server = Server("smtps", "127.0.0.1", sink.port)
    settings.MAIL = MailSettings(BASE, "evidesk", "desk@example.org", server, None)
    assert deliver() == 0
    assert "cannot be used" in fresh(mail).last_answer
    assert not sink.taken


# Never twice


def test_two_senders_at_once_send_each_mail_once(
    file_database: None, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = a_network()
    for _ in range(10):
        voucher_in(State.SUBMITTED, network)
    together = threading.Barrier(4)
    sent: list[int] = []

    def work() -> None:
        together.wait(10)
        try:
            sent.append(deliver())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(sent) == len(sink.taken) == 20
    assert len({message["Message-ID"] for message in sink.messages}) == 20
    assert not Mail.objects.exclude(state=MailState.SENT).exists()


def test_only_one_of_two_claims_a_mail(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [mail.pk, mail.pk, None]  # the second sender looked before the first one claimed
    monkeypatch.setattr(delivery.queries, "due_mail", lambda: seen.pop(0))
    first = claim()
    assert first is not None
    assert claim() is None


def test_a_sender_whose_lease_ran_out_cannot_write_its_end(mail: Mail) -> None:
    first = claim()
    assert first is not None
    assert end_lost_leases() == 0
    Mail.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert end_lost_leases() == 1
    assert fresh(mail).last_answer == "The worker stopped while it sent this mail."
    second = claim()
    assert second is not None
    assert not finish(first, MailState.SENT, "250 late")
    delivery.postpone(first, "late")
    assert fresh(mail).state == MailState.SENDING
    assert finish(second, MailState.SENT, "250")


def test_the_lease_is_longer_than_all_that_a_sender_waits_for() -> None:
    answers = 10  # greeting, EHLO, STARTTLS, EHLO, AUTH twice, MAIL, RCPT, DATA, its end
    assert timedelta(seconds=answers * smtp.PATIENCE) < LEASE


def test_the_database_refuses_mail_without_its_facts(mail: Mail) -> None:
    for columns in (
        {"state": "lost"},
        {"state": "sent"},
        {"state": "sending"},
        {"sent_at": timezone.now()},
        {"lease_until": timezone.now()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Mail.objects.filter(pk=mail.pk).update(**columns)


# Real processes


def environment(folder: Path, port: int) -> dict[str, str]:
    """What a program of the desk needs to find this test's database and its mail server."""
    database = connection.settings_dict
    address = (
        f"postgresql://{database['USER']}@{quote(database['HOST'], safe='')}/{database['NAME']}"
    )
    kept = {name: text for name, text in os.environ.items() if not name.startswith("EVIDESK_")}
    return kept | {
        "EVIDESK_SECRET_KEY": "a key of these tests",
        "EVIDESK_DATA_DIR": str(folder),
        "EVIDESK_DATABASE_URL": address if connection.vendor == "postgresql" else "",
        "EVIDESK_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "EVIDESK_MAIL_FROM": "evidesk <desk@example.org>",
        "EVIDESK_BASE_URL": BASE,
        "DJANGO_SETTINGS_MODULE": "evidesk.desk.settings",
    }


def desk(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "evidesk", "desk", *arguments]


def no_digests() -> None:
    """Today's are written, and tomorrow's too, should these tests run at midnight."""
    today = timezone.localdate()
    for day in (today, today + timedelta(days=1)):
        DigestDay.objects.create(day=day, done_at=timezone.now())


def test_a_real_worker_sends_what_an_action_wrote(
    file_database: None, sink: Sink, settings: Any, tmp_path: Path
) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
    no_digests()
    network = a_network()
    voucher = voucher_in(State.SUBMITTED, network)
    subprocess.run(
        desk("db_worker", "--batch", "--no-startup-delay"),
        env=environment(tmp_path, sink.port), check=True, timeout=60, capture_output=True,
    )  # fmt: skip
    assert len(sink.taken) == 2
    actions.write(voucher, network.author, "And one more thing.")
    done = subprocess.run(
        desk("tick"), env=environment(tmp_path, sink.port), check=True, timeout=60,
        capture_output=True, text=True,
    )  # fmt: skip
    assert "mails sent: 2" in done.stdout
    assert {m["Subject"] for m in sink.messages} == {f"[{voucher.reference}] Trust"}
    assert Mail.objects.filter(state=MailState.SENT).count() == 4


def test_a_sender_that_is_killed_in_the_middle_loses_nothing(
    file_database: None, sink: Sink, tmp_path: Path
) -> None:
    no_digests()
    voucher_in(State.SUBMITTED, a_network())
    Mail.objects.exclude(address="lena.lead@example.org").delete()
    sink.says = {"DATA": "hang"}
    sender = subprocess.Popen(
        desk("tick", "--every", "60"), env=environment(tmp_path, sink.port),
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert sink.asked.wait(60), "the message is under way"
    finally:
        sender.send_signal(signal.SIGKILL)
        sender.wait(10)
    mail = Mail.objects.get()
    assert mail.state == MailState.SENDING
    sink.says = {}
    assert deliver() == 0, "its lease holds"
    Mail.objects.update(lease_until=timezone.now())
    assert deliver() == 1
    assert len(sink.taken) == 1


def test_the_loop_goes_on_and_ends_when_told(
    file_database: None, sink: Sink, tmp_path: Path
) -> None:
    no_digests()
    network = a_network()
    said = tmp_path / "said"
    with said.open("w") as output:
        loop = subprocess.Popen(
            desk("tick", "--every", "1"), env=environment(tmp_path, sink.port), stdout=output
        )
    try:
        voucher_in(State.SUBMITTED, network)
        deadline = time.monotonic() + 60
        while "mails sent: 2" not in said.read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "mails sent: 2" in said.read_text()
        loop.send_signal(signal.SIGTERM)
        assert loop.wait(20) == 0
    finally:
        loop.kill()
        loop.wait(10)


# Encryption


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mail server of these tests")])
    now = timezone.now()
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(signed.public_bytes(Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_is_told_only_to_a_server_that_proves_its_name(
    scheme: str, mail: Mail, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, key = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(trusted, key)
    told: list[bytes] = []

    def authenticate(*arguments: Any) -> AuthResult:
        told.append(arguments[-1].password)
        return AuthResult(success=True)

    sink = Sink()
    plain = {"tls_context": context} if scheme == "smtp" else {"ssl_context": context}
    controller = Controller(
        sink, hostname="127.0.0.1", port=sink.port, authenticator=authenticate,
        auth_require_tls=scheme == "smtp", **plain,
    )  # fmt: skip
    controller.start()
    server = Server(scheme, "127.0.0.1", sink.port, "desk", "hunter2")
    settings.MAIL = MailSettings(BASE, "evidesk", "desk@example.org", server, None)
    try:
        assert deliver() == 0
        assert "certificate" in fresh(mail).last_answer.lower()
        assert not told, "a stranger could be listening"
        really = ssl.create_default_context
        monkeypatch.setattr(smtp.ssl, "create_default_context", lambda: really(cafile=str(trusted)))
        Mail.objects.update(due_at=timezone.now())
        assert deliver() == 1
        assert told == [b"hunter2"]
    finally:
        controller.stop(no_assert=True)
