"""How far a piece of work is: one protocol, which every long function takes and every front end can show."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """Where a piece of work stands.

    Attributes
    ----------
    what : str
        What is being done, in a few words.
    done, of : float
        How much of how much; the unit does not matter. The share is NaN where ``of`` is 0.
    since : float
        Clock (`time.monotonic`) at which the work began, s.
    """

    what: str
    done: float
    of: float
    since: float = field(default_factory=time.monotonic)

    @property
    def share(self) -> float:
        """Between 0 and 1; NaN where it is not known how much there is to do."""
        return min(max(self.done / self.of, 0.0), 1.0) if self.of > 0.0 else float("nan")

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self.since


Listener = Callable[[Progress], object]
"""Told of progress; what it raises ends the work."""


class Teller:
    """Tells a listener, if there is one, how far a piece of work is.

    Parameters
    ----------
    listener : callable or None
        Takes a `Progress`.
    of : float
        How much there is to do.
    what : str
        Default for what is being done.

    Examples
    --------
    >>> heard = []
    >>> tell = Teller(heard.append, of=4, what="solving")
    >>> tell(1)
    >>> tell(2, "writing")
    >>> [(state.what, state.share) for state in heard]
    [('solving', 0.25), ('writing', 0.5)]

    Nested work reports to a part of it:

    >>> inner = Teller(tell.part(2, 2, "page: "), of=10, what="figure 1")
    >>> inner(5)
    >>> (heard[-1].what, heard[-1].share)
    ('page: figure 1', 0.75)
    >>> Teller(tell.part(2, 2, what="page"), of=10, what="figure 1")(10)
    >>> (heard[-1].what, heard[-1].share)
    ('page', 1.0)
    """

    def __init__(self, listener: Listener | None, of: float = 1.0, what: str = "") -> None:
        self.listener, self.of, self.what, self.since = listener, of, what, time.monotonic()

    def __call__(self, done: float, what: str | None = None) -> None:
        """Tell how much is done."""
        if self.listener is not None:
            self.listener(Progress(self.what if what is None else what, done, self.of, self.since))

    def part(self, start: float, share: float, prefix: str = "", *, what: str | None = None) -> Listener | None:
        """Return the listener of a part of the work.

        Parameters
        ----------
        start, share : float
            Where the part begins and how much of the whole it is, in the unit of ``of``.
        prefix : str
            Put before what the part says it does.
        what : str, optional
            Said instead of what the part says it does, where that changes at every time step or iteration.
        """
        if self.listener is None:
            return None

        def listener(state: Progress) -> None:
            inner = state.share if state.share == state.share else 0.0
            self(start + share * inner, f"{prefix}{state.what if what is None else what}")

        return listener
