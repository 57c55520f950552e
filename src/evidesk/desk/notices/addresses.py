"""Addresses that carry who and what, signed, so that nobody can make one up.

A reply to a mail of the desk goes to `desk+VOUCHER.PERSON.DAY.SIGNATURE@example.org`: the row of
the voucher and of the person and the last day that it is good for (days since 1970), each in base
36, and 80 bits of an HMAC-SHA-256 of these in base 32. All of it is lower case, because some mail
servers change the case, and short: a local part may have 64 characters (RFC 5321, 4.5.3.1.1).
"""

import base64
import re
from datetime import date, timedelta

from django.conf import settings
from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import base36_to_int, int_to_base36
from django.utils.translation import gettext_noop

from evidesk.desk.notices.kinds import Topic

#: How long an address takes replies.
GOOD_FOR = timedelta(days=120)
_EPOCH = date(1970, 1, 1)
_SIGNATURE = 10  # bytes
_SALT = "evidesk.notices.reply"
_UNSUBSCRIBE = signing.Signer(salt="evidesk.notices.unsubscribe")
#: What an unsubscribe link of the daily digest ends: every topic that is told by it.
DIGEST = "digest"


class BadAddress(Exception):
    """The address is not one of ours, or not any more; the message says which, in English."""


def reply_address(voucher_id: int, person_id: int, written_on: date) -> str:
    """Where a reply to a mail of that day goes."""
    last_day = (written_on + GOOD_FOR - _EPOCH).days
    content = ".".join(int_to_base36(number) for number in (voucher_id, person_id, last_day))
    local, _, domain = settings.MAIL.address.partition("@")
    return f"{local}+{content}.{_sign(content)}@{domain}"


def read_reply_address(text: str, today: date) -> tuple[int, int]:
    """The row of the voucher and of the person in the first reply address within the text.

    Raises
    ------
    BadAddress : there is none, it was made up, or it is too old.
    """
    local, _, domain = (re.escape(part) for part in settings.MAIL.address.partition("@"))
    code = r"[0-9a-z]{1,13}"
    found = re.search(
        rf"{local}\+({code}\.{code}\.{code})\.([0-9a-z]{{16}})@{domain}", text, re.IGNORECASE
    )
    if found is None:
        raise BadAddress(gettext_noop("It was not sent to an address that belongs to a voucher."))
    content, signature = found[1].lower(), found[2].lower()
    if not constant_time_compare(signature, _sign(content)):
        raise BadAddress(
            gettext_noop("The address that it was sent to is not one that the desk has given out.")
        )
    voucher_id, person_id, last_day = (base36_to_int(part) for part in content.split("."))
    if (today - _EPOCH).days > last_day:
        raise BadAddress(
            f"The address that it was sent to took replies for {GOOD_FOR.days} days only."
        )
    return voucher_id, person_id


def _sign(content: str) -> str:
    digest = salted_hmac(_SALT, content, algorithm="sha256").digest()
    return base64.b32encode(digest[:_SIGNATURE]).decode().lower()


def unsubscribe_token(person_uid: str, topic: str) -> str:
    """What the unsubscribe link of a mail carries; it is good for ever, as readers expect."""
    return _UNSUBSCRIBE.sign(f"{person_uid}.{topic}")


def read_unsubscribe_token(token: str) -> tuple[str, tuple[Topic, ...] | None]:
    """The person's uid and the topic, or None for all that the digest tells.

    Raises
    ------
    BadAddress : the token was made up.
    """
    try:
        uid, topic = _UNSUBSCRIBE.unsign(token).split(".")
    except (signing.BadSignature, ValueError):
        raise BadAddress(
            gettext_noop("This link is not one that the desk has given out.")
        ) from None
    return uid, None if topic == DIGEST else (Topic(topic),)
