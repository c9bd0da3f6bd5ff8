"""Addresses as peers and proxies write them, and which the whole world reaches: RFC 6890, RFC 8190

Our own table decides, not the standard library's, which differs between Python versions and calls
some of these global. Where an IPv6 address carries an IPv4 one, both are judged.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_SPECIAL_4 = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
            "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ),
    )
)  # fmt: skip
_GLOBAL_6 = ip_network("2000::/3")  # all that is given out for the internet
_SPECIAL_6 = tuple(
    map(
        ip_network,
        ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
_NAT64 = ip_network("64:ff9b::/96")


def parse(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, an IPv4 one also where it is written as IPv6 one or with a port behind.

    A proxy may write the port of its peer: all of an address would be peers of their own.
    """
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def spelled(text: str) -> str:
    """Return an address in the one way in which it is written, and what is none as it is."""
    return str(parse(text) or text)


def is_public(address: str) -> bool:
    """Say whether an address is one of the internet, of no special use anywhere."""
    try:
        found = ip_address(address.partition("%")[0])  # what follows % is an interface
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return _is_public_4(found)
    carried = _carried(found)
    if carried is not None:
        return _is_public_4(carried)
    return found in _GLOBAL_6 and not any(found in each for each in _SPECIAL_6)


def _is_public_4(address: IPv4Address) -> bool:
    return not any(address in each for each in _SPECIAL_4)


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a mapped or translated one leads to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped
