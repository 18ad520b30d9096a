from typing import Any

import numpy as np
import pytest

import solidstack as ss

FOIL = {"kind": "lithium-foil", "thickness": 40e-6}


def warned(design: ss.Design, **changes: Any) -> str:
    return "\n".join(ss.evaluate(design.with_(**changes)).warnings)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"positive__density": 3800.0},
            "positive.density 3.8 g/cm^3 (porosity 11.4 %) is denser than warm isostatic pressing can reach: "
            "porosity 18 %",
        ),
        (
            {"positive__process": "roll-pressed"},
            "positive.density 3.5 g/cm^3 (porosity 18.4 %) is denser than roll pressing can reach: porosity 31.1 %",
        ),
        ({"positive__density": 3000.0}, "is below the percolation threshold 3.18 g/cm^3"),
        ({"positive__loading": 0.3}, "positive.loading 30 mg/cm^2 is above the loading threshold 18.5 mg/cm^2"),
        (
            {"membrane__thickness": 8e-6},
            "membrane.thickness 8 um is less than the largest particle of the positive (8.55 um)",
        ),
        ({"positive__loading": 0.05}, "less than 3 diameters of its largest particles (8.55 um)"),
        (
            {"membrane__ionic_conductivity": 1e-3},
            "the IR drop of the membrane alone is 1.31e+03 mV at the rated current",
        ),
        (
            {"negative": FOIL | {"thickness": 30e-6}},
            "the lithium has 0.931 times the capacity of the positive side it faces; for a full reserve",
        ),
        ({"negative": FOIL | {"thickness": 5e-6}}, "freestanding lithium this thin cannot be handled as a foil"),
        (
            {"negative": {"kind": "anode-free"}},
            "after a first cycle of 90 % on the collector the cell delivers 100 % of the positive's capacity",
        ),
        (
            {"stack__bipolar_foil": {"material": "Ni", "thickness": 1e-5}},
            "stack.bipolar_foil has no effect unless stack.series_cells is above 1",
        ),
        ({"pouch__tabs__width": 30e-3}, "two tabs do not fit on a side of 40.5 mm"),
        (
            {"stack__series_cells": 2, "stack__bipolar_foil": {"material": "Al", "thickness": 1e-5}},
            "stack.bipolar_foil of Al alloys with lithium at the potential of this negative (0 V)",
        ),
        (
            {"positive__composition": {"NCM622": 0.98, "SPE": 0.0, "carbon black": 0.02}, "positive__porosity": 0.18},
            "positive.composition has 0 wt% of solid electrolyte: there is no ionic path",
        ),
        (
            {"negative": {"kind": "anode-free", "first_cycle_efficiency": 0.8}},
            "the cell delivers 88.9 % of the positive's capacity",
        ),
        (
            {"negative": {"kind": "silicon", "first_cycle_efficiency": 0.8}},
            "the negative limits the cell to 88.9 % of the positive's discharge capacity",
        ),
        (
            {"negative": {"kind": "graphite", "n_p_ratio": 0.9}},
            "negative.n_p_ratio 0.9 is below 1: only what the negative takes up counts",
        ),
        (
            {"negative": {"kind": "graphite", "n_p_ratio": 1.01}},
            "the first charge delivers more lithium (3.69 mAh/cm^2) than the negative takes up",
        ),
        ({"stack__negative_overhang": 0.0}, "the negative does not extend beyond the edge of the positive"),
        ({"stack__membrane_overhang": 0.0}, "nothing keeps the edges of the electrodes apart"),
        (
            {"temperature": 373.15},
            "temperature 100 degC is outside the range in which the conductivity of SPE is known",
        ),
        ({"positive__specific_capacity": 260 * 3600.0}, "the first charge takes 289 mAh/g from NCM622, more than the"),
        (
            {"positive__composition": {"NCM622": 0.95, "SPE": 0.05}, "positive__porosity": 0.18},
            "positive.composition has no conductive additive",
        ),
        (
            {"positive__collector": {"material": "Cu", "thickness": 1e-5}},
            "positive.collector of Cu oxidises at the potential of this positive (3.81 V)",
        ),
        (
            {"negative": {"kind": "anode-free", "collector": {"material": "Al", "thickness": 1e-5}}},
            "negative.collector of Al alloys with lithium",
        ),
        ({"positive__average_voltage": 5.0}, "SPE oxidises at 4.9 V, below the positive's average 5 V"),
        ({"membrane__material": "Li3PS4"}, "membrane: Li3PS4 is reduced below 0.6 V, and the negative is at 0 V"),
        (
            {"pouch__expansion_space": 50e-6},
            "at full charge the cell is 71.6 um thicker, more than pouch.expansion_space",
        ),
    ],
)
def test_an_expert_would_say(design: ss.Design, changes: dict[str, Any], words: str) -> None:
    assert words not in warned(design)
    assert words in warned(design, **changes)


def test_a_sound_design_is_not_warned(design: ss.Design) -> None:
    assert warned(design, positive__loading=0.17) == ""


def test_arrays_say_of_how_many_designs(design: ss.Design) -> None:
    loading = np.array([[0.15], [0.16], [0.25], [0.30]])
    text = warned(design, positive__loading=loading, membrane__thickness=np.array([5e-6, 5e-5]))
    assert "positive.loading 25 mg/cm^2 is above the loading threshold 18.5 mg/cm^2" in text
    assert "(holds for 4 of 8 designs)" in text
