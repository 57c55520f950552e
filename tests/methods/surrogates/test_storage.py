"""Files of tensors and JSON."""

import builtins
import json
import pickle

import numpy as np
import pytest

from evidesk.methods.surrogates import storage


@pytest.mark.parametrize("name", ["one", "one.json"])
def test_there_and_back(tmp_path, name):
    arrays = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array([True, False])}
    storage.write(tmp_path / name, arrays, {"x": [1, "é", None]})
    found, document = storage.read(tmp_path / name)
    assert document == {"x": [1, "é", None]}
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].flags.writeable
    if name.endswith(".json"):
        assert list(json.loads((tmp_path / name).read_text())) == ["safetensors"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"safetensors": 3}', '{"safetensors": "?"}',
     '{"safetensors": "AAAA"}', "[" * 100_000],
)  # fmt: skip
def test_text_that_is_no_such_file(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="no file that evidesk wrote"):
        storage.read(path)


def test_what_is_no_such_file(tmp_path):
    path = tmp_path / "other"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match="no file that evidesk wrote"):
        storage.read(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="no file that evidesk wrote"):
        storage.read(path)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        storage.read(tmp_path / "nothing")


def test_another_safetensors_file(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(1)}, tmp_path / "plain")
    with pytest.raises(ValueError, match="no file that evidesk wrote"):
        storage.read(tmp_path / "plain")


def test_nothing_half_written(tmp_path, monkeypatch):
    path = tmp_path / "one"
    storage.write(path, {"a": np.zeros(1)}, {})
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        storage.write(path, {"a": np.ones(9)}, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match="JSON"):
        storage.write(path, {}, {"x": float("nan")})


def test_without_the_extra(tmp_path, monkeypatch):
    imported = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith("safetensors"):
            raise ImportError("No module named 'safetensors'", name="safetensors")
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install 'evidesk\[torch\]'"):
        storage.write(tmp_path / "one", {}, {})
