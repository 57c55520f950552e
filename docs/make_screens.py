"""Make the guide's pictures of the desk: `python docs/make_screens.py` (needs chromium)."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent / "screens"
#: name, persona, address (a link's text is followed where it begins with "/?"), width, theme
SCREENS = [
    ("welcome-light", None, "/", 1280, 860, "light"),
    ("home-light", "lead_matter", "/", 1280, 860, "light"),
    ("voucher-light", "jonas", "Three networks", 1280, 1000, "light"),
    ("voucher-phone-dark", "jonas", "Is there a resonance", 390, 844, "dark"),
]


def main() -> None:
    with tempfile.TemporaryDirectory() as data:
        demo = subprocess.Popen(
            [sys.executable, "-m", "evidesk", "demo", "--data", data, "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            address = next(
                found[0]
                for line in demo.stdout or ()
                if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
            )
            take(address)
        finally:
            demo.terminate()
            demo.wait()


def take(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for name, persona, where, width, height, theme in SCREENS:
            page = browser.new_page(
                base_url=address,
                viewport={"width": width, "height": height},
                color_scheme=theme,  # type: ignore[arg-type]
            )
            if persona:
                page.goto("/sign-in/")
                page.click(f"button[value={persona}]")
            if where.startswith("/"):
                page.goto(where)
            else:
                page.goto(f"/vouchers/?q={where}")
                page.locator("a.row").first.click()
                page.wait_for_load_state()
            if name == "voucher-light":  # the evidence is what the picture is about
                page.locator("article.evidence").evaluate(
                    "element => scrollTo({top: element.offsetTop - 90, behavior: 'instant'})"
                )
                page.wait_for_timeout(800)
            page.screenshot(path=FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
