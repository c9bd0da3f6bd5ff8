"""Which addresses are of no special use, whatever their spelling carries: cases 124 and 126"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.addresses import is_public, spelled

PUBLIC = [
    "93.184.216.34", "1.1.1.1", "2606:2800:21f:cb07::1", "2a00:1450:4001:81b::200e",
    "::ffff:93.184.216.34", "64:ff9b::5db8:d822",
]  # fmt: skip
SPECIAL = [
    "0.0.0.1", "0.1.2.3", "10.96.0.1", "100.64.0.1", "127.0.0.1", "127.1.2.3", "169.254.169.254",
    "172.16.0.1", "192.0.0.8", "192.0.2.1", "192.31.196.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::",
    "2002:5db8:d822::1", "3fff::1", "5f00::1", "fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0",
    "fec0::1", "ff02::1", "no address", "",
]  # fmt: skip


@pytest.mark.spec("RFC 6890", "2.2")
@pytest.mark.parametrize("address", [*PUBLIC, *SPECIAL])
def test_a_public_address_is_one_that_the_whole_world_reaches(address):
    assert is_public(address) == (address in PUBLIC)


@given(st.ip_addresses(v=4))
def test_no_spelling_of_an_address_makes_it_public(address):
    mapped, translated = f"::ffff:{address}", f"64:ff9b::{address}"
    assert is_public(mapped) == is_public(translated) == is_public(str(address))
    assert not is_public(f"::{address}")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_an_address_is_written_in_one_way(written, address):
    assert spelled(written) == address
