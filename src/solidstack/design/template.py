"""A commented design file to start from."""

import json
from importlib.resources import files


def template(name: str, file: str) -> str:
    """Return the text of a commented design file: the published 0.16 Ah pouch cell, with every table to change.

    Parameters
    ----------
    name : str
        Of the design.
    file : str
        Name of the file, for the commands that its head shows.

    Examples
    --------
    >>> text = template("my cell", "my-cell.toml")
    >>> 'name = "my cell"' in text, "solidstack run my-cell.toml" in text
    (True, True)
    """
    text = files(__package__).joinpath("template.toml").read_text(encoding="utf-8")
    return text.replace("{name}", json.dumps(name, ensure_ascii=False)).replace("{file}", file)
