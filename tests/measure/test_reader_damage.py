"""Damaged instrument files: cut at every byte, 10 000 random changes. No crash, no hang, no other number in silence."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from solidstack.errors import MeasurementError
from solidstack.measure.readers import biologic_mpr, read
from solidstack.measure.record import CURRENT, TIME, Record
from tests.measure.test_readers import DTA, ZCURVE, cycling, mpr, mpt, spectrum

CHANGES = 10_000
SEED = 5
FLAGS = set(biologic_mpr.FLAG_NAMES.values())
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


def differing(record: Record, original: Record) -> tuple[set[int], set[str]] | None:
    """Rows and columns whose numbers are not those of the original; None if the tables are of other shapes."""
    ours, theirs = record.table, original.table
    if len(ours) != len(theirs):
        return None
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
        record = outcome(path, raw[:length])
        if record is not None:
            kept.append(length)
            pd.testing.assert_frame_equal(record.table, original.table)
            assert "has no log at its end and may be cut off" in record.warnings
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
            assert record.warnings[0].startswith("the last line has no end"), record.warnings


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


def test_random_changes(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    names = [*FILES, "spectrum.mpr", "late.mpr"]
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
        record = outcome(tmp_path / name, bytes(raw))
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
