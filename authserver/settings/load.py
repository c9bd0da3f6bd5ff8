"""From one TOML file to frozen settings, or to every mistake in it at once"""

import os
import tomllib
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from authserver.settings import sections
from authserver.settings.convert import to_settings
from authserver.settings.explain import explain
from authserver.settings.origin import Origin
from authserver.settings.problem import Problem, SettingsError
from authserver.settings.tables.file import File
from authserver.settings.values import Settings

CONFIG_VARIABLE = "AUTHSERVER_CONFIG"
CONFIG_FILE = "authserver.toml"


def locate(option: str | None = None) -> Path:
    """Return the file that was named, else AUTHSERVER_CONFIG, else ./authserver.toml."""
    return Path(option or os.environ.get(CONFIG_VARIABLE) or CONFIG_FILE)


def load(path: str | Path) -> Settings:
    """Return the settings of a file; raises SettingsError with every mistake that is in it."""
    path = Path(path).absolute()
    document = _parse(path)
    origin = Origin(path.parent)
    try:
        file = File.model_validate(document, context=origin)
    except ValidationError as error:
        problems = explain(error)
    else:
        return replace(
            to_settings(file, path),
            exposed_files=tuple(sorted(origin.exposed)),
            secret_files=tuple(sorted(origin.secret_files)),
            sections=sections.of(document, origin.secrets, tuple(file.keys.seal)),
        )
    # Raised out here, so that no traceback leads to an error that knows what was written.
    raise SettingsError(problems)


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        problem = Problem(
            "",
            f"the configuration file {path} does not exist",
            f"make one with authserver init, or name it with --config or {CONFIG_VARIABLE}",
        )
    except UnicodeDecodeError:
        problem = Problem("", f"{path} is not UTF-8 text", "save it as UTF-8")
    except OSError as error:
        problem = Problem("", f"{path} cannot be read: {error.strerror}", "let authserver read it")
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "a value is too large"
        problem = Problem("", f"{path} is not TOML: {why}", "correct the file at this place")
    raise SettingsError((problem,))
