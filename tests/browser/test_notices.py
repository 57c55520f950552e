"""Notices and their preferences in a real browser, with the keyboard and without scripts."""

import re
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def unread(page: Any) -> int:
    count = page.locator(".bell .count")
    return int(re.match(r"\d+", count.inner_text())[0]) if count.count() else 0  # type: ignore[index]


def test_opening_a_voucher_takes_its_notices_off_the_bell(visit: Any) -> None:
    page = visit("lead_matter").page
    before = unread(page)
    assert before > 0
    page.click(".bell")
    section = (
        page.locator("section.notices")
        .filter(has=page.locator(".unread"))
        .filter(has=page.locator("h2 a"))
        .first
    )
    of_this = section.locator(".unread").count()
    section.locator("li a").first.click()
    page.wait_for_url("**/vouchers/V-*/**")
    page.goto("/notices/")
    assert unread(page) == before - of_this
    page.click("text=Mark all as read")
    assert unread(page) == 0


def test_a_choice_is_made_with_the_keyboard_alone(visit: Any) -> None:
    page = visit("jonas", java_script_enabled=False).page
    page.goto("/me/mail/")
    page.locator("input[name=message]:checked").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/me/mail/")
    assert page.locator("input[name=message]:checked").get_attribute("value") == "daily"


def test_a_calendar_address_is_shown_once(visit: Any) -> None:
    page = visit("jonas").page
    page.goto("/me/mail/")
    page.click("#calendar button")
    address = page.locator("#calendar pre").inner_text()
    answer = page.request.get(address)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "BEGIN:VEVENT" in answer.text()
    page.goto("/me/mail/")
    assert page.locator("#calendar pre").count() == 0
