"""Is the uncertainty of a band energy right, if a network predicts the local density of states?

The toy of evidesk.methods.surrogates.schrodinger: networks learn the local density of states at
temperatures around 1, and are asked for the band energy of new systems, of hotter ones, and of
systems three times as large. New systems and new networks in each repetition. Run as
``python studies/surrogate_schrodinger.py``; it writes docs/tables/surrogate_schrodinger.md.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from studies.fold_coverage import table

from evidesk.methods.surrogates import Ensemble, LastLayer, Network, Surrogate
from evidesk.methods.surrogates.schrodinger import System, band_energy, system

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
LEVEL, SAMPLES = 0.9, 100
COLD, HOT = (0.5, 1.5), (1.5, 2.0)
#: Name: how many systems, of which temperatures, of how many atoms.
KINDS = {
    "train": (100, COLD, 16),
    "calibration": (60, COLD, 16),
    "in domain": (100, COLD, 16),
    "hotter": (100, HOT, 16),
    "3 times as large": (30, COLD, 48),
}
TESTS = tuple(KINDS)[2:]
WAYS = ("independent errors", "propagated", "propagated, calibrated")


def drawn(kind: str, rng: np.random.Generator) -> list[System]:
    """Systems of one kind."""
    count, (low, high), atoms = KINDS[kind]
    return [system(rng.uniform(low, high), atoms, rng) for _ in range(count)]


def energy_of(one: System) -> Callable[[torch.Tensor], torch.Tensor]:
    """The post-processing of one system."""
    return lambda ldos: band_energy(ldos, one.electrons)


def truth(systems: list[System]) -> Floats:
    """Band energies, shape (systems,)."""
    return np.array([float(energy_of(one)(torch.from_numpy(one.ldos))) for one in systems])


def rows_of(systems: list[System], name: str) -> tuple[Floats, Floats, npt.NDArray[np.str_]]:
    """All points of all systems: inputs, outputs, and the system's name."""
    groups = np.repeat([f"{name} {i}" for i in range(len(systems))], [len(s.X) for s in systems])
    return np.vstack([s.X for s in systems]), np.vstack([s.ldos for s in systems]), groups


def independent(head: Surrogate, systems: list[System], rng: np.random.Generator) -> Floats:
    """Half-widths if each value had an error of its own: draws with its standard deviation."""
    found = []
    for one in systems:
        mean, std = head.predict(one.X, return_std=True)
        errors = std * rng.standard_normal((SAMPLES, *mean.shape))
        found.append(float(energy_of(one)(torch.from_numpy(mean + errors)).std()))
    return 1.645 * np.array(found)


def heads(seed: int, members: int) -> dict[str, Surrogate]:
    """One network, and an ensemble."""
    network = Network((64, 64), epochs=60, batch_size=128, device="cpu", random_state=seed)
    return {
        "`LastLayer`, 1 network": LastLayer(network),
        f"`Ensemble` of {members}": Ensemble(network, members, random_state=seed),
    }


def run(seed: int, members: int = 10) -> dict[tuple[str, str, str], float]:
    """By head, way and kind of systems: coverage; and the error of the energy as way "rms"."""
    rng = np.random.default_rng([20, seed])
    systems = {kind: drawn(kind, rng) for kind in KINDS}
    energies = {kind: truth(one) for kind, one in systems.items()}
    found = {}
    for name, head in heads(seed, members).items():
        head.fit(*rows_of(systems["train"], "train"))
        head.calibrate(*rows_of(systems["calibration"], "calibration"))
        known = systems["calibration"]
        scale = head.calibrate_derived(
            [energy_of(one) for one in known], [one.X for one in known], energies["calibration"],
            samples=SAMPLES, vectorised=True, backend="torch", random_state=seed,
        )  # fmt: skip
        for kind in TESTS:
            asked, true = systems[kind], energies[kind]
            plain = head.propagate(
                [energy_of(one) for one in asked], [one.X for one in asked], level=LEVEL,
                samples=SAMPLES, vectorised=True, backend="torch", refuse=False,
                random_state=seed,
            )  # fmt: skip
            error = np.abs(plain.value[:, 0] - true)
            halves = (
                independent(head, asked, rng),
                plain.half_width[:, 0],
                # What `propagate(..., scale=scale)` gives, from the same draws.
                scale.half_width(plain.std, LEVEL)[:, 0],
            )
            for way, half in zip(WAYS, halves, strict=True):
                found[name, way, kind] = float(np.mean(error <= half))
            found[name, "rms", kind] = float(np.sqrt(np.mean(error**2)))
            outside = [head.ood_score(one.X).mean() > scale.threshold for one in asked]
            found[name, "refused", kind] = float(np.mean(outside))
    return found


def band_energy_table(runs: list[dict[tuple[str, str, str], float]]) -> str:
    """Coverage by head, way and kind."""
    rows = []
    for name, way in dict.fromkeys((name, way) for name, way, _ in runs[0]):
        cells = [name, {"rms": "error (1e-3)", "refused": "refused (%)"}.get(way, way)]
        factor = 1000 if way == "rms" else 100
        for kind in TESTS:
            values = factor * np.array([one[name, way, kind] for one in runs])
            error = values.std(ddof=1) / np.sqrt(len(values))
            cells.append(f"{values.mean():.1f} ± {error:.1f}")
        rows.append(cells)
    return table(
        ["head", "band energy", *TESTS],
        rows,
        f"Coverage in % at nominal 90 %, means of {len(runs)} repetitions with new systems and "
        "new networks, ± their standard error. Independent errors: the calibrated standard "
        "deviation of each value of the local density of states, drawn anew for each. Calibrated: "
        "as many spreads as the errors of 60 known band energies say. The root mean square error "
        "of the energy is in thousandths of the toy's unit. Refused: share of systems about which "
        "the head says "
        "nothing, unless it is told to. Trained at temperatures of 0.5 to 1.5; hotter: 1.5 to 2.",
    )


def main() -> None:
    """Write the table."""
    torch.set_num_threads(1)
    text = band_energy_table([run(seed) for seed in range(16)])
    (TABLES / "surrogate_schrodinger.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
