"""Events from Pythia 8.3 (arXiv:2203.11601), the version that the extra ``pythia`` pins.

Proton-proton collisions at 13 TeV with the default tune, without multiparton interactions and
pile-up.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from evidesk.generate import extras
from evidesk.generate.particles import CHARGED, ELECTROMAGNETIC, NEUTRAL, Particles

Process = Literal["background", "signal"]

_COLLISIONS = (
    "Beams:eCM = 13000.",
    "PartonLevel:MPI = off",
    "Print:quiet = on",
    "Random:setSeed = on",
)
#: Background: all of QCD, at a scale from which two jets above 2.8 TeV can come. Signal: a
#: resonance of 3.5 TeV that decays to one of 500 GeV and one of 100 GeV, each to two quarks. The
#: W' and its W and Z stand in for these, as their decays are those wanted.
PROCESSES: Mapping[Process, tuple[str, ...]] = {
    "background": (
        "HardQCD:all = on",
        "PhaseSpace:pTHatMin = 1000.",
        "PhaseSpace:mHatMin = 2500.",
    ),
    "signal": (
        "NewGaugeBoson:ffbar2Wprime = on",
        "Wprime:coup2WZ = 1.",
        "34:m0 = 3500.",
        "34:doForceWidth = on",
        "34:mWidth = 35.",
        "34:mMin = 3000.",
        "34:mMax = 4000.",
        "34:onMode = off",
        "34:onIfAll = 24 23",
        "24:m0 = 500.",
        "24:doForceWidth = on",
        "24:mWidth = 5.",
        "24:mMin = 450.",
        "24:mMax = 550.",
        "24:onMode = off",
        "24:onIfAny = 1 2 3 4",
        "23:m0 = 100.",
        "23:doForceWidth = on",
        "23:mWidth = 1.",
        "23:mMin = 80.",
        "23:mMax = 120.",
        "23:onMode = off",
        "23:onIfAny = 1 2 3 4",
    ),
}
#: Pythia's largest.
MAX_SEED = 900_000_000
_MB_IN_PB = 1e9
_UNSEEN = -1
_PHOTON, _ELECTRON = 22, 11


class CrossSection(NamedTuple):
    """Before all cuts on jets, in pb, with its standard error."""

    value: float
    error: float


class Pythia:
    """A source of events.

    Parameters
    ----------
    process : which events.
    seed : 1 to 900,000,000.

    Attributes
    ----------
    settings : what Pythia was told.

    Raises
    ------
    MissingExtra : Pythia is not installed.
    RuntimeError : it refuses its settings; another version than the one pinned may.
    """

    def __init__(self, process: Process, seed: int) -> None:
        module = extras.load("pythia8mc")
        self.settings = (*_COLLISIONS, f"Random:seed = {seed}", *PROCESSES[process])
        self._pythia = module.Pythia("", False)
        taken = [self._pythia.readString(one) for one in self.settings]
        if not (all(taken) and self._pythia.init()):
            raise RuntimeError(f"Pythia refuses its settings for {process} events.")

    def events(self, number: int) -> Particles:
        """The visible particles of so many new events.

        Raises
        ------
        RuntimeError : Pythia makes no more.
        """
        ak = extras.load("awkward")
        found = self._pythia.nextBatch(number).prt
        if len(found) == 0:
            raise RuntimeError("Pythia makes no more events.")
        particles = found[found.status > 0]
        momenta = ak.flatten(particles.p)
        ids, which = np.unique(ak.to_numpy(ak.flatten(particles.id)), return_inverse=True)
        kinds = np.array([self._kind(int(one)) for one in ids])[which]
        return Particles(
            ak.to_numpy(ak.num(particles)),
            np.stack([ak.to_numpy(momenta[axis]) for axis in ("px", "py", "pz", "e")], axis=-1),
            kinds,
        ).take(kinds != _UNSEEN)

    @property
    def cross_section(self) -> CrossSection:
        """As estimated from the events so far."""
        info = self._pythia.infoPython()
        return CrossSection(_MB_IN_PB * info.sigmaGen(), _MB_IN_PB * info.sigmaErr())

    def _kind(self, identity: int) -> int:
        """What the detector takes a particle for; the number is the Particle Data Group's."""
        data = self._pythia.particleData
        if not data.isVisible(identity):
            return _UNSEEN
        if abs(identity) in (_PHOTON, _ELECTRON):
            return ELECTROMAGNETIC
        return CHARGED if data.chargeType(identity) else NEUTRAL
