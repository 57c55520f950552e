"""Reading numbers by name: columns of a table, or arrays of an npz, npy, HDF5 or ROOT file.

A matrix with a name for each of its columns can be spoken of column by column: in an npz or HDF5
file, an array of as many texts, called ``columns``, ``names`` or ``feature_names``, names those of
the matrices of that width. Without names they are ``x.0``, ``x.1``, and so on.

Nothing that a file holds is ever run: pickled objects are refused, and so are HDF5 files that send
the reader on to other files.
"""

import zlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from evidesk.kits.files import check_readable
from evidesk.kits.kit import KitError, Progress, silent
from evidesk.kits.sample import Wanted, of_numbers, read_sample, row_count
from evidesk.kits.table import TableFile
from evidesk.kits.wording import shown

Floats = npt.NDArray[np.float64]

#: Of a matrix, so many columns are listed by number.
_MOST_NUMBERED = 1_000
#: More columns without names are not listed to choose from: their array is.
_MOST_LISTED = 40
_NAMING = ("columns", "names", "feature_names")
#: More is no data that a worker's memory can hold, or a trap.
_MOST_BYTES = 8 * 2**30
_NUMERIC = "biuf"


class Source(Protocol):
    """A file's arrays."""

    @property
    def arrays(self) -> Mapping[str, tuple[tuple[int, ...], str]]:
        """Shape and NumPy kind of each, by name, in the file's order."""
        ...

    def read(self, name: str, progress: Progress) -> npt.NDArray[Any]: ...

    def close(self) -> None: ...


class ArrayFile:
    """Named arrays of numbers, all of them, or those with equally many rows.

    Use it as a context manager.

    Parameters
    ----------
    path : .npz, .npy, .h5, .hdf5, .root, or a table (.csv, .parquet, ...; a folder of the latter).
    progress : told of the check of a compressed table.

    Attributes
    ----------
    columns : names of all columns of numbers or labels.
    names : what to choose from: the arrays, and the columns, but for those without a name of their
        own where there are many of them.

    Raises
    ------
    KitError : the file is missing, damaged, holds pickled objects or other files' data, or is not
        what its suffix says; or what reads it is not installed.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        self.path = path
        suffix = path.suffix.lower()
        self._source: Source
        if suffix not in _SOURCES:
            self._source = _Table(path, progress)
        else:
            check_readable(path)
            self._source = _SOURCES[suffix](path)
        self._last: tuple[str, npt.NDArray[Any]] | None = None
        self._place = self._places()
        self.columns = list(self._place)
        self.names = self._listed()

    def __enter__(self) -> "ArrayFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._source.close()

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each array of numbers, by name."""
        return {
            name: shape
            for name, (shape, kind) in self._source.arrays.items()
            if kind in _NUMERIC and shape
        }

    def array(self, name: str, progress: Progress) -> npt.NDArray[Any]:
        """A whole array of numbers, or a column; shape (rows, ...).

        Raises
        ------
        KitError : there is none of that name, or it holds anything but numbers.
        """
        if name not in self.shapes:
            return self.column(name, progress)
        return self._read(name, progress)

    def column(self, name: str, progress: Progress) -> Floats:
        """One number for each row, NaN where there is none.

        Raises
        ------
        KitError : there is no such column, or it holds anything but numbers.
        """
        values = self._values(name, progress)
        if values.dtype.kind not in _NUMERIC:
            raise KitError(
                f"Column {shown(name)} of {self.path.name} holds something that is no number."
            )
        return values.astype(np.float64)

    def labels(self, name: str, progress: Progress) -> npt.NDArray[Any]:
        """One label for each row, as text.

        Raises
        ------
        KitError : there is no such column, or some rows have none.
        """
        values = self._values(name, progress)
        missing = np.array([one is None or one != one for one in values.tolist()])
        if missing.any():
            raise KitError(
                f"Column {shown(name)} of {self.path.name} says nothing of {int(missing.sum()):,} "
                "row(s). Leave these rows out, or say what they are."
            )
        if values.dtype.kind == "f" and (values == np.rint(values)).all():
            values = values.astype(np.int64)  # 3 and not 3.0
        return _texts(values)

    def check(self, names: Sequence[str]) -> None:
        """Raise KitError, with the names there are, unless the file has all of these."""
        for name in names:
            if name not in self._place and name not in self.shapes:
                more = ", ..." if len(self.names) > 30 else ""
                listed = ", ".join(map(shown, self.names[:30])) + more
                raise KitError(
                    f"{self.path.name} has no column or array {shown(name)}. It has: {listed}."
                )

    def _listed(self) -> list[str]:
        numbered = [name for name, (array, at) in self._place.items() if name == f"{array}.{at}"]
        kept = set(self._place) - set(numbered if len(numbered) > _MOST_LISTED else ())
        return [
            *(name for name in self._place if name in kept),
            *(name for name in self.shapes if name not in self._place),
        ]

    def _values(self, name: str, progress: Progress) -> npt.NDArray[Any]:
        self.check([name])
        if name not in self._place:
            raise KitError(
                f"{shown(name)} of {self.path.name} is an array of shape {self.shapes[name]}, "
                "where one value for each row is needed."
            )
        array, number = self._place[name]
        values = self._read(array, progress)
        return np.asarray(values if number is None else values[:, number])

    def _read(self, array: str, progress: Progress) -> npt.NDArray[Any]:
        # Columns of one matrix are asked for one after the other.
        if self._last is None or self._last[0] != array:
            self._last = array, self._source.read(array, progress)
        return self._last[1]

    def _places(self) -> dict[str, tuple[str, int | None]]:
        """Where each column is: the array, and which of its columns, if it has several."""
        arrays = self._source.arrays
        named = {
            shape[0]: _texts(self._source.read(name, silent)).tolist()
            for name, (shape, kind) in arrays.items()
            if name.rpartition("/")[2] in _NAMING and kind in "USO" and len(shape) == 1
        }
        found: dict[str, tuple[str, int | None]] = {}
        for name, (shape, kind) in arrays.items():
            if len(shape) == 1 and name.rpartition("/")[2] not in _NAMING:
                found[name] = (name, None)
            elif len(shape) == 2 and kind in _NUMERIC and shape[1] <= _MOST_NUMBERED:
                own = named.get(shape[1], [])
                if len(set(own)) < shape[1] or any(one in found or one in arrays for one in own):
                    own = [f"{name}.{number}" for number in range(shape[1])]
                found |= {one: (name, number) for number, one in enumerate(own)}
        return found


def _texts(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace")
    return values.astype(str)


def names_in(path: Path) -> list[str]:
    """The names of a file's columns and arrays, without reading what is in them.

    Raises
    ------
    KitError : as :class:`ArrayFile`.
    """
    if path.suffix.lower() in _SOURCES:
        with ArrayFile(path, silent) as file:
            return file.names
    with TableFile(path, silent, head_only=True) as table:
        return table.columns


class _Table:
    def __init__(self, path: Path, progress: Progress) -> None:
        self._table = TableFile(path, progress)
        try:
            self._n = row_count(self._table)
            self._numeric = of_numbers(self._table, self._table.columns)
        except BaseException:
            self._table.__exit__(None, None, None)
            raise

    @property
    def arrays(self) -> Mapping[str, tuple[tuple[int, ...], str]]:
        return {
            name: ((self._n,), "f" if name in self._numeric else "O")
            for name in self._table.columns
        }

    def read(self, name: str, progress: Progress) -> npt.NDArray[Any]:
        return read_sample(self._table, Wanted([name], self._numeric), progress, (0.0, 1.0))[name]

    def close(self) -> None:
        self._table.__exit__(None, None, None)


class _Npy:
    """One array, which stays on the disk until it is used."""

    def __init__(self, path: Path) -> None:
        self._name = path.stem
        self._array = _loaded(path, mmap_mode="r")
        if not isinstance(self._array, np.ndarray):
            raise KitError(f"{path.name} is an npz file. Give it the suffix .npz.")

    @property
    def arrays(self) -> Mapping[str, tuple[tuple[int, ...], str]]:
        return {self._name: (self._array.shape, self._array.dtype.kind)}

    def read(self, name: str, progress: Progress) -> npt.NDArray[Any]:
        return np.asarray(self._array)

    def close(self) -> None:
        pass


class _Npz:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._arrays: dict[str, tuple[tuple[int, ...], str]] = {}
        try:
            with ZipFile(path) as zipped:
                size = sum(one.file_size for one in zipped.infolist())
                for member in zipped.namelist():
                    if member.endswith(".npy"):
                        with zipped.open(member) as file:
                            self._arrays[member[:-4]] = _header(file)
        except (
            BadZipFile,
            OSError,
            ValueError,
            EOFError,
            NotImplementedError,
            zlib.error,
        ) as error:
            raise KitError(_damaged(path, "npz", error)) from error
        if size > _MOST_BYTES:
            raise KitError(
                f"{path.name} unpacks to {size / 2**30:.3g} GiB, more than a worker can hold. "
                "Write the arrays that are needed to .npy, HDF5 or Parquet files."
            )
        self._file = _loaded(path)

    @property
    def arrays(self) -> Mapping[str, tuple[tuple[int, ...], str]]:
        return self._arrays

    def read(self, name: str, progress: Progress) -> npt.NDArray[Any]:
        try:
            return np.asarray(self._file[name])
        except (BadZipFile, OSError, ValueError, EOFError, zlib.error) as error:
            raise KitError(_damaged(self._path, "npz", error)) from error

    def close(self) -> None:
        self._file.close()


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], str]:
    """Shape and kind of an array, without reading the array."""
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(file)
    if version not in read:
        raise ValueError(f"version {version} of the format")
    shape, _, dtype = read[version](file)
    return shape, dtype.kind


class _Hdf5:
    def __init__(self, path: Path) -> None:
        h5py = _installed("h5py", "hdf5", path)
        self._path = path
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise KitError(_damaged(path, "HDF5", error)) from error
        self._arrays: dict[str, tuple[tuple[int, ...], str]] = {}
        self._seen: set[int] = set()
        try:
            self._walk(h5py, self._file, "")
        except BaseException:
            self._file.close()
            raise

    def _walk(self, h5py: Any, group: Any, above: str) -> None:
        # A group can hold itself.
        address = h5py.h5o.get_info(group.id).addr
        if address in self._seen:
            return
        self._seen.add(address)
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise KitError(
                    f"{self._path.name} takes {shown(above + name)} from another file. Write all "
                    "data into one file."
                )
            if isinstance(link, h5py.SoftLink):
                continue  # another name of what is there
            one = group[name]
            if isinstance(one, h5py.Group):
                self._walk(h5py, one, f"{above}{name}/")
            elif isinstance(one, h5py.Dataset):
                if one.is_virtual or one.external:
                    raise KitError(
                        f"{self._path.name} takes {shown(above + name)} from another file. Write "
                        "all data into one file."
                    )
                kind = "U" if h5py.check_string_dtype(one.dtype) else one.dtype.kind
                if one.shape is not None:
                    self._arrays[above + name] = (one.shape, kind)

    @property
    def arrays(self) -> Mapping[str, tuple[tuple[int, ...], str]]:
        return self._arrays

    def read(self, name: str, progress: Progress) -> npt.NDArray[Any]:
        found = self._file[name]
        if found.size * max(found.dtype.itemsize, 1) > _MOST_BYTES:
            raise KitError(
                f"{shown(name)} of {self._path.name} has {found.size:,} values, more than a worker "
                "can hold."
            )
        try:
            if self._arrays[name][1] == "U":
                return np.asarray(found.asstr()[...], dtype=object)
            return np.asarray(found[...])
        except (OSError, UnicodeDecodeError) as error:
            raise KitError(_damaged(self._path, "HDF5", error)) from error

    def close(self) -> None:
        self._file.close()


class _Root:
    """The flat branches of the trees, as ``tree/branch``; of a single tree, ``branch``."""

    def __init__(self, path: Path) -> None:
        uproot = _installed("uproot", "root", path)
        self._path = path
        try:
            self._file = uproot.open(path)
            trees = {
                key.partition(";")[0]: self._file[key]
                for key, kind in self._file.classnames().items()
                if kind in ("TTree", "ROOT::RNTuple")
            }
            self._branches = {
                (branch if len(trees) == 1 else f"{tree}/{branch}"): trees[tree][branch]
                for tree in trees
                for branch in trees[tree].keys()  # noqa: SIM118 - a tree is no dict
            }
            self._arrays = {
                name: ((int(branch.num_entries),), dtype.kind)
                for name, branch in self._branches.items()
                if isinstance(
                    dtype := getattr(branch.interpretation, "numpy_dtype", None), np.dtype
                )
                and dtype.kind in _NUMERIC
            }
        except Exception as error:  # uproot raises whatever a damaged file makes it
            raise KitError(_damaged(path, "ROOT", error)) from error

    @property
    def arrays(self) -> Mapping[str, tuple[tuple[int, ...], str]]:
        return self._arrays

    def read(self, name: str, progress: Progress) -> npt.NDArray[Any]:
        try:
            return np.asarray(self._branches[name].array(library="np"))
        except Exception as error:  # as above
            raise KitError(_damaged(self._path, "ROOT", error)) from error

    def close(self) -> None:
        self._file.close()


#: What is read by the suffix; all else is a table.
_SOURCES: Mapping[str, Any] = {
    ".npy": _Npy,
    ".npz": _Npz,
    ".h5": _Hdf5,
    ".hdf5": _Hdf5,
    ".root": _Root,
}


def _loaded(path: Path, **options: Any) -> Any:
    try:
        return np.load(path, allow_pickle=False, **options)
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise KitError(_damaged(path, path.suffix[1:], error)) from error


def _damaged(path: Path, kind: str, error: Exception) -> str:
    if "allow_pickle" in str(error) or "Python objects" in str(error):
        return (
            f"{path.name} holds pickled Python objects, which could do anything when they are "
            "read. Save arrays of numbers instead, without dtype=object."
        )
    return (
        f"{path.name} cannot be read as {kind}: it is damaged or cut off, or its suffix is wrong "
        f"({str(error)[:200]})."
    )


def _installed(module: str, extra: str, path: Path) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise KitError(
            f"Reading {path.name} needs {module}. Install it with: pip install 'evidesk[{extra}]'"
        ) from None
