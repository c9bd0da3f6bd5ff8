"""Which proof fits which client of the file: secrets, keys or nothing: RFC 7591 §2"""

from collections.abc import Collection, Mapping

from authserver.settings.problem import wrong

_A_MISTAKE = "a mistake"  # a key that was read before, and is wrong by itself
_KEYS = ("jwks", "jwks_uri")


def check_method(method: str, read: Mapping[str, object]) -> None:
    """Check the method that is written beside the keys that were read before it."""
    has_keys, no_keys = _keys(read)
    if has_keys and method == "none":
        raise wrong(
            "is none, while keys say that it proves itself",
            'leave it out, or write "private_key_jwt"; without jwks and jwks_uri it stays public',
        )
    if has_keys and method != "private_key_jwt":
        raise wrong(
            "is for a client with a secret, and this one has keys",
            'leave it out, or write "private_key_jwt"; or client_secrets in place of the keys',
        )
    if no_keys and method == "private_key_jwt":
        raise wrong(
            "needs keys",
            'write jwks = "file:/path" or jwks_uri = "https://…" in place of client_secrets',
        )


def check_secrets(secrets: Collection[str], read: Mapping[str, object]) -> None:
    """Check that there are secrets where they are needed, and none where they are not."""
    has_keys, no_keys = _keys(read)
    method = read.get("token_endpoint_auth_method", _A_MISTAKE)
    if secrets and method == "none":
        raise wrong("is of no use to a public client", "leave it out, or the method none")
    if not secrets and no_keys and method not in ("none", _A_MISTAKE):
        raise wrong(
            "is missing",
            'write ["env:NAME"], or jwks = "file:/path"; an application of [clients.NAME] '
            'without a secret says token_endpoint_auth_method = "none"',
        )
    if secrets and has_keys:
        raise wrong("is not used beside keys", "leave out one of the two")


def check_alg(alg: str | None, read: Mapping[str, object]) -> None:
    """Check that there are keys where an algorithm is written."""
    _, no_keys = _keys(read)
    if alg is not None and no_keys:
        raise wrong("is of no use without keys", "write jwks or jwks_uri, or leave it out")


def _keys(read: Mapping[str, object]) -> tuple[bool, bool]:
    """Return whether there are keys, and whether there are none; neither where they are wrong."""
    keys = [read.get(name, _A_MISTAKE) for name in _KEYS]
    return any(each not in (None, _A_MISTAKE) for each in keys), keys == [None, None]
