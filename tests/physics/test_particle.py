"""Closed forms of the building block against independent integration, limits and order."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from solidstack import particle
from solidstack.particle import CLOSE_PACKING


def by_slices(core_fraction: float, porosity: float) -> float:
    """Integrate the slices of the pressed block numerically, with lengths in units of the outer radius."""
    radius = core_fraction ** (1 / 3)
    height = CLOSE_PACKING / (1 - porosity)

    def area(z: float) -> float:
        return math.pi * ((1 - z * z) - max(0.0, radius**2 - z * z))

    # 1/area along half the block, twice; times column area (2)^2, over column height 2 z_c
    half, _ = quad(lambda z: 1 / area(z), 0, height, points=[min(radius, height)], limit=200, epsabs=1e-12)
    return 2 * half * 4 / (2 * height)


@pytest.mark.parametrize("core", [0.3, 0.6, CLOSE_PACKING, 0.876, 0.95])
@pytest.mark.parametrize("porosity", [0.0, 0.05, 0.10, 0.18, 0.20, 0.24, 0.259])
def test_resistance_is_the_integral_of_the_slices(core: float, porosity: float) -> None:
    assert particle.resistance_factor(core, porosity) == pytest.approx(by_slices(core, porosity), rel=1e-8)


def test_resistance_known_values() -> None:
    """The worked numbers: f at 3.0 g/cm3, and 1/f = 0.142 at 20 % porosity."""
    dense = 1 / (0.8829770 / 4760 + 0.1170230 / 1800)
    assert particle.resistance_factor(CLOSE_PACKING, 1 - 3000 / dense) == pytest.approx(7.676, rel=1e-3)
    assert 1 / particle.resistance_factor(CLOSE_PACKING, 0.20) == pytest.approx(0.142, abs=5e-4)


@pytest.mark.parametrize("porosity", [1 - CLOSE_PACKING, 1 - CLOSE_PACKING + 1e-15, 0.3, 0.9])
def test_point_contact_is_infinite_not_large(porosity: float) -> None:
    assert particle.resistance_factor(CLOSE_PACKING, porosity) == math.inf


def test_resistance_is_continuous_where_the_cut_reaches_the_core() -> None:
    core = 0.85
    at = 1 - CLOSE_PACKING / core ** (1 / 3)
    below, above = particle.resistance_factor(core, at - 1e-9), particle.resistance_factor(core, at + 1e-9)
    assert below == pytest.approx(above, rel=1e-6)


@given(st.floats(0.05, 0.98), st.floats(0.0, 0.25), st.floats(1e-4, 0.009))
def test_more_pores_or_more_core_never_conduct_better(core: float, porosity: float, step: float) -> None:
    here = particle.resistance_factor(core, porosity)
    slack = 1 + 1e-12
    assert particle.resistance_factor(core, porosity + step) * slack >= here
    assert particle.resistance_factor(core + step, porosity) * slack >= here
    # a composite of insulator and pores conducts less than its conductor's volume share (Wiener bound)
    assert 1 / here <= (1 - porosity) * (1 - core) * slack + 1e-9


def test_scalars_and_arrays_agree() -> None:
    core, porosity = np.linspace(0.1, 0.99, 41)[:, None], np.linspace(0, 0.4, 37)[None, :]
    whole = particle.resistance_factor(core, porosity)
    each = [[particle.resistance_factor(float(c), float(p)) for p in porosity[0]] for c in core[:, 0]]
    np.testing.assert_array_equal(whole, each)


def test_missing_values_stay_missing() -> None:
    assert np.isnan(particle.resistance_factor(np.nan, 0.1))
    assert np.isnan(particle.resistance_factor(0.7, np.nan))


@pytest.mark.parametrize(
    ("active", "electrolyte", "balance", "percolation"),
    [
        # wt% and g/cm3 by hand: w = 0.74048 a / (0.74048 a + 0.25952 b); rho* = 0.74048 (0.74048 a + 0.25952 b)
        (4.76, 1.80, 88.30, 2.956),
        (4.76, 1.54, 89.82, 2.906),
        (4.76, 2.59, 83.99, 3.108),
        (4.76, 5.01, 73.05, 3.573),
        (4.79, 1.80, 88.36, 2.972),
        (4.79, 1.54, 89.87, 2.922),
        (4.79, 2.59, 84.07, 3.124),
        (4.79, 5.01, 73.18, 3.589),
    ],
)
def test_thresholds_of_pairs(active: float, electrolyte: float, balance: float, percolation: float) -> None:
    mass = particle.balance_mass_fraction(active * 1e3, electrolyte * 1e3)
    assert 100 * mass == pytest.approx(balance, abs=0.01)
    dense = 1 / (mass / active + (1 - mass) / electrolyte)
    assert particle.percolation_density(dense * 1e3) / 1e3 == pytest.approx(percolation, abs=1e-3)
    # at the balance threshold the cores fill the close packing
    volumes = mass / active, (1 - mass) / electrolyte
    assert volumes[0] / sum(volumes) == pytest.approx(CLOSE_PACKING, rel=1e-12)


def test_additives_scale_the_balance() -> None:
    assert particle.balance_mass_fraction(4760.0, 1800.0, others=0.02) == pytest.approx(
        0.98 * particle.balance_mass_fraction(4760.0, 1800.0)
    )
