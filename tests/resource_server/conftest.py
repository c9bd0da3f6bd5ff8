import pytest

from tests.resource_server.issuer import Issuer


@pytest.fixture
def issuer():
    """A fresh issuer on loopback for each test: its counters start at zero."""
    with Issuer() as running:
        yield running
