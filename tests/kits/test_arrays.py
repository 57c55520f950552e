"""Arrays by name from any file: what is found, and what is refused."""

import pickle
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
import uproot

from evidesk.kits import KitError, arrays
from evidesk.kits.arrays import ArrayFile, names_in
from evidesk.kits.kit import silent

X = np.arange(12.0).reshape(4, 3)
GRID = np.arange(40.0).reshape(4, 5, 2)
DATA = {"x": X, "y": X[:, 0] ** 2, "grid": GRID, "kind": np.array(["a", "b", "a", "c"])}


def opened(path):
    return ArrayFile(path, silent)


@pytest.fixture(params=["npz", "compressed", "h5"])
def file(request, tmp_path):
    if request.param == "h5":
        with h5py.File(tmp_path / "data.h5", "w") as target:
            for name, values in DATA.items():
                if name == "kind":
                    target[name] = [str(one) for one in values]
                else:
                    target[name] = values
        return tmp_path / "data.h5"
    save = np.savez if request.param == "npz" else np.savez_compressed
    save(tmp_path / "data.npz", **DATA)
    return tmp_path / "data.npz"


def test_columns_and_arrays_have_names(file):
    with opened(file) as found:
        assert set(found.columns) == {"x.0", "x.1", "x.2", "y", "kind"}
        assert set(found.names) == {*found.columns, "x", "grid"}
        assert found.shapes == {"x": (4, 3), "y": (4,), "grid": (4, 5, 2)}
        assert found.column("x.1", silent).tolist() == [1, 4, 7, 10]
        assert found.column("y", silent).tolist() == [0, 9, 36, 81]
        assert found.labels("kind", silent).tolist() == ["a", "b", "a", "c"]
        assert found.labels("y", silent).tolist() == ["0", "9", "36", "81"]
        np.testing.assert_array_equal(found.array("x", silent), X)
        np.testing.assert_array_equal(found.array("grid", silent), GRID)
        assert found.array("x.2", silent).tolist() == [2, 5, 8, 11]
    assert set(names_in(file)) == {"x", "x.0", "x.1", "x.2", "y", "kind", "grid"}


@pytest.mark.parametrize("texts", [np.array(["m", "tau", "pt"]), np.array([b"m", b"tau", b"pt"])])
def test_a_matrix_whose_columns_have_names_is_read_by_them(tmp_path, texts):
    np.savez(tmp_path / "data.npz", x=X, columns=texts, y=X[:, 0])
    with opened(tmp_path / "data.npz") as found:
        assert found.columns == ["m", "tau", "pt", "y"]
        assert found.column("tau", silent).tolist() == [1, 4, 7, 10]


def test_many_columns_without_names_are_not_listed_and_still_there(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.arange(90.0).reshape(2, 45), y=np.arange(2))
    with opened(tmp_path / "data.npz") as found:
        assert found.names == ["y", "x"]
        assert found.column("x.44", silent).tolist() == [44, 89]


def test_bytes_are_labels_too(tmp_path):
    np.savez(tmp_path / "data.npz", kind=np.array([b"a", "ü".encode(), b"\xff"]))
    with opened(tmp_path / "data.npz") as found:
        assert found.labels("kind", silent).tolist() == ["a", "ü", "�"]


@pytest.mark.parametrize("names", [["a", "a", "b"], ["y", "b", "c"]])
def test_names_that_are_not_clear_are_not_used(tmp_path, names):
    np.savez(tmp_path / "data.npz", y=X[:, 0], x=X, columns=np.array(names))
    with opened(tmp_path / "data.npz") as found:
        assert found.columns == ["y", "x.0", "x.1", "x.2"]


def test_a_table_is_read_alike(tmp_path):
    pd.DataFrame({"m": [1, 2.5, None], "kind": ["a", "b", "a"]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    with opened(tmp_path / "t.csv") as found:
        assert found.names == found.columns == ["m", "kind"]
        np.testing.assert_array_equal(found.column("m", silent), [1, 2.5, np.nan])
        assert found.labels("kind", silent).tolist() == ["a", "b", "a"]
        with pytest.raises(KitError, match=r"Column kind of t\.csv holds something that is no"):
            found.array("kind", silent)
        with pytest.raises(KitError, match=r"Column m of t\.csv says nothing of 1 row"):
            found.labels("m", silent)
    assert names_in(tmp_path / "t.csv") == ["m", "kind"]
    (tmp_path / "inf.csv").write_text("m\ninf\n")
    with pytest.raises(KitError, match="infinite"):
        opened(tmp_path / "inf.csv")


def test_a_memory_map_has_one_array(tmp_path):
    np.save(tmp_path / "ldos.npy", GRID)
    with opened(tmp_path / "ldos.npy") as found:
        assert (found.columns, found.names) == ([], ["ldos"])
        np.testing.assert_array_equal(found.array("ldos", silent), GRID)
        with pytest.raises(KitError, match=r"array of shape \(4, 5, 2\), where one value"):
            found.column("ldos", silent)
        with pytest.raises(KitError, match=r"ldos\.npy has no column or array x\. It has: ldos\."):
            found.array("x", silent)


def test_an_npz_under_another_name_is_told(tmp_path):
    with (tmp_path / "data.npy").open("wb") as file:
        np.savez(file, x=X)
    with pytest.raises(KitError, match=r"is an npz file\. Give it the suffix \.npz"):
        opened(tmp_path / "data.npy")


def test_groups_of_hdf5_are_walked_once(tmp_path):
    with h5py.File(tmp_path / "deep.hdf5", "w") as target:
        inner = target.create_group("a/b")
        inner["x"] = X
        inner["names"] = ["m", "tau", "pt"]
        inner["itself"] = target["a"]
        inner["other"] = h5py.SoftLink("/a/b/x")
        target["nothing"] = h5py.Empty("f")
        target["type"] = np.dtype("f8")
        target["scalar"] = 3.0
    with opened(tmp_path / "deep.hdf5") as found:
        assert found.columns == ["m", "tau", "pt"]
        assert found.shapes == {"a/b/x": (4, 3)}


def test_trees_of_root_are_read(tmp_path):
    with uproot.recreate(tmp_path / "one.root") as target:
        target.mktree("events", {"m": "float64", "n": "int32"})
        target["events"].extend({"m": X[:, 0], "n": np.arange(4)})
    with opened(tmp_path / "one.root") as found:
        assert found.columns == ["m", "n"]
        assert found.column("m", silent).tolist() == [0, 3, 6, 9]
    with uproot.recreate(tmp_path / "two.root") as target:
        for name in ("data", "mc"):
            target.mktree(name, {"m": "float64"})
            target[name].extend({"m": X[:, 1]})
    with opened(tmp_path / "two.root") as found:
        assert found.columns == ["data/m", "mc/m"]
        assert found.column("mc/m", silent).tolist() == [1, 4, 7, 10]


# What is refused


class Trap:
    def __reduce__(self):
        return (exec, ("raise SystemExit('the pickle was run')",))


def test_pickled_objects_are_never_read(tmp_path):
    objects = np.array([Trap()], dtype=object)
    np.savez(tmp_path / "data.npz", x=X, trap=objects)
    with opened(tmp_path / "data.npz") as found:
        assert "trap" in found.columns
        with pytest.raises(KitError, match="holds pickled Python objects"):
            found.column("trap", silent)
    np.save(tmp_path / "data.npy", objects)
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(Trap()))
    for name in ("data.npy", "plain.npy"):
        with pytest.raises(KitError, match="holds pickled Python objects"):
            opened(tmp_path / name)


@pytest.mark.parametrize("link", ["external", "virtual", "raw"])
def test_an_hdf5_file_cannot_send_the_reader_to_other_files(tmp_path, link):
    with h5py.File(tmp_path / "secret.h5", "w") as target:
        target["x"] = X
    with h5py.File(tmp_path / "data.h5", "w") as target:
        if link == "external":
            target["x"] = h5py.ExternalLink("secret.h5", "/x")
        elif link == "virtual":
            layout = h5py.VirtualLayout(shape=(4, 3), dtype="f8")
            layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "x", shape=(4, 3))
            target.create_virtual_dataset("x", layout)
        else:
            target.create_dataset(
                "x", (4,), "u1", external=[(str(tmp_path / "secret.h5"), 0, h5py.h5f.UNLIMITED)]
            )
    with pytest.raises(KitError, match=r"data\.h5 takes x from another file"):
        opened(tmp_path / "data.h5")


@pytest.mark.parametrize("suffix", ["npz", "npy", "h5", "hdf5", "root"])
@pytest.mark.parametrize("content", [b"x", b"PK\x03\x04garbage", b"\x93NUMPY\x09\x00", b"root1234"])
def test_damaged_files_are_told(tmp_path, suffix, content):
    path = tmp_path / f"data.{suffix}"
    path.write_bytes(content)
    with pytest.raises(KitError, match=rf"data\.{suffix} (cannot be read as|holds pickled)"):
        opened(path)
    with pytest.raises(KitError, match=r"There is no file"):
        opened(tmp_path / f"none.{suffix}")


def test_a_cut_array_is_told_when_it_is_read(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, x=X, y=X)
    with zipfile.ZipFile(path) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("x.npy", members["x.npy"][:-20])
        zipped.writestr("y.npy", members["y.npy"])
        zipped.writestr("notes.txt", "no array")
    with opened(path) as found:
        assert set(found.shapes) == {"x", "y"}
        with pytest.raises(KitError, match=r"data\.npz cannot be read as npz: it is damaged"):
            found.array("x", silent)
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("x.npy", b"\x93NUMPY\x03\x00" + members["x.npy"][8:])
    with pytest.raises(KitError, match=r"version \(3, 0\) of the format"):
        opened(path)


def test_traps_that_unpack_to_too_much_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "_MOST_BYTES", 100_000)
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros(100_000))
    with pytest.raises(KitError, match=r"unpacks to 0\.000745 GiB"):
        opened(tmp_path / "bomb.npz")
    with h5py.File(tmp_path / "bomb.h5", "w") as target:
        target.create_dataset("x", (100_000,), "f8", compression="gzip")
    with (
        opened(tmp_path / "bomb.h5") as found,
        pytest.raises(KitError, match=r"x of bomb\.h5 has 100,000 values, more than"),
    ):
        found.array("x", silent)


def test_a_damaged_chunk_of_hdf5_is_told(tmp_path):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as target:
        chunk = target.create_dataset("x", data=X, compression="gzip", fletcher32=True)
        offset = chunk.id.get_chunk_info(0).byte_offset
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 8)
    with opened(path) as found, pytest.raises(KitError, match="cannot be read as HDF5"):
        found.array("x", silent)


def test_a_damaged_branch_of_root_is_told(tmp_path):
    path = tmp_path / "data.root"
    with uproot.recreate(path) as target:
        target.mktree("events", {"m": "float64"})
        target["events"].extend({"m": np.random.default_rng(0).random(500)})
    with uproot.open(path) as found:
        offset = found["events"]["m"].member("fBasketSeek")[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 200)
    with opened(path) as found, pytest.raises(KitError, match="cannot be read as ROOT"):
        found.column("m", silent)


@pytest.mark.parametrize(("suffix", "extra"), [("h5", "hdf5"), ("root", "root")])
def test_what_is_not_installed_is_named(tmp_path, monkeypatch, suffix, extra):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(arrays, "import_module", missing)
    path = tmp_path / f"data.{suffix}"
    path.write_bytes(b"x")
    with pytest.raises(KitError, match=rf"pip install 'evidesk\[{extra}\]'"):
        opened(path)
