"""A run on disk: everything that it goes on from, to the same result."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ...design import Action
from ...errors import OutputError
from ...files import write_with
from ...kinetics import CellParameters
from ...outcomes import Outcome
from ...version import __version__
from ..results import Step
from .domain import Domain
from .equations import Equations
from .state import Row, State

_SCALARS_OF_ROW = ("time", "voltage", "current", "passed", "stoichiometry", "temperature")
_ARRAYS = ("x1", "x2", "phi1", "phi2")


def key_of(
    domain: Domain,
    parameters: CellParameters,
    actions: Sequence[Action],
    *,
    one_c: float,
    accuracy: float,
    lithium: float,
) -> str:
    """Hash of everything that a run depends on; `lithium` is the charge of the active material's lithium at start."""
    text = json.dumps(
        [
            __version__,
            repr(actions),
            repr(parameters),
            one_c,
            accuracy,
            domain.structure.voxel,
            domain.structure.periodic,
            lithium,
        ],
        default=str,
    )
    digest = hashlib.sha256(text.encode())
    digest.update(domain.kind.tobytes())
    for area in domain.areas:
        digest.update(area.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """A file that a run is saved in.

    Attributes
    ----------
    path : Path
    key : str
        See `key_of`.
    """

    path: Path
    key: str

    @property
    def exists(self) -> bool:
        """Whether there is a file to go on from."""
        return self.path.exists()

    def save(self, state: State, steps: Sequence[Step], rows: Sequence[Row], equations: Equations) -> None:
        """Write the file, whole or not at all.

        Raises
        ------
        OutputError
        """
        content = {
            "key": self.key,
            "state": dataclasses.asdict(state),
            "plates": (equations.plate, equations.plate1, equations.plate2),
            "offsets": [offset.tolist() for offset in (equations.offset, equations.offset1, equations.offset2)],
            "temperature": equations.temperature,
            "steps": [step.__dict__ for step in steps],
            "rows": [{"split": row.split} | {name: getattr(row, name) for name in _SCALARS_OF_ROW} for row in rows],
        }
        arrays = {name: np.asarray(equations.loops.get(getattr(equations, name))) for name in _ARRAYS}
        arrays["contents"] = np.array([row.contents for row in rows])
        arrays["reaction"] = np.array([row.reaction for row in rows])
        text = np.frombuffer(json.dumps(content).encode(), np.uint8)

        def writer(temporary: Path) -> None:
            with temporary.open("wb") as stream:
                np.savez(stream, content=text, **arrays)  # type: ignore[arg-type]

        try:
            write_with(self.path, writer)
        except OutputError as error:
            reason = error.__cause__
            if not isinstance(reason, OSError):
                raise
            msg = (
                f"the checkpoint cannot be written ({reason.strerror}); make room or name another file, and run the "
                "same command again"
            )
            raise OutputError(msg, source=str(self.path)) from reason

    def load(self, equations: Equations) -> tuple[State, list[Step], list[Row]]:
        """Read the file, and put what the voxels held into the equations.

        Raises
        ------
        OutputError
            It is damaged, or of another run.
        """
        try:
            with self.path.open("rb") as stream, np.load(stream) as file:
                content: dict[str, Any] = json.loads(bytes(file["content"]).decode())
                key = content["key"]
                arrays = {name: file[name] for name in file.files if name != "content"}
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            msg = f"is not a checkpoint file of this version ({error}); remove it, or name another file"
            raise OutputError(msg, source=str(self.path)) from None
        if key != self.key:
            msg = (
                "belongs to another structure, design or protocol, or to another version; "
                "remove it to start over, or name another file"
            )
            raise OutputError(msg, source=str(self.path))
        if content["temperature"] != equations.temperature:
            equations.set_temperature(content["temperature"])
        for name in _ARRAYS:
            setattr(equations, name, equations.loops.put(arrays[name]))
        equations.plate, equations.plate1, equations.plate2 = content["plates"]
        equations.offset, equations.offset1, equations.offset2 = (np.array(offset) for offset in content["offsets"])
        state = content["state"]
        rows = zip(content["rows"], arrays["contents"], arrays["reaction"], strict=True)
        return (
            State(**{**state, "start": tuple(state["start"])}),
            [Step(**{**step, "outcome": Outcome(step["outcome"])}) for step in content["steps"]],
            [Row(**row, contents=contents, reaction=reaction) for row, contents, reaction in rows],
        )
