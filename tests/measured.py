"""Files as instruments and people write them, of cells whose properties are known."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FARADAY, GAS = 96485.33212, 8.314462618


def table(path: Path, header: str, *columns: NDArray[np.float64] | list[float]) -> Path:
    rows = [",".join(f"{value:.9g}" for value in row) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def parallel(*z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return 1.0 / sum(1.0 / one for one in z)


def cpe(frequency: NDArray[np.float64], q: float, alpha: float) -> NDArray[np.complex128]:
    return 1.0 / (q * (2j * np.pi * frequency) ** alpha)


def spectrum(path: Path, z: NDArray[np.complex128], frequency: NDArray[np.float64], seed: int = 0) -> Path:
    """With noise of 0.3 % of the modulus."""
    random = np.random.default_rng(seed)
    noisy = z + 3e-3 * np.abs(z) * (random.normal(size=z.size) + 1j * random.normal(size=z.size))
    return table(path, "freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm", frequency, noisy.real, -noisy.imag)


FREQUENCY = np.logspace(6, -1, 50)


def blocking(path: Path, resistance: float, seed: int = 0) -> Path:
    """Electrolyte between blocking electrodes: a resistance and the electrodes' constant phase element."""
    return spectrum(path, resistance + cpe(FREQUENCY, 1e-5, 0.9), FREQUENCY, seed)


def symmetric_spectrum(path: Path, bulk: float, interface: float, seed: int = 0) -> Path:
    """Lithium on both sides: the electrolyte and an arc of the interfaces."""
    z = bulk + parallel(np.full(FREQUENCY.shape, interface + 0j), cpe(FREQUENCY, 2e-6, 0.92))
    return spectrum(path, z, FREQUENCY, seed)


def polarisation(path: Path, voltage: float, resistance: float, interface: float, number: float) -> Path:
    """Constant voltage on Li|SE|Li: the current falls to what cations alone carry."""
    time = np.linspace(0.0, 8 * 3600.0, 1500)
    first = voltage / (resistance + interface)
    # Bruce and Vincent, solved for the steady current with the same interfaces before and after
    steady = number * first * voltage / (voltage - first * interface + number * first * interface)
    current = steady + (first - steady) * np.exp(-time / 2400.0)
    return table(path, "time/s,Ewe/V,I/mA", time, np.full(time.shape, voltage), 1e3 * current)


def arrhenius(path: Path, conductivity: float, energy: float) -> Path:
    """Conductivity of sigma T = A exp(-Ea/RT), given at 30 degC."""
    kelvin = np.array([298.15, 303.15, 313.15, 323.15, 333.15])
    random = np.random.default_rng(3)
    sigma = conductivity * 303.15 / kelvin * np.exp(-energy / GAS * (1.0 / kelvin - 1.0 / 303.15))
    sigma = sigma * (1.0 + 2e-3 * random.normal(size=kelvin.size))
    return table(path, "temperature (degC),conductivity (mS/cm)", kelvin - 273.15, 10.0 * sigma)


def sweep(path: Path, onset: float) -> Path:
    """Linear sweep from 3 to 6 V at 0.1 mV/s, oxidation beyond an onset; 1 cm2."""
    volts = np.linspace(3.0, 6.0, 3001)
    random = np.random.default_rng(1)
    current = 1e-7 + 2e-8 * (volts - 3.0) + 2e-4 * np.maximum(volts - onset, 0.0) ** 1.5
    current = current + 1e-9 * random.normal(size=volts.size)
    return table(path, "time/s,Ewe/V,I/mA", (volts - 3.0) / 1e-4, volts, 1e3 * current)


def cyclic(path: Path) -> Path:
    """Two cycles between 3.0 and 4.5 V with a peak at 3.9 on oxidation and 3.7 on reduction; 1 mV/s."""
    up, down = np.linspace(3.0, 4.5, 1501), np.linspace(4.5, 3.0, 1501)
    volts = np.concatenate([up, down[1:], up[1:], down[1:]])
    direction = np.concatenate([np.ones(1501), -np.ones(1500), np.ones(1500), -np.ones(1500)])
    peak = np.where(direction > 0, 3.9, 3.7)
    current = direction * (2e-5 + 5e-4 * np.exp(-(((volts - peak) / 0.06) ** 2)))
    return table(path, "time/s,Ewe/V,I/mA", np.arange(volts.size) * 1.0, volts, 1e3 * current)


def plating(path: Path, resistance: float, critical: float) -> Path:
    """Li|SE|Li of 1 cm2: hour-long half cycles of 0.1, 0.2, ... mA/cm2; a short from the critical current on."""
    time, volts, amps = [], [], []
    clock = 0.0
    for step in range(1, 9):
        for sign in (1.0, -1.0):
            current = sign * step * 1e-4
            short = step * 1e-4 >= critical * 1e-3
            for at in np.arange(0.0, 3600.0, 30.0):
                time.append(clock + at)
                amps.append(current)
                volts.append(current * resistance * (0.03 if short and at > 600.0 else 1.0))
            clock += 3600.0
    return table(path, "time/s,Ewe/V,I/mA", time, volts, [1e3 * one for one in amps])


def cell_cycles(
    path: Path, capacity: float, voltage: float, current: float, cycles: int = 4, fade: float = 0.01
) -> Path:
    """Galvanostatic cycles: capacity in A s, a sloping voltage about the mean, 0.1 V apart, losing a share a cycle."""
    time, volts, amps, number = [], [], [], []
    clock = 0.0
    for cycle in range(cycles):
        total = capacity * (1.0 - fade) ** cycle
        for sign, share in ((1.0, 1.0 / (0.88 if cycle == 0 else 0.995)), (-1.0, 1.0)):
            passed = np.linspace(0.0, total * share, 200)
            slope = 1.0 - 2.0 * passed / passed[-1]
            for q, s in zip(passed, slope, strict=True):
                time.append(clock + q / current)
                amps.append(sign * current)
                volts.append(voltage + 0.05 * sign - 0.4 * sign * s)
                number.append(cycle + 1.0)
            clock = time[-1]
            for wait in (60.0, 600.0):
                time.append(clock + wait)
                amps.append(0.0)
                volts.append(volts[-1])
                number.append(cycle + 1.0)
            clock = time[-1]
    return table(path, "Test_Time(s),Voltage(V),Current(A),Cycle_Index", time, volts, amps, number)


def titration(path: Path, diffusivity: float, radius: float) -> Path:
    """GITT of a sphere with a straight potential: 10 pulses of 300 s and rests of 3 h, 20 eigenvalues."""
    roots = np.array([4.49340946, 7.72525184, 10.90412166, 14.06619391, 17.22075527, 20.37130296, 23.51945250])
    roots = np.concatenate([roots, np.pi * (np.arange(8, 41) + 0.5)])
    slope, rate = -2.0, 0.01 / 300.0  # V per unit of stoichiometry; stoichiometry per s
    pulse, rest = 300.0, 3 * 3600.0
    time, volts, amps = [0.0], [4.2], [0.0]
    modes, mean, clock = np.zeros(roots.size), 0.2, 0.0
    decay = diffusivity * roots**2 / radius**2
    source = 2.0 * rate / 3.0 * radius**2 / diffusivity / roots**2
    for _ in range(10):
        for length, on in ((pulse, True), (rest, False)):
            for at in np.concatenate([np.linspace(1.0, 30.0, 12), np.linspace(40.0, length, 80)]):
                aim = source if on else 0.0
                now = aim + (modes - aim) * np.exp(-decay * at)
                surface = mean + (rate * at if on else 0.0) + now.sum()
                time.append(clock + at)
                volts.append(4.6 + slope * surface - (0.01 if on else 0.0))
                amps.append(-1e-4 if on else 0.0)
            modes = (source if on else 0.0) + (modes - (source if on else 0.0)) * np.exp(-decay * length)
            mean += rate * length if on else 0.0
            clock += length
    return table(path, "time/s,Ewe/V,I/mA", time, volts, [1e3 * one for one in amps])


def sizes(path: Path, median: float, spread: float) -> Path:
    """Cumulative log-normal distribution by volume; micrometres."""
    from scipy.stats import norm

    edges = np.geomspace(median / spread**4, median * spread**4, 60)
    share = norm.cdf(np.log(edges / median) / np.log(spread))
    share = (share - share[0]) / (share[-1] - share[0])
    return table(path, "size (um),cumulative (%)", edges, 100.0 * share)


def tensile(path: Path, modulus: float) -> Path:
    """Stress over strain, straight up to 1 %, then bending over; strain in %, stress in MPa."""
    strain = np.linspace(0.0, 0.05, 400)
    stress = np.where(strain < 0.01, modulus * strain, modulus * (0.01 + 0.3 * (strain - 0.01)))
    noise = 2e-3 * modulus * 0.01 * np.random.default_rng(2).normal(size=strain.size)
    return table(path, "strain (%),stress (MPa)", 100.0 * strain, (stress + noise) / 1e6)
