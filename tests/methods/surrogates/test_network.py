"""One network: trained by our own gradients, stopped early, interrupted, resumed."""

import builtins
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from evidesk.methods.surrogates import Network, training
from evidesk.methods.surrogates.layers import ACTIVATIONS, ModuleStack, PerceptronStack, perceptron
from tests.methods.surrogates.conftest import small
from tests.methods.surrogates.data import wavy

X, Y = wavy(120, 0)


def build(features, outputs):
    return nn.Sequential(nn.Linear(features, 16), nn.SiLU(), nn.Linear(16, outputs))


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_our_gradients_are_pytorchs(activation):
    torch.manual_seed(0)
    cores = [perceptron((3, 5, 4, 2), activation) for _ in range(3)]
    stack = PerceptronStack(cores, activation)
    x, y = torch.randn(3, 7, 3), torch.randn(3, 7, 2)
    squares = stack.backward(x, y)
    for member, core in enumerate(cores):
        loss = nn.functional.mse_loss(core(x[member]), y[member])
        loss.backward()
        assert squares[member].item() / y[member].numel() == pytest.approx(loss.item(), rel=1e-5)
        torch.testing.assert_close(stack.predict(x)[member], core(x[member]).detach())
        for tensor, parameter in zip(stack.tensors, core.parameters(), strict=True):
            torch.testing.assert_close(tensor.grad[member], parameter.grad)


def few_steps(stack, batches, decay):
    state = training._begin(stack)
    for number, (x, y) in enumerate(batches):
        stack.backward(x, y)
        training._step(stack, state, 0.01 / (number + 1), decay)
    stack.unstack()


def peers_steps(core, batches, decay):
    """The same with automatic gradients and PyTorch's own optimiser."""
    optimiser = torch.optim.AdamW(core.parameters(), weight_decay=decay)
    for number, (x, y) in enumerate(batches):
        optimiser.param_groups[0]["lr"] = 0.01 / (number + 1)
        optimiser.zero_grad()
        nn.functional.mse_loss(core(x), y).backward()
        optimiser.step()


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_steps_of_a_stack_are_those_of_adamw(decay):
    torch.manual_seed(0)
    cores = [perceptron((3, 5, 4, 1), "silu") for _ in range(3)]
    peers = deepcopy(cores)
    batches = [(torch.randn(3, 7, 3), torch.randn(3, 7, 1)) for _ in range(5)]
    few_steps(PerceptronStack(cores, "silu"), batches, decay)
    for member, peer in enumerate(peers):
        peers_steps(peer, [(x[member], y[member]) for x, y in batches], decay)
        for ours, theirs in zip(cores[member].parameters(), peer.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_steps_leave_alone_what_has_no_gradient():
    torch.manual_seed(0)
    core = perceptron((3, 5, 1), "silu")
    core.idle = nn.Parameter(torch.ones(2))  # nothing that comes out depends on it
    peer = deepcopy(core)
    batches = [(torch.randn(1, 7, 3), torch.randn(1, 7, 1)) for _ in range(5)]
    few_steps(ModuleStack(core), batches, 0.3)
    peers_steps(peer, [(x[0], y[0]) for x, y in batches], 0.3)
    assert torch.equal(core.idle, torch.ones(2))
    for ours, theirs in zip(core.parameters(), peer.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_it_learns_and_keeps_the_shape_of_y():
    net = small().fit(X, Y)
    assert net.predict(X).shape == (120,)
    assert net.score(X, Y) > 0.9
    assert net.losses_.shape == (60,)
    assert net.losses_[-1] < net.losses_[0] / 5
    assert small(epochs=2).fit(X, Y[:, None]).predict(X).shape == (120, 1)
    assert small(epochs=1, hidden=()).fit(*wavy(40, 0, outputs=3)).predict(X).shape == (120, 3)


def test_units_do_not_matter():
    one = small(epochs=5).fit(X, Y).predict(X)
    other = small(epochs=5).fit(1e5 * X + 3e5, 1e-3 * Y + 50).predict(1e5 * X + 3e5)
    np.testing.assert_allclose((other - 50) * 1e3, one, atol=1e-4)


def test_the_same_seed_gives_the_same_network():
    state = torch.get_rng_state()
    one, two = (small(epochs=3).fit(X, Y).predict(X) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, small(epochs=3, random_state=1).fit(X, Y).predict(X))
    assert torch.equal(state, torch.get_rng_state())


def test_a_module_of_ones_own_trains_as_the_same_perceptron():
    ours = small(epochs=4, hidden=(16,)).fit(X, Y)
    own = small(epochs=4, build=build).fit(X, Y)
    np.testing.assert_allclose(own.predict(X), ours.predict(X), atol=1e-4)
    np.testing.assert_allclose(own.losses_, ours.losses_, rtol=1e-3)


def test_it_stops_early_and_keeps_the_best():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(60)  # nothing to learn: more epochs only make it worse
    net = small(epochs=400, patience=5, learning_rate=0.02).fit(rng.normal(size=(60, 2)), noise)
    assert len(net.losses_) < 200
    assert len(net.losses_) - 1 - np.argmin(net.losses_) == 5


def test_groups_are_held_out_together():
    net = small(patience=2, validation_fraction=0.2)
    groups = np.repeat(np.arange(12), 10)
    held = net._held_out(120, groups, np.random.default_rng(0))
    assert held.sum() == 20
    assert len(set(groups[held])) == 2
    assert not set(groups[held]) & set(groups[~held])
    with pytest.raises(ValueError, match="No group is left"):
        small(patience=2, validation_fraction=0.9).fit(X, Y, np.repeat([0, 1], 60))


class StopNow(Exception):
    pass


def until(share):
    def progress(done):
        if done >= share:
            raise StopNow

    return progress


@pytest.mark.parametrize("settings", [{}, {"patience": 50}, {"build": build}])
def test_interrupted_and_resumed_is_byte_for_byte_the_same(tmp_path, settings):
    net = small(epochs=12, **settings)
    seen = []
    whole = net.fit(X, Y, progress=seen.append).module_.state_dict()
    assert seen == pytest.approx(np.arange(1, 13) / 12)
    with pytest.raises(StopNow):
        net.fit(X, Y, progress=until(0.5), checkpoint=tmp_path / "one")
    assert len(list(tmp_path.iterdir())) == 1
    resumed = []
    net.fit(X, Y, checkpoint=tmp_path / "one", progress=resumed.append)
    assert resumed == pytest.approx(np.arange(7, 13) / 12)
    for name, tensor in net.module_.state_dict().items():
        assert torch.equal(tensor, whole[name])
    assert len(net.losses_) == 12


def test_checkpoints_are_written_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", -1.0)
    written = []
    monkeypatch.setattr(training, "_save", lambda state, *_: written.append(state.epoch))
    small(epochs=3).fit(X, Y, checkpoint=tmp_path / "one")
    assert written == [1, 2, 3, 3]


def test_cancelled_without_a_checkpoint():
    with pytest.raises(StopNow):
        small().fit(X, Y, progress=until(0.1))


def test_a_checkpoint_of_another_training(tmp_path):
    small(epochs=2).fit(X, Y, checkpoint=tmp_path / "one")
    for other in (small(epochs=3), small(epochs=2, random_state=1)):
        with pytest.raises(ValueError, match="is of another training"):
            other.fit(X, Y, checkpoint=tmp_path / "one")
    with pytest.raises(ValueError, match="is of another training"):
        small(epochs=2).fit(X, Y + X[:, 0], checkpoint=tmp_path / "one")


def test_a_loss_that_explodes():
    with pytest.raises(ValueError, match="Take a smaller 'learning_rate' than 1e\\+15"):
        small(learning_rate=1e15, activation="relu").fit(X, Y)


def test_without_gpu_memory_it_goes_on_with_the_processor(monkeypatch):
    from evidesk.methods.surrogates import members

    asked = []

    def train(stack, *args, **kwargs):
        asked.append(stack)
        if len(asked) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 EiB")
        return training.train(stack, *args, **kwargs)

    monkeypatch.setattr(members, "train", train)
    with pytest.warns(RuntimeWarning, match="too little memory.*Tried to allocate 9 EiB"):
        net = small(epochs=2).fit(X, Y)
    np.testing.assert_array_equal(net.predict(X), small(epochs=2).fit(X, Y).predict(X))


def test_devices(monkeypatch):
    assert training.chosen_device("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert training.chosen_device("auto") == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert training.chosen_device("auto") == "cpu"
    with pytest.raises(ValueError, match="'device' parameter"):
        training.chosen_device("abacus")


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_half_precision_leaves_gradients_in_single(activation):
    torch.manual_seed(0)
    stack = PerceptronStack([perceptron((3, 8, 1), activation)], activation)
    x, y = torch.randn(1, 5, 3), torch.randn(1, 5, 1)
    stack.backward(x, y)
    [parameter] = stack.parameters
    single = parameter.grad.clone()
    with torch.autocast("cpu", torch.bfloat16):
        stack.backward(x, y)
    assert {one.grad.dtype for one in stack.tensors} == {torch.float32}
    assert not torch.equal(parameter.grad, single)
    torch.testing.assert_close(parameter.grad, single, rtol=0.05, atol=0.02)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "'epochs'"),
        ({"batch_size": 2.5}, "'batch_size'"),
        ({"patience": 0}, "'patience'"),
        ({"validation_fraction": 1.0}, "'validation_fraction'"),
        ({"learning_rate": 0.0}, "'learning_rate'"),
        ({"weight_decay": -1.0}, "'weight_decay'"),
        ({"hidden": (8, 0)}, "'hidden' layers"),
        ({"activation": "step"}, "'activation' parameter must be one of silu"),
    ],
)
def test_bad_parameters(changes, message):
    with pytest.raises(ValueError, match=message):
        small(**changes).fit(X, Y)


def test_build_must_make_a_module():
    with pytest.raises(TypeError, match="must return a torch"):
        small(build=lambda features, outputs: None).fit(X, Y)


def test_without_pytorch(monkeypatch):
    imported = builtins.__import__

    def missing(name, *args, **kwargs):
        if "surrogates" in name and "members" in (args[2] or ()):
            raise ImportError("No module named 'torch'", name="torch")
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"torch is missing.*pip install 'evidesk\[torch\]'"):
        Network().fit(X, Y)
