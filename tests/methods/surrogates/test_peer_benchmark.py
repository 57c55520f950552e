"""The benchmark beside peers in small: all ways give sound answers, and what is missing is told."""

import sys

import numpy as np
import pytest
from benchmarks import surrogate_peers as peers


@pytest.fixture
def small(monkeypatch):
    for name, value in {"EPOCHS": 30, "MEMBERS": 2, "FOLDS": 8, "TURNS": 1, "TRAININGS": 1}.items():
        monkeypatch.setattr(peers, name, value)
    monkeypatch.setattr(peers, "PYTHON", peers.ROOT / "nowhere")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_all_ways_of_this_process(small):
    found, versions = peers.measured(1)
    assert found.pop("the network alone").seconds[0] > 0
    assert found.pop("laplace-torch").failed == "not installed"
    assert len(found) == 7
    for way in found.values():
        (scores,) = way.scores
        assert set(scores) == {"test", "shift_T"}
        assert scores["test"]["score"] >= scores["test"]["width"] > 0
    ours, theirs = (found[name].scores[0]["test"] for name in ("`Conformal`, CV+", "MAPIE, CV+"))
    # The same folds; it counts clusters, where ours counts trajectories.
    assert ours["width"] == pytest.approx(theirs["width"], rel=0.2)
    assert "mapie" in versions[0]


def test_what_a_process_of_its_own_is_asked_and_says(small, tmp_path):
    """A stand-in for laplace-torch, which answers with the network's own predictions."""
    data = peers.splits()
    trained = peers.network(0).fit(*data["train"])
    stand_in = tmp_path / "stand_in"
    stand_in.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\nimport numpy as np\nimport torch\n"
        "with np.load(sys.argv[2]) as file:\n    arrays = dict(file)\n"
        "def of(x):\n"
        "    for number in (0, 2, 4):\n"
        "        x = x @ arrays[f'{number}.weight'].T + arrays[f'{number}.bias']\n"
        "        x = x / (1 + np.exp(-x)) if number < 4 else x\n"
        "    return [x[:, 0].tolist(), [1.0] * len(x)]\n"
        "assert abs(arrays['train_y'].mean()) < 1e-3\n"
        "way = {'cpu': 1.0} | {s: of(arrays['split_' + s]) for s in ('test', 'shift_T')}\n"
        "json.dump({'version': '0', 'last layer': way}, sys.stdout)\n"
    )
    stand_in.chmod(0o755)
    said = peers.laplace_torch(data, trained, stand_in)["last layer"]["shift_T"]
    np.testing.assert_allclose(said.mean, trained.predict(data["shift_T"].X), rtol=1e-4)
    np.testing.assert_allclose(said.std, data["train"].y.std())
    stand_in.write_text(f"#!{sys.executable}\nraise SystemExit('no memory')\n")
    with pytest.raises(RuntimeError, match="no memory"):
        peers.laplace_torch(data, trained, stand_in)


def test_means_and_their_errors():
    data = {
        "test": peers.Split(np.zeros((4, 1)), np.array([0.0, 1, 2, 9]), np.array(list("abcd"))),
        "shift_T": peers.Split(np.zeros((1, 1)), np.array([1.0]), np.array(["a"])),
    }
    way = peers.Way()
    for width in (1.0, 2.0):
        said = {
            "test": peers.Said(np.zeros(4), np.full(4, -width), np.full(4, width)),
            "shift_T": peers.Said.normal(np.zeros(1), np.full(1, width)),
        }
        way.add(1.0, said, data)
    covered, hot, score, _, nll, hot_nll = peers.cells(way)
    assert covered == "62.5 ± 12.5"  # 2 and 3 of 4
    assert hot == "100.0 ± 0.0"
    assert score == "43.0 ± 4.0"  # 2 + 20 (1 + 8) / 4 = 47, and 4 + 20 * 7 / 4 = 39
    assert nll == ""
    assert hot_nll == "1.58 ± 0.16"  # log(2 pi) / 2 + 1 / 2, and + log(2) + 1 / 8
