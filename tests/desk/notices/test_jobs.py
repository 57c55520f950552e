"""What is done again and again, and settings about mail."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from evidesk.desk.mail_settings import MailSettings, mail_settings
from evidesk.desk.notices import jobs


def test_a_tick_does_everything_though_one_part_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise OSError("no mailbox")

    monkeypatch.setattr(
        jobs, "PERIODIC", (("replies read", fail), ("mails sent", lambda: 3), ("x", lambda: 0))
    )
    done, failed = jobs.tick()
    assert done == {"mails sent": 3, "x": 0}
    assert failed == ["replies read: no mailbox"]
    with pytest.raises(CommandError, match="replies read: no mailbox"):
        call_command("tick", stdout=StringIO())


def test_the_command_says_what_it_did_if_it_did_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "PERIODIC", (("mails sent", lambda: 0),))
    said = StringIO()
    call_command("tick", stdout=said)
    assert said.getvalue() == ""
    call_command("tick", stdout=said, verbosity=2)
    assert said.getvalue() == "mails sent: 0\n"


@pytest.mark.parametrize("every", ["0", "0.5", "-1", "1e9", "nan"])
def test_a_pause_that_makes_no_sense_is_refused(every: str) -> None:
    with pytest.raises(CommandError, match="1 to 86400 seconds"):
        call_command("tick", "--every", every)


GOOD = {
    "demo": False,
    "base_url": "https://desk.example.org/",
    "smtp_url": "smtps://us%40er:p%3Aw@mail.example.org",
    "mail_from": "Evidence desk <desk@example.org>",
    "inbox_url": "",
}


def settings_of(**changes: Any) -> MailSettings:
    return mail_settings(**{**GOOD, **changes})


def test_good_settings() -> None:
    mail = settings_of()
    assert (mail.base_url, mail.sender, mail.address, mail.domain) == (
        "https://desk.example.org", "Evidence desk", "desk@example.org", "example.org",
    )  # fmt: skip
    assert mail.smtp is not None
    assert (mail.smtp.user, mail.smtp.password, mail.smtp.port) == ("us@er", "p:w", 465)
    assert "p:w" not in repr(mail)
    assert settings_of(smtp_url="smtp://[::1]:25").smtp.is_local  # type: ignore[union-attr]
    assert settings_of(inbox_url="maildir:///var/mail/d%20k").inbox == Path("/var/mail/d k")
    inbox = settings_of(inbox_url="imaps://u:p@mail.example.org/INBOX/desk").inbox
    assert (inbox.folder, inbox.port) == ("INBOX/desk", 993)  # type: ignore[union-attr]
    assert settings_of(mail_from="desk@example.org").sender == "evidesk"


def test_without_any_there_is_no_mail_and_a_demo_looks_right() -> None:
    nothing = {"base_url": "", "smtp_url": "", "mail_from": ""}
    assert settings_of(**nothing) == MailSettings("", "", "", None, None)
    demo = settings_of(**nothing, demo=True)
    assert (demo.base_url, demo.smtp) == ("http://127.0.0.1:8000", None)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"base_url": "desk.example.org"}, "EVIDESK_BASE_URL must be the desk's address"),
        ({"base_url": "ftp://desk"}, "EVIDESK_BASE_URL"),
        ({"base_url": "https://desk/?q=1"}, "EVIDESK_BASE_URL"),
        ({"base_url": ""}, "Mail needs EVIDESK_MAIL_FROM"),
        ({"mail_from": ""}, "Mail needs EVIDESK_MAIL_FROM"),
        ({"mail_from": "desk"}, "EVIDESK_MAIL_FROM must be like"),
        ({"mail_from": "desk@localhost"}, "EVIDESK_MAIL_FROM must be like"),
        ({"mail_from": "d <desk@example.org>\nBcc: a@b.org"}, "EVIDESK_MAIL_FROM must be like"),
        ({"mail_from": "dësk@example.org"}, "EVIDESK_MAIL_FROM must be like"),
        ({"smtp_url": "mail.example.org"}, "EVIDESK_SMTP_URL must be like smtp://user"),
        ({"smtp_url": "http://hunter2:hunter2@mail"}, "EVIDESK_SMTP_URL must be like"),
        ({"smtp_url": "smtp://u:hunter2@mail:port"}, "EVIDESK_SMTP_URL must be like"),
        ({"smtp_url": "smtp://"}, "EVIDESK_SMTP_URL must be like"),
        ({"inbox_url": "maildir://var/mail"}, "the whole path"),
        ({"inbox_url": "imap://u:hunter2@mail.example.org"}, "use imaps://"),
        ({"inbox_url": "pop://mail"}, "EVIDESK_INBOX_URL must be like imap"),
        ({"inbox_url": "maildir:///m", "mail_from": "d" * 25 + "@a.org"}, "leaves no room"),
        ({"inbox_url": "maildir:///m", "mail_from": "", "smtp_url": ""}, "replies go to that"),
    ],
)
def test_what_is_wrong_is_named_and_no_password_is_told(changes: dict[str, str], told: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=told) as fault:
        settings_of(**changes)
    assert "hunter2" not in str(fault.value)
