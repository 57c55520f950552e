"""Members and folds that train on Dask's workers are those that train here."""

import os
from contextlib import nullcontext
from functools import partial

import distributed
import numpy as np
import pytest
from joblib import parallel_config
from sklearn.linear_model import Ridge
from torch import nn

from evidesk.methods.surrogates import Conformal, Ensemble
from tests.methods.surrogates.conftest import small
from tests.methods.surrogates.data import wavy

X, Y = wavy(60, 0)
pytestmark = pytest.mark.slow


class NotingModule(nn.Module):
    """A network that remembers where it was trained."""

    def __init__(self, features, outputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features, 8), nn.SiLU(), nn.Linear(8, outputs))
        self.place = None

    def forward(self, x):
        if self.training:
            self.place = os.getpid()
        return self.layers(x)


class NotingRidge(Ridge):
    """A regression that does."""

    def fit(self, X, y):
        self.place_ = os.getpid()
        return super().fit(X, y)


@pytest.fixture
def workers(cluster):
    """Within ``workers()`` loops of joblib run on the two of them."""
    with distributed.Client(cluster, set_as_default=False) as client:
        yield partial(parallel_config, "dask", client=client)


@pytest.mark.parametrize(("method", "spread"), [("cv+", None), ("normalised", Ridge())])
def test_folds(workers, method, spread):
    asked = Conformal(NotingRidge(), method, spread=spread, folds=4, random_state=0)
    new = wavy(20, 1)[0]
    here, there = (Conformal(**asked.get_params(deep=False)) for _ in range(2))
    here.fit(X, Y)
    with workers():
        there.fit(X, Y)
    if method == "normalised":
        for one in (here, there):
            one.calibrate(*wavy(40, 2))
    else:
        places = {one.place_ for one in there.cross_.trained.models}
        assert os.getpid() not in places
        assert len(places) == 2
        assert {one.place_ for one in here.cross_.trained.models} == {os.getpid()}
    for bound in ("low", "high"):
        found = (getattr(one.predict_interval(new), bound) for one in (here, there))
        np.testing.assert_array_equal(*found)


def test_modules_of_ones_own(workers):
    asked = Ensemble(small(epochs=2, build=NotingModule), 4, random_state=0)
    told = []
    here = asked.fit(X, Y)
    expected = here.predict(X)
    with workers():
        there = asked.fit(X, Y, progress=told.append)
    np.testing.assert_array_equal(there.predict(X), expected)
    assert os.getpid() not in {one.core.place for one in there.members_}
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_perceptrons_are_as_many_stacks_as_workers(workers, tmp_path):
    asked = Ensemble(small(epochs=3), 5, random_state=0)
    told = []
    here = asked.fit(X, Y)
    losses, expected = here.losses_, here._factors(X)
    with workers():
        there = asked.fit(X, Y, progress=told.append, checkpoint=tmp_path / "stack")
    np.testing.assert_allclose(there.losses_, losses, rtol=1e-4)
    np.testing.assert_allclose(there._factors(X), expected, atol=1e-4)
    assert told == [0.5, 1.0]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["stack.0", "stack.3"]


def test_a_training_that_is_cancelled_leaves_no_work(workers):
    def cancel(share):
        raise KeyboardInterrupt

    with workers(), pytest.raises(KeyboardInterrupt):
        Ensemble(small(epochs=2), 4, random_state=0).fit(X, Y, progress=cancel)
    with workers():  # they still answer
        assert Ensemble(small(epochs=2), 2, random_state=0).fit(X, Y).predict(X).shape == Y.shape


def test_what_goes_wrong_there_is_told_as_here(workers):
    wrong = Ensemble(small(epochs=20, learning_rate=1e9), 2, random_state=0)
    for where in (nullcontext, workers):
        with where(), pytest.raises(ValueError, match="smaller 'learning_rate'"):
            wrong.fit(X, Y)
