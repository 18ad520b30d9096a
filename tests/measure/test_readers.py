"""Instrument files to records: each format, its units, signs, sample and warnings; real files against galvani."""

import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from solidstack.errors import MeasurementError
from solidstack.measure.readers import biologic_columns, biologic_mpr, lines, read
from solidstack.measure.readers.header import find_header
from solidstack.measure.readers.names import assign
from solidstack.measure.records import (
    CHAMBER,
    CHARGING_CAPACITY,
    CURRENT,
    CYCLE,
    DISCHARGING_CAPACITY,
    FREQUENCY,
    IMAGINARY,
    REAL,
    SPECTRUM,
    STEP,
    TIME,
    VOLTAGE,
)
from tests.conftest import SHARED

MEASUREMENTS = SHARED / "measurements"
REAL_MPR = ("bdf_GCPL-0", "bdf_MB-0", "bdf_PEIS-0", "yadg_ca", "yadg_geis", "yadg_lsv", "yadg_mb.issue_218")
SINGLE = 2e-7  # relative step of single precision


def shared(name: str) -> Path:
    path = MEASUREMENTS / name
    if not path.exists():
        pytest.skip(f"needs the shared file {name}")
    return path


def module(name: str, data: bytes, *, late: bool, version: int, date: bytes = b"03/03/21") -> bytes:
    """A module as EC-Lab writes it, before 11.50 or since (`late`)."""
    long = {"VMP Set": "VMP settings", "VMP loop": "VMP expt. loop indexes"}.get(name, name)
    head = b"MODULE" + name.encode().ljust(10) + long.encode().ljust(25)
    if late:
        return head + struct.pack("<IIII", 0xFFFFFFFF, len(data), 0, version) + date + data
    return head + struct.pack("<II", len(data), version) + date + data


def mpr(
    columns: dict[int, Sequence[float]],
    *,
    form: str = "3",
    technique: int = 0x1D,
    remarks: bytes = b"",
    area: float = 0.001,
    mass: float = 0.001,
    characteristic_mass: float = 0.001,
    log: bool = True,
    loops: Sequence[int] = (),
) -> bytes:
    """An .mpr file: `form` is the module's version (0, 2, 3) or ``late``."""
    late = form == "late"
    ids = list(columns)
    flags = [one for one in ids if one in biologic_columns.FLAGS]
    own = [one for one in ids if one not in biologic_columns.FLAGS or one == flags[0]]
    known = biologic_columns.COLUMNS
    kinds = [(str(one), "u1" if one in flags else known.get(one, ("", "<f4"))[1]) for one in own]
    count = len(next(iter(columns.values())))
    points = np.zeros(count, kinds)
    for one in own:
        points[str(one)] = columns[one]
    head = struct.pack("<IH" if late else "<IB", count, len(ids))
    head += struct.pack(
        f"<{len(ids)}{'B' if form == '0' else 'H'}", *(one & 255 if form == "0" else one for one in ids)
    )
    before = {"0": 100, "2": 405, "3": 406, "late": 1007}[form]
    data = head.ljust(before, b"\0") + points.tobytes()
    settings = bytearray(0x280)
    settings[0] = technique
    settings[7 : 8 + len(remarks)] = bytes([len(remarks)]) + remarks
    for at, value in ((0x107, mass), (0x211, area), (0x24C, characteristic_mass)):
        struct.pack_into("<f", settings, at, value)
    text = bytearray(0x3C0)
    struct.pack_into("<d", text, 0x249, 44258.86)  # 2021-03-03
    text[0x3B7:0x3BD] = b"\x0511.33"
    version = 10 if late else 0
    parts = [biologic_mpr.MAGIC, module("VMP Set", bytes(settings), late=late, version=version)]
    parts.append(module("VMP data", data, late=late, version=11 if late else int(form)))
    if log:
        parts.append(module("VMP LOG", bytes(text), late=late, version=version))
    if loops:
        parts.append(
            module("VMP loop", struct.pack(f"<{1 + len(loops)}I", len(loops), *loops), late=late, version=version)
        )
    return b"".join(parts)


def spectrum(points: int = 12) -> dict[int, Sequence[float]]:
    """Columns of an impedance file: 100 ohm beside 1 µF, after 10 ohm."""
    frequency = np.logspace(5, 0, points)
    z = (10.0 + 1.0 / (1.0 / 100.0 + 2j * np.pi * frequency * 1e-6)).astype(np.complex64)
    return {
        32: frequency, 37: z.real, 38: -z.imag, 36: np.abs(z), 35: np.degrees(np.angle(z)), 4: np.arange(points) * 0.5,
        77: np.full(points, 0.05), 76: np.full(points, -0.25), 24: np.ones(points), 39: np.full(points, 12),
    }  # fmt: skip


def cycling(points: int = 20) -> dict[int, Sequence[float]]:
    """Columns of a charge with constant current, 0.36 mA, whose file has the charge between points only."""
    charge = np.concatenate([[0.0], np.full(points - 1, 0.36 * 2.0 / 3600.0)])
    changes = np.zeros(points)
    changes[points // 2] = 1
    return {
        1: 1 + 0x20 * changes, 2: [], 3: [], 21: [], 31: [], 65: [], 131: np.cumsum(changes),
        4: np.arange(points) * 2.0,
        7: charge, 13: np.cumsum(charge), 20: np.full(points, 0.36), 6: np.linspace(3.0, 3.5, points),
        468: np.zeros(points),
    }  # fmt: skip


def write(folder: Path, name: str, content: bytes | str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


# ---------------------------------------------------------------- BioLogic, binary


@pytest.mark.parametrize("form", ["0", "2", "3", "late"])
def test_mpr_of_each_form(tmp_path: Path, form: str) -> None:
    record = read(write(tmp_path, "a.mpr", mpr(spectrum(), form=form, area=1.13, remarks=b"cell 3, 25 \xb0C")))
    assert (record.technique, record.instrument) == ("impedance", "BioLogic EC-Lab 11.33")
    assert record.area == pytest.approx(1.13e-4, rel=1e-12)
    assert record.temperature == pytest.approx(298.15)
    assert record.mass is None
    assert record.warnings == ("temperature 25 °C is taken from the remarks in the file",)
    assert len(record.sha256) == 64
    z = 10.0 + 1.0 / (1.0 / 100.0 + 2j * np.pi * record.values(FREQUENCY) * 1e-6)
    assert_allclose(record.impedance, z, rtol=1e-6)
    assert record.values(IMAGINARY).max() < 0.0
    assert_allclose(record.values(CURRENT), -0.25e-3)
    assert_allclose(record.values(VOLTAGE), 0.05, rtol=SINGLE)


def test_mpr_charge_gives_the_current_and_flags_the_step(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.mpr", mpr(cycling(), form="late", technique=0x04, mass=5.0)))
    assert record.technique == "cycling"
    assert record.mass == pytest.approx(5e-6)
    assert_allclose(record.values(CURRENT)[1:], 0.36e-3, rtol=1e-12)
    assert_array_equal(record.values(STEP), np.repeat([0.0, 1.0], 10))
    assert_array_equal(record.values("mode"), 1.0)
    assert record.warnings == (
        "current is the charge between two points divided by the time between them; the file has no current",
    )


def test_mpr_spectra_are_numbered_by_cycle_and_by_loop(tmp_path: Path) -> None:
    one = spectrum()
    two = {number: np.tile(values, 2) for number, values in one.items()}
    two[4] = np.arange(24) * 0.5
    by_loop = read(write(tmp_path, "a.mpr", mpr(two, loops=(0, 12))))
    two[24] = np.repeat([1.0, 2.0], 12)
    by_cycle = read(write(tmp_path, "b.mpr", mpr(two)))
    for record in (by_loop, by_cycle):
        assert_array_equal(record.values(SPECTRUM), np.repeat([1.0, 2.0], 12))
        assert [len(part.table) for part in record.spectra()] == [12, 12]


def test_mpr_defaults_of_the_program_are_not_the_users(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.mpr", mpr(spectrum())))
    assert (record.area, record.mass, record.temperature) == (None, None, None)
    record = read(write(tmp_path, "b.mpr", mpr(spectrum(), characteristic_mass=5.544)))
    assert record.mass == pytest.approx(5.544e-6)
    assert record.warnings == ("mass is the characteristic mass in the file, 5.544 mg; the file has no active mass",)


def test_mpr_voltage_is_that_of_the_cell_where_it_is_there(tmp_path: Path) -> None:
    columns = spectrum() | {27: np.full(12, 1.5)}
    record = read(write(tmp_path, "a.mpr", mpr(columns)))
    assert_allclose(record.values(VOLTAGE), 1.5)
    assert_allclose(record.values("<Ewe>/V"), 0.05, rtol=SINGLE)


def test_mpr_unknown_columns_are_read_where_their_size_is_clear(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.mpr", mpr(spectrum() | {900: np.full(12, 7.0)})))
    assert_array_equal(record.values("column 900"), 7.0)
    assert record.warnings == ("columns with unknown ids are read as numbers of their size: 900",)
    raw = bytearray(mpr(spectrum() | {900: np.full(12, 7.0), 6: np.full(12, 1.0), 901: np.full(12, 7.0)}))
    # two unknown of 8 bytes together: 4 and 4; three of 12 may be 2, 2, 8: not clear
    assert read(write(tmp_path, "b.mpr", bytes(raw))).has("column 901")
    unclear = mpr(spectrum() | {900: np.full(12, 7.0), 6: np.full(12, 1.0), 901: np.zeros(12), 902: np.zeros(12)})
    with pytest.raises(
        MeasurementError, match="which leaves open the places of its 14 columns, including unknown ones"
    ):
        read(write(tmp_path, "c.mpr", unclear))


def test_mpr_ids_of_bt_lab_are_told_by_the_size_of_a_point(tmp_path: Path) -> None:
    ec = read(write(tmp_path, "a.mpr", mpr(spectrum() | {498: np.full(12, 2.0)})))
    assert ec.has("|Ece h2|/V")
    raw = mpr(spectrum() | {438: np.full(12, 2.0)})
    bt = read(write(tmp_path, "b.mpr", raw.replace(struct.pack("<H", 438), struct.pack("<H", 498), 1)))
    assert_allclose(bt.values(CHARGING_CAPACITY), 2e-3)


@pytest.mark.parametrize("name", REAL_MPR)
def test_mpr_like_galvani(name: str) -> None:
    galvani = pytest.importorskip("galvani.BioLogic")
    path = shared(f"{name}.mpr")
    with path.open("rb") as stream:
        other = galvani.MPRfile(stream)
    record = read(path)
    labels = {
        "time/s": (TIME, 1.0), "Ewe/V": (VOLTAGE, 1.0), "<Ewe>/V": (VOLTAGE, 1.0), "I/mA": (CURRENT, 1e-3),
        "<I>/mA": (CURRENT, 1e-3), "freq/Hz": (FREQUENCY, 1.0), "Re(Z)/Ohm": (REAL, 1.0),
        "-Im(Z)/Ohm": (IMAGINARY, -1.0),
    }  # fmt: skip
    compared = 0
    for column in other.data.dtype.names:
        theirs = other.data[column].astype(float)
        if column == "flags":
            for flag in other.flags_dict:
                assert_array_equal(record.values(flag), other.get_flag(flag).astype(float))
        elif column == "cycle number":
            changes = np.diff(theirs) != 0.0
            ours = record.values(SPECTRUM) if record.has(SPECTRUM) else np.ones(len(theirs))
            assert_array_equal(np.diff(ours) != 0.0, changes)
        elif column == "Ns":
            assert_array_equal(np.diff(record.values(STEP)) != 0.0, np.diff(theirs) != 0.0)
        else:
            label, factor = labels.get(column, (column, 1.0))
            assert_array_equal(record.values(label), theirs * factor, err_msg=column)
        compared += 1
    assert compared == len(other.data.dtype.names)


def test_mpr_like_its_mpt() -> None:
    binary, text = read(shared("yadg_geis.mpr")), read(shared("yadg_geis.mpt"))
    assert len(binary.table) == len(text.table) == 2528
    both = [name for name in binary.table.columns if name in text.table]
    assert len(both) >= 24
    for name in both:
        assert_allclose(binary.values(name), text.values(name), rtol=1e-6, atol=1e-12, err_msg=name)
    for name in ("area", "mass", "temperature"):
        assert getattr(binary, name) == pytest.approx(getattr(text, name), rel=1e-9)
    assert (binary.area, binary.temperature) == (pytest.approx(1.13e-4), pytest.approx(298.15))
    assert binary.instrument == text.instrument == "BioLogic EC-Lab 11.33"
    assert binary.technique == text.technique == "impedance"
    assert len(binary.spectra()) == 61


def test_real_sample() -> None:
    peis = read(shared("bdf_PEIS-0.mpr"))
    assert (peis.area, peis.mass) == (pytest.approx(1.539e-4), pytest.approx(8.582e-6))
    assert peis.instrument == "BioLogic BT-Lab 1.79"
    lsv = read(shared("yadg_lsv.mpr"))
    assert (lsv.technique, lsv.area, lsv.mass) == ("linear-sweep", None, None)
    mpt = read(shared("impedancepy_exampleDataBioLogic.mpt"))
    assert (mpt.technique, mpt.area, mpt.mass, len(mpt.table)) == ("impedance", None, None, 43)
    assert mpt.warnings == ()


# ---------------------------------------------------------------- BioLogic, text

MPT = """EC-Lab ASCII FILE
Nb header lines : {count}

{technique}

Device : VMP3 (SN 1083)
EC-Lab for windows v11.33 (software)
Comments : {remarks}
Mass of active material : {mass}
Electrode surface area : {area} cm²
{more}{names}
"""


def mpt(names: str, rows: Sequence[str], *, more: str = "", **head: str) -> str:
    head = {"technique": "Cyclic Voltammetry", "remarks": "", "mass": "0.001 mg", "area": "0.001", "count": "0"} | head
    text = MPT.format(names=names, more=more, **head)
    return text.replace("Nb header lines : 0", f"Nb header lines : {text.count(chr(10))}") + "\n".join(rows) + "\n"


def test_mpt_with_decimal_comma(tmp_path: Path) -> None:
    rows = ["2\t0,5\t3,1E+000\t-1,25E-001\t1", "2\t1,5\t3,2E+000\t1,25E-001\t2"]
    text = mpt(
        "mode\ttime/s\tEwe/V\t<I>/mA\tcycle number\t", rows, area="2,25", mass="3,5 mg", remarks="measured at 60,5 °C"
    ).replace("\n", "\r\n")
    record = read(write(tmp_path, "a.mpt", text, "latin-1"))
    assert record.technique == "cyclic-voltammetry"
    assert (record.area, record.mass) == (pytest.approx(2.25e-4), pytest.approx(3.5e-6))
    assert record.temperature == pytest.approx(333.65)
    assert_allclose(record.values(CURRENT), [-1.25e-4, 1.25e-4])
    assert_allclose(record.values(TIME), [0.5, 1.5])
    assert_allclose(record.values(CYCLE), [1, 2])
    assert record.warnings == ("temperature 60.5 °C is taken from the remarks in the file",)


def test_mpt_with_dates_in_place_of_time(tmp_path: Path) -> None:
    rows = ["03/03/2021 23:59:59.500\t3.1", "03/04/2021 00:00:01.000\t3.2"]
    record = read(write(tmp_path, "a.mpt", mpt("time/s\tEcell/V", rows, remarks="25°C"), "utf-8"))
    assert_allclose(record.values(TIME), [0, 1.5])
    assert record.temperature == pytest.approx(298.15)
    assert record.warnings == (
        "temperature 25 °C is taken from the remarks in the file",
        "time is counted from the dates of the points",
    )


def test_mpt_of_several_loops(tmp_path: Path) -> None:
    loops = "Number of loops : 2\nLoop 0 from point number 0 to 1\nLoop 1 from point number 2 to 3\n"
    rows = [
        f"{frequency}\t{real}\t{minus}" for frequency, real, minus in ((100, 1, 2), (10, 2, 3), (100, 3, 4), (10, 4, 5))
    ]
    text = mpt(
        "freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm", rows, more=loops, technique="Potentio Electrochemical Impedance Spectroscopy"
    )
    record = read(write(tmp_path, "a.mpt", text, "latin-1"))
    assert_array_equal(record.values(SPECTRUM), [1, 1, 2, 2])
    assert_array_equal(record.values(IMAGINARY), [-2, -3, -4, -5])
    cut = read(write(tmp_path, "b.mpt", "\n".join(text.split("\n")[:-2]) + "\n", "latin-1"))
    assert cut.warnings == ("the header states 4 points but there are 3; the file may be truncated",)


def test_mpt_names_what_is_wrong(tmp_path: Path) -> None:
    good = mpt("time/s\tEwe/V\t<I>/mA", ["0\t1\t2", "1\t1\t2"])
    cases = {
        good.replace("1\t1\t2", "1\t1"): "line 13: has 2 cells where the table has 3; correct or delete the line",
        good.replace("1\t1\t2", "1\tx\t2"): 'line 13: Ewe/V: "x" is not a number; correct the line or leave it out',
        good.replace("lines : 11", "lines : 400"): "line 2: states 400 header lines but there are 13",
        good.replace("Nb header lines", "header"): 'line 2: "Nb header lines : N" is expected',
        good.partition("0\t1\t2")[0]: "contains no measured points; export it again",
    }
    for index, (text, words) in enumerate(cases.items()):
        with pytest.raises(MeasurementError, match=words):
            read(write(tmp_path, f"{index}.mpt", text, "latin-1"))


# ---------------------------------------------------------------- Gamry

DTA = """EXPLAIN
TAG\t{tag}
TITLE\tLABEL\tA test\tTest &Identifier
DATE\tLABEL\t5/11/2016\tDate
AREA\tQUANT\t{area}\t&Area (cm^2)
"""
ZCURVE = """ZCURVE\tTABLE
\tPt\tTime\tFreq\tZreal\tZimag\tZsig\tZmod\tZphz\tIdc\tVdc\tIERange
\t#\ts\tHz\tohm\tohm\tV\tohm\t°\tA\tV\t#
\t0\t1\t100000\t10\t-10\t1\t14.1421356\t-45\t-1E-5\t0.02\t8
\t1\t2\t1000\t20\t-20\t1\t28.2842712\t-45\t-1E-5\t0.02\t8
"""
CURVE = """CURVE{number}\tTABLE\t{count}
\tPt\tT\tVf\tIm\tVu\tSig\tAch\tIERange\tOver
\t#\ts\tV vs. Ref.\tA\tV\tV\tV\t#\tbits
\t0\t0.5\t{start}\t1E-6\t0\t0\t0\t8\t...........
\t1\t1.0\t0.3\t2E-6\t0\t0\t0\t8\t...........
"""


def test_gamry_impedance(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.DTA", DTA.format(tag="EISPOT", area="7.85E-1") + ZCURVE, "latin-1"))
    assert (record.technique, record.area) == ("impedance", pytest.approx(0.785e-4))
    assert_allclose(record.impedance, [10 - 10j, 20 - 20j])
    assert_allclose(record.values(FREQUENCY), [1e5, 1e3])
    assert record.warnings == ()


def test_gamry_curves_are_cycles(tmp_path: Path) -> None:
    tables = CURVE.format(number=1, count=2, start=0.1) + CURVE.format(number=2, count=2, start=0.2).replace(
        "\t0.5\t", "\t1.5\t"
    ).replace("\t1.0\t", "\t2.0\t")
    before = "OCVCURVE\tTABLE\t1\n\tPt\tT\tVf\n\t#\ts\tV\n\t0\t0\t9\n"
    record = read(write(tmp_path, "a.DTA", DTA.format(tag="CV", area="1,0") + before + tables, "latin-1"))
    assert record.technique == "cyclic-voltammetry"
    assert record.area is None
    assert record.warnings == ("the area of 1 cm2 is the default of the software and is not used",)
    assert_allclose(record.values(VOLTAGE), [0.1, 0.3, 0.2, 0.3])
    assert_allclose(record.values(CURRENT), [1e-6, 2e-6, 1e-6, 2e-6])
    assert_array_equal(record.values(CYCLE), [1, 1, 2, 2])


@pytest.mark.parametrize(
    ("tag", "technique"),
    [
        ("EISGALV", "impedance"),
        ("CHRONOA", "chronoamperometry"),
        ("CHRONOP", "chronopotentiometry"),
        ("LSV", "linear-sweep"),
    ],
)
def test_gamry_techniques(tmp_path: Path, tag: str, technique: str) -> None:
    table = ZCURVE if tag.startswith("EIS") else CURVE.format(number="", count=2, start=0.1)
    assert read(write(tmp_path, "a.DTA", DTA.format(tag=tag, area="2") + table, "latin-1")).technique == technique


def test_gamry_cut_off(tmp_path: Path) -> None:
    text = DTA.format(tag="LSV", area="2") + CURVE.format(number="", count=2, start=0.1)
    record = read(write(tmp_path, "a.DTA", text[:-4], "latin-1"))
    assert len(record.table) == 1
    assert record.warnings == ("the last line is truncated and left out", "line 6: announces 2 points but has 1")
    with pytest.raises(MeasurementError, match=r"has no table of points \(CURVE or ZCURVE\); it has no table"):
        read(write(tmp_path, "b.DTA", DTA.format(tag="LSV", area="2"), "latin-1"))


# ---------------------------------------------------------------- tables of text

MACCOR = """Today's Date\t07/24/2020  Date of Test:\t07/20/2020\tFilename:\tcell.001
Rec#\tCyc#\tStep\tTestTime\tStepTime\tAmp-hr\tWatt-hr\tAmps\tVolts\tState\tES\tDPt Time
1\t0\t1\t0d 00:00:00.00\t0d 00:00:00.00\t0.0\t0.0\t0.0\t3.2010\tR\t0\t07/20/2020 10:00:00
2\t0\t2\t0d 00:01:10.50\t0d 00:00:10.50\t0.0\t0.0\t0.0010\t3.3011\tC\t1\t07/20/2020 10:01:10
3\t1\t3\t1d 02:01:20.00\t0d 00:00:10.00\t0.0\t0.0\t0.0020\t3.1011\tD\t1\t07/20/2020 10:01:20
"""
ARBIN = """Data_Point,Test_Time(s),Date_Time,Step_Time(s),Step_Index,Cycle_Index,Current(A),Voltage(V),\
Charge_Capacity(Ah),Discharge_Capacity(Ah)
1,0.0,07/24/2020 10:00:00,0.0,1,1,0.0,3.0,0.0,0.0
2,10.0,07/24/2020 10:00:10,10.0,2,1,0.001,3.1,0.1,0.0
3,20.0,07/24/2020 10:00:20,10.0,1,2,-0.001,3.0,0.1,0.05
"""
NEWARE = """Cycle ID,Step ID,Record ID,Step Name,Time(h:min:s.ms),Voltage(V),Current(mA),Temperature(oC),Capacity(mAh),\
Realtime
1,1,1,Rest,0:00:00.000,3.1,0.0,25.0,0,2020-01-01 00:00:00
1,1,2,Rest,0:00:10.000,3.1,0.0,25.0,0,2020-01-01 00:00:10
1,2,3,CC Chg,0:00:00.000,3.2,1.0,25.0,0,2020-01-01 00:00:10
1,2,4,CC Chg,0:00:10.500,3.3,1.0,25.0,0,2020-01-01 00:00:20
"""


def test_maccor(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.txt", MACCOR))
    assert (record.instrument, record.technique) == ("Maccor", "cycling")
    assert_allclose(record.values(TIME), [0.0, 70.5, 93680.0])
    assert_allclose(record.values(CURRENT), [0.0, 1e-3, -2e-3])
    assert record.warnings == ("current has no sign in the file; it is taken as negative where the state is discharge",)
    assert_array_equal(record.values(CYCLE), [0, 0, 1])


def test_arbin(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.csv", ARBIN))
    assert (record.instrument, record.technique, record.warnings) == ("Arbin", "cycling", ())
    assert_allclose(record.values(TIME), [0, 10, 20])
    assert_array_equal(record.values(STEP), [1, 2, 3])
    assert_allclose(record.values(CHARGING_CAPACITY), [0, 0.1, 0.1])
    assert_allclose(record.values(DISCHARGING_CAPACITY), [0, 0, 0.05])


def test_neware_text_adds_the_steps_up(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.csv", NEWARE))
    assert (record.instrument, record.technique) == ("Neware", "cycling")
    assert_allclose(record.values(TIME), [0, 10, 10, 20.5])
    assert_allclose(record.values(CURRENT), [0, 0, 1e-3, 1e-3])
    assert_allclose(record.values(CHAMBER), 25)
    assert record.temperature == pytest.approx(298.15)
    assert record.warnings == ("time restarts in each step; the steps were added up",)


@pytest.mark.parametrize(
    "header",
    [
        "Test Time / s,Voltage / V,Current / A",
        "test_time_second,voltage_volt,current_ampere",
        "time_s,voltage_V,current_A",
        "s,V,A",
    ],
)
def test_battery_data_format_and_plain_names(tmp_path: Path, header: str) -> None:
    record = read(write(tmp_path, "a.csv", f"{header}\n0,3,0.1\n1,3.5,0.2\n"))
    assert list(record.table.columns) == [TIME, VOLTAGE, CURRENT]
    assert_allclose(record.table.to_numpy(), [[0, 3, 0.1], [1, 3.5, 0.2]])


def test_own_export_is_of_one_square_centimetre(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.csv", "frequency_Hz,re_ohm_cm2,im_ohm_cm2\n1e6,12.5,-0.3\n1e5,13.5,-1.3\n"))
    assert record.area == pytest.approx(1e-4)
    assert_allclose(record.impedance, [12.5 - 0.3j, 13.5 - 1.3j])
    assert record.warnings == ("impedance is in ohm cm2: resistance and area refer to 1 cm2",)


def test_zview_nova_and_chi(tmp_path: Path) -> None:
    zview = "ZPLOT2 ASCII\n  Area:    1\nEnd Header\n  Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\tGD\tErr\tRange\n"
    zview += "End Comments\n"
    zview += "1E+05,1E-02,0,1,12.3,-3.2,0,0,0\n1E+04,1E-02,0,2,13.3,-4.2,0,0,0\n"
    nova = (
        "Frequency (Hz);Z' (Ω);-Z'' (Ω);Z (Ω);-Phase (°)\n1E5;12,3;3,2;12,7095;14,5826\n1E4;13,3;4,2;13,9474;17,5255\n"
    )
    chi = "A.C. Impedance\nInit E (V) = 0\n\nFreq/Hz, Z'/ohm, Z\"/ohm, Z/ohm, Phase/deg\n\n"
    chi += "1E5, 12.3, -3.2, 1.271e+1, -14.6\n1E4, 13.3, -4.2, 1.395e1, -17.5\n"
    for name, text in (("a.z", zview), ("b.txt", nova), ("c.txt", chi)):
        record = read(write(tmp_path, name, text))
        assert_allclose(record.impedance, [12.3 - 3.2j, 13.3 - 4.2j])
        assert record.technique == "impedance"
        assert record.warnings == ()


def test_modulus_and_phase_give_the_parts(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.csv", "freq_Hz,|Z|_ohm,phase_deg\n1000,10,-30\n100,20,-60\n"))
    assert_allclose(record.impedance, 10 * np.exp([-1j * np.pi / 6, 0]) * [1, np.exp(-1j * np.pi / 3) * 2])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_remarks_decimal_comma_and_encodings(tmp_path: Path, encoding: str) -> None:
    text = "Messung 3; Probe LPSC\nTemperatur: 25 °C\n\nZeit/s;Spannung/mV;Strom/mA\n0,0;3120;0,5\n1,0;3130;-0,5\n"
    record = read(write(tmp_path, "a.csv", text, encoding))
    assert_allclose(record.table.to_numpy(), [[0, 3.12, 5e-4], [1, 3.13, -5e-4]])
    assert record.temperature == pytest.approx(298.15)
    assert record.warnings == ("temperature 25 °C is taken from the remarks in the file",)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_quotation_marks(tmp_path: Path, end: str) -> None:
    text = end.join(['"Time (s)","Voltage (V)","Current (mA)"', '"0,0","3,1","1,0"', '"1,0","3,2","1,5"', ""])
    record = read(write(tmp_path, "a.csv", text))
    assert_allclose(record.table.to_numpy(), [[0, 3.1, 1e-3], [1, 3.2, 1.5e-3]])


def test_units_in_a_line_and_in_the_cells(tmp_path: Path) -> None:
    for name, rows in (("a", "h,mV,uA\n0,3100,1\n1,3200,2\n"), ("b", "0 h,3100 mV,1 µA\n1 h,3200 mV,2 µA\n")):
        record = read(write(tmp_path, f"{name}.csv", "time,voltage,current\n" + rows))
        assert_allclose(record.table.to_numpy(), [[0, 3.1, 1e-6], [3600, 3.2, 2e-6]])


def test_spectra_within_a_cycling_table(tmp_path: Path) -> None:
    text = "time_s,voltage_V,freq_Hz,Zreal_ohm,Zimag_ohm\n" + "".join(f"{at},3,,,\n" for at in range(8))
    record = read(write(tmp_path, "a.csv", text + "8,3,100,1,-2\n9,3,10,2,-3\n"))
    assert (len(record.table), record.warnings) == (10, ())
    assert [len(part.table) for part in record.spectra()] == [2]


def test_a_unit_that_is_not_said_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "time,voltage\n0,3100\n1,3200\n2,3300\n")
    with pytest.raises(MeasurementError, match='or name the unit of the column, as in --column "voltage=E/mV"'):
        read(path)
    assert_allclose(read(path, columns={"voltage": "voltage/mV"}).values(VOLTAGE), [3.1, 3.2, 3.3])


@pytest.mark.parametrize(
    ("state", "sign"), [("CC DChg", -1), ("CC_Discharge", -1), ("CC Chg", 1), ("Charge", 1), ("D", -1)]
)
def test_states_that_mean_discharge(tmp_path: Path, state: str, sign: int) -> None:
    record = read(write(tmp_path, "a.csv", f"time_s,voltage_V,current_A,state\n0,3,1,{state}\n1,3,1,{state}\n"))
    assert_array_equal(record.values(CURRENT), sign)


def test_time_from_dates(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.csv", "Date_Time,Voltage(V)\n2020-01-01 23:59:00,3.1\n2020-01-02 00:01:00,3.2\n"))
    assert_allclose(record.values(TIME), [0, 120])
    assert record.warnings == ("time is counted from the dates of the points",)


def test_columns_are_named_by_the_user(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "P1,P2,P3,P4\n1000,10,5,0.5\n100,11,6,1.5\n")
    columns = {"frequency": "P1/kHz", "real impedance": "P2", "Imaginary Impedance / ohm": "-P3", "time": "P4 / min"}
    record = read(path, columns=columns)
    assert_allclose(record.values(FREQUENCY), [1e6, 1e5])
    assert_allclose(record.impedance, [10 - 5j, 11 - 6j])
    assert_allclose(record.values(TIME), [30, 90])
    bare = write(tmp_path, "b.csv", "0,3.1\n1,3.2\n")
    assert_allclose(
        read(bare, columns={"time": "column 1", "voltage": "column 2/mV"}).values(VOLTAGE), [3.1e-3, 3.2e-3]
    )
    cases = {
        'has no column "P9" for Voltage / V; it has "P1", "P2", "P3", "P4"': {"voltage": "P9"},
        '"speed" is not a known quantity; choose one of time, voltage, current': {"speed": "P1"},
        'P1/furlong: "furlong" is not a unit of Test Time / s; choose one of s, sec': {"time": "P1/furlong"},
    }
    for words, wrong in cases.items():
        with pytest.raises(MeasurementError, match=words):
            read(path, columns=wrong)
    with pytest.raises(
        MeasurementError, match='If it has no names, number the columns, as in --column "voltage=column 2"'
    ):
        read(bare)


def test_sign_spectra_and_temperature_of_a_table(tmp_path: Path) -> None:
    text = (
        "freq_Hz,Zreal_ohm,Zimag_ohm,cycle,temperature_degC\n100,1,2,1,60.5\n10,2,3,1,61.5\n100,1,2,2,61\n10,2,3,2,61\n"
    )
    record = read(write(tmp_path, "a.csv", text))
    assert record.warnings == (
        'the imaginary part is above 0 at most points, as if inductive; if "Zimag_ohm" contains -Im, reverse it with '
        '--column "imaginary impedance=-Zimag_ohm"',
    )
    assert [len(part.table) for part in record.spectra()] == [2, 2]
    assert record.temperature == pytest.approx(334.15)
    right = read(tmp_path / "a.csv", columns={"imaginary impedance": "-Zimag_ohm"})
    assert right.warnings == ()
    assert_array_equal(right.values(IMAGINARY), [-2, -3, -2, -3])


def test_minus_in_a_name_flips_once() -> None:
    for name in ("-Im(Z)/Ohm", "-Z''", "neg. Zimag (ohm)", "−Im(Z) [Ω]"):
        assert assign(["freq/Hz", name])[IMAGINARY].factor == -1.0
        assert assign(["freq/Hz", name], {"imaginary impedance": name})[IMAGINARY].factor == -1.0
    assert assign(["freq/Hz", "Zimag"])[IMAGINARY].factor == 1.0
    assert assign(["freq/Hz", "Zimag"], {"imaginary impedance": "-Zimag"})[IMAGINARY].factor == -1.0


# Layouts of other makers' files, with numbers of our own

REMARKS = """# FILE --- HEAD ---;;;;;;;;;
number of headers ;19;;;;;;;;
operator;A. Person;;;;;;;;
mass;0.0012;;;;;;;;
15;Started;;;;;;;;
773;Problem - reloading;;;;;;;;
1111;R12;;;;;;;;
6588;R12;;;;;;;;
# FILE --- 2 ---;;;;;;;;;
"""
OWN = "index;test_time;step_time;date_stamp;step;cycle;current;voltage;charge_capacity;discharge_Capacity\n"
OWN_ROWS = (
    "0;120.00;120.00;43374.42;1;1;0.25;1.14;0.00;0.00\n"
    "1;240.00;120.00;43374.42;2;1;-0.50;1.20;0.00;0.00\n"
    "2;360.50;120.50;43374.43;2;2;-0.50;1.10;0.00;0.25\n"
)


def test_header_below_remarks_that_look_like_a_table(tmp_path: Path) -> None:
    record = read(write(tmp_path, "a.csv", REMARKS + OWN + OWN_ROWS + ";;;;;;;;;\n;;;;;;;;;\n"))
    assert record.warnings == ()
    assert_allclose(record.values(TIME), [120, 240, 360.5])
    assert_allclose(record.values(CURRENT), [0.25, -0.5, -0.5])
    assert_allclose(record.values(VOLTAGE), [1.14, 1.2, 1.1])
    assert_array_equal(record.values(CYCLE), [1, 1, 2])
    assert_allclose(record.values(DISCHARGING_CAPACITY), [0, 0, 0.25])
    with pytest.raises(MeasurementError, match="line 13: has 9 cells where the table has 10"):
        read(write(tmp_path, "b.csv", REMARKS + OWN + OWN_ROWS.replace(";1.10;", ";")))
    cut = read(write(tmp_path, "c.csv", REMARKS + OWN + OWN_ROWS[:-15]))
    assert (len(cut.table), cut.warnings) == (2, ("the last line is truncated and left out",))


MACCOR_HEAD = "Name:\tcell.053\nChannel:\t53\nTester\tMaccor #4\nSCap\t0.017\nC Rate\t0.002\nCh. max. V\t6.00 V\n\n"


def maccor_minutes(scale: float, *, pause: int = 0) -> str:
    """Rows every minute by their dates; times in units of `scale` seconds."""
    names = "Rec\tCycle P\tCycle C\tStep\tTestTime\tStepTime\tCap. [Ah]\tCurrent [A]\tVoltage [V]\tMd\tDPT Time\tVAR1"
    start = pd.Timestamp("2021-05-11 15:40:24")
    rows = []
    for at in range(6):
        date = f"{start + pd.Timedelta(60 * at + pause * (at > 2), 's'):%m/%d/%Y %I:%M:%S %p}"
        time = f"{60 * at / scale:.8f}\t0.000000"
        rows.append(
            f"{at + 1}\t0\t{1 + at // 3}\t{1 + at // 2}\t{time}\t0\t0.002\t3.{at}\t{'RCD'[at % 3]}\t{date}\t0.0000\t\n"
        )
    return MACCOR_HEAD + names + "\n\n" + "".join(rows)


@pytest.mark.parametrize(("scale", "unit"), [(60.0, "minutes"), (3600.0, "hours"), (1.0, "")])
@pytest.mark.parametrize("pause", [0, 3600])
def test_maccor_time_without_a_unit_is_told_by_dates(tmp_path: Path, scale: float, unit: str, pause: int) -> None:
    record = read(write(tmp_path, "a.txt", maccor_minutes(scale, pause=pause)))
    assert (record.instrument, record.technique) == ("Maccor", "cycling")
    assert_allclose(record.values(TIME), 60.0 * np.arange(6), rtol=1e-6)
    assert_allclose(record.values(CURRENT), [0.002, 0.002, -0.002] * 2)
    assert_array_equal(record.values(CYCLE), [1, 1, 1, 2, 2, 2])
    assert_array_equal(record.values(STEP), [1, 1, 2, 2, 3, 3])
    told = f'"TestTime" has no unit; according to the dates of the points it is in {unit}'
    assert (told in record.warnings) == bool(unit)
    assert "current has no sign in the file; it is taken as negative where the state is discharge" in record.warnings
    given = read(tmp_path / "a.txt", columns={"time": "TestTime/h"})
    assert_allclose(given.values(TIME), 3600.0 / scale * 60.0 * np.arange(6), rtol=1e-6)


LAYERED = """Cycle Index,Chg. Cap.(Ah),DChg. Cap.(Ah),Chg. Time
,Step Index,Step Number,Step Type,Step Time,Capacity(Ah)
,,DataPoint,Time,Total Time,Current(A),Voltage(V),Capacity(Ah),Date
1,0.1,0.2,00:01:00{parted}1,7,Rest,00:00:10,0.0
,,1,00:00:00,00:00:00,0.0,4.31,0.0,2026-03-06 12:37:25
,,2,00:00:10,00:00:10,0.0,4.32,0.0,2026-03-06 12:37:35
,2,8,CC Chg,00:02:51,0.1
,,3,00:00:00,00:00:10,0.5,4.4,0.0,2026-03-06 12:37:35
,,4,00:00:30,00:00:40,0.5,4.5,0.1,2026-03-06 12:38:05
2,0.1,0.2,00:01:00{parted}3,9,CC DChg,00:02:51,0.2
,,5,00:00:00,00:00:40,{sign}0.5,4.3,0.0,2026-03-06 12:38:05
,,6,00:00:20.5,00:01:00.5,{sign}0.5,4.2,0.2,2026-03-06 12:38:25
"""


@pytest.mark.parametrize("parted", [",", "\n,"])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("mark", [",", "\t"])
def test_neware_layers(tmp_path: Path, parted: str, sign: str, mark: str) -> None:
    text = LAYERED.format(parted=parted, sign=sign).replace(",", mark)
    record = read(write(tmp_path, "a.csv", text))
    assert (record.instrument, record.technique) == ("Neware", "cycling")
    assert_allclose(record.values(TIME), [0, 10, 10, 40, 40, 60.5])
    assert_allclose(record.values(VOLTAGE), [4.31, 4.32, 4.4, 4.5, 4.3, 4.2])
    assert_allclose(record.values(CURRENT), [0, 0, 0.5, 0.5, -0.5, -0.5])
    assert_array_equal(record.values(CYCLE), [1, 1, 1, 1, 2, 2])
    assert_array_equal(record.values(STEP), [1, 1, 2, 2, 3, 3])
    unsigned = "current has no sign in the file; it is taken as negative where the state is discharge"
    assert record.warnings == (() if sign else (unsigned,))


def test_neware_layers_in_pieces_and_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = LAYERED.format(parted=",", sign="-")
    whole = read(write(tmp_path, "a.csv", text)).table
    with pytest.raises(MeasurementError, match='line 7: "x" is not the number of a step; correct the line'):
        read(write(tmp_path, "b.csv", text.replace(",2,8,CC Chg", ",x,8,CC Chg")))
    with pytest.raises(
        MeasurementError, match="line 9: has 9 cells where the table has 10; correct or delete the line"
    ):
        read(write(tmp_path, "c.csv", text.replace(",0.5,4.5,", ",0.5,")))
    for end in range(len(text) - 150, len(text)):
        cut = read(write(tmp_path, "d.csv", text[:end])).table
        assert_array_equal(cut.to_numpy(), whole[: len(cut)].to_numpy())
    windows = read(write(tmp_path, "e.csv", text.replace("\n", "\r\n"))).table
    pd.testing.assert_frame_equal(windows, whole)
    monkeypatch.setattr(lines, "PIECE", 40)
    pd.testing.assert_frame_equal(read(tmp_path / "a.csv").table, whole)


def test_pec_basytec_and_novonix(tmp_path: Path) -> None:
    pec = (
        "Request Year:,2019\nTest:,187\nTest Description:,\nNumber Of Cells:,1\n#RESULTS CHECK\n"
        "ReqYear,Test,CellNr,Type,Value,Reason,\n2019,187,1,1,3272,3,\n#END RESULTS CHECK\n"
        "Test,Cell,Rack,Shelf,Position,Cell ID,Step,Cycle,Total Time (Seconds),Real Time,Voltage (mV),Current (mA),"
        "Charge Capacity (mAh),Discharge Capacity (mAh),Ambient temperature (°C),\n"
        "187,1,SBT,001,1,,0,0,1,02/22/2019 16:23:27,3272.5,0,0,0,,\n"
        "187,1,SBT,001,1,,1,1,31.5,02/22/2019 16:23:57,3268.5,-1640,0,0.5,,\n"
    )
    record = read(write(tmp_path, "pec.csv", pec, "latin-1"))
    assert (record.instrument, record.technique, record.warnings) == ("PEC", "cycling", ())
    assert_allclose(record.values(TIME), [1, 31.5])
    assert_allclose(record.values(VOLTAGE), [3.2725, 3.2685])
    assert_allclose(record.values(CURRENT), [0, -1.64])
    assert_allclose(record.values(DISCHARGING_CAPACITY), [0, 5e-4])
    basytec = (
        "~Resultfile from Basytec Battery Test System\n~Name of Test: one\n~\n"
        "~Time[s]\tDataSet\tCommand\tU[V]\tI[A]\tAh-Cyc-Charge\tAh-Cyc-Discharge\tT1[°C]\tCyc-Count\tState\n"
        "0\t1\tPause\t3.5\t0\t0\t0\t25.5\t0\t1\n1.5\t2\tCharge\t3.6\t0.5\t0.25\t0\t25.5\t1\t1\n"
    )
    record = read(write(tmp_path, "basytec.txt", basytec, "latin-1"))
    assert (record.instrument, record.technique, record.warnings) == ("Basytec", "cycling", ())
    assert_allclose(record.values(CHARGING_CAPACITY), [0, 0.25])
    assert_array_equal(record.values(CYCLE), [0, 1])
    assert record.temperature == pytest.approx(298.65)
    novonix = (
        "[Summary]\nNovonix UHPC data file\nMass (g): 1.000\nStarted: 2025-07-19 15:26:20\n[Protocol]\n"
        '{"Steps":[{"Type":3,"Limit":"cv"}]}\n[Data]\n'
        "Date and Time,Cycle Number,Step Type,Run Time (h),Current (A),Potential (V),Temperature (°C),Step Number\n"
        "2025-07-19 15:26:20,1,7,0.0,0.5,3.8,24.6,1\n2025-07-19 16:26:20,1,7,1.0,0.5,3.9,24.6,1\n"
    )
    record = read(write(tmp_path, "novonix.csv", novonix))
    assert (record.instrument, record.technique, record.warnings) == ("Novonix", "cycling", ())
    assert_allclose(record.values(TIME), [0, 3600])


def test_direction_of_the_current_by_capacities(tmp_path: Path) -> None:
    names = "Test Time / s,Current / A,Voltage / V,Charge Capacity / Ah,Discharge Capacity / Ah\n"
    rows = [(1.0, 0.0, 1.0), (1.0, 0.0, 2.0), (0.0, 0.0, 2.0), (-1.0, 1.0, 2.0), (-1.0, 2.0, 2.0)]
    text = names + "0,1,3,0,0\n" + "".join(f"{at + 1},{i},3,{up},{down}\n" for at, (i, up, down) in enumerate(rows))
    record = read(write(tmp_path, "a.csv", text))
    assert_array_equal(record.values(CURRENT), [-1, -1, -1, 0, 1, 1])
    assert record.warnings == (
        "current is positive in the file where the discharging capacity rises; its sign was reversed, so that it is "
        "positive in charge",
    )
    right = read(write(tmp_path, "b.csv", text.replace("Charge Cap", "X Cap").replace("Discharge", "Charge")))
    assert_array_equal(right.values(CURRENT), [1, 1, 1, 0, -1, -1])
    unsigned = names + "".join(f"{at},1,3,{min(at, 5)},{max(at - 5, 0)}\n" for at in range(11))
    record = read(write(tmp_path, "c.csv", unsigned))
    assert record.warnings == (
        "current has no sign in the file, although the discharging capacity rises; export a column of states "
        "(discharge) or a signed current",
    )


# ---------------------------------------------------------------- Excel, Neware, others


def xlsx(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    """The least Excel file that programs accept."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
    names = links = ""
    for at, name in enumerate(sheets, 1):
        types += f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{kind}.worksheet+xml"/>'
        names += f'<sheet name="{name}" sheetId="{at}" r:id="rId{at}"/>'
        links += f'<Relationship Id="rId{at}" Type="{office}/worksheet" Target="worksheets/sheet{at}.xml"/>'
    relations = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    first = f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/>'
    opened = f'<Relationships xmlns="{package}/relationships">'
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types">{relations}{types}</Types>')
        book.writestr("_rels/.rels", f"{opened}{first}</Relationships>")
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{names}</sheets></workbook>'
        )
        book.writestr("xl/_rels/workbook.xml.rels", f"{opened}{links}</Relationships>")
        for at, rows in enumerate(sheets.values(), 1):
            lines_ = "".join(
                f'<row r="{number}">'
                + "".join(
                    f'<c t="inlineStr" r="{chr(65 + column)}{number}"><is><t>{cell}</t></is></c>'
                    if isinstance(cell, str)
                    else f'<c r="{chr(65 + column)}{number}"><v>{cell}</v></c>'
                    for column, cell in enumerate(row)
                )
                + "</row>"
                for number, row in enumerate(rows, 1)
            )
            book.writestr(
                f"xl/worksheets/sheet{at}.xml", f'<worksheet xmlns="{main}"><sheetData>{lines_}</sheetData></worksheet>'
            )
    return path


def test_excel_of_several_sheets(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    head: list[object] = ["Data Point", "Test Time (s)", "Step Index", "Cycle Index", "Current (A)", "Voltage (V)"]
    path = xlsx(
        tmp_path / "a.xlsx",
        {
            "Global_Info": [["TEST REPORT"], ["Channel", 5]],
            "Channel_1": [head, [1, 0.0, 1, 1, 0.0, 3.0], [2, 1.5, 1, 1, 0.001, 3.25]],
            "Channel_2": [head, [3, 3.0, 2, 1, 0.001, 3.5]],
        },
    )
    record = read(path)
    assert (record.instrument, record.technique) == ("Arbin", "cycling")
    assert_allclose(record.values(TIME), [0, 1.5, 3])
    assert_allclose(record.values(VOLTAGE), [3, 3.25, 3.5])
    assert record.warnings == ("the sheets Channel_1, Channel_2 were joined in this order",)
    wrong = xlsx(tmp_path / "b.xlsx", {"Notes": [["nothing"], ["here"]]})
    with pytest.raises(MeasurementError, match="has no sheet with column names above numbers; it has Notes"):
        read(wrong)
    text = xlsx(tmp_path / "c.xlsx", {"A": [["time (s)", "voltage (V)"], [0.0, 1.0], [1.0, "high"]]})
    with pytest.raises(MeasurementError, match='line 3: voltage \\(V\\): "high" is not a number'):
        read(text)
    with pytest.raises(MeasurementError, match="cannot be read as an Excel file"):
        read(write(tmp_path, "d.xlsx", path.read_bytes()[:300]))


def test_landt_excel_and_a_list_of_tests(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    head: list[object] = [
        "Record Index", "Status", "JumpTo", "Cycle", "Step", "Cur(mA)", "Voltage(V)", "CapaCity(mAh)",
        "Relative Time(h:min:s.ms)", "Absolute Time",
    ]  # fmt: skip
    statistics: list[object] = ["Channel", "CyCle", "Step", "Status", "Start Voltage(V)", "Start Current(mA)"]
    path = xlsx(
        tmp_path / "a.xlsx",
        {
            "Info_1": [["Testing Information"], ["a.xls"], ["Equipment", "Unit"], [14, 1]],
            "Statis_1": [statistics, [3, 1, 1, "Rest", 2.33, 0], [3, 1, 2, "CC_DChg", 1.9, -0.1]],
            "Detail_1": [
                head,
                [1, "Rest", 1, 1, 1, 0, 2.33, 0, "0:00:00.000", "2021-05-20 23:36:18"],
                [2, "Rest", 1, 1, 1, 0, 2.34, 0, "0:05:00.000", "2021-05-20 23:41:18"],
                [3, "CC_DChg", 2, 1, 2, 0.5, 1.9, 0, "0:00:00.000", "2021-05-20 23:41:18"],
                [4, "CC_DChg", 2, 1, 2, 0.5, 1.8, 0.01, "0:01:00.000", "2021-05-20 23:42:18"],
            ],
        },
    )
    record = read(path)
    assert (record.instrument, record.technique) == ("Landt", "cycling")
    assert_allclose(record.values(TIME), [0, 300, 300, 360])
    assert_allclose(record.values(CURRENT), [0, 0, -5e-4, -5e-4])
    assert_array_equal(record.values(CYCLE), 1)
    assert record.warnings == (
        "time is counted from the dates of the points",
        "current has no sign in the file; it is taken as negative where the state is discharge",
    )
    tests: list[list[object]] = [["Name", "Chemistry", "Start date"], ["Cell1", "NMC", "2024-03-20"]]
    with pytest.raises(MeasurementError, match="it has tests. Export the measured points, not the list of tests"):
        read(xlsx(tmp_path / "b.xlsx", {"tests": tests}))
    journal: list[list[object]] = [["filename", "mass"], ["test001", 1.0], ["test002", 2.0]]
    with pytest.raises(MeasurementError, match='has no known column; it has "filename", "mass". Name the'):
        read(xlsx(tmp_path / "c.xlsx", {"journal": journal}))


def test_neware_library_may_warn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = pytest.importorskip("NewareNDA")

    def warn(*_: object, **__: object) -> pd.DataFrame:
        warnings.warn("inplace is deprecated", DeprecationWarning, stacklevel=1)
        return pd.DataFrame({
            "Time": [0.5, 1.0], "Voltage": [3.0, 2.9], "Current(mA)": [-1.0, -1.0], "Step_Index": [1, 1],
            "Charge_Capacity(mAh)": [0.0, 0.0], "Discharge_Capacity(mAh)": [-0.25, -0.5],
        })  # fmt: skip

    monkeypatch.setattr(reader, "read", warn)
    record = read(write(tmp_path, "a.nda", b"NEWARE anything"))
    assert_allclose(record.values(CURRENT), -1e-3)
    assert_allclose(record.values(DISCHARGING_CAPACITY), [2.5e-4, 5e-4])


def test_neware_binary_through_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = pytest.importorskip("NewareNDA")
    frame = pd.DataFrame({
        "Index": [1, 2, 3, 4], "Cycle": [1, 1, 1, 1], "Step": [1, 1, 2, 2], "Step_Index": [1, 1, 2, 2],
        "Status": ["Rest", "Rest", "CC_Chg", "CC_Chg"], "Time": [0.0, 10.0, 0.0, 10.0], "Voltage": [3.0, 3.0, 3.1, 3.2],
        "Current(mA)": [0.0, 0.0, 1.0, 1.0], "Charge_Capacity(mAh)": [0.0, 0.0, 0.0, 0.5],
        "Timestamp": pd.to_datetime([0, 10, 12, 22], unit="s"),
    })  # fmt: skip
    monkeypatch.setattr(reader, "read", lambda *_, **__: frame)
    record = read(write(tmp_path, "a.ndax", b"PK\x03\x04 anything"))
    assert_allclose(record.values(TIME), [0, 10, 12, 22])
    assert_allclose(record.values(CURRENT), [0, 0, 1e-3, 1e-3])
    assert_allclose(record.values(CHARGING_CAPACITY), [0, 0, 0, 5e-4])
    assert record.instrument == "Neware"


@pytest.mark.parametrize("name", ["a.nda", "a.ndax"])
def test_neware_damage_is_told_in_words(tmp_path: Path, name: str) -> None:
    pytest.importorskip("NewareNDA")
    with pytest.raises(MeasurementError, match="cannot be read as a Neware file .*export it as Excel or CSV"):
        read(write(tmp_path, name, b"NEWARE" + bytes(range(256)) * 20))


def test_files_that_are_refused_by_name(tmp_path: Path) -> None:
    cases = {
        "a.res": (
            b"\0\1\0\0Standard Jet DB\0",
            "is an Arbin database .* export it as CSV or Excel from Arbin's Data Watcher",
        ),
        "a.001": (b"\0\1\2\3" * 20, "is a Maccor binary file, which is not read; export it as text or Excel"),
        "a.bin": (b"\0\1\2\3" * 20, "is neither a known instrument file .BioLogic .mpr and .mpt, Gamry .DTA"),
        "a.csv": (b"", "is empty; export it again"),
        "b.csv": (b"only words\nand no numbers\n", "contains no table: expected a line of column names"),
        "c.csv": (b"a,b\n1,2\n3,4\n", 'has no known column; it has "a", "b". Name the columns'),
    }
    for name, (content, words) in cases.items():
        with pytest.raises(MeasurementError, match=words):
            read(write(tmp_path, name, content))
    with pytest.raises(MeasurementError, match=r"missing\.csv: there is no such file; check the path"):
        read(tmp_path / "missing.csv")
    with pytest.raises(MeasurementError, match="is a folder; give a file in it"):
        read(tmp_path)
    words = 'reader "excel97" is not recognised; choose one of biologic-mpr, biologic-mpt'
    with pytest.raises(MeasurementError, match=words):
        read(write(tmp_path, "d.csv", b"time_s,voltage_V\n1,2\n"), reader="excel97")


# ---------------------------------------------------------------- size


def test_large_tables_need_memory_for_their_numbers_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 60_000
    rows = "".join(
        f"{at},{at * 0.5},{3 + at % 7 * 0.1:.6f},{'some long remark that nobody needs ' * 2},0.001,12:00\n"
        for at in range(count)
    )
    path = write(tmp_path, "a.csv", "Record,Test_Time(s),Voltage(V),Remark,Current(A),Clock\n" + rows)
    size = path.stat().st_size
    assert size > 6e6
    monkeypatch.setattr(lines, "PIECE", 200_000)
    read(path)
    said: list[float] = []
    tracemalloc.start()
    record = read(path, progress=lambda state: said.append(state.share))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(record.table) == count
    assert_allclose(record.values(TIME), np.arange(count) * 0.5)
    numbers = 4 * 8 * count  # three columns and the line of each row
    assert peak < 1.5 * numbers + 20 * lines.PIECE  # the search for the header is part of the second
    assert peak < size
    assert said == sorted(said)
    assert said[-1] == 1.0
    assert len(said) > 25


def test_pieces_do_not_change_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "a.txt", MACCOR.replace("\n", "\r\n"))
    whole = read(path)
    for piece in (7, 64, 301):
        monkeypatch.setattr(lines, "PIECE", piece)
        pd.testing.assert_frame_equal(read(path).table, whole.table)


def test_header_is_found_below_many_remarks(tmp_path: Path) -> None:
    text = "".join(f"remark {at}, more\n" for at in range(300)) + "time_s,voltage_V\n0,1\n1,2\n"
    assert_allclose(read(write(tmp_path, "a.csv", text)).values(VOLTAGE), [1, 2])
    assert find_header(["time_s,voltage_V", "0,1", "1,2"], None, "a").line == 2
