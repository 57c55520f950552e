"""Data to learn with, generated from physics: two jets of particles at the LHC, and a resonance.

It needs the extra ``pythia`` (Pythia 8.3 and FastJet, both under the GNU GPL).
"""

from evidesk.generate.dijets import Dijets, Run, generate_dijets
from evidesk.generate.extras import MissingExtra
from evidesk.generate.features import COLUMNS
from evidesk.generate.selection import CutFlow

__all__ = ["COLUMNS", "CutFlow", "Dijets", "MissingExtra", "Run", "generate_dijets"]
