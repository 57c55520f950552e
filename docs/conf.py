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

# The page about the workflow is made from the table that the desk works from.
os.environ |= {"EVIDESK_SECRET_KEY": "not used", "DJANGO_SETTINGS_MODULE": "evidesk.desk.settings"}
django.setup()
from evidesk.desk.vouchers.workflow import as_markdown  # noqa: E402 - needs Django

(Path(__file__).parent / "tables" / "workflow.md").write_text(as_markdown(), encoding="utf-8")
