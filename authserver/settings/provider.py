"""How single values of `[upstream]` are read: tenants, paths of members, authorities"""

import re
from pathlib import Path

from cryptography import x509

from authserver.settings.origin import Origin
from authserver.settings.problem import wrong
from authserver.settings.read import read_parameter

_TENANT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_PATH = re.compile(r"[\x21-\x7e]{1,256}\Z")


def read_tenant(value: object, _origin: Origin) -> str:
    """Return the id of a tenant as tokens spell it."""
    if not isinstance(value, str) or not _TENANT.match(value):
        raise wrong(
            "is not the id of a tenant",
            "write it in lower case, such as 8f0c7a4e-2c55-4d0f-9a53-6f2f0a1c9b1e",
        )
    return value


def read_path(value: object, _origin: Origin) -> str:
    """Return the path of a member of a JSON document."""
    if not isinstance(value, str) or not _PATH.match(value) or not all(value.split(".")):
        raise wrong("is not the path of a member", 'write names with dots, such as "user.id"')
    return value


def read_subject_path(value: object, origin: Origin) -> str:
    """Return the path of a member, or several joined by +."""
    parts = value.split("+") if isinstance(value, str) else [value]
    for part in parts:
        read_path(part, origin)
    return "+".join(str(part) for part in parts)


def read_offline_parameter(value: object, origin: Origin) -> str:
    """Return the name of a parameter that asks for a refresh token; prompt may be one."""
    return "prompt" if value == "prompt" else read_parameter(value, origin)


def read_scope_parameter(value: object, origin: Origin) -> str:
    """Return the name under which the provider wants scopes."""
    return "scope" if value == "scope" else read_parameter(value, origin)


def read_ca_file(value: object, origin: Origin) -> Path:
    """Return a PEM file with certificates; a relative path starts at the configuration file."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise wrong("is not a path", "write the path of a PEM file in quotes")
    path = origin.directory / value
    try:
        x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise wrong(f"the file {path} cannot be read: {error.strerror}", "name a file") from None
    except ValueError:
        raise wrong(f"the file {path} holds no certificates", "name a PEM file") from None
    return path
