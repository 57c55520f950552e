"""What is wrong with columns of labels, in words of the user's file."""

from collections.abc import Mapping, Sequence

from evidesk.kits.kit import KitError, Progress
from evidesk.kits.table import TableFile
from evidesk.kits.values import KINDS


def check_roles(truth: str, predictions: Sequence[str], **others: str | None) -> None:
    """Raise KitError if a column has two roles; ``others`` are columns by their role."""
    twice = [name for name in predictions if predictions.count(name) > 1]
    if twice:
        raise KitError(f"The prediction column {twice[0]!r} is named twice. Name it once.")
    if truth in predictions:
        raise KitError(
            f"The column {truth!r} is named as the truth and as a prediction: it would be right "
            "every time. Name it as the truth only."
        )
    for role, name in others.items():
        if name in (truth, *predictions):
            raise KitError(
                f"The column {name!r} is named as the {role} and as labels. Name it once."
            )


def check_several(number: int, role: str, name: str) -> None:
    """Raise KitError if the column ``name`` that is to tell cases apart does not."""
    if number < 2:
        raise KitError(
            f"The {role} column {name!r} has one value only: at least two {role}s are needed. "
            f"Name another column, or leave the {role} out."
        )


def check_missing(
    table: TableFile, columns: Sequence[str], totals: Mapping[str, int], progress: Progress
) -> None:
    """Raise KitError if values are missing: ``totals`` has "n" and "missing0", "missing1", ..."""
    found = [
        f"{totals[f'missing{i}']:,} of {totals['n']:,} rows in column {name!r} (first in row "
        f"{table.first_row_without(name, progress)})"
        for i, name in enumerate(columns)
        if totals[f"missing{i}"]
    ]
    if found:
        raise KitError(
            f"{table.path.name} has no value for {'; '.join(found)}. Rows are counted from 1 "
            "without the header. Remove these rows, or give 'no answer' a label of its own."
        )


def check_kinds(table: TableFile, labels: Sequence[str], totals: Mapping[str, int]) -> None:
    """Raise KitError if labels cannot be compared with the truth, the first of ``labels``.

    ``totals`` holds for each column, by its number ``i``, how many of its labels are of the kind
    ``k`` ("kind{i}_{k}"), are numbers with decimals ("broken{i}"), are the true one ("right{i}").
    """
    kinds = []
    for i, name in enumerate(labels):
        present = [kind for k, kind in enumerate(KINDS) if totals[f"kind{i}_{k}"]]
        if "other values" in present:
            raise KitError(
                f"The column {name!r} of {table.path.name} holds lists or other values that are no "
                "labels. Labels are text, numbers or true/false."
            )
        if len(present) > 1 and table.states_type(name):
            raise KitError(
                f"The column {name!r} of {table.path.name} mixes {' and '.join(present)}. "
                "Write all its labels in the same way."
            )
        # A file of text states no types: a column of it that is not all alike is text.
        kinds.append(present[0] if len(present) == 1 else "text")
    for i, name in enumerate(labels[1:], start=1):
        # In a file of text, 1, 2, x are the same labels as 1, 2 if they agree anywhere.
        if kinds[i] != kinds[0] and (table.states_type(name) or not totals[f"right{i}"]):
            raise KitError(
                f"The column {name!r} holds {kinds[i]}, but the truth {labels[0]!r} holds "
                f"{kinds[0]}: such labels are never equal. Write both in the same way."
            )
        if totals[f"broken{i}"] and not totals["broken0"] and kinds[0] == kinds[i] == "numbers":
            raise KitError(
                f"The column {name!r} holds numbers with decimals, but the truth {labels[0]!r} "
                "holds whole numbers: they look like scores. Turn them into labels first."
            )
