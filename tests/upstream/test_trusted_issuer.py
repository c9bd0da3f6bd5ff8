"""A trusted issuer's keys: few, fetched seldom, and from nowhere that only its metadata names."""

import pytest
from joserfc.jwk import OKPKey, RSAKey

from authserver.settings.trusted_issuer import TrustedIssuer
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from authserver.upstream.trusted_issuer import TrustedIssuerClient
from tests.foreign import AUDIENCE, ROBOT, minted
from tests.upstream.hostile_idp import NOW, HostileIdp
from tests.upstream.jose import new_key
from tests.upstream.spoiled_server import Spoiled


@pytest.fixture
def make_client(idp, clock):
    clients = []

    def make(**changes):
        values = {
            "name": "cluster", "issuer": idp.issuer, "audiences": (AUDIENCE,),
            "algorithms": ("ES256",), **changes,
        }  # fmt: skip
        clients.append(TrustedIssuerClient(TrustedIssuer(**values), clock))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client):
    return make_client()


def reason(client, token):
    with pytest.raises(UpstreamError) as refusal:
        client.verify(token, NOW)
    return refusal.value.reason


@pytest.mark.parametrize("alg", ["RS256", "PS256", "EdDSA"])
def test_the_algorithms_are_those_of_the_configuration(make_client, idp, alg):
    key = OKPKey.generate_key("Ed25519") if alg == "EdDSA" else RSAKey.generate_key(2048)
    idp.signing_key, idp.published = key, [key.as_dict(private=False)]
    token = minted(idp, {"alg": alg})

    assert make_client(algorithms=("ES256", alg)).verify(token, NOW).subject == ROBOT
    assert reason(make_client(), token) == "id_token_alg"


def test_no_more_than_a_hundred_keys_are_looked_at(make_client, idp):
    others = [new_key(f"other-{number}").as_dict(private=False) for number in range(100)]
    idp.published = [*others[1:], idp.signing_key.as_dict(private=False)]
    assert make_client().verify(minted(idp), NOW).subject == ROBOT

    idp.published = [*others, idp.signing_key.as_dict(private=False)]
    assert reason(make_client(), minted(idp)) == "id_token_key_unknown"


def test_a_made_up_kid_has_the_keys_fetched_every_30_seconds_at_most(client, idp, clock):
    for seconds, fetches in ((0, 2), (29, 2), (1, 3)):
        clock.seconds += seconds
        for number in range(3):
            assert reason(client, minted(idp, {"kid": f"x{number}"})) == "id_token_key_unknown"
        assert len(idp.asked("/jwks")) == fetches


def test_after_a_failure_it_is_left_alone_for_a_while(client, idp, clock):
    idp.spoiled["/jwks"] = Spoiled(503)
    for _ in range(3):
        with pytest.raises(UpstreamUnavailable):
            client.verify(minted(idp), NOW)
    assert len(idp.asked("/jwks")) == 1

    del idp.spoiled["/jwks"]
    clock.seconds += 5
    assert client.verify(minted(idp), NOW).subject == ROBOT


def test_what_was_fetched_serves_while_the_issuer_is_down(client, idp, clock):
    client.verify(minted(idp), NOW)
    idp.spoiled["/jwks"] = idp.spoiled["/.well-known/openid-configuration"] = Spoiled(503)
    clock.seconds += 2 * 3600

    assert client.verify(minted(idp), NOW).subject == ROBOT


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_its_metadata_leads_us_to_no_other_place_on_this_machine(make_client, idp, host):
    with HostileIdp() as inside:
        inside.published = idp.published
        uri = f"{inside.origin}/jwks".replace("127.0.0.1", host)
        idp.metadata = {"jwks_uri": uri}
        with pytest.raises(UpstreamUnavailable, match="not public"):
            make_client().verify(minted(idp), NOW)
        assert inside.seen == []

        assert make_client(jwks_uri=uri).verify(minted(idp), NOW).subject == ROBOT
