"""A real desk with its worker, and a real Chromium."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.desk.conftest import file_database, media, migrated  # noqa: F401 - fixtures

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def desk_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the desk keeps its data."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def desk(desk_folder: Path) -> Iterator[str]:
    """The address of `evidesk demo`, started afresh as a user would; Ctrl-C must end it cleanly."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("EVIDESK_")}
    demo = subprocess.Popen(
        [sys.executable, "-m", "evidesk", "demo", "--data", str(desk_folder), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert demo.stdout is not None
    said = ""
    for line in demo.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    found = re.search(r"http://127\.0\.0\.1:\d+", said)
    assert found, said
    yield found[0]
    demo.send_signal(signal.SIGINT)
    assert demo.wait(20) == 0
    assert "Ending the desk and its worker" in demo.stdout.read()


# One per module: while it is open, an event loop runs, under which Django refuses its database.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is missing (Debian's package `chromium`)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """Somebody at a browser of their own; whatever the console complains of is collected."""

    def __init__(self, browser: Browser, address: str, **context: object) -> None:
        self.address = address
        self.complaints: list[str] = []
        self.page: Page = browser.new_context(base_url=address, **context).new_page()  # type: ignore[arg-type]
        self.page.set_default_timeout(15_000)
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def sign_in(self, persona: str) -> "Visitor":
        self.page.goto("/sign-in/")
        self.page.click(f"button[value={persona}]")
        self.page.wait_for_url("**/")
        return self


@pytest.fixture
def visit(chromium: Browser, desk: str) -> Iterator[object]:
    """Opens browsers for visitors; at the end none of their consoles may have complained."""
    visitors: list[Visitor] = []

    def open_browser(persona: str | None = None, **context: object) -> Visitor:
        visitor = Visitor(chromium, desk, **context)
        visitors.append(visitor)
        return visitor.sign_in(persona) if persona else visitor

    yield open_browser
    for visitor in visitors:
        visitor.page.context.close()
        assert visitor.complaints == []


@pytest.fixture(scope="session")
def predictions() -> Path:
    from evidesk import data

    return data.path("sota_on_uncertainties/imagenette2_last_top1_per_image.csv.gz")
