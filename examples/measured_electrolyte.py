"""From spectra to a pouch cell: conductivity, activation energy and transference number of an electrolyte.

The files of an instrument are replaced by spectra of a cell whose properties are known: the polymer electrolyte of
Nat. Commun. 15 (2024), s41467-024-50075-9 (1.08 mS/cm at 30 degC, 0.10 eV, transference number 0.9), 100 um between
electrodes of 1 cm2. With files it is `ss.measure.read("cell.mpr")`.
"""

import os
import tempfile

import numpy as np

import solidstack as ss
from solidstack.constants import FARADAY, GAS
from solidstack.measure.records import CURRENT, FREQUENCY, IMAGINARY, REAL, TIME, VOLTAGE, record

AREA, THICKNESS = 1e-4, 100e-6
noise = np.random.default_rng(7)
frequency = np.logspace(6, -1, 50)


def spectrum(resistance, arc=None, **known):
    """A resistance, and blocking electrodes or the arc of lithium's interfaces, with 0.5 % of noise."""
    element = 1.0 / (2e-6 * (2j * np.pi * frequency) ** 0.9)
    z = resistance + (element if arc is None else 1.0 / (1.0 / arc + 1.0 / element))
    z = z * (1.0 + 5e-3 * (noise.normal(size=z.size) + 1j * noise.normal(size=z.size)))
    return record({FREQUENCY: frequency, REAL: z.real, IMAGINARY: z.imag}, area=AREA, thickness=THICKNESS, **known)


# blocking cells at five temperatures: conductivity, and how it changes with temperature
fits = []
for celsius in (25.0, 30.0, 40.0, 50.0, 60.0):
    kelvin = celsius + 273.15
    conductivity = 0.108 * 303.15 / kelvin * np.exp(-0.10 * FARADAY / GAS * (1.0 / kelvin - 1.0 / 303.15))
    fits.append(ss.measure.impedance.analyse(spectrum(THICKNESS / conductivity / AREA, temperature=kelvin)))
line = ss.measure.arrhenius.from_spectra(fits)
print("conductivity at 30 degC:", line.values["conductivity_30"])
print("activation energy:      ", line.values["activation_energy"])

# lithium on both sides: 10 mV until the current is steady, and a spectrum before and after
ends = [ss.measure.transference.interfaces(ss.measure.impedance.analyse(spectrum(9.3, arc=4.0))) for _ in range(2)]
time = np.linspace(0.0, 4 * 3600.0, 2000)
first, number = 0.010 / (9.3 + 4.0), 0.9
last = number * first * 0.010 / (0.010 - first * 4.0 + number * first * 4.0)
current = last + (first - last) * np.exp(-time / 1200.0)
polarisation = record({TIME: time, VOLTAGE: np.full(time.shape, 0.010), CURRENT: current}, area=AREA)
found = ss.measure.transference.analyse(polarisation, *ends)
print("transference number:    ", found.values["transference_number"])

# a material of its own, and a design with it; without a folder it goes into your library
with tempfile.TemporaryDirectory() as folder:
    ss.measure.save_material([line, found], "our SPE", based_on="SPE", folder=folder)
    os.environ["SOLIDSTACK_MATERIALS"] = folder
    design = ss.load("examples/pouch-0.16Ah.toml")
    sheet = ss.evaluate(design.replaced({("membrane", "material"): "our SPE"}))
    del os.environ["SOLIDSTACK_MATERIALS"]
membrane, energy = 1e4 * sheet.resistance.membrane, sheet.cell.specific_energy / 3600
print(f"membrane of it:          {membrane:.3g} ohm cm2 in a cell of {energy:.0f} Wh/kg")
