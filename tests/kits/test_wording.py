"""What methods warn of goes where it belongs."""

import warnings

import pytest

from evidesk.kits.wording import noted
from evidesk.methods.metrics import PoorApproximationWarning


def speak():
    for _ in range(2):
        warnings.warn("few cases", PoorApproximationWarning, stacklevel=1)
    warnings.warn("a file was left open", ResourceWarning, stacklevel=1)


def test_what_methods_warn_of_is_noted_once_and_other_warnings_pass():
    found = []

    def listen():
        with noted() as notes:
            speak()
        found.extend(notes)

    with pytest.warns(ResourceWarning, match="a file was left open") as passed:
        listen()
    assert found == ["few cases"]
    assert len(passed) == 1
