"""Tables for the kits' tests, and what stands in their evidence."""

import csv


def write(path, **columns):
    """The columns as a CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def rows(evidence, name):
    """The rows of a table of the evidence, as dictionaries."""
    (found,) = (table for table in evidence.tables if table.name == name)
    return [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]
