import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import solidstack as ss
from solidstack.design import Action, Protocol, Rate, default_protocol, following, read_protocol
from solidstack.errors import DesignError, UnitError
from solidstack.outcomes import End, Outcome

EXAMPLE = Path("examples/pouch-0.16Ah.toml")
FULL = """
[protocol]
temperature = "45 degC"
repeat = 2
[[protocol.steps]]
kind = "charge"
current = "18 mA/g"
until = { voltage = "4.3 V" }
temperature = "25 degC"
[[protocol.steps]]
kind = "hold"
voltage = "4.3 V"
until = { current = "C/50", time = "10 h" }
[[protocol.steps]]
kind = "rest"
until = { time = "1 h" }
[[protocol.steps]]
kind = "pulses"
direction = "discharge"
current = "0.3 mA/cm^2"
pulse = "20 min"
rest = "1 h"
count = 3
until = { voltage = "2.7 V" }
[[protocol.steps]]
kind = "repeat"
times = 2
[[protocol.steps.steps]]
kind = "discharge"
current = "C/3"
until = { capacity = "150 mAh/g" }
"""


@pytest.fixture
def text() -> str:
    return EXAMPLE.read_text(encoding="utf-8") + FULL


def message(text: str) -> str:
    with pytest.raises(DesignError) as error:
        ss.Design.from_toml(text)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "value", "basis"),
    [
        ("0.1C", 0.1, "C"),
        (" 0.1 C ", 0.1, "C"),
        ("C/10", 0.1, "C"),
        ("C / 3", 1.0 / 3.0, "C"),
        ("2C/3", 2.0 / 3.0, "C"),
        ("C", 1.0, "C"),
        ("1e-3C", 0.001, "C"),
        ("18 mA/g", 18.0, "A/kg"),
        ("18 A kg-1", 18.0, "A/kg"),
        ("0.3 mA/cm^2", 3.0, "A/m^2"),
        ("3 A/m²", 3.0, "A/m^2"),
    ],
)
def test_rates(text: str, value: float, basis: str) -> None:
    rate = Rate.parse(text)
    assert (rate.value, rate.basis) == (pytest.approx(value, rel=1e-15), basis)
    assert Rate.parse(str(rate)) == rate


def test_rates_of_one_cell_agree() -> None:
    # 20 mg/cm2 at 180 mA/g: C/10 is 18 mA/g is 0.36 mA/cm2
    for text in ("C/10", "18 mA/g", "0.36 mA/cm^2"):
        assert Rate.parse(text).current_density(0.2, 180.0) == pytest.approx(3.6, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C/0", '"C/0" divides by 0; write for example "C/10"'),
        ("-C/10", '"-C/10" does not start with a number; write a current such as "C/10"'),
        ("-0.1C", '"-0.1C" is out of bounds: a current has to be above 0 and at most 10000 C; its direction'),
        ("0 mA/g", '"0 mA/g" is out of bounds: a current has to be above 0'),
        ("1e400C", "is out of bounds"),
        ("0.1c", '"0.1c" is not a current; a C-rate has a capital C, as in "0.1C"'),
        ("3 mA", '"3 mA" is a current; write a current such as'),
        ("3", '"3" has no unit; write a current such as'),
        ("3 mAh/g", '"3 mAh/g" is a charge per mass; write a current such as'),
        ("", "does not start with a number"),
    ],
)
def test_text_that_is_no_rate(text: str, words: str) -> None:
    with pytest.raises(UnitError) as error:
        Rate.parse(text)
    assert words in str(error.value)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_rate_in_python_is_positive(value: float) -> None:
    with pytest.raises(ValueError, match="has to be above 0"):
        Rate(value, "C")


def test_flat_actions(text: str) -> None:
    protocol = ss.Design.from_toml(text).protocol
    assert protocol is not None
    actions = protocol.actions()
    assert len(actions) == 2 * (1 + 1 + 1 + 6 + 2)
    assert [a.kind for a in actions[:9]] == ["charge", "hold", "rest", *(["discharge", "rest"] * 3)]
    assert actions[0] == Action(
        "charge",
        "steps.0, cycle 1",
        rate=Rate(18.0, "A/kg"),
        voltage_limit=4.3,
        temperature=298.15,
        train=1,
    )
    assert actions[1].current_limit == Rate(0.02, "C")
    assert (actions[1].voltage, actions[1].time_limit, actions[1].temperature) == (4.3, 36000.0, 318.15)
    assert [a.where for a in actions[3:6]] == [
        "steps.3, cycle 1, pulse 1",
        "steps.3, cycle 1, pulse 1",
        "steps.3, cycle 1, pulse 2",
    ]
    assert (actions[3].time_limit, actions[4].time_limit) == (1200.0, 3600.0)
    assert actions[10].where == "steps.4.steps.0, cycle 1, repetition 2"
    assert actions[10].capacity_limit == pytest.approx(150.0 * 3600.0)
    assert [a.sign for a in actions[:4]] == [1.0, 0.0, 0.0, -1.0]


def test_a_pulse_at_its_voltage_ends_the_train(text: str) -> None:
    protocol = ss.Design.from_toml(text).protocol
    assert protocol is not None
    actions = protocol.actions()
    assert following(actions, 3, at_voltage=False) == 4
    assert following(actions, 5, at_voltage=True) == 9
    assert following(actions, 9, at_voltage=True) == 10  # a repetition is a step of its own
    assert following(actions, len(actions) - 1, at_voltage=True) == len(actions)


def test_ends_are_outcomes_with_words() -> None:
    action = Action(
        "hold", "steps.1", voltage=4.3, current_limit=Rate(0.02, "C"), time_limit=36000.0, capacity_limit=540000.0
    )
    assert [action.ended(limit) for limit in ("current", "time", "capacity")] == [
        End(Outcome.CURRENT, "reached C/50"),
        End(Outcome.TIME, "time over (10 h)"),
        End(Outcome.CAPACITY, "reached 150 mAh/g"),
    ]
    discharge = Action("discharge", "steps.1", voltage_limit=2.7, time_limit=90.0)
    assert discharge.ended("voltage") == End(Outcome.VOLTAGE, "reached 2.7 V")
    assert discharge.ended("time") == End(Outcome.TIME, "time over (1.5 min)")
    assert discharge.already_beyond(2.6123) == End(
        Outcome.VOLTAGE, "the first instant is already at 2.612 V, beyond the limit of 2.7 V"
    )


def test_design_with_a_protocol_round_trips(text: str) -> None:
    design = ss.Design.from_toml(text)
    assert ss.Design.from_toml(design.to_toml()) == design
    assert ss.Design.from_dict(json.loads(json.dumps(design.to_dict()))) == design
    assert design.with_() == design
    assert design.shape == ()
    assert design.with_(positive__loading=np.array([0.1, 0.2])).shape == (2,)
    assert ss.evaluate(design).cell.energy > 0.0


def test_fingerprint_without_a_protocol_is_as_before(design: ss.Design, text: str) -> None:
    assert "protocol" not in design.to_dict()
    assert ss.Design.from_toml(text).fingerprint() != design.fingerprint()


def test_steps_change_by_number(text: str) -> None:
    design = ss.Design.from_toml(text)
    changed = design.with_(protocol__steps__0__current="1C", protocol__steps__4__steps__0__current="2C")
    assert changed.protocol is not None
    assert [str(changed.protocol.actions()[index].rate) for index in (0, 9)] == ["1.0C", "2.0C"]
    back = changed.with_(protocol__steps__0__current="18 mA/g", protocol__steps__4__steps__0__current=Rate(1 / 3, "C"))
    assert back == design
    with pytest.raises(DesignError) as error:
        design.with_(protocol__steps__9__current="1C")
    assert str(error.value) == "protocol.steps.9: there is no number 9 in protocol.steps; its numbers are 0 to 4"


def test_default_is_a_tenth_and_a_fifth() -> None:
    charge, discharge = default_protocol((2.7, 4.3)).actions()
    assert (charge.kind, charge.rate, charge.voltage_limit) == ("charge", Rate(0.1, "C"), 4.3)
    assert (discharge.kind, discharge.rate, discharge.voltage_limit) == ("discharge", Rate(0.2, "C"), 2.7)
    with pytest.raises(DesignError, match="2.7 V is not below|4.3 V is not below"):
        default_protocol((4.3, 2.7))


def test_file_is_a_protocol_or_has_one(tmp_path: Path, text: str) -> None:
    whole, alone = tmp_path / "whole.toml", tmp_path / "alone.toml"
    whole.write_text(text, encoding="utf-8")
    alone.write_text(FULL.replace("[protocol]\n", "").replace("[protocol.", "[").replace("[[protocol.", "[["))
    assert read_protocol(whole) == read_protocol(alone) == ss.Design.from_toml(text).protocol
    alone.write_text('[[steps]]\nkind = "rest"\n[[steps]]\nkind = "hold"\nvoltage = "3"\nuntil = { time = "1 s" }\n')
    with pytest.raises(DesignError) as error:
        read_protocol(alone)
    assert str(error.value) == (
        f'{alone}: 2 problems\n  line 1: steps.0: can never end; give until = {{ time = "1 h" }}\n'
        '  line 5: steps.1.voltage: "3" has no unit; write for example "3 V"'
    )
    alone.write_text('temperature = "25 degC"\n')
    with pytest.raises(DesignError, match="steps: is missing"):
        read_protocol(alone)
    with pytest.raises(DesignError, match="no such file"):
        read_protocol(tmp_path / "none.toml")


LINE = len(EXAMPLE.read_text(encoding="utf-8").splitlines()) + 1
"""Line of the design file before [protocol]."""


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('until = { voltage = "4.3 V" }', "", 4, 'steps.0: can never end; give until = { voltage = "4.3 V" }, or a'),
        ('{ current = "C/50", time = "10 h" }', '{ capacity = "9 mAh/g" }', 9, "steps.1: may never end; give until"),
        ('until = { time = "1 h" }', "until = {}", 13, 'steps.2: can never end; give until = { time = "1 h" }'),
        ('"18 mA/g"', '"-18 mA/g"', 6, 'steps.0.current: "-18 mA/g" is out of bounds: a current has to be above 0'),
        ('"18 mA/g"', "18", 6, "steps.0.current: is 18, a number without a basis; write text such as"),
        ('current = "18 mA/g"\n', "", 4, 'steps.0.current: is missing; write for example current = "C/10"'),
        ('rest = "1 h"\n', "", 16, 'steps.3.rest: is missing; write for example rest = "1 h"'),
        ('"20 min"', '"0 min"', 20, 'steps.3.pulse: "0 min" is out of bounds: time must be above 0 h'),
        ('"20 min"', '"20"', 20, 'steps.3.pulse: "20" has no unit; write for example "20 h"'),
        (
            'kind = "rest"',
            'kind = "sleep"',
            13,
            'steps.2: "sleep" is not recognised; choose one of charge, discharge, hold',
        ),
        (
            'kind = "rest"\n',
            "",
            13,
            "steps.2: kind is missing; choose one of charge, discharge, hold, rest, pulses, repeat",
        ),
        ('{ time = "1 h" }', '{ tiem = "1 h" }', 15, 'steps.2.until.tiem: unknown key; did you mean "time"?'),
        ('{ time = "1 h" }', '{ voltage = "3 V" }', 15, "steps.2.until.voltage: unknown key; choose from time"),
        ('"25 degC"', '"25 K"', 8, 'steps.0.temperature: "25 K" is out of bounds: temperature must be at least'),
        ("repeat = 2", "repeat = 99999", 3, "repeat: comes to 1099989 actions; at most 100000 are allowed"),
        ("repeat = 2", "repeat = 0", 3, "repeat: 0 is not a whole number from 1 to 100000"),
        ("count = 3", "count = 2.5", 22, "steps.3.count: 2.5 is not a whole number"),
        (
            'voltage = "4.3 V"\nuntil = { current',
            'voltage = "4.2 V"\nuntil = { current',
            11,
            "steps.1.voltage: 4.2 V is below the 4.3 V at which the charge before it ends, so the hold would discharge "
            "the cell; hold at 4.3 V",
        ),
        (
            '"C/50"',
            '"18 mA/g"',
            12,
            "steps.1.until.current: 18 mA/g is not below 18 mA/g of the charge before it: the hold would end at once",
        ),
        (
            '{ capacity = "150 mAh/g" }',
            '{ voltage = "15 V" }',
            30,
            'steps.4.steps.0.until.voltage: "15 V" is out of bounds: voltage must be at most 10 V',
        ),
        (
            '[[protocol.steps.steps]]\nkind = "discharge"\ncurrent = "C/3"\nuntil = { capacity = "150 mAh/g" }',
            'steps = [{ kind = "repeat", times = 2, steps = [] }]',
            27,
            "steps.4.steps: has a repeat inside a repeat; write its steps out, or repeat the whole protocol",
        ),
    ],
)
def test_bad_steps_are_told_with_key_and_line(text: str, old: str, new: str, line: int, words: str) -> None:
    assert text.count(old) >= 1, old
    at = text.index("[protocol]")
    changed = text[:at] + text[at:].replace(old, new, 1)
    assert f"line {LINE + line}: protocol.{words}" in message(changed)


def test_all_problems_at_once(text: str) -> None:
    found = message(text.replace('"20 min"', '"20 m"').replace('current = "C/3"', 'current = "C/none"'))
    assert "2 problems" in found
    assert f"line {LINE + 20}: protocol.steps.3.pulse" in found
    assert f"line {LINE + 29}: protocol.steps.4.steps.0.current" in found


def test_order_of_steps() -> None:
    charge = {"kind": "charge", "current": "1C", "until": {"voltage": 4.0}}
    rest = {"kind": "rest", "until": {"time": 60.0}}
    discharge = {"kind": "discharge", "current": "1C", "until": {"voltage": 4.1}}
    hold = {"kind": "hold", "voltage": 3.0, "until": {"time": 60.0}}
    with pytest.raises(DesignError) as error:
        Protocol.from_dict({"steps": [charge, rest, discharge]})
    assert str(error.value) == (
        "steps.2.until.voltage: 4.1 V is not below the 4 V at which the charge before it ends, so the discharge would "
        "end at once; change one of the two"
    )
    with pytest.raises(DesignError, match="steps.1.voltage: 3 V is below the 4 V at which the charge before it ends"):
        Protocol.from_dict({"steps": [charge, hold]})
    assert len(Protocol.from_dict({"steps": [charge, rest, hold]}).actions()) == 3


def test_python_takes_si_and_no_arrays(design: ss.Design) -> None:
    step = {"kind": "charge", "current": Rate(0.1, "C"), "until": {"voltage": 4.3, "time": 60.0}}
    found = design.with_(protocol={"steps": [step], "temperature": 300.0}).protocol
    assert found is not None
    assert (found.actions()[0].time_limit, found.actions()[0].temperature) == (60.0, 300.0)
    with pytest.raises(DesignError) as error:
        design.with_(protocol={"steps": [step], "temperature": np.array([300.0, 310.0])})
    assert "protocol.temperature: is an array; a protocol has one number here" in str(error.value)


def test_json_schema_knows_protocols(text: str) -> None:
    validator = jsonschema.Draft202012Validator(ss.json_schema())
    data = ss.Design.from_toml(text).to_dict()
    validator.validate(data)
    assert not validator.is_valid(data | {"protocol": {"steps": [{"kind": "sleep"}]}})
    assert not validator.is_valid(data | {"protocol": {"steps": []}})
