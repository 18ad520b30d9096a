"""Columns of BioLogic files by their ids, and the flags that share a byte."""

# Flags share one byte, at the place of the first of them: mask
FLAGS = {1: 0x03, 2: 0x04, 3: 0x08, 21: 0x10, 31: 0x20, 65: 0x80}
FLAG_NAMES = {
    1: "mode", 2: "ox/red", 3: "error", 21: "control changes", 31: "Ns changes", 65: "counter inc.",
}  # fmt: skip
_F4 = {
    5: "control/V/mA", 6: "Ewe/V", 8: "I/mA", 9: "Ece/V", 16: "Analog IN 1/V", 17: "Analog IN 2/V", 18: "Analog IN 3/V",
    19: "control/V", 20: "control/mA", 26: "Rapp/Ohm", 27: "Ewe-Ece/V", 32: "freq/Hz", 33: "|Ewe|/V", 34: "|I|/A",
    35: "Phase(Z)/deg", 36: "|Z|/Ohm", 37: "Re(Z)/Ohm", 38: "-Im(Z)/Ohm", 69: "R/Ohm", 70: "P/W", 75: "Analog OUT/V",
    76: "<I>/mA", 77: "<Ewe>/V", 78: "Cs-2/µF-2", 96: "|Ece|/V", 97: "|Ece|/V", 98: "Phase(Zce)/deg", 99: "|Zce|/Ohm",
    100: "Re(Zce)/Ohm", 101: "-Im(Zce)/Ohm", 163: "|Estack|/V", 168: "Rcmp/Ohm", 169: "Cs/µF", 172: "Cp/µF",
    173: "Cp-2/µF-2", 174: "<Ewe>/V", 241: "|E1|/V", 242: "|E2|/V", 271: "Phase(Z1)/deg", 272: "Phase(Z2)/deg",
    301: "|Z1|/Ohm", 302: "|Z2|/Ohm", 331: "Re(Z1)/Ohm", 332: "Re(Z2)/Ohm", 361: "-Im(Z1)/Ohm", 362: "-Im(Z2)/Ohm",
    391: "<E1>/V", 392: "<E2>/V", 422: "Phase(Zstack)/deg", 423: "|Zstack|/Ohm", 424: "Re(Zstack)/Ohm",
    425: "-Im(Zstack)/Ohm", 426: "<Estack>/V", 430: "Phase(Zwe-ce)/deg", 431: "|Zwe-ce|/Ohm", 432: "Re(Zwe-ce)/Ohm",
    433: "-Im(Zwe-ce)/Ohm", 434: "(Q-Qo)/C", 435: "dQ/C", 436: "Ewe/V", 441: "<Ecv>/V", 462: "Temperature/°C",
    471: "<Ece>/V", 473: "THD Ewe/%", 474: "THD I/%", 475: "THD Ece/%", 476: "NSD Ewe/%", 477: "NSD I/%",
    478: "NSD Ece/%", 479: "NSR Ewe/%", 480: "NSR I/%", 481: "NSR Ece/%", 505: "Rdc/Ohm",
    **{484 + order: f"|Ewe h{order}|/V" for order in range(2, 8)},
    **{490 + order: f"|I h{order}|/A" for order in range(2, 8)},
    **{496 + order: f"|Ece h{order}|/V" for order in range(2, 8)},
}  # fmt: skip
_F8 = {
    4: "time/s", 7: "dq/mA.h", 11: "<I>/mA", 13: "(Q-Qo)/mA.h", 23: "dQ/mA.h", 24: "cycle number", 74: "|Energy|/W.h",
    110: "Energy ce/W.h", 112: "Energy we/W.h", 115: "Energy ce charge/W.h", 116: "Energy ce discharge/W.h",
    123: "Energy charge/W.h", 124: "Energy discharge/W.h", 125: "Capacitance charge/µF",
    126: "Capacitance discharge/µF", 438: "step time/s", 467: "Q charge/discharge/mA.h",
}  # fmt: skip
COLUMNS: dict[int, tuple[str, str]] = (
    {number: (name, "<f4") for number, name in _F4.items()}
    | {number: (name, "<f8") for number, name in _F8.items()}
    | {39: ("I Range", "<u2"), 131: ("Ns", "<u2"), 468: ("half cycle", "<u4"), 469: ("z cycle", "<u4")}
    | {509: ("Acir/Dcir Control", "u1")}
)
"""Name and type of a column by its id."""
OTHERWISE: dict[int, tuple[str, str]] = {
    498: ("Q charge/mA.h", "<f8"), 499: ("Q discharge/mA.h", "<f8"), 500: ("step time/s", "<f8"),
    501: ("Efficiency/%", "<f8"), 502: ("Capacity/mA.h", "<f8"),
}  # fmt: skip
"""Ids that mean other columns in BT-Lab than in EC-Lab; the size of a point decides."""
