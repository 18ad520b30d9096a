#!/usr/bin/env python3
"""Set up what is needed, then run solidstack or its checks. Needs Python 3.11 or newer and nothing else.

    python3 go.py run examples/pouch-0.16Ah.toml     any solidstack command
    python3 go.py test [pytest options]              the tests
    python3 go.py check                              lint, types, import arrows
    python3 go.py setup                              the environment alone, in .venv

The first call makes an environment in .venv from the committed lock file; later calls start at once.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BIN = "Scripts" if os.name == "nt" else "bin"
UV_REQUIREMENT = "uv>=0.9"
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
)


def main(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 this file must still run far enough to say so
        version = ".".join(map(str, sys.version_info[:3]))
        print(f"solidstack needs Python 3.11 or newer; {sys.executable} is {version}", file=sys.stderr)
        return 2
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if arguments else 2
    try:
        setup(development=arguments[0] in ("test", "check"))
    except subprocess.CalledProcessError as error:
        print(
            f"setting up failed: {' '.join(map(str, error.cmd))} (exit code {error.returncode})",
            file=sys.stderr,
        )
        return 1
    if arguments[0] == "setup":
        return 0
    try:
        if arguments[0] == "test":
            return run("pytest", "-n", "auto", "--dist", "worksteal", *arguments[1:], folder=ROOT)
        if arguments[0] == "check":
            return max(run(*check, folder=ROOT) for check in CHECKS)
        return run("solidstack", *arguments)
    except KeyboardInterrupt:
        return 130


def run(program: str, *arguments: str, folder: Path | None = None) -> int:
    """Run a program of the environment."""
    return subprocess.run([ROOT / ".venv" / BIN / program, *arguments], cwd=folder, check=False).returncode


def setup(*, development: bool) -> None:
    """Bring .venv to what the lock file says, unless it already is."""
    mark = ROOT / ".venv" / "solidstack-is-set-up"
    wanted = (ROOT / "uv.lock").read_bytes() + (b"development" if development else b"")
    if mark.exists() and mark.read_bytes() in (wanted, wanted + b"development"):
        return
    print("setting up .venv ...", file=sys.stderr, flush=True)
    groups = [] if development else ["--no-dev"]
    command = [
        find_uv(),
        "sync",
        "--locked",
        "--quiet",
        "--compile-bytecode",
        "--extra",
        "twin",
        "--extra",
        "view",
        "--extra",
        "companion",
        "--extra",
        "instruments",
        "--python",
        sys.executable,
        *groups,
    ]
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    subprocess.run(command, cwd=ROOT, check=True, env=environment)
    # the package itself is not installed but linked, so its bytecode is made here
    python = ROOT / ".venv" / BIN / "python"
    subprocess.run([python, "-m", "compileall", "-q", ROOT / "src"], check=False)
    mark.write_bytes(wanted)


def find_uv() -> str:
    """Return uv: the one on the path, or one installed for this folder alone, in .uv."""
    own = ROOT / ".uv" / BIN / "uv"
    found = shutil.which("uv") or (str(own) if own.exists() else None)
    if found:
        return found
    try:
        subprocess.run([sys.executable, "-m", "venv", ROOT / ".uv"], check=True, stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError:
        shutil.rmtree(ROOT / ".uv", ignore_errors=True)
        print("this Python has no venv; install it (Debian, Ubuntu: apt install python3-venv)", file=sys.stderr)
        raise
    pip = [ROOT / ".uv" / BIN / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, UV_REQUIREMENT], check=True)
    return str(own)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
