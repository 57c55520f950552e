"""Log-in through a real provider, in a real browser: in, roles, sessions, out."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Visitor
from tests.oidc import node

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@contextmanager
def a_desk(data: Path, port: int, issuer: str) -> Iterator[str]:
    """`evidesk demo` on localhost, with log-in through the issuer on 127.0.0.1: cookies ignore
    ports, so that the two must have different names."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("EVIDESK_")}
    demo = subprocess.Popen(
        [sys.executable, "-m", "evidesk", "demo", "--data", str(data), "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env=kept
        | {
            "EVIDESK_OIDC_ISSUER": issuer,
            "EVIDESK_OIDC_CLIENT_ID": node.CLIENT_ID,
            "EVIDESK_OIDC_CLIENT_SECRET": node.CLIENT_SECRET,
            "EVIDESK_CONTACT": "office@example.org",
        },
    )
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            if "Ctrl-C" in line:
                break
        yield f"http://localhost:{port}"
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(20)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = node.free_port()
    with (
        node.provider(f"http://localhost:{port}") as issuer,
        a_desk(tmp_path_factory.mktemp("desk"), port, issuer) as address,
    ):
        yield address


def log_in(page: Page, name: str) -> None:
    page.goto("/sign-in/")
    page.get_by_role("link", name="Sign in with Helmholtz AAI").click()
    page.get_by_role("link", name=name).click()
    page.wait_for_url(re.compile("localhost"))
    agree(page)


def agree(page: Page) -> None:
    """Agree to the privacy page, where that has not been done."""
    if page.get_by_role("button", name="I agree").count():
        page.get_by_role("button", name="I agree").click()


def test_a_scientist_signs_in_and_out(visit, desk: str) -> None:
    page = visit().page
    page.goto("/vouchers/")
    page.get_by_role("link", name="Sign in with Helmholtz AAI").click()
    expect(page).to_have_url(re.compile(r"http://127\.0\.0\.1:\d+/interaction/"))
    page.get_by_role("link", name="Elif Demir").click()
    page.get_by_role("button", name="I agree").click()
    expect(page).to_have_url(f"{desk}/vouchers/")  # where they wanted to go
    page.locator(".me summary").click()
    expect(page.locator(".me")).to_contain_text("elif.demir@awi.de")
    page.goto("/network/")
    expect(page.get_by_role("main")).not_to_contain_text("Elif Demir")

    page.locator(".me summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out of this desk")
    assert violations(page) == []
    page.get_by_role("link", name="Sign out of Helmholtz AAI too").click()
    page.get_by_role("button", name="Yes").click()
    page.wait_for_url(f"{desk}/**")
    page.goto("/vouchers/")
    expect(page).to_have_url(re.compile("/sign-in/"))
    # The provider asks again, for its own session has ended, too.
    page.get_by_role("link", name="Sign in with Helmholtz AAI").click()
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()


def test_groups_give_roles_and_the_office_needs_a_second_factor(visit, desk: str) -> None:
    office = visit("office").page
    office.goto("/network/")
    office.get_by_role("link", name="Groups and roles").click()
    for group, role, unit in (
        ("Helmholtz AI:consultants:role=matter", "Consultant", "Matter"),
        ("urn:geant:helmholtz.de:group:Helmholtz%20AI:office#login.helmholtz.de", "Office", "Hub"),
    ):
        office.get_by_label("Group", exact=True).fill(group)
        office.get_by_label("Gives the role").select_option(label=role)
        options = office.get_by_label("In the unit").locator("option").all_inner_texts()
        wanted = next((one for one in options if unit in one), options[0])
        office.get_by_label("In the unit").select_option(label=wanted)
        office.get_by_role("button", name="Add").click()
        expect(office.get_by_text("has the role at the next log-in")).to_be_visible()
    expect(office.locator("tbody tr")).to_have_count(2)

    cyra = visit().page
    log_in(cyra, "Cyra Weber")
    cyra.goto("/network/")
    expect(cyra.locator("li", has_text="Cyra Weber")).to_contain_text("Consultant")

    olga = visit().page
    log_in(olga, "Olga Brandt")
    expect(olga.get_by_text("the office needs a log-in with a second factor")).to_be_visible()
    assert violations(olga) == []
    olga.get_by_role("link", name="Sign in again with a second factor").click()
    olga.goto("/groups/")
    agree(olga)
    expect(olga.get_by_role("heading", name="Groups and roles")).to_be_visible()


def test_a_guest_is_told_whom_to_write_to(chromium: Browser, desk: str) -> None:
    guest = Visitor(chromium, desk)
    log_in(guest.page, "Gil Gast")
    expect(guest.page.get_by_role("heading", level=1)).to_have_text(
        "This desk is not open to you yet"
    )
    write = guest.page.get_by_role("link", name="Write to office@example.org")
    expect(write).to_have_attribute("href", "mailto:office@example.org")
    assert violations(guest.page) == []
    # The browser reports every page with a status of 400 and above.
    assert all("403" in complaint for complaint in guest.complaints)
    guest.page.context.close()


def test_one_ends_a_session_from_another_browser(visit) -> None:
    laptop, phone = visit().page, visit().page
    for page in (laptop, phone):
        log_in(page, "Elif Demir")
    laptop.goto("/me/sessions/")
    expect(laptop.get_by_text("this one", exact=True)).to_have_count(1)
    expect(laptop.locator("tbody tr").first).to_contain_text("Chrome, Linux")
    laptop.get_by_role("button", name="End Chrome, Linux").first.click()
    expect(laptop.get_by_text("The session is ended")).to_be_visible()
    phone.goto("/vouchers/")
    expect(phone).to_have_url(re.compile("/sign-in/"))
    laptop.goto("/vouchers/")
    expect(laptop).to_have_url(re.compile("/vouchers/"))
