"""A design: the checked content of a design file, and changed copies of it."""

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import tomli_w
from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, field_validator, model_validator

from .. import units
from ..errors import DesignError, Problem, UnitError
from ..files import TomlDocument, parse_toml, read_json, read_toml
from ..html import plain_table
from ..materials import Library, Material, default_library
from ..quantities import Strict, problems, reject, reject_all
from ..units import Values
from . import schema
from .protocol import Protocol
from .schema import AGREEMENT, library_of

ACTIVE = "active-material"
_DENSITY_KEYS = {"positive": ("density", "porosity", "thickness"), "negative": ("density", "porosity")}


class Design(Strict):
    """A battery design in SI, immutable.

    Create one with `load`, `Design.from_toml`, `Design.from_dict` (text with units) or `Design.model_validate`
    (SI numbers); change it with `with_`. Numbers may be arrays that broadcast against each other: everything
    computed from the design is then an array of that shape.
    """

    name: str = Field("unnamed", max_length=200)
    temperature: schema.Temperature = Field(298.15, description="of the cell in use")
    # before the electrodes, whose vol% are converted with them
    densities: dict[schema._MATERIAL, schema.Density] = Field(
        {}, description="true density that replaces the material's default"
    )
    positive: schema.Positive
    negative: schema.Negative
    membrane: schema.Membrane
    stack: schema.Stack
    pouch: schema.Pouch = schema.Pouch.model_validate({})
    rating: schema.Rating = schema.Rating.model_validate({})
    prices: dict[schema._MATERIAL, schema.Price] = Field({}, description="price per mass that replaces the material's")
    published: schema.Published | None = None
    twin: schema.Twin = schema.Twin.model_validate({})
    kinetics: schema.Kinetics = schema.Kinetics.model_validate({})
    protocol: Protocol | None = Field(None, description="charge and discharge; default: C/10, then C/5")

    _library: Library = PrivateAttr()

    @field_validator("densities", "prices", mode="before")
    @classmethod
    def _each_once(cls, value: Any, info: ValidationInfo) -> Any:
        return schema.each_once(value, info)

    @field_validator("densities", mode="after")
    @classmethod
    def _hand_down(cls, value: Any, info: ValidationInfo) -> Any:
        if info.context is not None:
            info.context["densities"] = value
        return value

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        self._library = library_of(info)
        try:
            np.broadcast_shapes(*(np.shape(value) for value in _leaves(self.model_dump())))
        except ValueError:
            shapes = [
                f"{'.'.join(path)} {np.shape(v)}"
                for path, v in _items(_plain(self.model_dump()))
                if isinstance(v, np.ndarray)
            ]
            msg = f"arrays do not broadcast against each other: {', '.join(shapes)}"
            raise reject(msg) from None
        several = [*self._role_problems(), *self._density_problems()]
        if several:
            raise reject_all(several)
        return self

    def _role_problems(self) -> Iterator[Problem]:
        for where, composition in self._compositions():
            roles = [self.material(name).role for name in composition.shares]
            for role, words in (
                (ACTIVE, "active material"),
                ("solid-electrolyte", "solid electrolyte"),
            ):
                if role not in roles:
                    choice = ", ".join(name for name in self._library if self._library[name].role == role)
                    yield Problem(f"has no {words}; choose from {choice}", f"{where}.composition")
            active: Any = sum(
                composition.shares[n] for n, r in zip(composition.shares, roles, strict=True) if r == ACTIVE
            )
            if ACTIVE in roles and np.any(np.asarray(active) <= 0.0):
                yield Problem("has 0 wt% of active material, so no capacity; add some", f"{where}.composition")
        made = {self.material(name).as_made: name for name in self.positive_materials(ACTIVE)}
        if len(made) > 1:
            msg = (
                f"mixes {made['discharged']}, made with its lithium, and {made['charged']}, made without; use one kind"
            )
            yield Problem(msg, "positive.composition")
        shares = self.positive.composition.shares
        electrolytes = [n for n in self.positive_materials("solid-electrolyte") if np.any(np.asarray(shares[n]) > 0.0)]
        if len(electrolytes) > 1 and self.positive.ionic_conductivity is None:
            msg = f"mixes {' and '.join(electrolytes)}; set positive.ionic_conductivity of the mixture"
            yield Problem(msg, "positive.composition")

    def _density_problems(self) -> Iterator[Problem]:
        """Compare density, porosity and thickness if several are given, and the density with the dense density.

        Whether the densities of arrays are possible is left to the evaluation, which can mask them in a map.
        """
        positive = self.positive
        dense = self.dense_density()
        implied = {
            "density": positive.density,
            "porosity": None if positive.porosity is None else dense * (1.0 - positive.porosity),
            "thickness": None if positive.thickness is None else positive.loading / positive.thickness,
        }
        known = {key: np.asarray(value) for key, value in implied.items() if value is not None}
        if not known:
            return
        first, density = next(iter(known.items()))
        for key, value in list(known.items())[1:]:
            ratio = value / density
            apart = np.abs(ratio - 1.0) > AGREEMENT
            if apart.any():
                here, there = (float(np.broadcast_to(v, ratio.shape)[apart].flat[0]) for v in (value, density))
                msg = (
                    f"contradicts positive.{first}: this {key} implies {here / 1e3:.4g} g/cm^3, "
                    f"the {first} {there / 1e3:.4g} g/cm^3; remove one of the two"
                )
                yield Problem(msg, f"positive.{key}")
        if np.ndim(dense) == 0 and density.ndim == 0 and density > dense * (1.0 + 1e-9):
            yield Problem(_too_dense(first, float(density), float(dense)), f"positive.{first}")

    def _compositions(self) -> list[tuple[str, schema.Composition]]:
        negative = getattr(self.negative, "composition", None)
        both = ("positive", self.positive.composition), ("negative", negative)
        return [(where, composition) for where, composition in both if composition is not None]

    def dense_density(self, shares: Mapping[str, Values] | None = None) -> Values:
        r"""Density of a coating without pores, :math:`\rho_0 = 1/\sum_i w_i/\rho_i`, kg/m3.

        Parameters
        ----------
        shares : mapping of str to array, optional
            Mass fractions that sum to 1; default: those of the positive.
        """
        shares = self.positive.composition.shares if shares is None else shares
        volume: Values = sum(share / self.density_of(name) for name, share in shares.items())
        return 1.0 / volume

    @property
    def library(self) -> Library:
        """The materials this design uses."""
        return self._library

    def material(self, name: str) -> Material:
        """Return a material by name."""
        return self._library[name]

    def density_of(self, name: str) -> Values:
        """Return the true density of a material, kg/m3: the design's, else the default of its file."""
        own = self.densities.get(name)
        value: Values = self.material(name).default("density").value if own is None else own
        return value

    def positive_materials(self, role: str) -> list[str]:
        """Return the names of the materials of a role in the positive electrode."""
        return [name for name in self.positive.composition.shares if self.material(name).role == role]

    @property
    def is_single(self) -> bool:
        """Whether every value is a number (no arrays)."""
        return self.shape == ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape to which the arrays of this design broadcast; () for a single design."""
        return np.broadcast_shapes(*(np.shape(value) for value in _leaves(self.model_dump())))

    def with_(self, **changes: Any) -> "Design":
        """Return a copy with changed values.

        Parameters
        ----------
        **changes
            Keys joined by two underscores, as in ``positive__loading`` or ``protocol__steps__0__current`` (the first
            step). Numbers and arrays are SI; text is read with its unit. A dictionary replaces a whole table.
            Setting one of density, porosity and thickness drops the other two. A single share, as in
            ``positive__composition__NCM622=0.9``, is balanced by the solid electrolyte (a share of the solid
            electrolyte by the active material).

        Returns
        -------
        Design

        Raises
        ------
        DesignError
            Unknown key, or a value out of bounds.

        Examples
        --------
        >>> import numpy as np, solidstack as ss
        >>> designs = ss.load("examples/pouch-0.16Ah.toml").with_(positive__loading=np.array([0.1, 0.2]))
        >>> designs.shape
        (2,)
        """
        return self.replaced({tuple(key.split("__")): value for key, value in changes.items()})

    def replaced(self, changes: dict[tuple[str, ...], Any]) -> "Design":
        """Return a copy with changed values; keys are paths such as ``("positive", "composition", "carbon black")``."""
        data = _plain(self.model_dump(exclude_none=True))
        shares = {path: changes[path] for path in changes if _is_share(path)}
        others = {path: value for path, value in changes.items() if path not in shares}
        for name, keys in _DENSITY_KEYS.items():
            if any((name, key) in others for key in keys):
                for key in keys:
                    data[name].pop(key, None)
        kind = others.get(("negative", "kind"))
        if kind is not None and kind != data["negative"]["kind"]:
            data["negative"] = {}  # another kind has other keys
        for path, value in others.items():
            table: Any = data
            for depth, key in enumerate(path[:-1]):
                at: Any = _index(table, path[: depth + 1]) if isinstance(table, list) else key
                inner = table[at] if isinstance(table, list) else table.setdefault(key, {})
                if isinstance(inner, tuple) and isinstance(inner[0], dict):
                    inner = table[at] = list(inner)
                if not isinstance(inner, (dict, list)):
                    msg = f"has no key {path[-1]}"
                    raise DesignError(Problem(msg, ".".join(path[:-1])))
                table = inner
            table[_index(table, path) if isinstance(table, list) else path[-1]] = value
        if shares:
            self._balance(data, shares)
        return _validated(data, None, self._library)

    def _balance(self, data: dict[str, Any], shares: dict[tuple[str, ...], Any]) -> None:
        for table in {path[0] for path in shares}:
            composition = data.get(table, {}).get("composition")
            if composition is None:
                msg = "has no composition in which to change a share; set the whole composition"
                raise DesignError(Problem(msg, table))
            changed = {}
            for path, value in shares.items():
                if path[0] != table:
                    continue
                if path[2] not in self._library:
                    raise DesignError(Problem(self._library.unknown(path[2]), ".".join(path)))
                name = self._library[path[2]].name
                if name not in composition:
                    msg = f"is not in the composition, which has {', '.join(composition)}"
                    raise DesignError(Problem(msg, ".".join(path)))
                changed[name] = _share(value, ".".join(path))
            composition.update(changed)
            partner = self.partner(table, set(changed))
            if partner is not None:
                rest = 1.0 - sum(value for name, value in composition.items() if name != partner)
                # 14 decimals: 1 - 0.96 is 0.04, and the remainder of 1 - 1 is not a negative share
                composition[partner] = np.round(rest, 14)[()] + 0.0
                if np.any(np.asarray(composition[partner]) < 0.0):
                    room = 1.0 - sum(v for name, v in composition.items() if name not in (partner, *changed))
                    msg = (
                        f"leaves {100 * float(np.min(composition[partner])):.4g} wt% for {partner}, which balances it; "
                        f"it can be at most {100 * float(np.min(room)):.4g} wt%"
                    )
                    raise DesignError(Problem(msg, f"{table}.composition.{' and '.join(changed)}"))

    def partner(self, table: str, changed: Collection[str]) -> str | None:
        """Return the component that balances changed shares: the solid electrolyte, else the active material."""
        shares = getattr(self, table).composition.shares
        for role in ("solid-electrolyte", "active-material"):
            for name in shares:
                if self.material(name).role == role and name not in changed:
                    return str(name)
        return None

    def with_material(self, old: str, new: str) -> "Design":
        """Return a copy in which one material replaces another everywhere, at the same shares.

        Values of the design that belong to the old material (conductivity, kinetics) are dropped.
        """
        if old not in self._library or new not in self._library:
            raise DesignError(self._library.unknown(old if old not in self._library else new))
        old, new = self._library[old].name, self._library[new].name
        data = _plain(self.model_dump(exclude_none=True))
        for table in ("positive", "negative"):
            composition = data[table].get("composition")
            if composition and old in composition:
                data[table]["composition"] = {new if name == old else name: v for name, v in composition.items()}
        if old in self.positive_materials("solid-electrolyte"):
            data["positive"].pop("ionic_conductivity", None)
            for key in (
                "transference_number",
                "current_fraction",
                "salt_concentration",
                "salt_diffusivity",
                "thermodynamic_factor",
            ):
                data["kinetics"].pop(key, None)
        if old in self.positive_materials(ACTIVE):
            for key in ("exchange_current_density", "diffusivity", "electronic_conductivity", "initial_stoichiometry"):
                data["kinetics"].pop(key, None)
        if data["membrane"]["material"] == old:
            data["membrane"]["material"] = new
            data["membrane"].pop("ionic_conductivity", None)
        return _validated(data, None, self._library)

    @classmethod
    def from_dict(cls, data: dict[str, Any], *, library: Library | None = None, source: str = "design") -> "Design":
        """Return the design of a dictionary of texts with units, as `to_dict` writes it."""
        try:
            return cls.model_validate(data, context={"file": True, "library": library or default_library()})
        except ValidationError as error:
            raise DesignError(problems(error, cls), source=source) from None

    @classmethod
    def from_toml(cls, text: str, *, library: Library | None = None, source: str = "text") -> "Design":
        """Return the design of the text of a design file."""
        document = parse_toml(text, source, DesignError)
        return _validated(document.data, document, library or default_library())

    def to_dict(self) -> dict[str, Any]:
        """Return the design as plain texts with units that read back to exactly the same values."""
        return _plain(self.model_dump(mode="json", exclude_none=True))

    def to_toml(self) -> str:
        """Return the text of a design file that reads back to the same design (arrays cannot be written)."""
        if not self.is_single:
            msg = f"has arrays of shape {self.shape}; only a single design can be written to a file"
            raise DesignError(msg)
        return tomli_w.dumps(self.to_dict())

    def fingerprint(self) -> str:
        """Return a hash of the design and of the user's own materials in it, for provenance."""
        text = json.dumps([self.to_dict(), self.own_materials()], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def own_materials(self) -> dict[str, Any]:
        """Return the content of the material files of this design that are not shipped, by name."""
        words = {"Li", "graphite", "Si"}  # which negatives use without naming them
        for path, value in _items(self.to_dict()):
            words |= {*path, *([value] if isinstance(value, str) else [])}
        names = sorted({self._library.name_of(word) for word in words if word in self._library})
        return {name: self._library.data(name) for name in names if not self._library.is_shipped(name)}

    def __repr__(self) -> str:
        """What the design is, in a few lines; `to_toml` writes all of it."""
        positive, membrane, stack = self.positive, self.membrane, self.stack
        width, length = (_range(edge, units.LENGTH) for edge in stack.positive_size)
        rows = [
            ("positive", f"{', '.join(positive.composition.shares)}; {_range(positive.loading, units.AREAL_MASS)}"),
            ("negative", self.negative.kind),
            ("membrane", f"{membrane.material}, {_range(membrane.thickness, units.THICKNESS)}"),
            ("stack", f"bilayers: {_range(stack.bilayers, units.RATIO)}; positives of {width} x {length}"),
            ("temperature", _range(self.temperature, units.TEMPERATURE)),
        ]
        size = "" if self.is_single else f": array of designs, shape {self.shape}"
        return plain_table(f'Design "{self.name}"{size}', rows)

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from ..html import table

        rows = [(".".join(path), str(value)) for path, value in _items(self.to_dict())]
        return table(self.name, ("key", "value"), rows)


def load(path: str | os.PathLike[str], *, library: Library | None = None) -> Design:
    """Read a design file.

    Parameters
    ----------
    path : path
        A design file (TOML), or a JSON file that `solidstack evaluate --json` or `solidstack run` wrote.
    library : Library, optional
        Materials; default: the shipped ones and the user's.

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        With every problem of the file, its key and line.

    Examples
    --------
    >>> load("examples/pouch-0.16Ah.toml").stack.bilayers
    2.0
    """
    library = library or default_library()
    if Path(path).suffix.lower() == ".json":
        source = os.fspath(path)
        data = read_json(path, DesignError)
        if isinstance(data.get("inputs"), dict):
            # a stored sheet: its own materials go before those of the same name here
            library = library.extended(data.get("own_materials", {}), source)
            data = data["inputs"]
        return Design.from_dict(data, library=library, source=source)
    document = read_toml(path, DesignError)
    return _validated(document.data, document, library)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a design file, for editors."""
    result = Design.model_json_schema(mode="validation")
    result["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    result["title"] = "solidstack design"
    return result


def _validated(data: dict[str, Any], document: TomlDocument | None, library: Library) -> Design:
    context = {"file": document is not None, "library": library}
    try:
        return Design.model_validate(data, context=context)
    except ValidationError as error:
        several = problems(error, Design, document)
    # rules between keys are checked after those of each key; if the keys of the positive are valid, check its rules too
    if "positive" in data and not {problem.key.partition(".")[0] for problem in several} & {"positive", "densities"}:
        rest = {
            "negative": {"kind": "anode-free"},
            "membrane": {"material": "SPE", "thickness": "1 um"},
            "stack": {"bilayers": 1, "positive_size": ["1 mm", "1 mm"]},
        }
        own = {key: data[key] for key in ("positive", "densities") if key in data}
        try:
            Design.model_validate(own | rest, context=context)
        except ValidationError as error:
            more = [p for p in problems(error, Design, document) if p.key.startswith(("positive", "densities"))]
            several = sorted([*several, *more], key=lambda problem: problem.line or 0)
    raise DesignError(several, source=document.source if document else "")


def key_path(text: str) -> tuple[str, ...]:
    """Split a dotted key; the name of a material, after ``composition.``, may contain dots and spaces."""
    head, dot, material = text.strip().partition(".composition.")
    return (head, "composition", material) if dot else tuple(head.split("."))


def _index(tables: list[Any], path: Sequence[str]) -> int:
    """Read the last key of a path as the index, from 0, of a table in a list."""
    if path[-1].isdecimal() and int(path[-1]) < len(tables):
        return int(path[-1])
    msg = f"there is no number {path[-1]} in {'.'.join(path[:-1])}; its numbers are 0 to {len(tables) - 1}"
    raise DesignError(Problem(msg, ".".join(path)))


def _is_share(path: Sequence[str]) -> bool:
    return len(path) == 3 and path[1] == "composition"


def _too_dense(key: str, density: float, dense: float) -> str:
    porosity = 100.0 * (1.0 - density / dense)
    cure = "Lower it" if key == "density" else "Raise it"
    implied = "" if key == "density" else "implies "
    above = "is above" if key == "density" else "which is above"
    comma = "" if key == "density" else ","
    return (
        f"{implied}{density / 1e3:.3g} g/cm^3{comma} {above} the dense density {dense / 1e3:.3g} g/cm^3 of this "
        f"composition (porosity would be {porosity:.1f} %). {cure}, or give porosity instead."
    )


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """Unwrap the compositions, which a file writes without the inner table."""
    for table in ("positive", "negative"):
        composition = data.get(table, {}).get("composition")
        if composition is not None:
            data[table]["composition"] = dict(composition["shares"])
    for table in ("densities", "prices"):
        if not data.get(table, True):
            del data[table]
    return data


def _share(value: Any, key: str) -> Any:
    if not isinstance(value, str):
        return np.asarray(value, dtype=float)[()]
    if "vol" in value:
        msg = f'"{value}": a single share is changed by mass; write wt%'
        raise DesignError(Problem(msg, key))
    try:
        return units.parse(value, units.SHARE)
    except UnitError as error:
        raise DesignError(Problem(error.problems[0].message, key)) from None


def _range(values: Values, kind: units.Kind) -> str:
    """Write a value, or the range of an array, in the unit shown."""
    low, high = float(np.min(values)), float(np.max(values))
    unit = kind.shown
    numbers = f"{unit.of(low):.6g}" if low == high else f"{unit.of(low):.6g} to {unit.of(high):.6g}"
    return f"{numbers} {unit.symbol}".strip()


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _items(data: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    items = []
    for key, value in data.items():
        items += _items(value, (*path, key)) if isinstance(value, dict) else [((*path, key), value)]
    return items
