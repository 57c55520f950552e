"""Reading what comes by mail: the writer's own words, and whatever else anybody sends."""

from email.message import EmailMessage
from typing import Any

import pytest

from evidesk.desk.notices import replies
from evidesk.desk.notices.replies import Unreadable, html_to_text, own_words, read

OURS = (
    "=-=-= Write above this line to answer =-=-=\n\nAda wrote:\n\nIs it enough?\n\n-- \nWhich mails"
)
QUOTED = "\n".join("> " + line for line in OURS.splitlines())


@pytest.fixture(autouse=True)
def mail(mailing: None) -> None:
    """The desk has an address."""


@pytest.mark.parametrize(
    "mail",
    [
        f"Yes, it is.\n\nOn Mon, 23 Nov 2026, evidesk <desk@example.org> wrote:\n{QUOTED}",
        f"Yes, it is.\n\nOn Monday at 10:00\nevidesk <desk+1@example.org>\nwrote:\n{QUOTED}",
        f"Yes, it is.\n\nAm 23.11.26 um 10:00 schrieb evidesk:\n{QUOTED}",
        f"Yes, it is.\n\nLe lun. 23 nov. 2026, evidesk a écrit :\n{QUOTED}",
        f"{QUOTED}\n\nYes, it is.",
        f"On Monday evidesk wrote:\n{QUOTED}\n\nYes, it is.\n",
        f"Yes, it is.\n\n{OURS}",
        f"Yes, it is.\n\n-----Original Message-----\nFrom: evidesk\n\n{OURS}",
        f"Yes, it is.\n\n________________________________\nVon: evidesk\n{OURS}",
        f"Yes, it is.\n\nVon: evidesk <desk@example.org>\nGesendet: Montag\nAn: Ada\n\n{OURS}",
        f"Yes, it is.\n\n*From:* evidesk\n*Sent:* Monday\n\n{OURS}",
        f"Yes, it is.\n\n-- \nAda Author\nInstitute of Trust\n\n{QUOTED}",
        "Yes, it is.\n-- \nAda",
        "\n\n  \nYes, it is.   \n\n",
        "Yes, it is.",
    ],
)  # fmt: skip
def test_only_the_writers_own_words_remain(mail: str) -> None:
    assert own_words(mail) == "Yes, it is."


def test_answers_between_quotes_keep_what_they_answer_to() -> None:
    text = "On Monday evidesk wrote:\n> How many?\n\n300.\n\n> And when?\n\nToday.\n\n> Thanks"
    assert own_words(text) == (
        "On Monday evidesk wrote:\n> How many?\n\n300.\n\n> And when?\n\nToday."
    )
    below = QUOTED + "\nYes.\n> More?\nNo."
    assert "Yes." in own_words(below)
    assert "No." in own_words(below)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        (QUOTED, ""),
        ("--\nnot a signature at the beginning", "--\nnot a signature at the beginning"),
        ("He wrote:\nnothing", "He wrote:\nnothing"),
        ("As you wrote:", "As you wrote:"),
        ("From: here\nto there", "From: here\nto there"),
        ("a > b and\n\nc", "a > b and\n\nc"),
    ],
)
def test_what_looks_like_a_quote_and_is_none_stays(text: str, words: str) -> None:
    assert own_words(text) == words


def test_html_becomes_words_without_quotes_scripts_and_styles() -> None:
    html = (
        "<html><head><style>p{}</style><title>t</title></head><body><p>Yes,<br>it &amp; is."
        "</p><script>alert(1)</script><div class='gmail_quote'>On Monday<div>x</div></div>"
        "<blockquote><p>old <blockquote>older</blockquote></p></blockquote><ul><li>one<li>two</ul>"
        "</p></body>"
    )
    assert html_to_text(html) == "Yes,\nit & is.\n\none\ntwo"
    assert html_to_text("<![CDATA[ <!DOCTYPE x [<p>a") is not None
    assert html_to_text("<p>a<blockquote>b") == "a"


def a_mail(text: str = "Yes.", **headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in {
        "From": "Ada <ada@example.org>",
        "To": "desk@example.org",
        "Subject": "Re: [V-1] Trust",
        "Message-ID": "<1@home>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }.items():
        message[name] = value
    message.set_content(text)
    return message


def test_a_plain_mail() -> None:
    mail = read(a_mail("Grüße\n\n-- \nAda").as_bytes())
    assert mail.message_id == "<1@home>"
    assert mail.sender == "ada@example.org"
    assert mail.recipients == "desk@example.org"
    assert mail.subject == "Re: [V-1] Trust"
    assert mail.text == "Grüße"
    assert (mail.attachments, mail.automatic) == ((), "")


def test_attachments_are_named_and_furniture_is_not() -> None:
    message = a_mail()
    message.add_alternative("<p>Yes.</p>", subtype="html")
    message.add_attachment(b"a,b", maintype="text", subtype="csv", filename="da\u202eta.csv")
    message.add_attachment("notes", filename="notes.txt")
    message.add_attachment(
        b"x", maintype="image", subtype="png", cid="<logo>", disposition="inline"
    )
    message.add_attachment(b"x", maintype="application", subtype="pkcs7-signature")
    mail = read(message.as_bytes())
    assert mail.text == "Yes."
    assert mail.attachments == ("data.csv", "notes.txt")


def test_html_alone_is_read_too() -> None:
    message = EmailMessage()
    message.set_content("<p>Yes.</p><blockquote>old</blockquote>", subtype="html")
    assert read(message.as_bytes()).text == "Yes."
    message = EmailMessage()
    message.set_content("   \n")
    message.add_alternative("<p>Only here.</p>", subtype="html")
    assert read(message.as_bytes()).text == "Only here."


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Auto_Submitted": "auto-replied"}, "Auto-Submitted"),
        ({"Precedence": "bulk"}, "Precedence"),
        ({"X_Autoreply": "yes"}, "X-Autoreply"),
        ({"List_Id": "<all.example.org>"}, "List-Id"),
        ({"X_Loop": "desk@example.org"}, "came back"),
        ({"Return_Path": "<>"}, "bounce"),
        ({"From": "MAILER-DAEMON@example.org"}, "mail server"),
        ({"From": "no-reply@example.org"}, "mail server"),
    ],
)
def test_programs_are_recognised(headers: dict[str, str], why: str) -> None:
    assert why in read(a_mail(**headers).as_bytes()).automatic


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "no"}, {"X_Loop": "ada@example.org"}])
def test_people_are_not_taken_for_programs(headers: dict[str, str]) -> None:
    assert read(a_mail(**headers).as_bytes()).automatic == ""


def test_a_delivery_report_is_a_bounce() -> None:
    raw = b"From: x@y.org\nContent-Type: multipart/report; boundary=b\n\n--b\n\nfailed\n--b--\n"
    assert "bounce" in read(raw).automatic


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "nulls": b"From: a@b.org\n\nYes\x00.\x00",
    "noise": bytes(range(256)) * 40,
    "no such charset": b"From: a@b.org\nContent-Type: text/plain; charset=klingon\n\nYes.",
    "a charset of no text": b"Content-Type: text/plain; charset=base64\n\nYes.",
    "a charset that is wrong": b"Content-Type: text/plain; charset=utf-8\n\nYes \xff\xfe.",
    "utf-7": b"Content-Type: text/plain; charset=utf-7\n\n+ADw-script+AD4-",
    "a charset with a line break": b"Content-Type: text/plain;\n charset=\"utf-8\n\"\n\nYes.",
    "bad base64": b"Content-Transfer-Encoding: base64\nContent-Type: text/plain\n\n!!!!=Y",
    "bad quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n=ZZ=\n=",
    "uuencode": b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n!!!\nend",
    "two senders": b"From: a@b.org\nFrom: ada@example.org\n\nYes.",
    "an endless header": b"Subject: " + b"x" * 200_000 + b"\n\nYes.",
    "nested encoded words": b"Subject: =?utf-8?q?" + b"=?utf-8?q?" * 500 + b"?=\n\nYes.",
    "a bad encoded word": b"Subject: =?klingon?b?!!!?= =?utf-8?x?a?=\n\nYes.",
    "nested comments": b"From: " + b"(" * 5_000 + b"a@b.org\n\nYes.",
    "many commas": b"To: " + b",;<>" * 20_000 + b"\n\nYes.",
    "no boundary": b"Content-Type: multipart/mixed\n\n--x\n\nYes.",
    "never closed": b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nYes.",
    "boundary of itself": b"Content-Type: multipart/mixed; boundary=x\n\n"
    b"--x\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nYes.\n--x--\n--x--",
    "a message in a message": b"Content-Type: message/rfc822\n\n" * 60 + b"Yes.",
    "html of tags": b"Content-Type: text/html\n\n" + b"<div>" * 50_000 + b"Yes.",
    "html of nothing": b"Content-Type: text/html\n\n" + b"<" * 20_000 + b"![CDATA[",
    "html of spaces": b"Content-Type: text/html\n\n" + b"<b> </b>" * 50_000,
    "lines of >": b"From: a@b.org\n\n" + b">\n" * 50_000,
    "signs": b"From: a@b.org\n\n" + b"-" * 100_000 + b"\n" + b"_" * 100_000,
    "spaces": b"From: a@b.org\n\n" + b" " * 300_000 + b"x wrote: y",
    "a name like a path": b"Content-Type: application/x; name=\"../../etc/passwd\"\n\nx",
    "rfc 2231 of nothing": b"Content-Disposition: attachment; filename*0*=klingon'x'%ff\n\nx",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mails_are_read_or_refused_and_nothing_breaks(name: str) -> None:
    try:
        mail = read(HOSTILE[name])
    except Unreadable:
        return
    text = mail.text + mail.subject + mail.sender + mail.message_id + "".join(mail.attachments)
    assert "\x00" not in text
    text.encode()  # no half characters
    assert "\n" not in mail.subject + mail.sender + mail.message_id
    assert len(mail.subject) <= 250
    if name == "two senders":
        assert mail.sender == ""


def nested(depth: int) -> bytes:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
    )
    return b"From: a@b.org\n" + head + b"\nYes."


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (nested(3_000), "nested too deeply"),
        (b"X: " + b"x" * replies.MOST_HEADERS + b"\n\nYes.", "longer than any"),
        (
            b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\nYes.\n" * 5_000 + b"--x--",
            "more parts",
        ),
    ],
    ids=["nested", "headers", "parts"],
)
def test_bombs_are_refused(raw: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(raw)


def test_a_payload_that_cannot_be_decoded_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> bytes:
        raise ValueError

    monkeypatch.setattr("email.message.Message.get_payload", fail)
    assert replies._decoded(a_mail()) == ""
