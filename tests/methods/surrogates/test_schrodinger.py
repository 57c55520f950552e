"""Electrons in a box with wells."""

import numpy as np
import pytest
import torch

from evidesk.methods.surrogates import LastLayer, Network
from evidesk.methods.surrogates import schrodinger as toy


def test_eigenstates_are_those_of_free_electrons_without_wells():
    energies, states = toy._eigenstates(np.zeros(64))
    momenta = 2 * np.pi * np.fft.fftfreq(64, toy.STEP)
    expected = np.sort(momenta**2 / 2)[: len(energies)]
    np.testing.assert_allclose(energies, expected, atol=1e-9)
    np.testing.assert_allclose(states.T @ states, np.eye(len(energies)), atol=1e-9)


def test_the_harmonic_oscillator():
    place = (np.arange(64) - 32) * toy.STEP
    energies, _ = toy._eigenstates(place**2 / 2)
    np.testing.assert_allclose(energies[:4], [0.5, 1.5, 2.5, 3.5], atol=1e-6)


def test_the_density_of_states_counts_states():
    one = toy.system(random_state=0)
    dos = toy.density_of_states(torch.from_numpy(one.ldos)).numpy()
    assert one.X.shape == (128, 21)
    assert one.ldos.shape == (128, 33)
    # Two electrons in a state: the 16 of them fill 8, half of the lowest band.
    fermi = toy.fermi_energy(torch.from_numpy(dos), one.electrons)
    occupied = 1 / (1 + np.exp((toy.ENERGIES - float(fermi)) / toy.SMEARING))
    assert np.trapezoid(2 * occupied * dos, toy.ENERGIES) == pytest.approx(16)
    assert -1.5 < float(fermi) < 0.5
    free = np.full((128, 33), toy.system(0.0, random_state=0).ldos.mean(axis=0))
    assert np.trapezoid(toy.STEP * free.sum(axis=0), toy.ENERGIES) == pytest.approx(32, abs=6)


def test_only_the_surroundings_matter():
    one = toy.system(random_state=1)
    moved = toy.surroundings((one.positions + 3 * toy.STEP) % one.length, one.length)
    np.testing.assert_allclose(np.roll(one.X, 3, axis=0), moved, atol=1e-9)
    mirrored = toy.surroundings(-one.positions % one.length, one.length)
    np.testing.assert_allclose(np.roll(one.X[::-1], 1, axis=0), mirrored, atol=1e-9)


def test_post_processing_can_be_differentiated():
    one = toy.system(random_state=2)
    ldos = torch.from_numpy(one.ldos).requires_grad_(True)
    energy = toy.band_energy(ldos, one.electrons)
    energy.backward()
    direction = torch.from_numpy(np.random.default_rng(0).random(one.ldos.shape) * one.ldos)
    step = 1e-4
    with torch.no_grad():
        up, down = (
            toy.band_energy(ldos + sign * step * direction, one.electrons) for sign in (1, -1)
        )
    slope = float((ldos.grad * direction).sum())
    assert slope == pytest.approx(float(up - down) / (2 * step), rel=1e-4)


def test_a_band_energy_with_an_error_bar():
    """Errors of neighbouring points are alike: an interval that knows covers, where one of
    independent errors is far too short.
    """
    rng = np.random.default_rng(3)
    train, known, new = ([toy.system(1.0, 8, rng) for _ in range(n)] for n in (16, 24, 40))

    def rows(systems):
        return np.vstack([s.X for s in systems]), np.vstack([s.ldos for s in systems])

    def energy(ldos):
        return toy.band_energy(ldos, 8.0)

    def truth(systems):
        return np.array([float(energy(torch.from_numpy(s.ldos))) for s in systems])

    network = Network((32, 32), epochs=40, device="cpu", random_state=0)
    head = LastLayer(network).fit(*rows(train)).calibrate(*rows(known))
    scale = head.calibrate_derived(
        energy, [s.X for s in known], truth(known), backend="torch", vectorised=True,
        random_state=0,
    )  # fmt: skip
    found = head.propagate(
        energy, [s.X for s in new], scale=scale, backend="torch", vectorised=True, refuse=False,
        random_state=1,
    )  # fmt: skip
    error = np.abs(found.value[:, 0] - truth(new))
    assert np.mean(error <= found.half_width[:, 0]) > 0.75
    mean, std = head.predict(new[0].X, return_std=True)
    noise = std * np.random.default_rng(0).standard_normal((100, *mean.shape))
    independent = float(energy(torch.from_numpy(mean + noise)).std())
    assert independent < 0.6 * found.std[0, 0] / scale.scale[0]
