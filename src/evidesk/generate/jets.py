"""Jets, found by FastJet: the two leading ones of each event, and the subjets within a jet.

Jets: anti-kt (arXiv:0802.1189) with R = 1. Subjets: exclusive kt (hep-ph/9305266) without a beam,
so that all constituents of the jet stay in it. FastJet: arXiv:1111.6097.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from evidesk.generate import extras
from evidesk.generate.particles import Floats, Integers, Particles
from evidesk.generate.selection import MIN_JET_PT, Pairs

RADIUS = 1.0


def leading_pairs(particles: Particles) -> Pairs:
    """The two jets of largest transverse momentum, of each event that has two above 200 GeV.

    Raises
    ------
    MissingExtra : FastJet is not installed.
    """
    ak, fastjet = extras.load("awkward"), _fastjet()
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
    found = fastjet.ClusterSequence(_ragged(particles.momenta, particles.counts), definition)
    jets = found.inclusive_jets(min_pt=MIN_JET_PT)
    two = ak.num(jets) >= 2
    leading = ak.argsort(jets.px**2 + jets.py**2, ascending=False)[two, :2]
    constituents = found.constituents(min_pt=MIN_JET_PT)[two][leading]
    return Pairs(
        _flat(ak.flatten(jets[two][leading])).reshape(-1, 2, 4),
        ak.to_numpy(ak.num(constituents, axis=2)).reshape(-1, 2),
        _flat(ak.flatten(ak.flatten(constituents))),
    )


def subjets(constituents: Floats, sizes: Integers, number: int) -> Floats:
    """The subjets of each jet, found by undoing the last steps of kt clustering.

    Parameters
    ----------
    constituents : shape (constituents, 4), one jet after the other, in GeV.
    sizes : shape (jets,); how many each jet has, at least ``number``.
    number : of subjets.

    Returns
    -------
    shape (jets, number, 4), in GeV.

    Raises
    ------
    MissingExtra : FastJet is not installed.
    """
    fastjet = _fastjet()
    no_beam = fastjet.JetDefinition(fastjet.kt_algorithm, fastjet.JetDefinition.max_allowable_R)
    found = fastjet.ClusterSequence(_ragged(constituents, sizes), no_beam)
    with _without_warning():
        exclusive = found.exclusive_jets(n_jets=number)
    return _flat(extras.load("awkward").flatten(exclusive)).reshape(-1, number, 4)


def _fastjet() -> Any:
    """FastJet without its banner, which would be in the way of a program that reads our output."""
    fastjet = extras.load("fastjet")
    extras.load("fastjet._swig").ClusterSequence.set_fastjet_banner_stream(None)
    return fastjet


@contextmanager
def _without_warning() -> Iterator[None]:
    """FastJet's Python layer warns of exclusive jets that are not of kt, also where they are, and
    leaves its own way to print warnings behind.
    """
    before = warnings.formatwarning
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "dcut and exclusive jets")
            yield
    finally:
        warnings.formatwarning = before


def _ragged(momenta: Floats, counts: Integers) -> Any:
    ak = extras.load("awkward")
    named = dict(zip(("px", "py", "pz", "E"), momenta.T, strict=True))
    return ak.unflatten(ak.zip(named, with_name="Momentum4D"), counts)


def _flat(momenta: Any) -> Floats:
    ak = extras.load("awkward")
    return np.stack([ak.to_numpy(momenta[axis]) for axis in ("px", "py", "pz", "E")], axis=-1)
