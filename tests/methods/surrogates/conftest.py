"""Heads that are trained once for all tests."""

import pytest

from evidesk.methods.surrogates import Ensemble, GaussianProcess, LastLayer, Network
from tests.methods.surrogates.data import wavy


def small(**changes):
    settings = {
        "hidden": (16, 16), "epochs": 60, "batch_size": 32, "device": "cpu", "random_state": 0,
    }  # fmt: skip
    return Network(**settings | changes)


def made(name):
    heads = {
        "last layer": lambda: LastLayer(small()),
        "ensemble": lambda: Ensemble(small(), 4, random_state=0),
        "process": GaussianProcess,
    }
    return heads[name]()


@pytest.fixture(scope="session", params=["last layer", "ensemble", "process"])
def head(request):
    """Each head, trained and calibrated on one output."""
    return made(request.param).fit(*wavy(150, 0)).calibrate(*wavy(300, 1))


@pytest.fixture(scope="session", params=["last layer", "ensemble", "process"])
def double(request):
    """Each head with two outputs."""
    return made(request.param).fit(*wavy(150, 0, outputs=2)).calibrate(*wavy(300, 1, outputs=2))
