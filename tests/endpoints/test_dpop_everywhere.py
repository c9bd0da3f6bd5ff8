"""Each grant binds what it gives, and each endpoint takes a proof once: RFC 9449 §5, §7, §10"""

from typing import Any

import pytest

from authserver.oauth.exchange_request import ACCESS_TOKEN
from authserver.oauth.exchange_request import GRANT_TYPE as EXCHANGE
from tests import bound
from tests.actors import McpClient, claims_of, response_of
from tests.bound import CAREFUL, ENDPOINTS, GRANTS, SAFE, Place, proof_for
from tests.devices import Device
from tests.exchanging import basic, form
from tests.proving import Holder, stranger
from tests.upstream.hostile_idp import HostileIdp

GRANTED = pytest.mark.parametrize("grant", GRANTS)


@pytest.fixture
def company():
    with HostileIdp() as issuer:
        yield issuer


@pytest.fixture
def start(tmp_path, sqlite_url, idp, company):
    """Start a place; the last one is closed at the end."""
    places: list[Place] = []

    def start(**options: Any) -> Place:
        places.append(Place.start(tmp_path, sqlite_url, idp, company, **options))
        return places[-1]

    yield start
    for each in places:
        each.deployment.server.store.close()


@pytest.fixture
def place(start):
    return start()


def refused(answer, error="invalid_dpop_proof", status=400):
    assert (answer.status_code, answer.json["error"]) == (status, error), answer.json


def issued(place):
    event = "token.exchanged", "token.issued"
    return next(each for each in reversed(place.deployment.events) if each["event"] in event)


@pytest.mark.spec("RFC 9449", "5")
@GRANTED
def test_a_proof_binds_what_a_grant_gives_and_the_event_says_so(place, grant):
    answer = GRANTS[grant](place, place.holder.header())
    assert (answer.status_code, answer.json["token_type"]) == (200, "DPoP"), answer.json
    assert claims_of(answer.json["access_token"])["cnf"] == {"jkt": place.holder.jkt}
    assert issued(place)["bound"] is True


@GRANTED
def test_without_one_it_gives_a_bearer_token_and_the_event_says_so(place, grant):
    answer = GRANTS[grant](place, {})
    assert (answer.status_code, answer.json["token_type"]) == (200, "Bearer"), answer.json
    assert "cnf" not in claims_of(answer.json["access_token"])
    assert issued(place)["bound"] is False


@pytest.mark.spec("RFC 9449", "11.1")
@GRANTED
def test_a_proof_is_good_for_one_token_of_a_grant(place, grant):
    proof = place.holder.header()
    assert GRANTS[grant](place, proof).status_code == 200
    refused(GRANTS[grant](place, proof))
    assert place.deployment.last("request.refused")["reason"] == "dpop_replayed"


@pytest.mark.spec("RFC 9728", "2")
@GRANTED
def test_a_resource_that_takes_bound_tokens_alone_gets_no_others_by_any_grant(place, grant):
    refused(GRANTS[grant](place, {}, SAFE))
    answer = GRANTS[grant](place, place.holder.header(), SAFE)
    assert (answer.status_code, answer.json["token_type"]) == (200, "DPoP"), answer.json


@pytest.mark.spec("RFC 9449", "5.2")
@pytest.mark.parametrize("grant", [each for each in GRANTS if each != "workload"])
def test_a_client_that_wants_bound_tokens_alone_gets_no_others_by_any_grant(start, grant):
    careful = start(clients=CAREFUL)
    refused(GRANTS[grant](careful, {}))
    assert GRANTS[grant](careful, careful.holder.header()).json["token_type"] == "DPoP"


def test_nor_by_a_batch(start):
    careful = start(clients=CAREFUL)
    refused(bound.batch(careful, {}))
    answer = bound.batch(careful, proof_for(careful, "/token-batch"))
    assert answer.json["results"][0]["token_type"] == "DPoP"


@pytest.mark.spec("RFC 9449", "11.1")
@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_proof_is_good_once_at_every_endpoint(place, path):
    proof = proof_for(place, path)
    assert ENDPOINTS[path](place, proof).status_code in (200, 201)
    refused(ENDPOINTS[path](place, proof))
    others = proof_for(place, "/elsewhere")
    refused(ENDPOINTS[path](place, others))


@pytest.mark.spec("RFC 9449", "7.1")
def test_userinfo_challenges_for_both_kinds_of_token(start):
    asked = start().deployment.http().get("/userinfo")
    assert (asked.status_code, asked.json["error"]) == (401, "invalid_token")
    challenge = asked.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer, DPoP algs="ES256 ')
    off = start(tokens="dpop = false", safe=False).deployment
    assert off.http().get("/userinfo").headers["WWW-Authenticate"] == "Bearer"
    token = McpClient(off).register().connect(scope="openid")["access_token"]
    for scheme, status in (("Bearer", 200), ("DPoP", 400), ("Basic", 400)):
        answer = off.http().get("/userinfo", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == status, scheme


@pytest.mark.spec("RFC 9449", "10")
def test_where_it_is_off_no_key_is_promised_and_no_proof_looked_at(start):
    off = start(tokens="dpop = false", safe=False)
    for path, ask in ENDPOINTS.items():
        answer = ask(off, {"DPoP": "x"})
        assert answer.status_code in (200, 201), path
    client, jkt = off.client(), {"dpop_jkt": off.holder.jkt}
    assert response_of(off.browser.get(client.authorize_url(**jkt)))["error"] == "invalid_request"
    params = client.authorize_params(**jkt)
    refused(form(off.deployment, "/par", params), "invalid_request")
    device = Device(off.deployment).register()
    refused(device.request(**jkt), "invalid_request")
    assert device.request().status_code == 200


def test_what_was_bound_before_it_was_switched_off_stays_bound(start):
    before = start(safe=False)
    client, proof = before.client(), before.holder.header()
    code = client.code_params(client.code(scope="openid issues:read"))
    tokens = client.token(code, headers=proof).json
    off = start(tokens="dpop = false", safe=False).deployment
    again = {
        "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"],
        "client_id": client.client_id,
    }  # fmt: skip
    refused(form(off, "/token", again, headers=Holder().header()))
    token = tokens["access_token"]
    asked = off.http().get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    refused(asked, "invalid_token", 401)
    own = basic("issues", bound.SECRET)
    facts = form(off, "/introspect", {"token": token}, headers=own).json
    assert (facts["active"], facts["token_type"]) == (True, "DPoP")


@pytest.mark.spec("RFC 8693", "2.1")
def test_an_actor_token_that_is_bound_is_of_the_asker_who_has_its_key(place):
    asker, other = Holder(), stranger()
    token = bound.subject(place)

    def ask(by, subject, audience, holder, **more):
        params = {
            "grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": ACCESS_TOKEN,
            "audience": audience, **more,
        }  # fmt: skip
        return place.machine(params, holder.header(), by)

    wiki = ask("issues", token, "wiki", asker).json["access_token"]
    acting = {"actor_token": wiki, "actor_token_type": ACCESS_TOKEN}
    refused(ask("wiki", wiki, "issues", other, **acting), "invalid_request")
    reason = place.deployment.last("request.refused")["reason"]
    assert reason == "actor_token_bound_to_another_key"
    assert ask("wiki", wiki, "issues", other).status_code == 200
    assert ask("wiki", wiki, "issues", asker, **acting).status_code == 200
