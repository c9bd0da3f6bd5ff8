"""Secrets: named in the configuration as env:NAME or file:/path, never written into it"""

import base64
import binascii
import os
import re
import stat
from typing import Literal

from authserver.oauth.client import secret_digest
from authserver.sealing import MIN_SECRET_LENGTH, SealingKey
from authserver.settings.origin import Origin, Read
from authserver.settings.problem import wrong

SEALING_KEY_FILE = "sealing.key"
MIN_CLIENT_SECRET = 32
_MAX_FILE = 64 * 1024
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_REMEDY = 'write "env:NAME" or "file:/path"'
_MAKE_KEY = "make one with openssl rand 32 > FILE, or for a variable with openssl rand -base64 32"

Source = Literal["env", "file"]


def read_secret(value: object, origin: Origin) -> str:
    """Return the text that a reference names, without one trailing newline."""
    _, raw = _fetch(value, origin)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise wrong("names a secret that is not UTF-8 text", "store the secret as text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or not text.isprintable():
        raise wrong(
            "names a secret that is empty or has control characters or line breaks",
            "store the secret alone, on one line",
        )
    return text


def read_bytes(value: object, origin: Origin) -> bytes:
    """Return what a reference names, as it stands there."""
    return _fetch(value, origin)[1]


def read_sealing_key(value: object, origin: Origin) -> SealingKey:
    """Return the sealing key that a reference names: raw in a file, base64 in a variable."""
    source, raw = _fetch(value, origin)
    secret = _base64(raw) if source == "env" else raw
    if len(secret) < MIN_SECRET_LENGTH:
        raise wrong(f"names a key of fewer than {MIN_SECRET_LENGTH} bytes", _MAKE_KEY)
    key = SealingKey.from_secret(secret)
    if key.kid in origin.sealing_kids:
        raise wrong("names a key that stands here already", "name each sealing key once")
    origin.sealing_kids.add(key.kid)
    return key


def read_client_secret(value: object, origin: Origin) -> str:
    """Return the digest of a client's secret: the secret itself is needed no more."""
    secret = read_secret(value, origin)
    if len(secret) < MIN_CLIENT_SECRET:
        raise wrong(
            f"names a secret of fewer than {MIN_CLIENT_SECRET} characters",
            "make one with openssl rand -hex 32",
        )
    return secret_digest(secret)


def _read_optional(value: object, origin: Origin) -> str | None:
    return None if value is None else read_secret(value, origin)


OPTIONAL_SECRET = Read("secret", _read_optional)
SEALING_KEY = Read("secret", read_sealing_key)


def _base64(raw: bytes) -> bytes:
    try:
        return base64.b64decode(raw.strip().replace(b"-", b"+").replace(b"_", b"/"), validate=True)
    except binascii.Error:
        raise wrong("names a variable that is not base64", _MAKE_KEY) from None


def _fetch(reference: object, origin: Origin) -> tuple[Source, bytes]:
    """Return what a reference names; a literal secret is refused and never repeated."""
    if isinstance(reference, str) and reference.startswith("env:"):
        content = _from_environment(reference.removeprefix("env:"))
        origin.secrets[reference] = content
        return "env", content
    if isinstance(reference, str) and reference.startswith("file:"):
        content = _from_file(reference.removeprefix("file:"), origin)
        origin.secrets[reference] = content
        return "file", content
    raise wrong("must not be written into the configuration", _REMEDY)


def _from_environment(name: str) -> bytes:
    if not _NAME.match(name):
        raise wrong("does not name an environment variable", 'write "env:NAME"')
    value = os.environb.get(name.encode())
    if value is None:
        raise wrong(
            f"the environment variable {name} is not set", f"set {name} where authserver starts"
        )
    return value


def _from_file(name: str, origin: Origin) -> bytes:
    path = origin.directory / name
    origin.secret_files.add(path)
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE + 1)
            if os.fstat(file.fileno()).st_mode & _OF_OTHERS:
                origin.exposed.add(path)
    except FileNotFoundError:
        raise wrong(f"the file {path} does not exist", _file_remedy(name)) from None
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or "not a path"
        raise wrong(f"the file {path} cannot be read: {why}", "let authserver read it") from None
    if len(content) > _MAX_FILE:
        raise wrong(f"the file {path} is longer than 64 KiB", "name the file of the secret")
    return content


def _file_remedy(name: str) -> str:
    if name == SEALING_KEY_FILE:
        return f"authserver init makes one, or: (umask 077; openssl rand 32 > {name})"
    return "create it, or correct the path (a relative one starts at the configuration file)"
