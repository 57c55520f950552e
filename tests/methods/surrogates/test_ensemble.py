"""Networks side by side."""

import joblib
import numpy as np
import pytest
import torch
from torch import nn

from evidesk.methods.surrogates import Ensemble
from tests.methods.surrogates.conftest import small
from tests.methods.surrogates.data import wavy

X, Y = wavy(120, 0)


def build(features, outputs):
    return nn.Sequential(nn.Linear(features, 16), nn.SiLU(), nn.Linear(16, outputs))


def test_side_by_side_is_as_one_after_the_other():
    together = Ensemble(small(epochs=4, hidden=(16,)), 3, random_state=0).fit(X, Y)
    alone = Ensemble(small(epochs=4, build=build), 3, random_state=0).fit(X, Y)
    np.testing.assert_allclose(together.losses_, alone.losses_, rtol=1e-3)
    np.testing.assert_allclose(together._factors(X), alone._factors(X), atol=1e-3)
    single = small(epochs=4, hidden=(16,), random_state=0).fit(X, Y)
    np.testing.assert_allclose(single.losses_, together.losses_[:, 0], rtol=1e-3)


def test_more_workers_give_the_same():
    kwargs = {"members": 2, "random_state": 0}
    one = Ensemble(small(epochs=2, build=build), n_jobs=1, **kwargs).fit(X, Y)
    with joblib.parallel_config("threading"):
        two = Ensemble(small(epochs=2, build=build), n_jobs=2, **kwargs).fit(X, Y)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_members_that_stop_at_different_times_keep_their_own_best():
    X, y = wavy(60, 0, noise=1.0)
    network = small(epochs=80, patience=3, learning_rate=0.02, hidden=(16,), build=build)
    alone = Ensemble(network, 6, random_state=1).fit(X, y)
    lengths = (~np.isnan(alone.losses_)).sum(axis=0)
    assert len(set(lengths)) > 1
    assert len(alone.losses_) == lengths.max()
    beside = Ensemble(network.set_params(build=None), 6, random_state=1).fit(X, y)
    np.testing.assert_allclose(beside._factors(X), alone._factors(X), atol=1e-2)
    assert len(beside.losses_) == lengths.max() < 80


def test_the_spread_is_the_sample_variance():
    head = Ensemble(small(epochs=2), 4, random_state=0).fit(X, Y)
    members = np.stack([one(torch.from_numpy(X)).detach().numpy() for one in head.members_])
    np.testing.assert_allclose(head._spread(X), members.var(axis=0, ddof=1))
    np.testing.assert_allclose(head.predict(X), members.mean(axis=0)[:, 0])


def test_checkpoints_of_networks_one_after_the_other(tmp_path):
    head = Ensemble(small(epochs=2, build=build), 2, random_state=0)
    seen = []
    head.fit(X, Y, checkpoint=tmp_path / "one", progress=seen.append)
    assert seen == [0.25, 0.5, 0.75, 1.0]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["one.0", "one.1"]


def test_modules_of_ones_own_in_files(tmp_path):
    head = Ensemble(small(epochs=2, build=build), 2, random_state=0).fit(X, Y)
    head.calibrate(*wavy(50, 1)).save(tmp_path / "head")
    again = Ensemble.load(tmp_path / "head", build=build)
    np.testing.assert_allclose(again.predict(X), head.predict(X), rtol=1e-6)
    with pytest.raises(ValueError, match="does not fit the one that is built"):
        Ensemble.load(tmp_path / "head")


def test_the_default_network(tmp_path):
    head = Ensemble(members=2, random_state=0)
    assert head.get_params()["model"] is None
    X, y = wavy(10, 0)
    head.fit(X, y).calibrate(*wavy(10, 1)).save(tmp_path / "head")
    assert Ensemble.load(tmp_path / "head").predict(X).shape == (10,)


@pytest.mark.parametrize("members", [1, 2.0, None])
def test_one_member_is_no_ensemble(members):
    with pytest.raises(ValueError, match="'members' parameter"):
        Ensemble(small(), members).fit(X, Y)
