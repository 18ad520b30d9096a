"""Measured conductivities of NCM83 : Li6PS5Cl composites next to the twin's predictions, nothing fitted.

    .venv/bin/python benchmarks/composites.py [--voxels 100] [--seeds 1]

Measured (DC, 25 degC) and inputs: Ketter, Greb, Bernges, Zeier, Nat. Commun. 16, 1411 (2025),
doi 10.1038/s41467-025-56514-5, source data of Fig. 3d and porosities of Fig. S18a, taken from a digest of that data,
not from the data themselves. Particles of NCM83 are about 2 um, domains of Li6PS5Cl about 20 um. No carbon, no binder.

The publication does not give where the electrolyte lies. Each assumption is solved on its own:

shell, necks    on, or first between, 2 um particles of NCM83 that are packed at random in all of the volume
particles       spheres of 2 um between such particles
domains         spheres of 20 um, with all NCM83 and all pores between them (what the micrographs show)

The inputs were measured on pressed pellets and are used for the materials, as in the publication; contacts are perfect.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solidstack.twin import Dispersed, Necks, Particles, Phase, Placement, Shell, Structure, transport
from solidstack.twin.contacts import Contact, contact_factor, divided
from solidstack.twin.structure.build import assemble
from solidstack.twin.structure.coating import Field, Free, Surroundings, distances
from solidstack.twin.structure.packing import Monodisperse, Packing, random_packing

IONIC, ELECTRONIC = 0.2334, 0.5221
"""Of Li6PS5Cl and of NCM83, S/m."""
MEASURED = (
    # NCM83 vol% of solid, porosity %, ionic and electronic conductivity (DC) mS/cm
    (20.0, 15.62, 1.024, 0.01466),
    (40.0, 21.16, 0.3300, 0.2086),
    (60.0, 22.42, 0.01083, 1.035),
    (80.0, 25.33, 7.18e-5, 1.985),
)
PELLET = 0.8787
"""Relative density of the pellet of electrolyte."""
PARTICLE, DOMAIN = 2e-6, 20e-6
VOXEL, DOMAIN_VOXEL = PARTICLE / 10, PARTICLE / 5
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Domains(Placement):
    """Electrolyte in spheres that are there before the active material."""

    spheres: Packing

    def field(self, around: Surroundings, free: Free, share: float, rng: np.random.Generator) -> Field:  # noqa: ARG002
        """Distance to the nearest sphere."""
        return distances(self.spheres, around.voxel, free.shape)[0]


def phases_of(active: float, porosity: float) -> dict[str, Phase]:
    """Phases with their volume fractions; ``active`` is of the solid."""
    solid = 1.0 - porosity
    return {
        "pore": Phase(0, "pore", target=porosity),
        "NCM83": Phase(1, "active-material", electronic_conductivity=ELECTRONIC, target=active * solid),
        "Li6PS5Cl": Phase(2, "solid-electrolyte", ionic_conductivity=IONIC, target=(1.0 - active) * solid),
    }


def structure_of(packing: Packing, phases: dict[str, Phase], electrolyte: Placement, voxel: float) -> Structure:
    """Put the phases on voxels."""
    return assemble(packing, voxel, phases, electrolyte, Dispersed(voxel), np.random.default_rng(packing.seed), {})


def uniform(phases: dict[str, Phase], voxels: int, seed: int) -> Packing:
    """Active particles at random in all of the box."""
    return random_packing(Monodisperse(PARTICLE), (voxels * VOXEL,) * 3, phases["NCM83"].target or 0.0, seed=seed)


def in_domains(phases: dict[str, Phase], voxels: int, seed: int) -> Structure:
    """Active particles and pores between large spheres of electrolyte."""
    box = (voxels * DOMAIN_VOXEL,) * 3
    active, electrolyte = phases["NCM83"].target or 0.0, phases["Li6PS5Cl"].target or 0.0
    rng = np.random.default_rng(seed)
    # overlapping spheres: the law of Particles, here in all of the box
    count = max(1, round(-np.log1p(-electrolyte) * float(np.prod(box)) / (np.pi / 6.0 * DOMAIN**3)))
    spheres = Packing(rng.uniform(size=(count, 3)) * box, np.full(count, DOMAIN / 2.0), box, (True,) * 3, seed)
    dense = random_packing(Monodisperse(PARTICLE), box, active / (1.0 - electrolyte), seed=seed)
    # of particles everywhere at the density between the domains, those farthest from the domains are kept
    edges = (DOMAIN_VOXEL,) * 3
    depth = distances(spheres, edges, (voxels,) * 3)[0]
    at = np.minimum((dense.centres / DOMAIN_VOXEL).astype(int), voxels - 1)
    order = np.argsort(-depth[tuple(at.T)])
    kept = order[: round((1.0 - electrolyte) * len(order))]
    packing = Packing(dense.centres[kept], dense.radii[kept], box, dense.periodic, seed)
    return structure_of(packing, phases, Domains(spheres), DOMAIN_VOXEL)


def conducts(structure: Structure, kind: str) -> float:
    """Effective conductivity along x, mS/cm; NaN where the solver did not converge."""
    conduction = transport(structure, kind, direction="x", tolerance=TOLERANCE, must_converge=False).x
    return conduction.conductivity * 10.0 if conduction.converged else float("nan")


def mean(values: Sequence[float]) -> float:
    """Mean over seeds."""
    return float(np.mean(values))


def contacts_of(rows: list[dict[str, float]], voxels: int) -> dict[str, list[float]]:
    """Which single assumption about contacts closes the gap at 60 vol%, and what it predicts for the others."""
    found: dict[str, list[float]] = {}
    base = [row["ionic, particles"] for row in rows]
    shares = [(1.0 - active / 100.0) * (1.0 - porosity / 100.0) for active, porosity, *_ in MEASURED]
    pores = [porosity / 100.0 for _, porosity, *_ in MEASURED]
    goal = MEASURED[2][2]

    def pressed(loosest: float) -> list[float]:
        factors = [contact_factor(share, pore, PELLET, loosest) for share, pore in zip(shares, pores, strict=True)]
        return [value * factor for value, factor in zip(base, factors, strict=True)]

    low, high = 0.4, shares[2] / (shares[2] + pores[2])
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if pressed(middle)[2] > goal else (low, middle)
    found["pressed grains, 0.64 of random close packing"] = pressed(0.64)
    found[f"pressed grains, {low:.3f}, which closes 60 %"] = pressed(low)
    structures = []
    for active, porosity, *_ in MEASURED:
        phases = phases_of(active / 100.0, porosity / 100.0)
        structures.append(structure_of(uniform(phases, voxels, 0), phases, Particles(PARTICLE), VOXEL))

    def bounded(conductance: float, structure: Structure) -> float:
        contacts = [Contact("Li6PS5Cl", "Li6PS5Cl", conductance)]
        grains = divided(structure, PARTICLE)
        solved = transport(structure, "ionic", direction="x", tolerance=1e-2, contacts=contacts, grains=grains)
        return solved.x.conductivity * 10.0

    low, high = 1e2, 1e6
    for _ in range(12):
        middle = (low * high) ** 0.5
        low, high = (low, middle) if bounded(middle, structures[2]) > goal else (middle, high)
    found[f"grain boundaries of {PARTICLE * 1e6:g} um grains, {low:.3g} S/m2, which closes 60 %"] = [
        bounded(low, structure) for structure in structures
    ]
    print("one assumption about contacts, mS/cm (ratio to measured), electrolyte as particles:")
    for name, values in found.items():
        shown = ", ".join(
            f"{active:.0f} %: {value:.3g} ({value / measured:.2g})"
            for (active, _, measured, _), value in zip(MEASURED, values, strict=True)
        )
        print(f"  {name}: {shown}", flush=True)
    return found


def main() -> None:
    """Print predicted against measured, and what the resolution of the contacts does."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--voxels", type=int, default=100, help="along an edge, 100 or more for the domains")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    start, seeds = time.perf_counter(), range(arguments.seeds)
    ways = {"shell": Shell(), "necks": Necks(), "particles": Particles(PARTICLE)}

    print("predicted mS/cm (ratio to measured)")
    columns = [*(f"ionic, {way}" for way in (*ways, "domains")), "electronic, uniform", "electronic, domains"]
    print(f"{'NCM83':>6} " + " ".join(f"{name:>20}" for name in columns), flush=True)
    rows = []
    for active, porosity, ionic, electronic in MEASURED:
        phases = phases_of(active / 100.0, porosity / 100.0)
        conductivities: dict[str, list[float]] = {name: [] for name in columns}
        for seed in seeds:
            packing = uniform(phases, arguments.voxels, seed)
            for way, placement in ways.items():
                structure = structure_of(packing, phases, placement, VOXEL)
                conductivities[f"ionic, {way}"].append(conducts(structure, "ionic"))
            conductivities["electronic, uniform"].append(conducts(structure, "electronic"))  # the same for every way
            structure = in_domains(phases, arguments.voxels, seed)
            conductivities["ionic, domains"].append(conducts(structure, "ionic"))
            conductivities["electronic, domains"].append(conducts(structure, "electronic"))
        values = {name: mean(of) for name, of in conductivities.items()}
        rows.append({"ncm83_vol_pct": active, "ionic_measured": ionic, "electronic_measured": electronic, **values})
        shown = (
            f"{value:.3g} ({value / (ionic if name.startswith('ionic') else electronic):.3g})"
            for name, value in values.items()
        )
        print(f"{active:>5.0f}% " + " ".join(f"{text:>20}" for text in shown), flush=True)

    assumptions = contacts_of(rows, arguments.voxels)

    # one packing, finer and finer: touching spheres have contacts of voxels only
    phases = phases_of(0.6, 0.2242)
    packing = random_packing(Monodisperse(PARTICLE), (10e-6,) * 3, phases["NCM83"].target or 0.0, seed=0)
    contacts = {
        count: conducts(structure_of(packing, phases, Shell(), PARTICLE / count), "electronic")
        for count in (5, 10, 20, 30)
    }
    print("electronic at 60 %, one packing of 10 um, by voxels on a particle's diameter:")
    print("  " + ", ".join(f"{count}: {value:.3g} mS/cm" for count, value in contacts.items()))
    # the shell at 80 % is 0.08 um thick: under half a voxel above
    phases = phases_of(0.8, 0.2533)
    packing = random_packing(Monodisperse(PARTICLE), (6e-6,) * 3, phases["NCM83"].target or 0.0, seed=0)
    shells = {
        count: conducts(structure_of(packing, phases, Shell(), PARTICLE / count), "ionic") for count in (10, 20, 40, 50)
    }
    print("ionic at 80 %, shell, one packing of 6 um, by voxels on a particle's diameter:")
    print("  " + ", ".join(f"{count}: {value:.3g} mS/cm" for count, value in shells.items()))
    print(f"{time.perf_counter() - start:.0f} s")
    result = {"rows": rows, "assumptions": assumptions, "contacts": contacts, "shells": shells}
    print(json.dumps({**result, "seeds": arguments.seeds, "voxels": arguments.voxels}))


if __name__ == "__main__":
    main()
