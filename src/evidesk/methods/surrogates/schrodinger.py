"""A quantum mechanical toy with everything that a surrogate of electronic structure has to do.

One-dimensional non-interacting electrons in a periodic box with Gaussian wells (the atoms), exact
eigenstates on a grid, and from these the *local density of states*, which a network predicts at
each point of the grid from the atoms around it. Post-processing then goes on to the density of
states, the Fermi energy and the band energy, and is differentiable (PyTorch). That is the workflow
of Ellis et al., "Accelerating finite-temperature Kohn-Sham density functional theory with deep
neural networks", Physical Review B 104 (2021) 035120, section II, in one dimension.

Units: lengths and energies are dimensionless, with hbar = m = 1.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import linalg

from evidesk.methods.metrics.resampling import RandomState, generator

if TYPE_CHECKING:
    from torch import Tensor

Floats = npt.NDArray[np.float64]

#: Distance of atoms at rest, and of points of the grid.
SPACING, STEP = 2.0, 0.25
#: Depth and width of a well.
DEPTH, WIDTH = 2.0, 0.45
#: Standard deviation of an atom's place at temperature 1.
DISPLACEMENT = 0.12
#: Electrons of an atom; a state holds two, so that half of the lowest band is filled.
ELECTRONS = 1
#: Width of the broadened states, and temperature of the electrons.
BROADENING, SMEARING = 0.3, 0.1
#: The energies of the local density of states.
ENERGIES: Floats = np.linspace(-3.0, 5.0, 33)
#: Distances and widths of the Gaussian shells that describe the surroundings of a point.
_SHELLS = np.arange(0.0, 5.1, 0.5)
_SHELL_WIDTH = 0.5


@dataclass(frozen=True)
class System:
    """Atoms in a periodic box.

    Attributes
    ----------
    positions : shape (atoms,).
    length : of the box.
    X : shape (points, features); the surroundings of each point of the grid.
    ldos : shape (points, energies); states per energy and length.
    """

    positions: Floats
    length: float
    X: Floats
    ldos: Floats

    @property
    def electrons(self) -> float:
        """How many there are."""
        return float(ELECTRONS * len(self.positions))


def system(temperature: float = 1.0, atoms: int = 16, random_state: RandomState = None) -> System:
    """Atoms displaced at random from where they rest, and their exact electrons.

    Parameters
    ----------
    temperature : the variance of displacements is proportional to it.
    atoms : how many; sixteen of them fill 128 points.
    """
    rng = generator(random_state)
    length = SPACING * atoms
    displacements = DISPLACEMENT * math.sqrt(temperature) * rng.standard_normal(atoms)
    positions = (SPACING * np.arange(atoms) + displacements) % length
    grid = np.arange(round(length / STEP)) * STEP
    distance = _periodic(grid[:, None] - positions, length)
    potential = -DEPTH * np.exp(-(distance**2) / (2 * WIDTH**2)).sum(axis=1)
    energies, states = _eigenstates(potential)
    # Normalised: the sum over the grid of |state|**2 STEP is 1.
    density = states**2 / STEP
    levels = np.exp(-((ENERGIES - energies[:, None]) ** 2) / (2 * BROADENING**2)) / (
        BROADENING * math.sqrt(2 * math.pi)
    )
    return System(positions, length, surroundings(positions, length), density @ levels)


def _periodic(distance: Floats, length: float) -> Floats:
    return np.asarray((distance + length / 2) % length - length / 2)


def _eigenstates(potential: Floats) -> tuple[Floats, Floats]:
    """Energies up to those of no weight, and states; the kinetic energy is exact on the grid."""
    points = len(potential)
    momenta = 2 * math.pi * np.fft.fftfreq(points, STEP)
    # The kinetic energy in space: each column is that of one point.
    kinetic = np.fft.ifft(np.fft.fft(np.eye(points), axis=0) * (momenta**2 / 2)[:, None], axis=0)
    top = ENERGIES[-1] + 5 * BROADENING
    found: tuple[Floats, Floats] = linalg.eigh(
        kinetic.real + np.diag(potential), subset_by_value=(-np.inf, top)
    )
    return found


def surroundings(positions: Floats, length: float) -> Floats:
    """How many atoms are about so far from each point, to the left and to the right.

    Shape (points, features); even combinations, and squares of odd ones, so that a mirror image
    has the same.
    """
    grid = np.arange(round(length / STEP)) * STEP
    distance = _periodic(grid[:, None] - positions, length)[:, :, None]
    right = np.exp(-((distance - _SHELLS) ** 2) / (2 * _SHELL_WIDTH**2)).sum(axis=1)
    left = np.exp(-((distance + _SHELLS) ** 2) / (2 * _SHELL_WIDTH**2)).sum(axis=1)
    return np.hstack([right + left, (right[:, 1:] - left[:, 1:]) ** 2])


# Post-processing, differentiable


def density_of_states(ldos: "Tensor") -> "Tensor":
    """States per energy, shape (..., energies), of shape (..., points, energies)."""
    return ldos.sum(-2) * STEP


def fermi_energy(dos: "Tensor", electrons: float) -> "Tensor":
    """The energy at which the states hold all electrons, shape (...).

    By bisection, and one step of Newton's method, through which gradients go.
    """
    import torch

    low = torch.full_like(dos[..., 0], float(ENERGIES[0]) - 1)
    high = torch.full_like(low, float(ENERGIES[-1]) + 1)
    with torch.no_grad():
        for _ in range(50):
            middle = (low + high) / 2
            enough = _count(dos, middle) > electrons
            low, high = torch.where(enough, low, middle), torch.where(enough, middle, high)
    found = (low + high) / 2
    occupied = _occupation(dos, found)
    slope = _integral(dos.detach() * (occupied * (1 - occupied)).detach() * 2 / SMEARING)
    return found - (_count(dos, found) - electrons) / slope


def band_energy(ldos: "Tensor", electrons: float) -> "Tensor":
    """Sum of the occupied states' energies, shape (...), of shape (..., points, energies)."""
    dos = density_of_states(ldos)
    energies = dos.new_tensor(ENERGIES)
    occupied = _occupation(dos, fermi_energy(dos, electrons))
    return _integral(2 * occupied * energies * dos)


def _occupation(dos: "Tensor", fermi: "Tensor") -> "Tensor":
    energies = dos.new_tensor(ENERGIES)
    return ((fermi[..., None] - energies) / SMEARING).sigmoid()


def _count(dos: "Tensor", fermi: "Tensor") -> "Tensor":
    return _integral(2 * _occupation(dos, fermi) * dos)


def _integral(values: "Tensor") -> "Tensor":
    """Over the energies, by the trapezoidal rule."""
    step = float(ENERGIES[1] - ENERGIES[0])
    return (values.sum(-1) - (values[..., 0] + values[..., -1]) / 2) * step
