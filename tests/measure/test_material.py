import hashlib
from pathlib import Path
from typing import Any

import pytest

import solidstack as ss
from solidstack import units
from solidstack.errors import MaterialError, MeasurementError
from solidstack.measure.material import save_material
from solidstack.measure.records import TIME, VOLTAGE, Record, record
from solidstack.measure.result import Fitted, Property, Result


class Conducted(Result):
    found: tuple[Property, ...] = ()

    @property
    def kind(self) -> str:
        return "eis"

    def properties(self) -> list[Property]:
        return list(self.found)


CONDUCTIVITY = Property("ionic_conductivity", {"value": "0.5 mS/cm", "temperature": "45 degC"}, 0.031)


def conducted(*found: Property, **changes: Any) -> Result:
    one = record({TIME: [0.0], VOLTAGE: [1.0]}, source="folder/cell.mpr", sha256=hashlib.sha256(b"x").hexdigest())
    values = {"conductivity": Fitted("Conductivity", 0.05, 0.0485, 0.0515, units.MS_CM)}
    given: dict[str, Any] = {"records": (one,), "values": values, "model": "R0-CPE1", "window": {"high_Hz": 1e5}}
    result = Conducted(**(given | changes))
    object.__setattr__(result, "found", found or (CONDUCTIVITY,))
    return result


def test_a_known_material_gets_the_measured_value_as_its_default() -> None:
    place, names = save_material([conducted(warnings=("two points only",))], "spe")
    assert names == ["ionic_conductivity"]
    material = ss.library()["SPE"]
    entry = material.default("ionic_conductivity")
    assert (entry.value, entry.temperature) == (pytest.approx(0.05), pytest.approx(318.15))
    assert entry.uncertainty == pytest.approx(0.031)
    assert entry.quality == "measured"
    assert entry.note.startswith("two points only; activation energy and range kept from: Nat. Commun. 15 (2024)")
    assert entry.at(333.15) / entry.at(318.15) == pytest.approx(1.124, abs=0.002)  # 0.10 eV, sigma T
    assert "cell.mpr (sha256 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881)" in entry.source
    assert "model R0-CPE1; window high_Hz 100000" in entry.source
    assert len(material.ionic_conductivity) == 3
    assert material.value("density") == pytest.approx(1800.0)
    assert Path(place).is_relative_to(Path(ss.materials.library.user_folder()))  # type: ignore[attr-defined]


def test_the_same_measurement_is_kept_once() -> None:
    save_material([conducted()], "SPE")
    save_material([conducted()], "SPE")
    assert len(ss.library()["SPE"].ionic_conductivity) == 3


def test_a_new_material_starts_from_a_known_one_and_designs_with_it() -> None:
    save_material([conducted()], "SPE batch 7", based_on="SPE")
    material = ss.library()["SPE batch 7"]
    assert material.note.startswith("started from SPE; ")
    assert material.aliases == ()
    assert material.default("current_fraction").value == 0.9
    design = ss.load("examples/pouch-0.16Ah.toml")
    text = design.to_toml().replace('material = "SPE"', 'material = "SPE batch 7"')
    assert "SPE batch 7" in text
    assert ss.library()["SPE"].default("ionic_conductivity").value == pytest.approx(0.108)


def test_a_new_material_from_nothing_needs_its_density() -> None:
    save_material([conducted()], "mine", density=1750.0)
    material = ss.library()["mine"]
    assert (material.role, material.value("density")) == ("solid-electrolyte", pytest.approx(1750.0))
    with pytest.raises(MaterialError, match=r"density: is missing.*--density and --role.*--based-on NAME"):
        save_material([conducted()], "other")
    assert "other" not in ss.library()


def test_nothing_to_save_says_why() -> None:
    nothing = conducted(warnings=("no temperature is known",))
    object.__setattr__(nothing, "found", ())
    with pytest.raises(MeasurementError, match="eis: found no property to save as a material: no temperature is known"):
        save_material([nothing], "SPE")
    with pytest.raises(MaterialError, match='there is no material "SPF"; did you mean "SPE"'):
        save_material([conducted()], "new", based_on="SPF")


def test_values_go_out_in_their_unit_and_undefined_ones_as_null() -> None:
    data = conducted().to_dict()
    assert data["conductivity_mS_cm"] == pytest.approx({"value": 0.5, "low": 0.485, "high": 0.515})
    lost = Fitted("Onset", float("nan"), float("nan"), float("nan"), units.V)
    assert lost.to_dict() == {"value": None, "low": None, "high": None}
    assert Fitted("x", 2.0, 1.9, 2.1).uncertainty == pytest.approx(0.05)
    assert lost.uncertainty is None


def test_a_record_asks_for_what_the_file_does_not_say() -> None:
    one: Record = record({TIME: [0.0], VOLTAGE: [1.0]}, source="cell.csv", technique="linear-sweep")
    with pytest.raises(MeasurementError, match=r'cell.csv: does not say the area .*give it, as in --area "11.75 cm'):
        one.given("area")
    with pytest.raises(MeasurementError, match=r"area: -1 cm\^2 is not above 0"):
        one.with_sample(area=-1e-4)
    with pytest.raises(
        MeasurementError, match=r'no column "Current / A" \(a measurement of linear sweep\); it has "Test'
    ):
        one.require(TIME, "Current / A")
