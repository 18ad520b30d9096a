"""Damaged instrument files: cut at every byte, 10 000 random changes. No crash, no hang, no other number in silence."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from solidstack.errors import MeasurementError
from solidstack.measure.readers import biologic_columns, biologic_mpr, lines, read
from solidstack.measure.records import CURRENT, TIME, VOLTAGE, Record
from tests.measure.test_readers import (
    DTA,
    LAYERED,
    OWN,
    OWN_ROWS,
    REAL_MPR,
    REMARKS,
    ZCURVE,
    cycling,
    maccor_minutes,
    mpr,
    mpt,
    shared,
    spectrum,
    write,
)

CHANGES = 10_000
SEED = 5
FLAGS = set(biologic_columns.FLAG_NAMES.values())
SECONDS = 60.0  # of the processor, for all of them: a hang would take longer on any machine


def text_mpt() -> bytes:
    rows = [f"{at * 0.5:.7E}\t{3 + at * 0.01:.7E}\t{1.25 + at * 1e-3:.7E}" for at in range(12)]
    return mpt("time/s\tEwe/V\t<I>/mA", rows, area="1.130", technique="Linear Sweep Voltammetry").encode("latin-1")


def text_csv() -> bytes:
    rows = "".join(f"{at * 0.5:.3f},{3 + at * 0.01:.4f},{1e-3 + at * 1e-5:.6f}\n" for at in range(12))
    return ("Test Time / s,Voltage / V,Current / A\n" + rows).encode()


def text_dta() -> bytes:
    return (DTA.format(tag="EISPOT", area="0.785") + ZCURVE).encode("latin-1")


FILES: dict[str, Callable[[], bytes]] = {
    "spectrum.mpr": lambda: mpr(spectrum(), area=1.13),
    "late.mpr": lambda: mpr(cycling(), form="late", technique=0x04),
    "old.mpr": lambda: mpr(spectrum(), form="2"),
    "a.mpt": text_mpt,
    "a.csv": text_csv,
    "a.DTA": text_dta,
}


def outcome(path: Path, raw: bytes) -> Record | None:
    path.write_bytes(raw)
    try:
        return read(path)
    except MeasurementError:
        return None


def quick_outcome(path: Path, raw: bytes) -> Record | None:
    """The same without the file, where its mark is whole: files take half of the time."""
    if raw[:52] != biologic_mpr.MAGIC:
        return outcome(path, raw)
    try:
        return biologic_mpr.read(str(path), raw, None, "")
    except MeasurementError:
        return None


def differing(record: Record, original: Record) -> tuple[set[int], set[str]] | None:
    """Rows and columns whose numbers are not those of the original; None if the tables are of other shapes."""
    ours, theirs = record.table, original.table
    if len(ours) != len(theirs):
        return None
    if ours.equals(theirs):
        return set(), set()
    both = [name for name in theirs.columns if name in ours.columns]
    off = ~np.isclose(ours[both].to_numpy(float), theirs[both].to_numpy(float), rtol=0, atol=0, equal_nan=True)
    columns = {name for name, wrong in zip(both, off.any(0), strict=True) if wrong}
    return set(np.flatnonzero(off.any(1)).tolist()), columns | (set(theirs.columns) ^ set(ours.columns))


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("mpr")])
def test_binary_cut_at_every_byte(tmp_path: Path, name: str) -> None:
    raw = FILES[name]()
    path = tmp_path / name
    original = outcome(path, raw)
    assert original is not None
    kept = []
    for length in range(len(raw)):
        record = quick_outcome(path, raw[:length])
        if record is not None:
            kept.append(length)
            pd.testing.assert_frame_equal(record.table, original.table)
            assert "has no log at its end and may be truncated" in record.warnings
    # only where the file ends just before the log is what is left a whole file
    assert len(kept) == 1


@pytest.mark.parametrize("name", ["a.mpt", "a.csv", "a.DTA"])
def test_text_cut_at_every_byte(tmp_path: Path, name: str) -> None:
    raw = FILES[name]()
    path = tmp_path / name
    original = outcome(path, raw)
    assert original is not None
    for length in range(len(raw)):
        record = outcome(path, raw[:length])
        if record is None:
            continue
        count = len(record.table)
        rows = original.table.iloc[:count]
        if raw[:length].rstrip(b"\t").endswith(b"\n") or raw[length : length + 1] == b"\n":
            pd.testing.assert_frame_equal(record.table, rows)  # a file of fewer lines, which says no number of them
            continue
        same = record.table.reset_index(drop=True).equals(rows.reset_index(drop=True))
        assert record.warnings or (same and count == len(original.table)), (length, raw[:length][-30:])
        if not same:
            assert record.warnings[0].startswith("the last line has no line end"), record.warnings


def row_of(raw: bytes, at: int, count: int) -> int | None:
    """The row of an .mpr's table that a byte is of; None for what is beside the table."""
    head = raw.index(b"MODULEVMP data")
    late = raw[head + 41 : head + 45] == b"\xff\xff\xff\xff"
    data = head + (65 if late else 57)
    length = int.from_bytes(raw[data - (20 if late else 16) :][:4], "little")
    version = int.from_bytes(raw[data - 12 :][:4], "little")
    first = data + (1007 if late else biologic_mpr.FIRST_BYTE[version])
    size = (data + length - first) // count
    return (at - first) // size if first <= at < first + count * size else None


@pytest.mark.monte_carlo
def test_random_changes(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    names = [*FILES, *2 * ("spectrum.mpr", "late.mpr"), "old.mpr"]  # more of those that cannot be looked at
    originals = {name: FILES[name]() for name in names}
    whole = {name: outcome(tmp_path / name, originals[name]) for name in names}
    began = time.process_time()
    refused = warned = equal = one_value = 0
    for number in range(CHANGES):
        name = names[number % len(names)]
        raw = bytearray(originals[name])
        original = whole[name]
        assert original is not None
        at = rng.randrange(len(raw))
        how = rng.randrange(4 if name.endswith("mpr") else 6)
        if how < 3:
            raw[at] = rng.randrange(256)
        elif how == 3:
            raw[at] ^= 1 << rng.randrange(8)
        elif how == 4:
            del raw[at]
        else:
            raw.insert(at, rng.choice(b'0123456789.,;\t\n- eE"x\xff\0'))
        record = quick_outcome(tmp_path / name, bytes(raw))
        if record is None:
            refused += 1
            continue
        assert len(record.table) <= len(original.table)
        if set(record.warnings) - set(original.warnings):
            warned += 1
            continue
        difference = differing(record, original)
        assert difference is not None, (name, at, how)
        rows, columns = difference
        if not columns:
            equal += 1
            continue
        one_value += 1
        if not name.endswith("mpr"):
            # one cell, or the name of one column
            assert len(rows) <= 1 or len(columns) <= 2, (name, at, how, rows, columns)
            continue
        row = row_of(originals[name], at, len(original.table))
        if row is None:
            # the id of a column: its numbers have another name
            assert len(columns) <= 3, (name, at, how, columns)
            continue
        derived = {row + 1} if columns == {TIME, CURRENT} else set()  # current is charge over time
        assert rows <= {row} | derived, (name, at, how, rows, columns)
        assert len(columns) == 1 or CURRENT in columns or columns <= FLAGS, (name, at, how, columns)
    assert time.process_time() - began < SECONDS
    assert refused + warned + equal + one_value == CHANGES
    assert refused > 0.2 * CHANGES


@pytest.mark.parametrize("name", REAL_MPR)
def test_real_files_cut_and_changed(tmp_path: Path, name: str) -> None:
    raw = shared(f"{name}.mpr").read_bytes()
    path = tmp_path / "a.mpr"
    original = outcome(path, raw)
    assert original is not None
    rng = random.Random(SEED)
    ends = {rng.randrange(len(raw)) for _ in range(60)} | set(range(60)) | {len(raw) - 1}
    for length in ends:
        assert outcome(path, raw[:length]) is None, length
    for _ in range(100):
        changed = bytearray(raw)
        at = rng.randrange(len(raw))
        changed[at] = rng.randrange(256)
        record = outcome(path, bytes(changed))
        if record is None or set(record.warnings) - set(original.warnings):
            continue
        difference = differing(record, original)
        assert difference is not None
        assert len(difference[0]) <= 2 or len(difference[1]) <= 3, (at, difference)


@pytest.mark.parametrize("ending", ["mpr", "mpt", "DTA", "csv", "xlsx", "xls", "nda", "ndax", "txt", "res", ""])
def test_noise_is_refused(tmp_path: Path, ending: str) -> None:
    rng = random.Random(SEED)
    starts = [
        b"",
        biologic_mpr.MAGIC,
        b"EC-Lab ASCII FILE\r\nNb header lines : 3\r\n",
        b"EXPLAIN\r\n",
        b"PK\x03\x04",
        b"NEWARE",
    ]
    for start in starts:
        for size in (1, 100, 5000):
            path = write(tmp_path, f"a.{ending}", start + rng.randbytes(size))
            with pytest.raises(MeasurementError) as caught:
                read(path)
            assert len(str(caught.value)) > len(str(path)) + 20


def test_counts_that_cannot_be(tmp_path: Path) -> None:
    raw = mpr(spectrum())
    head = raw.index(b"MODULEVMP data")
    for at, value, words in (
        (57, 2**32 - 1, "states 4294967295 points of 10 columns in 552 bytes, which is inconsistent"),
        (57, 0, "states 0 points of 10 columns"),
        (57, 13, "states 13 points of 10 columns in 552 bytes"),
        (41, 2**31, 'module "VMP data" should have 2147483648 bytes according to its header but has'),
    ):
        changed = bytearray(raw)
        changed[head + at : head + at + 4] = value.to_bytes(4, "little")
        with pytest.raises(MeasurementError, match=words):
            read(write(tmp_path, "a.mpr", bytes(changed)))
    # 6 points of twice the size: the ids tell that it is not so
    changed = bytearray(raw)
    changed[head + 57 : head + 61] = (6).to_bytes(4, "little")
    with pytest.raises(MeasurementError, match="a point has 92 bytes, which does not fit its 10 columns, all"):
        read(write(tmp_path, "b.mpr", bytes(changed)))


def test_what_is_said_twice_must_agree(tmp_path: Path) -> None:
    columns = {number: np.array(values) for number, values in spectrum().items()}
    columns[36][4] *= 1.01
    record = read(write(tmp_path, "a.mpr", mpr(columns)))
    assert len(record.table) == 11
    assert record.warnings[0].startswith(
        "1 row left out because the modulus does not match real and imaginary part (point 5:"
    )
    columns[35] = columns[35] + 5.0
    with pytest.raises(MeasurementError, match="12 of 12 points are damaged or the columns are shifted, the first"):
        read(write(tmp_path, "b.mpr", mpr(columns)))
    charge = {number: np.array(values, float) for number, values in cycling().items()}
    charge[13][7] += 1e-3
    warnings = read(write(tmp_path, "c.mpr", mpr(charge, form="late"))).warnings
    assert any('"(Q-Qo)/mA.h" disagrees with "dq/mA.h" at 2 of 19 points' in said for said in warnings)


def test_numbers_that_cannot_be_are_left_out(tmp_path: Path) -> None:
    columns = {number: np.array(values) for number, values in spectrum().items()}
    for number, row, value in ((4, 2, np.nan), (77, 3, 1e30)):
        changed = {**columns, number: np.where(np.arange(12) == row, value, columns[number])}
        record = read(write(tmp_path, "a.mpr", mpr(changed)))
        assert len(record.table) == 11
        assert record.warnings[0].startswith("1 row left out because ")
        assert f"point {row + 1}" in record.warnings[0]


def test_time_that_goes_back(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "time_s,voltage_V\n0,1\n1,2\n0.5,3\n2,4\n")
    assert read(path).warnings == ("time runs backwards at 1 point, first from 1 s to 0.5 s (line 4)",)
    rows = "".join(f"{at % 2},{at}\n" for at in range(20))
    with pytest.raises(
        MeasurementError, match="time runs backwards at 9 of 20 points, first from 1 s to 0 s .line 4.; this"
    ):
        read(write(tmp_path, "b.csv", "time_s,voltage_V\n" + rows))


def test_rows_that_are_there_twice(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "time_s,voltage_V\n0,1\n1,2\n1,2\n1,2.5\n2,3\n0,1\n")
    record = read(path)
    assert record.values(VOLTAGE).tolist() == [1, 2, 2.5, 3]
    assert record.warnings == ("2 rows left out that repeat an earlier row (first line 4)",)


def test_units_that_are_mixed(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "time,voltage\n0 s,3.1 V\n1 s,3200 mV\n")
    with pytest.raises(MeasurementError, match='line 3: voltage: unit "mV", but line 2 has "V"; write the column in'):
        read(path)
    path = write(tmp_path, "b.csv", "frequency_Hz,re_ohm_cm2,im_ohm\n10,1,2\n1,2,3\n")
    with pytest.raises(MeasurementError, match="Real Impedance / ohm is in ohm cm2 and the other part is not"):
        read(path)


@pytest.mark.parametrize("piece", [lines.PIECE, 700])
def test_lines_that_are_not_like_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(lines, "PIECE", piece)
    rows = "".join(f"{at},{at * 0.1:.3f}\n" for at in range(500))
    cases = {
        "400,40.000\n": ("400,40,000\n", "line 402: has 3 cells where the table has 2; correct or delete the line"),
        "300,30.000\n": ("300\n", "line 302: has 1 cells where the table has 2"),
        "200,20.000\n": (
            "200,OVERFLOW\n",
            'line 202: voltage_V: "OVERFLOW" is not a number; correct the line',
        ),
        "100,10.000\n": ("time_s,voltage_V\n", 'line 102: time_s: "time_s" is not a number'),
    }
    for old, (new, words) in cases.items():
        with pytest.raises(MeasurementError, match=words):
            read(write(tmp_path, "a.csv", "time_s,voltage_V\n" + rows.replace(old, new)))
    quoted = rows.replace("400,40.000\n", '"400","40.000","1"\n')
    with pytest.raises(MeasurementError, match="line 402: has 3 cells where the table has 2"):
        read(write(tmp_path, "b.csv", "time_s,voltage_V\n" + quoted))


LAYOUTS = {
    "layered": LAYERED.format(parted=",", sign=""),
    "layers of lines": LAYERED.format(parted="\n,", sign="-"),
    "minutes": maccor_minutes(60.0),
    "remarks": REMARKS + OWN + OWN_ROWS + ";;;;;;;;;\n",
}


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_changes_of_other_layouts_are_told_in_words(tmp_path: Path, name: str) -> None:
    rng = random.Random(SEED)
    path = tmp_path / "a.txt"
    whole = LAYOUTS[name].encode()
    assert outcome(path, whole) is not None
    refused = 0
    for number in range(CHANGES // 50):
        raw = bytearray(whole)
        at = rng.randrange(len(raw))
        how = number % 4
        if how == 0:
            raw[at] = rng.randrange(1, 256)
        elif how == 1:
            del raw[at : at + rng.randrange(1, 30)]
        elif how == 2:
            raw.insert(at, rng.choice(b'0123456789.,;\t\n- eE"x\xff\0'))
        else:
            del raw[at:]
        refused += outcome(path, bytes(raw)) is None  # any other error than that for the user fails here
    assert refused > 0
