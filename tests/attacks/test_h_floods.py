"""Case 106: a flood of registrations"""

import pytest

from tests.actors import Deployment
from tests.attacks.visiting import count

DOCUMENT = {"redirect_uris": ["http://127.0.0.1/cb"]}


def _register(deployment, address="192.0.2.1", document=DOCUMENT):
    return deployment.http().post(
        "/register", json=document, environ_overrides={"REMOTE_ADDR": address}
    )


@pytest.fixture
def limited(sqlite_url, idp, tmp_path):
    more = "[rate_limits]\nregister_per_address = 5\nregister_in_all = 12\n"
    more += 'trusted_egress = ["160.79.104.0/21"]\n'
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as started:
        yield started


def _statuses(deployment, addresses):
    return [_register(deployment, address).status_code for address in addresses]


@pytest.mark.spec("RFC 7591", "5")
def test_106_one_address_is_limited_and_told_when_to_come_back(limited):
    assert _statuses(limited, ["192.0.2.1"] * 7) == [201] * 5 + [429] * 2

    refused = _register(limited)
    assert refused.json["error"] == "temporarily_unavailable"
    assert refused.headers["Retry-After"] == "60"
    assert refused.headers["Cache-Control"] == "no-store"
    assert count(limited, "clients") == 5
    assert _register(limited, "192.0.2.2").status_code == 201, "others are not"


@pytest.mark.parametrize(
    "addresses",
    [[f"2001:db8::{n}" for n in range(7)], [f"::ffff:192.0.2.{1}" for _ in range(7)]],
    ids=["a /64", "one mapped address"],
)
def test_106_addresses_that_cost_nothing_do_not_count_as_many(limited, addresses):
    assert _statuses(limited, addresses) == [201] * 5 + [429] * 2


def test_106_many_addresses_are_limited_together(limited):
    statuses = _statuses(limited, [f"198.51.100.{n}" for n in range(15)])

    assert statuses == [201] * 12 + [429] * 3


def test_106_a_hosted_clients_network_is_limited_only_together_with_all(limited):
    assert _statuses(limited, ["160.79.104.7"] * 13) == [201] * 12 + [429]


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"]
)
def test_106_an_address_that_the_client_made_up_does_not_evade_the_limit(limited, header):
    statuses = [
        limited.http()
        .post("/register", json=DOCUMENT, headers={header: f"203.0.113.{n}"})
        .status_code
        for n in range(7)
    ]

    assert statuses == [201] * 5 + [429] * 2


def test_106_a_refused_registration_counts_too(limited):
    statuses = [_register(limited, document={}).status_code for _ in range(7)]

    assert statuses == [400] * 5 + [429] * 2
