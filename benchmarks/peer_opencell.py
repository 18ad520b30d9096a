"""How many pouch cells per second the peer package steer-opencell-design evaluates.

Run it in an environment of its own, with the peer as an installed program::

    uv run --no-project --with steer-opencell-design python benchmarks/peer_opencell.py

``--repeat 50`` evaluates 50 designs, ``--repeat 10s`` (the default) evaluates for ten seconds. Each design is
a whole cell built anew from parameters, at a loading of its own, and its mass and energy are read. One design
is built before the clock starts. Prints one line of JSON.

The cell: 2 double-sided positives (93 wt% NCM622, 5 wt% polymer electrolyte as binder, 2 wt% carbon,
19.09 mg/cm2 a side, 20 um aluminium, 29.0 x 40.5 mm), 40 um lithium foil and 82 um separators 1 mm larger on
every edge, laminate pouch. The peer's package comes without its material database, so its classes build them.
"""

import argparse
import importlib.metadata
import json
import time

import numpy as np
import pandas as pd
import steer_opencell_design as ocd

PEER = "steer-opencell-design"
LOADING = 19.09  # mg/cm2 a side
WIDTH, HEIGHT, OVERHANG = 29.0, 40.5, 1.0  # mm
BILAYERS = 2
SHARES = (93.0, 5.0, 2.0)  # wt% of active material, polymer electrolyte, carbon
DENSITIES = (4.76, 1.80, 2.00)  # g/cm3, of the same
CAPACITY, FIRST_CYCLE_EFFICIENCY = 187.0, 0.90  # mAh/g on discharge; discharge over first charge
LOWER_VOLTAGE, UPPER_VOLTAGE = 3.36, 4.26  # V, mean 3.81 V
CURVE_POINTS = 100  # a branch

NOTE = (
    "negative: free-standing 40 um lithium foil, given as the peer's coating-free negative "
    "(formulation=None, 0 V) on a collector of lithium; as the peer stacks it, {bilayers} positives have "
    "{negatives} negatives and {separators} separators, two of them outermost; positive without pores, "
    "so no liquid; straight-line half-cell curve, {points} points a branch, mean {voltage:.2f} V; "
    "laminate 113 um of 1.5 g/cm3, 5 mm seals, terminals 6 x 15 x 0.1 mm; "
    "mass and energy at the nominal loading; {count} designs in {seconds:.2f} s, "
    "first design {first:.2f} s, not counted"
)


def half_cell_curve() -> pd.DataFrame:
    """Charge and discharge of the active material as straight lines, each from zero capacity."""
    up = np.linspace(LOWER_VOLTAGE, UPPER_VOLTAGE, CURVE_POINTS)
    share = np.linspace(0.0, 1.0, CURVE_POINTS)
    columns = {
        "specific_capacity": np.concatenate([share * CAPACITY / FIRST_CYCLE_EFFICIENCY, share * CAPACITY]),
        "voltage": np.concatenate([up, up[::-1]]),
        "direction": ["charge"] * CURVE_POINTS + ["discharge"] * CURVE_POINTS,
    }
    return pd.DataFrame(columns)


def foil(name: str, density: float, thickness: float, margin: float, tab: float):
    """Foil (um) of the positive's size plus a margin (mm) on every edge, its tab centred at `tab` (mm)."""
    return ocd.PunchedCurrentCollector(
        material=ocd.CurrentCollectorMaterial(name=name, specific_cost=5.0, density=density),
        width=WIDTH + 2 * margin,
        height=HEIGHT + 2 * margin,
        thickness=thickness,
        tab_width=6.0,
        tab_height=8.0,
        tab_position=tab,
    )


def positive(loading: float) -> ocd.Cathode:
    """The positive at one loading (mg/cm2 a side), without pores."""
    active = ocd.CathodeMaterial(
        name="NCM622",
        reference="Li/Li+",
        specific_cost=22.0,
        density=DENSITIES[0],
        specific_capacity_curves=half_cell_curve(),
    )
    polymer = ocd.Binder(name="polymer electrolyte", specific_cost=20.0, density=DENSITIES[1])
    carbon = ocd.ConductiveAdditive(name="carbon", specific_cost=15.0, density=DENSITIES[2])
    return ocd.Cathode(
        formulation=ocd.CathodeFormulation(
            active_materials={active: SHARES[0]},
            binders={polymer: SHARES[1]},
            conductive_additives={carbon: SHARES[2]},
        ),
        mass_loading=loading,
        calender_density=sum(SHARES) / sum(s / d for s, d in zip(SHARES, DENSITIES, strict=True)),
        current_collector=foil("aluminium", 2.70, 20.0, 0.0, 8.0),
    )


def evaluate(loading: float) -> tuple[float, float, float]:
    """Mass (g), energy (Wh) and specific energy (Wh/kg) of one cell built from nothing."""
    membrane = ocd.SeparatorMaterial(name="membrane", specific_cost=20.0, density=1.80, porosity=0.0)
    layup = ocd.MonoLayer(
        cathode=positive(loading),
        anode=ocd.Anode(formulation=None, current_collector=foil("lithium", 0.534, 40.0, OVERHANG, 22.0)),
        separator=ocd.Separator(
            material=membrane, thickness=82.0, width=WIDTH + 2 * OVERHANG, length=HEIGHT + 2 * OVERHANG
        ),
    )
    aluminium = ocd.PrismaticContainerMaterial(name="aluminium", specific_cost=5.0, density=2.70)
    nickel = ocd.PrismaticContainerMaterial(name="nickel", specific_cost=15.0, density=8.90)
    cell = ocd.PouchCell(
        reference_electrode_assembly=ocd.PunchedStack(layup=layup, n_layers=BILAYERS),
        n_electrode_assembly=1,
        encapsulation=ocd.PouchEncapsulation(
            cathode_terminal=ocd.PouchTerminal(material=aluminium, width=6.0, length=15.0, thickness=0.1),
            anode_terminal=ocd.PouchTerminal(material=nickel, width=6.0, length=15.0, thickness=0.1),
            top_laminate=ocd.LaminateSheet(areal_cost=1.0, density=1.5, thickness=113.0),
            bottom_laminate=ocd.LaminateSheet(areal_cost=1.0, density=1.5, thickness=113.0),
        ),
        electrolyte=ocd.Electrolyte(name="none", specific_cost=0.0, density=1.2),
        electrolyte_overfill=0.0,
    )
    return cell.mass, cell.energy, cell.specific_energy


def amount(text: str) -> tuple[float, bool]:
    """Read ``50`` as designs, ``10s`` as seconds; the flag says seconds."""
    value = float(text.removesuffix("s"))
    if not 0.0 < value < float("inf"):
        raise ValueError
    return value, text.endswith("s")


def main() -> None:
    """Time the peer and print one line of JSON."""
    parser = argparse.ArgumentParser(description=f"Designs per second of {PEER}.")
    parser.add_argument("--repeat", type=amount, default="10s", help="designs (50) or seconds (10s), default 10s")
    limit, timed = parser.parse_args().repeat

    start = time.perf_counter()
    mass, energy, specific_energy = evaluate(LOADING)
    first = time.perf_counter() - start

    count, seconds, start = 0, 0.0, time.perf_counter()
    while (seconds if timed else count) < limit:
        count += 1
        evaluate(LOADING * (0.75 + 0.5 * (count * 0.6180339887 % 1.0)))  # 75 to 125 %, never the same twice
        seconds = time.perf_counter() - start

    note = NOTE.format(
        bilayers=BILAYERS,
        negatives=BILAYERS + 1,
        separators=2 * BILAYERS + 2,
        points=CURVE_POINTS,
        voltage=(LOWER_VOLTAGE + UPPER_VOLTAGE) / 2,
        count=count,
        seconds=seconds,
        first=first,
    )
    report = {
        "peer": PEER,
        "version": importlib.metadata.version(PEER),
        "designs_per_second": round(count / seconds, 2),
        "mass_g": round(mass, 4),
        "energy_Wh": round(energy, 4),
        "specific_energy_Wh_kg": round(specific_energy, 2),
        "note": note,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
