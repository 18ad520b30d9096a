"""Neware binary files (.nda, .ndax), through NewareNDA (BSD-3-Clause)."""

import logging
import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from ...errors import MeasurementError
from ..records import CYCLE, STEP, TIME, Record
from .finish import finish
from .raw import Raw

_NEEDED = ("Voltage", "Current(mA)")


def read(path: str, columns: Mapping[str, str] | None, sha: str) -> Record:
    """Read a file.

    Raises
    ------
    MeasurementError
        NewareNDA is not installed, or cannot read the file.
    """
    try:
        import NewareNDA
    except ImportError:
        msg = 'Neware files need an extra: pip install "solidstack[instruments]"; or export the file as Excel or CSV'
        raise MeasurementError(msg, source=path) from None
    logging.getLogger("newarenda").setLevel(logging.CRITICAL)
    try:
        # deprecated calls of the library to pandas are not the fault of the file
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = NewareNDA.read(path, log_level="CRITICAL")
    except KeyboardInterrupt:
        raise
    except BaseException as reason:  # a damaged file may raise anything in the library
        msg = f"cannot be read as a Neware file ({type(reason).__name__}: {reason}); export it as Excel or CSV"
        raise MeasurementError(msg, source=path) from None
    if not isinstance(frame, pd.DataFrame) or frame.empty or not set(_NEEDED) <= set(frame.columns):
        msg = "contains no points that can be read; export it as Excel or CSV from the Neware software"
        raise MeasurementError(msg, source=path)
    raw = Raw({}, path, technique="cycling", instrument="Neware")
    known = {"Cycle": CYCLE, "Step_Index": STEP, "Voltage": "Voltage/V", "Current(mA)": "Current/mA"}
    for name in frame.columns:
        values = frame[name]
        if name in ("Time", "Timestamp", "Status") or not pd.api.types.is_numeric_dtype(values):
            continue
        # pulses have a negative capacity in discharge
        whole = values.abs() if str(name).startswith("Discharge_Capacity") else values
        raw.columns[known.get(str(name), str(name))] = whole.to_numpy(np.float64)
    stamps = pd.to_datetime(frame["Timestamp"], errors="coerce", utc=True) if "Timestamp" in frame else None
    raw.columns[TIME] = _time(frame, stamps)
    return finish(raw, columns, sha)


def _time(frame: pd.DataFrame, stamps: "pd.Series | None") -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Time from the start: step times added up, with the pauses between steps from the dates."""
    step = frame["Time"].to_numpy(np.float64)
    back = np.concatenate([[False], np.diff(step) < 0.0])
    rise = np.concatenate([step[:1], np.where(back[1:], step[1:], np.diff(step))])
    total = np.cumsum(rise) - rise[0]
    if stamps is not None and not stamps.isna().any():
        dated = (stamps - stamps.iloc[0]).dt.total_seconds().to_numpy(np.float64)
        if bool(np.all(np.diff(dated) >= 0.0)) and dated[-1] > total[-1]:
            pause = np.where(back, np.maximum(np.diff(dated, prepend=0.0) - rise, 0.0), 0.0)
            total = total + np.cumsum(pause)
    return np.asarray(total, np.float64)
