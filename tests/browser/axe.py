"""What axe-core finds on a page."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
THEMES = ("light", "dark")


def violations(page: Page, *themes: str) -> list[str]:
    """What is wrong in these themes, or in both: a line for each rule and element."""
    found = []
    for theme in themes or THEMES:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        answer: dict[str, Any] = Axe().run(page, options=OPTIONS).response
        found += [
            f"{theme}: {rule['id']}: {node['html'][:200]} {node['failureSummary']}"
            for rule in answer["violations"]
            for node in rule["nodes"]
        ]
    return found
