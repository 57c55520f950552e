"""Two jets of particles, with a resonance among them: data to learn the search for bumps with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evidesk.generate import extras, jets
from evidesk.generate.detector import measured
from evidesk.generate.features import COLUMNS, features
from evidesk.generate.particles import Floats
from evidesk.generate.pythia import MAX_SEED, CrossSection, Process, Pythia
from evidesk.generate.selection import CutFlow, select

Progress = Callable[[float, str], None]

#: Events that are worked on together: about a second of work, and a few MB.
_BATCH = 250
_LABELS: Mapping[Process, int] = {"background": 0, "signal": 1}


@dataclass(frozen=True)
class Run:
    """How the events of one process were made.

    Attributes
    ----------
    process : background or signal.
    settings : what Pythia was told, with the seed that it had.
    cut_flow : how many events are left after each cut.
    cross_section : before the cuts, in pb, and its standard error.
    """

    process: Process
    settings: tuple[str, ...]
    cut_flow: CutFlow
    cross_section: CrossSection

    def __str__(self) -> str:
        kept = self.cut_flow.constituents
        return f"{self.process}: {kept:,} of {self.cut_flow.generated:,} events are kept"


@dataclass(frozen=True)
class Dijets:
    """Events with two jets.

    Attributes
    ----------
    x : shape (events, 15), float32; the columns ``COLUMNS``, masses and momenta in TeV.
    label : shape (events,), uint8; 0 for background, 1 for signal.
    runs : how they were made, one for each process.
    seed, versions : make the same events again.
    """

    x: npt.NDArray[np.float32] = field(repr=False)
    label: npt.NDArray[np.uint8] = field(repr=False)
    runs: tuple[Run, ...]
    seed: int
    versions: Mapping[str, str]

    def __str__(self) -> str:
        return "\n".join(map(str, self.runs))


def generate_dijets(
    background: int = 20_000,
    signal: int = 100,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Dijets:
    """Generate proton-proton collisions at 13 TeV in which two jets are seen.

    Background are all processes of QCD. Signal is a resonance of 3.5 TeV that decays to one of
    500 GeV and one of 100 GeV, each to two quarks, so that the mass of the two jets has a bump at
    3.5 TeV, and the jets have masses and a substructure of their own.

    About 38 % of the background and 86 % of the signal pass the cuts
    (:class:`~evidesk.generate.CutFlow`). The rows are shuffled.

    Parameters
    ----------
    background, signal : how many events to generate before the cuts; not both zero. By default
        the signal hides: between 3.3 and 3.7 TeV it is less than two standard deviations of the
        background.
    seed : zero or larger; the same one gives the same events.
    progress : told the share that is done, and what is next; may raise to end the work.

    Raises
    ------
    ValueError : a number is negative or not whole, or there is nothing to generate.
    MissingExtra : Pythia or FastJet is not installed.
    """
    wanted: dict[Process, int] = {
        "background": _whole("background", background),
        "signal": _whole("signal", signal),
    }
    seed, total = _whole("seed", seed), sum(wanted.values())
    if total == 0:
        raise ValueError("there is nothing to generate: background and signal are both zero")
    runs, parts, labels, done = [], [], [], 0
    # Each process has its own randomness: more background leaves the signal as it is.
    *own, last = np.random.SeedSequence(seed).spawn(len(wanted) + 1)
    for (process, number), randomness in zip(wanted.items(), own, strict=True):
        if number == 0:
            continue
        run, columns = _run(process, number, randomness, _teller(progress, process, done, total))
        runs.append(run)
        parts.append(columns.astype(np.float32))
        labels.append(np.full(len(columns), _LABELS[process], dtype=np.uint8))
        done += number
    x, label = np.concatenate(parts), np.concatenate(labels)
    order = np.random.default_rng(last).permutation(len(x))
    return Dijets(x[order], label[order], tuple(runs), seed, extras.versions())


def _run(
    process: Process, number: int, randomness: np.random.SeedSequence, tell: Callable[[int], None]
) -> tuple[Run, Floats]:
    """All events of one process, and their columns; ``tell`` hears how many are done."""
    for_pythia, for_detector = randomness.spawn(2)
    pythia = Pythia(process, 1 + int(for_pythia.generate_state(1)[0]) % MAX_SEED)
    rng = np.random.default_rng(for_detector)
    flow, rows = CutFlow(), [np.empty((0, len(COLUMNS)))]
    tell(0)
    while flow.generated < number:
        particles = pythia.events(min(_BATCH, number - flow.generated))
        pairs = jets.leading_pairs(measured(particles, rng))
        kept, passed = select(pairs, len(particles.counts))
        rows.append(features(kept, jets.subjets))
        flow += passed
        tell(flow.generated)
    return Run(process, pythia.settings, flow, pythia.cross_section), np.concatenate(rows)


def _teller(
    progress: Progress | None, process: Process, before: int, total: int
) -> Callable[[int], None]:
    """Passes on how many events of the process are made, as a share of all."""

    def tell(made: int) -> None:
        if progress is not None:
            progress((before + made) / total, f"{process} events")

    return tell


def _whole(name: str, value: int) -> int:
    if not isinstance(value, int | np.integer) or value < 0:
        raise ValueError(f"{name} must be a whole number, zero or larger; got {value!r}")
    return int(value)
