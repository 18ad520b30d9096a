"""How much loading can a design have? One evaluation of a hundred designs, and a map."""

from pathlib import Path

import numpy as np

import solidstack as ss

design = ss.load(Path(__file__).parent / "pouch-0.16Ah.toml")

# arrays are SI: 10 to 40 mg/cm2 are 0.10 to 0.40 kg/m2
loading = np.linspace(0.10, 0.40, 100)
sheet = ss.evaluate(design.with_(positive__loading=loading))
allowed = sheet.positive.ir_drop <= design.rating.ir_drop_limit
best = sheet.cell.specific_energy[allowed].max() / 3600
print(f"{allowed.sum()} of {loading.size} loadings are within the IR drop limit, with up to {best:.0f} Wh/kg")

# a thinner, more conductive membrane
thin = ss.evaluate(design.with_(membrane__thickness="25 um", membrane__ionic_conductivity="2 mS/cm"))
print(f"with a 25 um membrane: {thin.cell.specific_energy / 3600:.0f} Wh/kg")

grid = ss.map(design, x="positive.loading=10:40 mg/cm^2:31", y="membrane.thickness=10:100 um:19")
# maps are SI as well: "units" is J/kg, "shown_units" Wh/kg
energy = grid["cell.specific_energy"].where(grid["positive.ir_drop"] <= design.rating.ir_drop_limit)
print(f"map {dict(energy.sizes)}: up to {float(energy.max()) / 3600:.0f} Wh/kg within the limit")
