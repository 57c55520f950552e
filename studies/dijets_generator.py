"""Does the generator make the events that it should, and at what cost?

The reference is a file that another program made, from the same description: the arrays ``x``,
``label``, ``columns``, and ``meta``, a JSON list of its runs with their cut flows. The extra
``pythia`` is needed. ``python -m studies.dijets_generator REFERENCE.npz`` writes
``docs/tables/dijets_generator.md``, and fails if anything differs by more than chance.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from studies.fold_coverage import table

from evidesk.generate import COLUMNS, generate_dijets
from evidesk.generate.dijets import Run

Numbers = npt.NDArray[np.floating[Any]]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
EVENTS = {"background": 40_000, "signal": 6_000}
LABELS = {"background": 0, "signal": 1}
SEED = 1
#: Of 42 differences, one is larger by chance in one study of fifty.
LARGEST_Z = 3.5
#: Each cut, and what it is called in the reference.
CUTS = {"two_jets": "two_jets", "leading_pt": "pt", "central": "eta", "mass_window": "mjj"}


class Compared(NamedTuple):
    """A quantity here and in the reference, standard errors, and their difference in these."""

    name: str
    here: tuple[float, float]
    reference: tuple[float, float]
    z: float

    def row(self, process: str) -> list[str]:
        """As cells of a table."""
        digits = 4 if self.here[1] == 0 else max(0, 1 - int(np.floor(np.log10(self.here[1]))))
        cells = (f"{value:.{digits}f} ± {error:.{digits}f}" for value, error in self[1:3])
        return [self.name, process, *cells, f"{self.z:+.2f}"]


def of_shares(name: str, here: tuple[int, int], reference: tuple[int, int]) -> Compared:
    """Two binomial shares in %, each given as those that passed and all."""
    (k, n), (j, m) = here, reference
    pooled = (k + j) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    z = float((k / n - j / m) / error) if error else 0.0
    one, other = (
        (100 * p, 100 * float(np.sqrt(p * (1 - p) / size))) for p, size in ((k / n, n), (j / m, m))
    )
    return Compared(name, one, other, z)


def of_values(name: str, here: tuple[float, float], reference: tuple[float, float]) -> Compared:
    """Two values with standard errors."""
    z = (here[0] - reference[0]) / np.hypot(here[1], reference[1])
    return Compared(name, here, reference, float(z))


def of_means(name: str, here: Numbers, reference: Numbers) -> Compared:
    """The means of two samples."""
    one, other = (
        (float(x.mean()), float(x.std(ddof=1)) / len(x) ** 0.5) for x in (here, reference)
    )
    return of_values(name, one, other)


def cut_flow(run: Run, reference: list[dict[str, Any]]) -> list[Compared]:
    """Each cut's share of what passed the one before, so that the shares are independent."""
    ours = [run.cut_flow.generated, *(getattr(run.cut_flow, cut) for cut in CUTS)]
    theirs = [
        sum(one["n_generated"] for one in reference),
        *(sum(one["cutflow"][cut] for one in reference) for cut in CUTS.values()),
    ]
    ours.append(run.cut_flow.constituents)
    theirs.append(sum(one["n_selected"] for one in reference))
    names = [f"% {cut}" for cut in (*CUTS, "constituents")]
    return [
        of_shares(name, (ours[i + 1], ours[i]), (theirs[i + 1], theirs[i]))
        for i, name in enumerate(names)
    ]


def cross_section(run: Run, reference: list[dict[str, Any]]) -> Compared:
    """In pb; the reference's is that of its largest run."""
    largest = max(reference, key=lambda one: int(one["n_generated"]))
    theirs = (1e9 * largest["sigma_mb"], 1e9 * largest["sigma_err_mb"])
    return of_values("cross section / pb", run.cross_section, theirs)


def main(arguments: list[str]) -> None:
    """Write the table."""
    if len(arguments) != 1:
        sys.stdout.write("Nothing is compared: give the reference's file.\n")
        return
    with np.load(arguments[0]) as file:
        x, label, columns = file["x"].astype(float), file["label"], file["columns"]
        runs = json.loads(str(file["meta"]))
    assert tuple(columns) == COLUMNS
    rows, worst, costs = [], 0.0, []
    for process, events in EVENTS.items():
        start = time.process_time()
        made = generate_dijets(**{"background": 0, "signal": 0, process: events}, seed=SEED)
        costs.append(f"{1e3 * (time.process_time() - start) / events:.1f} ms for {process}")
        theirs = [run for run in runs if (run["mode"] == "sig") == (process == "signal")]
        there = x[label == LABELS[process]]
        compared = [
            cross_section(made.runs[0], theirs),
            *cut_flow(made.runs[0], theirs),
            *(
                of_means(name, made.x[:, i].astype(float), there[:, i])
                for i, name in enumerate(COLUMNS)
            ),
        ]
        rows += [one.row(process) for one in compared]
        worst = max(worst, *(abs(one.z) for one in compared))
    text = table(
        ["quantity", "events", "here", "reference", "z"],
        rows,
        "Cuts: % of the events that passed the one before; columns: means of the events kept. "
        f"{EVENTS['background']:,} background and {EVENTS['signal']:,} signal events were "
        f"generated (seed {SEED}); the reference is of {len(x):,} kept events of another program. "
        f"z: difference in standard errors; {len(rows)} of them, the largest {worst:.2f}. "
        f"CPU time of one thread per generated event: {', '.join(costs)}.",
    )
    (TABLES / "dijets_generator.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    if worst > LARGEST_Z:
        raise SystemExit("The generator differs from its reference.")


if __name__ == "__main__":
    main(sys.argv[1:])
