"""Interrupts and terminations: leave by an exception, so that half-made files are removed on the way out."""

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

COMPILER = "llvmlite.binding"
"""Owns memory of C and calls back from it; interrupted there, it may crash."""


class Interrupted(BaseException):
    """A signal asks to leave.

    Not KeyboardInterrupt: Python remembers one that passed through `exec`, which libraries use, and then ends itself
    by the signal whatever the exit code is.
    """


@contextlib.contextmanager
def interruptible() -> Iterator[list[int]]:
    """Turn signals to leave into `Interrupted` within a block; return the list of those received."""
    received: list[int] = []
    repeats: list[threading.Timer] = []

    def leave(number: int, frame: FrameType | None) -> None:
        """Leave by an exception."""
        received.append(number)
        if _within(frame, COMPILER):
            later()
        else:
            raise Interrupted

    def later() -> None:
        """Send the last signal once more a moment later."""
        repeats.append(threading.Timer(0.02, _send, (received[-1],)))
        repeats[-1].start()

    with _handled(leave), _insistent(later):
        try:
            yield received
        finally:
            for repeat in repeats:
                repeat.cancel()
                repeat.join()


def _within(frame: FrameType | None, package: str) -> bool:
    """Return whether a function of a package is being called."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(package):
            return True
        frame = frame.f_back
    return False


def _send(number: int) -> None:
    """Send a signal to the main thread."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle SIGINT (unless the caller ignores it) and SIGTERM within a block, in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signals.append(signal.SIGINT)
    before = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextlib.contextmanager
def _insistent(later: Callable[[], None]) -> Iterator[None]:
    """Repeat a signal whose exception was lost.

    Python drops an exception that is raised where nobody can catch it, as in a finaliser or a callback from C, and
    only reports it.
    """
    before = sys.unraisablehook

    def hook(lost: "sys.UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, Interrupted):
            later()
        else:
            before(lost)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
