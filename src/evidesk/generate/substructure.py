"""N-subjettiness: how well N axes describe a jet."""

import numpy as np

from evidesk.generate.particles import Floats, Integers, azimuth, rapidity, transverse


def subjettiness(constituents: Floats, sizes: Integers, axes: Floats) -> Floats:
    """N-subjettiness with beta = 1, per unit of transverse momentum.

    ``tau_N = sum_i pt_i min_k dR_ik / sum_i pt_i``, with dR in rapidity and azimuth (Thaler and
    Van Tilburg, arXiv:1011.2268, equation 2.1, with R_0 = 1). The axes are as given, not moved to
    where tau_N is smallest.

    Parameters
    ----------
    constituents : shape (constituents, 4), one jet after the other, in GeV.
    sizes : shape (jets,); how many constituents each jet has, at least one.
    axes : shape (jets, N, 4), in GeV; N = 1: the jet itself.

    Returns
    -------
    shape (jets,).
    """
    jet = np.repeat(np.arange(len(sizes)), sizes)
    pt = transverse(constituents)
    across = rapidity(constituents)[:, np.newaxis] - rapidity(axes)[jet]
    around = azimuth(constituents)[:, np.newaxis] - azimuth(axes)[jet]
    around = (around + np.pi) % (2 * np.pi) - np.pi
    nearest = np.hypot(across, around).min(axis=1)
    return np.bincount(jet, pt * nearest, len(sizes)) / np.bincount(jet, pt, len(sizes))
