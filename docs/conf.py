"""Sphinx: the user's guide."""

import os
from pathlib import Path

import django

import evidesk

project = "evidesk"
author = "The evidesk authors"
version = release = evidesk.__version__
extensions = ["myst_parser"]
exclude_patterns = ["_build", "tables"]
html_theme = "furo"
html_title = f"evidesk {version}"
myst_heading_anchors = 3

# The pages about the workflow and notices are made from the tables that the desk works from.
os.environ |= {"EVIDESK_SECRET_KEY": "not used", "DJANGO_SETTINGS_MODULE": "evidesk.desk.settings"}
django.setup()
from evidesk.desk.notices import kinds  # noqa: E402 - needs Django
from evidesk.desk.vouchers import workflow  # noqa: E402 - needs Django

for name, module in (("workflow", workflow), ("notices", kinds)):
    page = Path(__file__).parent / "tables" / f"{name}.md"
    page.write_text(module.as_markdown(), encoding="utf-8")
