"""Uncertainty from the last layer of any module."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from evidesk.methods.surrogates import LastLayer
from tests.methods.surrogates.conftest import small
from tests.methods.surrogates.data import wavy

X, Y = wavy(200, 0)
NEW, TRUE = wavy(200, 1)


class TwoBranches(nn.Module):
    """The layer that is last when called is first by its name."""

    def __init__(self, outputs=1):
        super().__init__()
        self.last = nn.Linear(8, outputs)
        self.unused = nn.Linear(3, 3)
        self.first = nn.Linear(2, 8)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.last(self.drop(torch.tanh(self.first(x))))


@pytest.fixture
def module():
    torch.manual_seed(0)
    return TwoBranches()


def features_of(module, rows):
    with torch.no_grad():
        found = torch.tanh(module.first(torch.as_tensor(rows, dtype=torch.float32))).double()
    return np.hstack([found.numpy(), np.ones((len(rows), 1))])


def test_the_formula(module):
    head = LastLayer(module, regularisation=1e-3).fit(X, Y).calibrate(NEW, TRUE)
    phi, new = features_of(module, X), features_of(module, NEW)
    gram = phi.T @ phi
    np.testing.assert_allclose(head.gram_, gram, rtol=1e-5)
    ridge = 1e-3 * np.trace(gram) / 9
    inverse = np.linalg.inv(gram + ridge * np.eye(9))
    expected = np.einsum("ij,jk,ik->i", new, inverse, new)
    np.testing.assert_allclose(head._spread(NEW)[:, 0], expected, rtol=1e-4)


def test_the_module_is_left_as_it_was(module):
    module.train()
    before = [one.clone() for one in module.parameters()]
    head = LastLayer(module).fit(X).calibrate(NEW, TRUE)
    np.testing.assert_array_equal(head.predict(NEW), head.predict(NEW))  # no dropout
    assert module.training
    assert not module.last._forward_pre_hooks
    assert all(torch.equal(*pair) for pair in zip(before, module.parameters(), strict=True))


def test_batches_say_the_same_as_the_whole(module, tmp_path):
    whole = LastLayer(module).fit(X, Y)
    loader = DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch_size=33)
    np.save(tmp_path / "rows.npy", X)
    for rows in (
        loader,
        (batch for batch in np.array_split(X, 4)),
        np.load(tmp_path / "rows.npy", mmap_mode="r"),
        X.tolist(),
    ):
        other = LastLayer(module).fit(rows)
        np.testing.assert_allclose(other.gram_, whole.gram_)
        np.testing.assert_allclose(other.ood_score(NEW), whole.ood_score(NEW))
        other.calibrate(NEW, TRUE)
        assert other.predict(NEW).shape == (200,)


def test_a_named_layer(module):
    by_name = LastLayer(module, layer="drop").fit(X)
    np.testing.assert_allclose(by_name.gram_, LastLayer(module).fit(X).gram_)
    assert LastLayer(module, layer="first").fit(X).gram_.shape == (9, 9)


def test_regularisation_is_chosen_by_likelihood():
    network = small().fit(X, Y)
    head = LastLayer(network.module_).fit(X, Y).calibrate(NEW, TRUE)
    assert head.regularisation_ in 10.0 ** np.arange(-9, 1)
    fixed = LastLayer(network.module_, regularisation=1.0).fit(X).calibrate(NEW, TRUE)
    assert fixed.regularisation_ == 1.0


def test_a_network_is_trained_first():
    seen = []
    head = LastLayer(small(epochs=3)).fit(X, Y, progress=seen.append)
    assert head.model is not head.network_
    assert seen == pytest.approx([0.33, 0.66, 0.99, 1.0])
    np.testing.assert_array_equal(head.predict(NEW), head.network_.predict(NEW))


def test_outputs_of_neighbouring_levels_err_together():
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    head = LastLayer(TwoBranches(2)).fit(X)
    common = rng.standard_normal((200, 1))
    noise = np.hstack([common, common + 0.1 * rng.standard_normal((200, 1))])
    head.calibrate(NEW, head.predict(NEW) + noise)
    assert head.correlation_[0, 1] > 0.98
    drawn = head.sample(NEW[:5], 500, 0) - head.predict(NEW[:5])
    assert np.corrcoef(drawn[..., 0].ravel(), drawn[..., 1].ravel())[0, 1] > 0.95


class Picture(nn.Module):
    def __init__(self):
        super().__init__()
        self.filter = nn.Conv2d(1, 3, 3)
        self.last = nn.Linear(12, 1)

    def forward(self, x):
        return self.last(torch.relu(self.filter(x)).flatten(1))[:, 0]


def test_images():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(40, 1, 4, 4))
    head = LastLayer(Picture()).fit(images).calibrate(images + 0.1, rng.normal(size=40))
    assert head.predict_interval(images + 0.2).low.shape == (40,)
    assert head.ood_score(images * 30).min() > head.ood_score(images).max()
    conv = LastLayer(Picture(), layer="filter").fit(images)
    assert conv.gram_.shape == (13, 13)


def test_there_and_back(module, tmp_path):
    head = LastLayer(module).fit(X).calibrate(NEW, TRUE)
    head.save(tmp_path / "head")
    again = LastLayer.load(tmp_path / "head", module=module)
    np.testing.assert_allclose(again.predict_interval(NEW).high, head.predict_interval(NEW).high)
    with pytest.raises(ValueError, match="give it as 'module'"):
        LastLayer.load(tmp_path / "head")
    with pytest.raises(ValueError, match="not the one that this last layer was made for"):
        LastLayer.load(tmp_path / "head", module=TwoBranches())


class Odd(nn.Module):
    def __init__(self, answer, *, call=True):
        super().__init__()
        self.linear, self.answer, self.call = nn.Linear(2, 4), answer, call

    def forward(self, x):
        if self.call:
            self.linear(x)
        return self.answer(x)


@pytest.mark.parametrize(
    ("module", "layer", "error", "message"),
    [
        (object(), None, TypeError, "torch.nn.Module or a Network is needed"),
        (nn.Tanh(), None, ValueError, "no linear layer"),
        (nn.Linear(2, 1), "deep", ValueError, "no layer 'deep'"),
        (nn.Linear(5, 1), None, ValueError, r"does not take rows of shape \(2,\)"),
        (Odd(lambda x: x[:3]), None, ValueError, r"of 200 rows it made shape \(3, 2\)"),
        (Odd(lambda x: x[:, None]), None, ValueError, r"shape \(200, 1, 2\)"),
        (Odd(lambda x: x, call=False), None, ValueError, "was not used"),
    ],
)
def test_modules_that_do_not_fit(module, layer, error, message):
    with pytest.raises(error, match=message):
        LastLayer(module, layer=layer).fit(X)


@pytest.mark.parametrize(
    ("rows", "y", "message"),
    [
        (X[:1], None, "At least 2 rows"),
        (iter([]), None, "gave no batch"),
        (np.full((3, 2), np.nan), None, "NaN"),
        (X, Y[:-1], "200 rows of 1 output"),
        (X, np.stack([Y, Y], 1), "200 rows of 1 output"),
        (iter([X, X[:, :1]]), None, "features"),
    ],
)
def test_rows_that_do_not_fit(module, rows, y, message):
    with pytest.raises(ValueError, match=message):
        LastLayer(module).fit(rows, y)


def test_without_parameters_rows_stay_in_double_precision():
    class Still(nn.Module):
        def __init__(self):
            super().__init__()
            self.named = nn.Identity()

        def forward(self, x):
            return self.named(x).sum(1)

    head = LastLayer(Still(), layer="named").fit(X)
    np.testing.assert_allclose(head.predict(X), X.sum(axis=1), rtol=1e-14)


def test_many_training_rows_are_not_kept(module, monkeypatch):
    monkeypatch.setattr("evidesk.methods.surrogates.last_layer._RECOGNISED", 100)
    assert LastLayer(module).fit(X)._seen.rows.size == 0
