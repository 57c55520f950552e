"""How the study of the generator compares; the generator itself is not needed."""

import numpy as np
import pytest
from studies.dijets_generator import cross_section, cut_flow, of_means, of_shares

from evidesk.generate import CutFlow, Run
from evidesk.generate.pythia import CrossSection
from studies import dijets_generator

RUN = Run("background", (), CutFlow(1_000, 1_000, 560, 560, 380, 380), CrossSection(5.9, 0.03))
REFERENCE = [
    {"n_generated": n, "n_selected": n // 5, "sigma_mb": 5.8e-9 + n * 1e-15, "sigma_err_mb": 4e-11,
     "cutflow": {"two_jets": n, "pt": n // 2, "eta": n // 2, "mjj": n // 4}}
    for n in (400, 4_000)
]  # fmt: skip


def test_shares_differ_by_standard_errors_of_the_pooled_share():
    found = of_shares("cut", (60, 100), (100, 200))
    assert found.here == pytest.approx((60, 100 * np.sqrt(0.6 * 0.4 / 100)))
    assert found.reference == pytest.approx((50, 100 * np.sqrt(0.25 / 200)))
    p = 160 / 300
    assert found.z == pytest.approx(0.1 / np.sqrt(p * (1 - p) * (1 / 100 + 1 / 200)))
    assert of_shares("all", (7, 7), (9, 9)).z == 0
    assert found.row("signal")[:2] == ["cut", "signal"]
    assert found.row("signal")[2] == "60.0 ± 4.9"


def test_z_of_means_is_standard_normal_without_a_difference():
    rng = np.random.default_rng(1)
    z = [
        of_means("x", rng.exponential(size=200), rng.exponential(size=500)).z for _ in range(2_000)
    ]
    assert np.mean(z) == pytest.approx(0, abs=0.1)
    assert np.std(z) == pytest.approx(1, abs=0.06)
    assert of_means("x", rng.normal(1, 1, 200), rng.normal(0, 1, 200)).z > 6


def test_each_cut_is_compared_with_its_own():
    shares = {one.name: (one.here[0], one.reference[0]) for one in cut_flow(RUN, REFERENCE)}
    assert shares == {
        "% two_jets": (100, 100),
        "% leading_pt": (pytest.approx(56), 50),
        "% central": (100, 100),
        "% mass_window": (pytest.approx(100 * 380 / 560), 50),
        "% constituents": (100, 80),
    }
    assert cross_section(RUN, REFERENCE).z == pytest.approx((5.9 - 5.804) / np.hypot(0.03, 0.04))


def test_without_a_reference_nothing_is_written(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(dijets_generator, "TABLES", tmp_path)
    dijets_generator.main([])
    assert "give the reference's file" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
