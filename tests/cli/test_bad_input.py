"""Each kind of bad input: the exact message, exit code 2, nothing written, no traceback."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Edited = Callable[..., Path]

COMPOSITION = '{ NCM622 = "93 wt%", SPE = "5 wt%", "carbon black" = "2 wt%" }'
DENSITY = 'density = "3.5 g/cm^3"               # or porosity = "18.4 %", or thickness = "54.5 um"'
MEMBRANE = 'material = "SPE"\nthickness = "82 um"'

CASES = {
    "96 %": (
        (COMPOSITION, '{ NCM622 = "93 wt%", SPE = "1 wt%", "carbon black" = "2 wt%" }'),
        "line 8: positive.composition: the shares sum to 96 wt%, not 100 wt% (NCM622 93, SPE 1, carbon black 2); "
        "correct one of the shares",
    ),
    "104 %": (
        (COMPOSITION, '{ NCM622 = "93 wt%", SPE = "9 wt%", "carbon black" = "2 wt%" }'),
        "line 8: positive.composition: the shares sum to 104 wt%, not 100 wt% (NCM622 93, SPE 9, carbon black 2); "
        "correct one of the shares",
    ),
    "wt% and vol% mixed": (
        ('SPE = "5 wt%"', 'SPE = "5 vol%"'),
        "line 8: positive.composition: mixes vol% (SPE) and wt% (NCM622, carbon black); "
        "write all shares in the same one",
    ),
    "percentage of what": (
        ('SPE = "5 wt%"', 'SPE = "5 %"'),
        'line 8: positive.composition.SPE: "5 %" does not say of what (mass or volume); write "5 wt%" or "5 vol%"',
    ),
    "above dense": (
        ("3.5 g/cm^3", "4.5 g/cm^3"),
        "line 10: positive.density: 4.5 g/cm^3 is above the dense density 4.29 g/cm^3 of this composition (porosity "
        "would be -4.9 %). Lower it, or give porosity instead.",
    ),
    "thickness above dense": (
        (DENSITY, 'thickness = "40 um"'),
        "line 10: positive.thickness: implies 4.77 g/cm^3, which is above the dense density 4.29 g/cm^3 of this "
        "composition (porosity would be -11.3 %). Raise it, or give porosity instead.",
    ),
    "two densities": (
        (DENSITY, 'density = "3.5 g/cm^3"\nporosity = "5 %"'),
        "line 11: positive.porosity: contradicts positive.density: this porosity implies 4.075 g/cm^3, the density "
        "3.5 g/cm^3; remove one of the two",
    ),
    "density and thickness": (
        (DENSITY, 'density = "3.5 g/cm^3"\nthickness = "60 um"'),
        "line 11: positive.thickness: contradicts positive.density: this thickness implies 3.182 g/cm^3, the density "
        "3.5 g/cm^3; remove one of the two",
    ),
    "no density": (
        (DENSITY, ""),
        'line 7: positive: density, porosity or thickness is missing; write for example density = "3.5 g/cm^3"',
    ),
    "zero thickness": (
        (MEMBRANE, MEMBRANE.replace("82", "0")),
        'line 23: membrane.thickness: "0 um" is out of bounds: length must be above 0 um',
    ),
    "negative thickness": (
        (MEMBRANE, MEMBRANE.replace("82", "-82")),
        'line 23: membrane.thickness: "-82 um" is out of bounds: length must be above 0 um',
    ),
    "zero bilayers": (
        ("bilayers = 2\npositive", "bilayers = 0\npositive"),
        "line 26: stack.bilayers: 0 is not a whole number from 1 to 1000",
    ),
    "half a bilayer": (
        ("bilayers = 2\npositive", "bilayers = 2.5\npositive"),
        "line 26: stack.bilayers: 2.5 is not a whole number from 1 to 1000",
    ),
    "bilayers as text": (
        ("bilayers = 2\npositive", 'bilayers = "2"\npositive'),
        "line 26: stack.bilayers: is text; write a whole number from 1 to 1000, without quotes",
    ),
    "wrong dimension": (
        ('loading = "19.09 mg/cm^2"            #', 'loading = "19.09 mg/cm^3"            #'),
        'line 9: positive.loading: "19.09 mg/cm^3" is a density; expected an areal mass, for example "21 mg/cm^2"',
    ),
    "unknown unit": (
        (MEMBRANE, MEMBRANE.replace("um", "umm")),
        'line 23: membrane.thickness: "82 umm" has the unknown unit "umm"; did you mean "um" or "mm"? '
        '(expected a length, for example "82 um")',
    ),
    "no unit": (
        (MEMBRANE, MEMBRANE.replace('"82 um"', "82")),
        'line 23: membrane.thickness: 82 has no unit; write for example "82 um"',
    ),
    "no unit in text": (
        (MEMBRANE, MEMBRANE.replace("82 um", "82")),
        'line 23: membrane.thickness: "82" has no unit; write for example "82 um"',
    ),
    "unknown material": (
        ("NCM622 = ", "NCM662 = "),
        'line 8: positive.composition.NCM662: there is no material "NCM662"; did you mean "NCM622" or "NMC622"? '
        'Add your own with "solidstack materials add FILE"',
    ),
    "material of another role": (
        (MEMBRANE, MEMBRANE.replace("SPE", "Cu")),
        'line 22: membrane.material: "Cu" is a metal; expected a solid-electrolyte: LATP, Li10GeP2S12, Li3InCl6, '
        "Li3PS4, Li3YCl6, Li6PS5Cl, Li7P3S11, LLTO, LLZO, PEO-LiTFSI, SPE",
    ),
    "unknown key": (
        ("seal_width", "seal_widht"),
        'line 33: pouch.seal_widht: unknown key; did you mean "seal_width"?',
    ),
    "unknown table": (
        ("[membrane]", "[quux]"),
        "line 21: quux: unknown key; choose from name, temperature, densities, positive, negative, membrane, "
        "stack, pouch, rating, prices, published",
    ),
    "unknown kind": (
        ('kind = "lithium-foil"', 'kind = "lithium foil"'),
        'line 17: negative: "lithium foil" is not recognised; did you mean "lithium-foil"? Choose one of lithium-foil, '
        "lithium-on-collector, graphite, silicon, anode-free",
    ),
    "key of another kind": (
        ('kind = "lithium-foil"\nthickness = "40 um"', 'kind = "anode-free"\nthickness = "40 um"'),
        "line 19: negative.thickness: unknown key; choose from kind, collector, first_cycle_efficiency, "
        "interface_resistance",
    ),
    "below 0 K": (
        ('temperature = "45 degC"', 'temperature = "-300 degC"'),
        'line 5: temperature: "-300 degC" is out of bounds: temperature must be at least -173.15 degC',
    ),
    "nan": (
        ('temperature = "45 degC"', 'temperature = "nan degC"'),
        'line 5: temperature: "nan degC" is not finite; write a number such as "45 degC"',
    ),
    "infinity": (
        ("c_rate = 0.5", "c_rate = inf"),
        'line 37: rating.c_rate: is inf, not finite; write a number such as "1.1"',
    ),
    "a list": (
        ("c_rate = 0.5", "c_rate = [0.5, 1]"),
        'line 37: rating.c_rate: is a list; write one value, for example "1.1"',
    ),
    "true": (
        ("c_rate = 0.5", "c_rate = true"),
        'line 37: rating.c_rate: is true or false; write text with a unit, for example "1.1"',
    ),
    "no active material": (
        (COMPOSITION, '{ SPE = "98 wt%", "carbon black" = "2 wt%" }'),
        "line 8: positive.composition: has no active material; choose from graphite, LCO, LFP, LNMO, NCM622, NCM811, "
        "NCM83, S, Si",
    ),
    "no solid electrolyte": (
        (COMPOSITION, '{ NCM622 = "98 wt%", "carbon black" = "2 wt%" }'),
        "line 8: positive.composition: has no solid electrolyte; choose from LATP, Li10GeP2S12, Li3InCl6, Li3PS4, "
        "Li3YCl6, Li6PS5Cl, Li7P3S11, LLTO, LLZO, PEO-LiTFSI, SPE",
    ),
    "bipolar without a foil": (
        ("bilayers = 2\npositive", "series_cells = 2\nbilayers = 2\npositive"),
        'line 25: stack: series_cells is above 1; add bipolar_foil = { material = "...", thickness = "..." }',
    ),
    "no energy": (
        ('average_voltage = "3.81 V"           #', 'average_voltage = "0 V"           #'),
        "positive.average_voltage: 0 V against Li is not above the negative's 0 V: the cell would have no energy; "
        "check the materials",
    ),
    "a material twice": (
        ("NCM622 = ", 'NMC622 = "1 wt%", NCM622 = '),
        "line 8: positive.composition: NCM622 appears twice, as NMC622 and as NCM622; add the two together",
    ),
    "nothing of the active material": (
        (COMPOSITION, '{ NCM622 = "0 wt%", SPE = "98 wt%", "carbon black" = "2 wt%" }'),
        "line 8: positive.composition: has 0 wt% of active material, so no capacity; add some",
    ),
    "an empty composition": (
        (COMPOSITION, "{}"),
        "line 8: positive.composition: is not a table of shares; write for example "
        '{ NCM622 = "93 wt%", SPE = "5 wt%", "carbon black" = "2 wt%" }',
    ),
    "with and without its lithium": (
        (COMPOSITION, '{ NCM622 = "83 wt%", S = "10 wt%", SPE = "5 wt%", "carbon black" = "2 wt%" }'),
        "line 8: positive.composition: mixes NCM622, made with its lithium, and S, made without; use one kind",
    ),
    "a percentage without its sign": (
        (DENSITY, "porosity = 12"),
        "line 10: positive.porosity: 1200 % is out of bounds: volume fraction must be below 100 %; "
        'did you mean "12 %"?',
    ),
    "a bare ratio of an efficiency": (
        ('first_cycle_efficiency = "90 %"', "first_cycle_efficiency = 90"),
        "line 14: positive.first_cycle_efficiency: 9000 % is out of bounds: fraction must be at most 100 %; "
        'did you mean "90 %"?',
    ),
    "one length of two": (
        ('["29.0 mm", "40.5 mm"]', '["29.0 mm"]'),
        "line 27: stack.positive_size.1: value 2 of the list is missing",
    ),
    "three lengths of two": (
        ('["29.0 mm", "40.5 mm"]', '["29.0 mm", "40.5 mm", "1 mm"]'),
        "line 27: stack.positive_size: has 3 values; expected 2",
    ),
    "a missing value": (
        ('thickness = "82 um"', ""),
        'line 21: membrane.thickness: is missing; write for example thickness = "82 um"',
    ),
    "a table where a value is wanted": (
        ('loading = "19.09 mg/cm^2"            #', "loading = { value = 3 }            #"),
        'line 9: positive.loading: is a table; write text with a unit, for example "21 mg/cm^2"',
    ),
    "a value where expected a table": (
        ('laminate = { areal_mass = "203 g/m^2", thickness = "113 um" }', "laminate = 3"),
        "line 32: pouch.laminate: is a number; expected a table",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_design_files(run: Run, edited: Edited, tmp_path: Path, case: str) -> None:
    change, message = CASES[case]
    path = edited(change)
    for word in ("check", "evaluate", "run"):
        result = run(word, path, *(("-o", tmp_path / "out") if word == "run" else ()))
        assert result.code == 2
        assert result.out == ""
        found = result.err.removeprefix("error: ").removeprefix(f"{path}: ").rstrip("\n")
        assert message in found
    assert sorted(p.name for p in tmp_path.iterdir()) == ["design.toml"]


def test_the_message_is_exactly_this(run: Run, edited: Edited) -> None:
    path = edited(("3.5 g/cm^3", "4.5 g/cm^3"))
    assert run("evaluate", path).err == (
        f"error: {path}: line 10: positive.density: 4.5 g/cm^3 is above the dense density 4.29 g/cm^3 of this "
        "composition (porosity would be -4.9 %). Lower it, or give porosity instead.\n"
    )
    path = edited((MEMBRANE, MEMBRANE.replace("82 um", "82").replace("SPE", "SPX")))
    assert run("evaluate", path).err == (
        f"error: {path}: 2 problems\n"
        '  line 22: membrane.material: there is no material "SPX"; did you mean "SPE"? '
        'Add your own with "solidstack materials add FILE"\n'
        '  line 23: membrane.thickness: "82" has no unit; write for example "82 um"\n'
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "is not TOML: Invalid value (at end of document)"),
        (b"[positive\n", "is not TOML: Expected ']' at the end of a table declaration (at line 1, column 10)"),
        (b"a = 1\na = 2\n", "is not TOML: Cannot overwrite a value (at line 2, column 6)"),
        (b"", "is empty"),
        (b"  \n\t\n", "is empty"),
        (b'name = "ok"\nnote = "\xff\xfe"\n', "line 2: is not UTF-8 text (byte 0xff); save it as UTF-8"),
        (b"\x00\x01\x02", "is not TOML: "),
        (b"# " + b"x" * 10_000_000, "has 10.0 MB; such a file has a few kB, and at most 1 MB are read"),
        (b"a = " + b"[" * 100_000, "is not "),
    ],
)
def test_files_that_are_no_design(run: Run, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "design.toml"
    path.write_bytes(content)
    result = run("check", path)
    assert result.code == 2
    assert result.err.startswith(f"error: {path}: {message}")
    assert result.err.count("\n") == 1


def test_rules_between_keys_are_told_beside_wrong_keys(run: Run, edited: Edited) -> None:
    """A density above dense is found although the membrane is wrong as well."""
    path = edited(("3.5 g/cm^3", "4.5 g/cm^3"), (MEMBRANE, MEMBRANE.replace("82 um", "82")))
    assert run("check", path).err == (
        f"error: {path}: 2 problems\n"
        "  line 10: positive.density: 4.5 g/cm^3 is above the dense density 4.29 g/cm^3 of this composition (porosity "
        "would be -4.9 %). Lower it, or give porosity instead.\n"
        '  line 23: membrane.thickness: "82" has no unit; write for example "82 um"\n'
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "is not a usable JSON file: it is nested too deeply"),
        (b"{} x", "line 1: is not JSON: Extra data (column 4)"),
        (b"[1, 2]", "does not contain a JSON object"),
        (b"", "is empty"),
        (b'{"name": "\xff"}', "line 1: is not UTF-8 text (byte 0xff); save it as UTF-8"),
        (b" " * 10_000_000, "has 10.0 MB; such a file has a few kB, and at most 1 MB are read"),
        (b"{}", "4 problems"),
    ],
)
def test_json_files_that_are_no_design(run: Run, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "design.json"
    path.write_bytes(content)
    result = run("check", path)
    assert (result.code, result.err.splitlines()[0]) == (2, f"error: {path}: {message}")


def test_a_very_deep_key(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "design.toml"
    path.write_text(".".join("a" * 5000) + " = 1\n")
    result = run("check", path)
    assert result.code == 2
    assert "Traceback" not in result.err


def test_a_directory_and_a_missing_file(run: Run, tmp_path: Path) -> None:
    assert run("evaluate", tmp_path).err == f"error: {tmp_path}: is a folder; give a file in it\n"
    missing = tmp_path / "no.toml"
    assert run("evaluate", missing).err == f"error: {missing}: there is no such file; check the path\n"


def test_a_file_of_windows(run: Run, tmp_path: Path) -> None:
    """A byte-order mark and CRLF are no mistakes."""
    text = Path("examples/pouch-0.16Ah.toml").read_text(encoding="utf-8")
    path = tmp_path / "design.toml"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert run("check", path).code == 0


def test_temperature_outside_a_materials_range_is_a_warning(run: Run, edited: Edited) -> None:
    result = run("evaluate", edited(('"45 degC"', '"120 degC"')))
    assert result.code == 0
    assert (
        "warning: temperature 120 degC is outside the range in which the conductivity of SPE is known (20 to 80 degC), "
        "so it is extrapolated; set positive.ionic_conductivity and membrane.ionic_conductivity if you know it\n"
    ) in result.err


def test_a_users_material_in_place_of_ours_is_said_aloud(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "spe.toml"
    text = (Path("src/solidstack/materials/data") / "spe.toml").read_text(encoding="utf-8")
    own.write_text(text.replace('value = "1.80 g/cm^3"', 'value = "1.35 g/cm^3"'), encoding="utf-8")
    monkeypatch.setenv("SOLIDSTACK_MATERIALS", str(tmp_path))
    result = run("evaluate", "examples/pouch-0.16Ah.toml")
    assert result.code == 0
    assert f"warning: material SPE is your own ({own}), which replaces the shipped one\n" in result.err
    assert f"note: your SPE ({own}) replaces the shipped one\n" in run("materials", "show", "SPE").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "positive.lodaing=3"), 'positive.lodaing: unknown key; did you mean "loading"?'),
        (("--set", "rubbish"), '--set "rubbish" is not KEY=VALUE, as in --set positive.loading="25 mg/cm^2"'),
        (("--set", "positive.loading=25"), 'positive.loading: "25" has no unit; write for example "25 mg/cm^2"'),
        (
            ("--set", "kinetics.ideal_electronics=on"),
            "kinetics.ideal_electronics: is text; write true or false, without quotes",
        ),
        (("--set", "stack.bilayers=x"), "stack.bilayers: is text; write a whole number from 1 to 1000, without quotes"),
        (
            ("--set", "positive.composition.NCM622=99 wt%"),
            "positive.composition.NCM622: leaves -1 wt% for SPE, which balances it; it can be at most 98 wt%",
        ),
    ],
)
def test_changes_on_the_command_line(run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run("evaluate", "examples/pouch-0.16Ah.toml", *arguments)
    assert (result.code, result.out, result.err) == (2, "", f"error: examples/pouch-0.16Ah.toml: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("map", "porsity", "D"),
            '"porsity" is not a kind of map; did you mean "porosity"? Choose from porosity, ir-drop, electrode-energy, '
            "membrane, stack",
        ),
        (("map", "custom", "D"), "a map needs two keys, x and y, or a kind"),
        (
            ("map", "stack", "D", "--x", "positive.loading=10 um:20 um:5"),
            'positive.loading: "10 um" is a length; expected an areal mass, for example "21 mg/cm^2"',
        ),
        (
            ("map", "stack", "D", "--electrolyte", "LLTZO"),
            'there is no material "LLTZO"; did you mean "LLZO" or "LLTO"? Add your own with',
        ),
        (
            ("map", "stack", "D", "--figure", "cell.mas_g"),
            '"cell.mas_g" is not a number of the sheet; did you mean "cell.mass_g"',
        ),
        (("map", "stack", "D", "-o", "OUT/map.xyz"), "has no known ending for a figure; use .png, .svg, .pdf"),
        (("map", "stack", "D", "D", "-o", "OUT/map.nc"), "2 maps do not fit into one .nc file"),
        (("materials", "show", "NCM62"), 'there is no material "NCM62"; did you mean "NCM622" or "NMC622"?'),
        (("thresholds", "--active", "SPE"), "SPE is a solid-electrolyte; expected an active-material: "),
        (("run", "D", "-o", "OUT/file/report"), "cannot be written (Not a directory); choose another place with -o"),
        (("run", "D", "-o", "OUT/file"), "is a file; give a folder"),
        (("map", "stack", "D", "-o", "OUT"), "has no known ending for a figure"),
        (("schema", "-o", "OUT"), "is a folder; give the path of a file"),
    ],
)
def test_other_commands(run: Run, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "file").write_text("mine")
    words = [w.replace("OUT", str(tmp_path)) if w != "D" else "examples/pouch-0.16Ah.toml" for w in arguments]
    result = run(*words)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("file", "mine")]


def test_unknown_command_and_option(run: Run) -> None:
    assert run("evalute").code == 2
    result = run("evaluate", "--jsn", "x")
    assert result.code == 2
    assert "No such option" in result.err
