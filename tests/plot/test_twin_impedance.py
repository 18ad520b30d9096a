"""Impedance of a twin: what is drawn is the data, in ohm cm2."""

from pathlib import Path

import numpy as np

from solidstack.plot import save
from solidstack.plot import twin_impedance as figures

from .texts import labels, words


def test_impedance_in_ohm_square_centimetres() -> None:
    frequency = np.array([1.0, 10.0, 100.0])
    z = np.array([10.0 - 3.0j, 5.0 - 4.0j, 1.0 - 0.1j]) * 1e-4
    figure = figures.draw_impedance([("twin", frequency, z), ("line", frequency, 2.0 * z)])
    nyquist, bode, phase = figure.axes
    assert labels(figure)[:4] == ["Re Z, Ω cm²", "−Im Z, Ω cm²", "Frequency, Hz", "|Z|, Ω cm²"]
    assert nyquist.get_aspect() == 1.0
    np.testing.assert_allclose(nyquist.lines[0].get_xdata(), [10.0, 5.0, 1.0])
    np.testing.assert_allclose(nyquist.lines[1].get_ydata(), [6.0, 8.0, 0.2])
    np.testing.assert_allclose(bode.lines[0].get_ydata(), np.abs(1e4 * z))
    np.testing.assert_allclose(phase.lines[0].get_ydata(), -np.degrees(np.angle(z)))
    assert words(figure) == ["twin", "line"]


def test_it_is_written_without_a_warning(tmp_path: Path) -> None:
    z = np.array([1.0 - 1.0j, 0.5]) * 1e-4
    figure = figures.draw_impedance([("twin", np.array([1.0, 10.0]), z)])
    assert save(figure, tmp_path / "impedance.png").stat().st_size > 5000
    assert figure.get_figwidth() <= 7.2
