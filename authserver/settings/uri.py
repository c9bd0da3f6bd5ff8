"""URLs in the configuration: our issuer, the upstream's, resources. RFC 8414 §2, RFC 9728 §1.2"""

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from authserver.oauth import resource
from authserver.oauth.redirect_uri import LOOPBACK
from authserver.settings.origin import Origin
from authserver.settings.problem import wrong

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,2048}\Z")
_SEGMENTS = re.compile(r"(?:/[A-Za-z0-9._~-]+)*\Z")
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?=/|\Z)", re.IGNORECASE)
_DEFAULT_PORT = {"http": 80, "https": 443}
_HTTPS = "write an https:// URL (http:// only for localhost, 127.0.0.1 or [::1])"


def read_issuer(value: object, origin: Origin) -> str:
    """Return our issuer; it must be canonical, for clients compare it byte by byte."""
    issuer = _canonical(value, "the issuer")
    origin.own_issuers.add(issuer)
    origin.known_issuers.add(issuer)
    return issuer


def read_base_url(value: object, _origin: Origin) -> str:
    """Return what URLs of ours begin with; canonical, as browsers write it."""
    return _canonical(value, "the URL")


def read_upstream_issuer(value: object, origin: Origin) -> str:
    """Return the upstream's issuer, in the spelling of its own metadata."""
    url, _ = _split(value)
    if "?" in url:
        raise wrong("has a query", "write the issuer as the provider's metadata has it")
    origin.known_issuers.add(url)
    return url


def read_endpoint(value: object, _origin: Origin) -> str:
    """Return the URL of an endpoint of the upstream."""
    return _split(value)[0]


def read_resource_url(value: object, origin: Origin) -> str:
    """Return a resource's identifier; two that differ only in spelling are refused."""
    url, parts = _split(value)
    canonical = resource.canonical(url)
    if canonical is None or _DOTS.search(parts.path):
        raise wrong("has dot segments", "write the path without . and ..")
    if canonical in origin.resource_urls:
        other = origin.resource_urls[canonical]
        raise wrong(f"is the same resource as {other}", "give each resource a URL of its own")
    origin.resource_urls[canonical] = url
    return url


def read_page(value: object, _origin: Origin) -> str:
    """Return the URL of a page for people."""
    return _split(value, fragment=True)[0]


def _canonical(value: object, name: str) -> str:
    url, parts = _split(value)
    if "?" in url:
        raise wrong("has a query", f"write {name} without ? and what follows it")
    _check_authority(url, parts)
    _check_path(parts.path, name)
    return url


def _split(value: object, *, fragment: bool = False) -> tuple[str, SplitResult]:
    """Return a URL with its parts: https or loopback http, with a host, without userinfo."""
    if not isinstance(value, str) or not _PRINTABLE.match(value):
        raise wrong("is not a URL", _HTTPS)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise wrong("is not a URL", _HTTPS) from None
    if parts.scheme not in _DEFAULT_PORT or not parts.hostname or port == 0:
        raise wrong("is not a URL with a host", _HTTPS)
    if "@" in parts.netloc or "\\" in value:
        raise wrong("has user information", "write the URL without what stands before @")
    if "#" in value and not fragment:
        raise wrong("has a fragment", "write the URL without # and what follows it")
    if parts.scheme == "http" and not _is_loopback(parts):
        raise wrong("uses http for a host that is not this machine", _HTTPS)
    return value, parts


def _check_authority(url: str, parts: SplitResult) -> None:
    authority = url.split("://", 1)[1].split("/", 1)[0]
    if authority != authority.lower() or not url.startswith(f"{parts.scheme}://"):
        raise wrong("has capitals in its scheme or host", "write scheme and host in lower case")
    if not _is_host(parts):
        raise wrong("has no valid host name", "write a DNS name (xn-- for others than ASCII)")
    host = authority.rsplit(":", 1)[0] if parts.port or authority.endswith(":") else authority
    port = parts.port
    if port == _DEFAULT_PORT[parts.scheme] or authority.endswith(":"):
        raise wrong("names the default port", f"write {parts.scheme}://{host}{parts.path}")
    if authority != (f"{host}:{port}" if port else host):
        raise wrong("has a port with leading zeros", f"write {parts.scheme}://{host}:{port}")


def _check_path(path: str, name: str) -> None:
    if path.endswith("/"):
        raise wrong("ends with a slash", f"write {name} without the slash at its end")
    if _DOTS.search(path):
        raise wrong("has dot segments", "write the path without . and ..")
    if not _SEGMENTS.match(path):
        raise wrong(
            "has a path that clients could read in two ways",
            "use letters, digits, - . _ ~ and single slashes only",
        )


def _is_loopback(parts: SplitResult) -> bool:
    return parts.netloc.lower().removesuffix(f":{parts.port}") in LOOPBACK


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if "[" not in parts.netloc:
        return _HOST.match(host) is not None
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return isinstance(address, IPv6Address) and str(address) == host
