"""Importing evidence is cheap: what draws, prints or packs is imported when it is used."""

import subprocess
import sys

HEAVY = ["matplotlib", "numpy", "rocrate", "jinja2", "jsonschema", "rich", "django", "pydantic"]


def test_importing_evidence_imports_nothing_heavy() -> None:
    code = f"import sys, evidesk.evidence; print([m for m in {HEAVY} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_every_public_name_exists() -> None:
    import evidesk.evidence

    assert evidesk.evidence.__all__ == sorted(evidesk.evidence.__all__)
    assert all(hasattr(evidesk.evidence, name) for name in evidesk.evidence.__all__)
