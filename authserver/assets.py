"""Where the templates and the migrations are: in the installed package, or in the checkout"""

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).resolve().parent


class AssetMissing(RuntimeError):
    """The installation is broken: a folder that every installation carries is not there."""


def asset(name: Literal["migrations", "templates"], *, package: Path = _PACKAGE) -> Path:
    """Return the folder `name`, or raise AssetMissing, so that start-up stops rather than a page.

    A wheel carries it inside the package. In a checkout it lies beside the package, and only a
    `pyproject.toml` there shows that it is a checkout and not a stranger's folder of that name.
    """
    installed = package / name
    if installed.is_dir():
        return installed
    beside = package.parent / name
    if (package.parent / "pyproject.toml").is_file() and beside.is_dir():
        return beside
    raise AssetMissing(
        f"{name}/ was found neither in {package} nor in a checkout around it: "
        "the installation is incomplete, install authserver again"
    )
