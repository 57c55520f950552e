"""The list of vouchers with the keyboard alone, on a phone, and without JavaScript."""

import pytest

pytestmark = pytest.mark.browser


def test_a_lead_finds_keeps_and_acts_without_mouse_or_javascript(visit) -> None:
    page = visit("lead_matter", java_script_enabled=False).page
    page.goto("/vouchers/?state=")
    page.focus("[name=q]")
    page.keyboard.type("network -earthquake")
    page.keyboard.press("Enter")
    page.wait_for_url("**/vouchers/?*q=network*")
    assert page.locator("a.row mark").count() > 0
    page.locator(".tabs a", has_text="Closed").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**state=closed*")
    assert (
        page.locator("a.row .state").all_inner_texts() == ["Closed"] * page.locator("a.row").count()
    )

    page.locator("summary", has_text="Keep this list").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Networks, closed")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Networks, closed", exact=True).wait_for()

    page.goto("/vouchers/?state=submitted")
    page.locator("input[name=voucher]").first.focus()
    page.keyboard.press("Space")
    page.select_option("#many-action", label="Write a message")
    page.get_by_role("button", name="Go on").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Your message").fill("We look at this on Monday.")
    page.get_by_role("button", name="Write a message").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Done for one voucher of 1.").wait_for()


def test_a_list_can_be_downloaded_and_fits_a_phone(visit) -> None:
    page = visit("lead_matter", viewport={"width": 390, "height": 844}).page
    page.goto("/vouchers/?q=network")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="XLSX").click()
    assert downloaded.value.suggested_filename.endswith(".xlsx")
