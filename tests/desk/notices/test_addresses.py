"""Addresses and links that carry who and what cannot be made up, and do not grow too long."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidesk.desk.mail_settings import LONGEST_LOCAL_PART
from evidesk.desk.notices.addresses import (
    GOOD_FOR,
    BadAddress,
    read_reply_address,
    read_unsubscribe_token,
    reply_address,
    unsubscribe_token,
)
from evidesk.desk.notices.kinds import Topic
from tests.desk.notices.conftest import mail_of

TODAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def mail(settings: Any) -> None:
    settings.MAIL = mail_of()


def test_an_address_leads_back_to_voucher_and_person() -> None:
    address = reply_address(1234, 56, TODAY)
    assert address.endswith("@example.org")
    for text in (address, address.upper(), f'"Desk, evidesk" <{address}>, x@y.org'):
        assert read_reply_address(text, TODAY) == (1234, 56)


def test_it_fits_into_a_mailbox_name_even_for_a_thousand_million_of_each(settings: Any) -> None:
    longest = "d" * LONGEST_LOCAL_PART
    settings.MAIL = type(settings.MAIL)("", "x", f"{longest}@example.org", None, None)
    address = reply_address(10**9, 10**9, date(2100, 1, 1))
    assert len(address.partition("@")[0]) <= 64


def test_it_takes_replies_for_so_long_and_no_longer() -> None:
    address = reply_address(1, 1, TODAY)
    assert read_reply_address(address, TODAY + GOOD_FOR) == (1, 1)
    with pytest.raises(BadAddress, match="for 120 days only"):
        read_reply_address(address, TODAY + GOOD_FOR + timedelta(days=1))


@pytest.mark.parametrize(
    "text",
    ["", "desk@example.org", "desk+1.1@example.org", "desk+a.b.c.d@example.org",
     "desk+1.1.1.aaaaaaaaaaaaaaaa@elsewhere.org", "x" * 100_000, "desk+" * 20_000],
)  # fmt: skip
def test_another_address_is_none_of_ours(text: str) -> None:
    with pytest.raises(BadAddress, match="belongs to a voucher"):
        read_reply_address(text, TODAY)


@given(st.data())
def test_whoever_changes_a_character_is_found_out(data: st.DataObject) -> None:
    local, _, domain = reply_address(1234, 56, TODAY).partition("@")
    place = data.draw(st.integers(len("desk+"), len(local) - 1))
    other = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789"))
    changed = f"{local[:place]}{other}{local[place + 1 :]}@{domain}"
    if changed == f"{local}@{domain}":
        assert read_reply_address(changed, TODAY) == (1234, 56)
    else:
        with pytest.raises(BadAddress):
            read_reply_address(changed, TODAY)


def test_another_key_signs_otherwise(settings: Any) -> None:
    address = reply_address(1, 1, TODAY)
    settings.SECRET_KEY = "another"
    with pytest.raises(BadAddress, match="not one that the desk has given out"):
        read_reply_address(address, TODAY)


def test_an_unsubscribe_link_knows_person_and_topic() -> None:
    token = unsubscribe_token("4f0c-uid", "message")
    assert "/" not in token
    assert read_unsubscribe_token(token) == ("4f0c-uid", (Topic.MESSAGE,))
    assert read_unsubscribe_token(unsubscribe_token("u", "digest")) == ("u", None)
    for wrong in ("", "x", token[:-1] + "_", token.replace("message", "turn")):
        with pytest.raises(BadAddress):
            read_unsubscribe_token(wrong)
