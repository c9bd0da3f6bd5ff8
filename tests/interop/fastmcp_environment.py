"""FastMCP in an environment of its own, made once a day into the test cache

What it requires must not decide what we are tested with, nor the other way round.
"""

import hashlib
import subprocess
import sys
import time
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_DAY = 86400


def python(cache: Path) -> Path:
    """Return an interpreter with the newest FastMCP and all that we require; skips without it."""
    requirements = _requirements()
    mark = hashlib.sha256(repr((sys.version, requirements)).encode()).hexdigest()[:12]
    folder = cache / f"fastmcp-{mark}"
    interpreter, complete = folder / "bin" / "python", folder / "complete"
    if complete.exists() and time.time() - complete.stat().st_mtime < _DAY:
        return interpreter
    if not complete.exists():
        venv.create(folder, clear=True)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet", "--upgrade",
         "--disable-pip-version-check", *requirements],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if done.returncode and not complete.exists():
        pytest.skip(f"FastMCP is not to be had: {done.stderr[-300:]}")
    complete.touch()
    return interpreter


def _requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = [*project["dependencies"], *project["optional-dependencies"]["asgi"]]
    return [*ours, "fastmcp", "uvicorn", "pytest"]
