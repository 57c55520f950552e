"""Tests of what really generates are collected only where the extra `pythia` is installed.

Continuous integration does without it, and without skips; studies/dijets_generator.py holds the
whole generator against a reference.
"""

from importlib.util import find_spec

HAS_PYTHIA = all(map(find_spec, ("pythia8mc", "fastjet", "awkward")))

collect_ignore = [] if HAS_PYTHIA else ["test_jets.py", "test_pythia.py"]
