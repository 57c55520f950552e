"""A tab of a real Chromium."""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")


@contextmanager
def a_tab(**context: Any) -> Iterator["Page"]:
    """A fresh tab; without Chromium the test is skipped, or fails where nothing may be skipped."""
    if importlib.util.find_spec("playwright") is None or not CHROMIUM.exists():
        if os.environ.get("EVIDESK_REQUIRE_ALL"):
            pytest.fail("Chromium or playwright is missing")
        pytest.skip("needs Chromium and playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        try:
            yield browser.new_context(**context).new_page()
        finally:
            browser.close()
