"""Tables of results: HTML for notebooks, and plain text for a terminal."""

from collections.abc import Iterable, Sequence
from html import escape


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; all text is escaped."""
    heads = "".join(f"<th style='text-align:left'>{escape(word)}</th>" for word in head)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    caption = f"<caption style='text-align:left;font-weight:bold'>{escape(title)}</caption>"
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def plain_table(title: str, rows: Iterable[Sequence[str]]) -> str:
    """Return a table as lines of text: a title, then rows whose cells are aligned on the left.

    Examples
    --------
    >>> print(plain_table("cell", [("Mass", "2.93", "g"), ("Thickness", "1.1", "mm")]))
    cell
      Mass       2.93  g
      Thickness  1.1   mm
    """
    cells = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines)])
