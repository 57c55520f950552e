"""Labels as numbers of classes, without sorting them where they are integers already."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.labels import Labels, as_labels, check_same_kind

Counts = npt.NDArray[np.int64]

# Integers within so narrow a range are counted as they are, without sorting them.
_NARROW, _SAFE = 2**16, 2**40
# So many cells fit the processor's cache, and so many cases at a time do.
_FEW_CELLS, _CHUNK = 2**14, 2**15


def counted(truth: Labels, said: Labels) -> tuple[Labels, Counts] | None:
    """Labels and confusion matrix of integers in a narrow range; None for other labels."""
    if truth.dtype.kind not in "iub" or said.dtype.kind not in "iub":
        return None
    # One pass over each tells at once whether all labels lie between 0 and some small number.
    low, span = 0, 1 + (int(np.bitwise_or.reduce(truth)) | int(np.bitwise_or.reduce(said)))
    if span < 1 or span**2 > _FEW_CELLS:
        ends = _ends([truth, said])
        low, span = min(ends), max(ends) - min(ends) + 1
        if span**2 > _FEW_CELLS or max(map(abs, ends)) > _SAFE:
            return None
    cells = np.zeros(span**2, dtype=np.int64)
    for begin in range(0, len(truth), _CHUNK):
        chunk = slice(begin, begin + _CHUNK)
        # Labels below 0 come right in the end: only the sum must lie within the table.
        index = np.multiply(truth[chunk], span, dtype=np.int64, casting="unsafe")
        np.add(index, said[chunk], out=index, casting="unsafe")
        if low:
            index -= low * (span + 1)
        cells += np.bincount(index, minlength=span**2)
    matrix = cells.reshape(span, span)
    present = (np.add.reduce(matrix, axis=0) + np.add.reduce(matrix, axis=1)).nonzero()[0]
    labels = present + low
    kind = bool if truth.dtype.kind == "b" else labels.dtype
    if len(present) < span:
        matrix = matrix.take(present, axis=0).take(present, axis=1)
    return labels.astype(kind), matrix


def _ends(arrays: Sequence[Labels]) -> list[int]:
    """Smallest and largest label of each array."""
    bounds = (np.minimum.reduce, np.maximum.reduce)
    return [int(bound(array)) for array in arrays for bound in bounds]


def coded(arrays: Sequence[Labels]) -> tuple[Labels, list[npt.NDArray[np.intp]]]:
    """All labels in order, and each array by their numbers."""
    if all(array.dtype.kind in "iub" for array in arrays):
        ends = _ends(arrays)
        low, span = min(ends), max(ends) - min(ends) + 1
        if span <= _NARROW and max(map(abs, ends)) <= _SAFE:
            shifted = [(array.astype(np.int64) - low).astype(np.intp) for array in arrays]
            present = np.zeros(span, dtype=bool)
            for codes in shifted:
                present[codes] = True
            found = np.flatnonzero(present)
            number = np.cumsum(present) - 1
            kind = bool if arrays[0].dtype.kind == "b" else np.int64
            return (found + low).astype(kind), [number[codes] for codes in shifted]
    uniques, inverses = zip(
        *(np.unique(array, return_inverse=True) for array in arrays), strict=True
    )
    # As Python's numbers, for which 2**53 + 1 and float(2**53) differ.
    every = sorted({label for unique in uniques for label in unique.tolist()})
    place = {label: i for i, label in enumerate(every)}
    numbers = [np.array([place[label] for label in unique.tolist()]) for unique in uniques]
    return np.array(every), [
        number[inverse] for number, inverse in zip(numbers, inverses, strict=True)
    ]


def listed(labels: npt.ArrayLike, truth: Labels) -> Labels:
    """The classes that the user lists, in that order.

    Raises
    ------
    ValueError : a class is listed twice.
    TypeError : the classes are of another kind than the labels.
    """
    every = as_labels(labels, "labels")
    if len(set(every.tolist())) < len(every):
        raise ValueError("The 'labels' parameter must name each class once.")
    check_same_kind(truth[:1], every[:1], "labels")
    return every


def positions(found: Labels, every: Labels) -> npt.NDArray[np.intp]:
    """Where among the listed classes those that occur are.

    Raises
    ------
    ValueError : a class that occurs is not listed.
    """
    place = {label: i for i, label in enumerate(every.tolist())}
    unknown = [label for label in found.tolist() if label not in place]
    if unknown:
        raise ValueError(
            f"The 'labels' parameter must name every class. {unknown[0]!r} occurs but is not in it."
        )
    return np.array([place[label] for label in found.tolist()], dtype=np.intp)
