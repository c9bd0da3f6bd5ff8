"""Where nonces are wanted every endpoint asks for them and gives the next: RFC 9449 §8, §9"""

from contextlib import ExitStack
from hashlib import sha256
from typing import Any

import pytest

from authserver.settings import load
from tests import bound
from tests.actors import Clock, Deployment, McpClient, write_config
from tests.bound import CAREFUL, ENDPOINTS, Place, bound_token, proof_for, userinfo, userinfo_proof
from tests.proving import Holder
from tests.upstream.hostile_idp import HostileIdp

ON = "dpop_nonce = true"


@pytest.fixture
def company():
    with HostileIdp() as issuer:
        yield issuer


@pytest.fixture
def place(tmp_path, sqlite_url, idp, company):
    found = Place.start(tmp_path, sqlite_url, idp, company, tokens=ON)
    with found.deployment:
        yield found


def wanted(place, answer, error, status=400):
    assert (answer.status_code, answer.json["error"]) == (status, error), answer.json
    assert answer.headers.getlist("DPoP-Nonce") == [place.nonce]


@pytest.mark.spec("RFC 9449", "8")
@pytest.mark.parametrize("path", ENDPOINTS)
def test_each_endpoint_asks_for_a_nonce_and_gives_the_next(place, path):
    def ask(**claims):
        return ENDPOINTS[path](place, proof_for(place, path, **claims))

    wanted(place, ask(), "use_dpop_nonce")
    first = place.nonce
    answer = ask(nonce=first)
    assert answer.status_code in (200, 201), answer.json
    assert "DPoP-Nonce" not in answer.headers
    place.deployment.wait(150)
    answer = ask(nonce=first)
    assert answer.status_code in (200, 201), answer.json
    assert answer.headers["DPoP-Nonce"] == place.nonce != first


@pytest.mark.spec("RFC 9449", "9")
def test_userinfo_does_so_as_a_resource(place):
    token, first = bound_token(place), place.nonce

    def ask(**claims):
        return userinfo(place, token, userinfo_proof(place, token, **claims))

    wanted(place, ask(), "use_dpop_nonce", 401)
    wanted(place, userinfo(place, token, {}), "invalid_dpop_proof", 401)
    used = userinfo_proof(place, token, nonce=first)
    answer = userinfo(place, token, used)
    assert answer.json["sub"]
    assert "DPoP-Nonce" not in answer.headers
    wanted(place, userinfo(place, token, used), "invalid_dpop_proof", 401)
    place.deployment.wait(150)
    answer = ask(nonce=first)
    assert answer.headers["DPoP-Nonce"] == place.nonce != first


@pytest.mark.spec("RFC 9449", "8.2")
def test_who_brings_no_proof_where_one_is_needed_hears_the_nonce_at_once(place):
    proof = place.holder.header(nonce=place.nonce)
    wanted(place, bound.machine(place, {}, bound.SAFE), "invalid_dpop_proof")
    client = place.client()
    token = client.token(client.code_params(client.code()), headers=proof).json["access_token"]
    answer = bound.batch(place, {}, token)
    assert answer.json["results"][0]["error"] == "invalid_dpop_proof"
    assert answer.headers["DPoP-Nonce"] == place.nonce
    assert "DPoP-Nonce" not in bound.batch(place, {}).headers  # nor where none is needed
    assert "DPoP-Nonce" not in bound.machine(place, {}).headers


def test_where_no_nonces_are_wanted_none_is_told(tmp_path, sqlite_url, idp, company):
    plain = Place.start(tmp_path, sqlite_url, idp, company, clients=CAREFUL)
    with plain.deployment:
        answer = bound.machine(plain, {})
        assert answer.json["error"] == "invalid_dpop_proof"
        assert "DPoP-Nonce" not in answer.headers


@pytest.fixture
def instance(tmp_path, sqlite_url, idp):
    """Start an instance with sealing keys in an order; all share one database and one clock."""
    clock = Clock()
    with ExitStack() as stack:

        def start(*names: str) -> Deployment:
            folder = tmp_path / "-".join(names)
            folder.mkdir()
            config = write_config(folder, sqlite_url, idp.issuer, more=f"[tokens]\n{ON}\n")
            for name in names:
                (folder / name).write_bytes(sha256(name.encode()).digest())
            seal = ", ".join(f'"file:{name}"' for name in names)
            written = config.read_text().replace('seal = ["file:sealing-key"]', f"seal = [{seal}]")
            config.write_text(written)
            return stack.enter_context(Deployment(load(config), idp, clock))

        yield start


def test_every_instance_knows_the_nonces_of_all_and_what_was_spent_at_another(instance):
    one, two = instance("old", "new"), instance("new", "old")
    client = McpClient(one).register()

    def ask(at: Deployment, proof: dict[str, str]) -> Any:
        client.deployment = at
        return client.token(client.code_params(client.code()), headers=proof)

    def nonce_of(at: Deployment) -> str:
        return str(ask(at, Holder().header()).headers["DPoP-Nonce"])

    assert nonce_of(one) != nonce_of(two)  # each makes them with its first key
    for here, there in ((one, two), (two, one)):
        proof = Holder().header(nonce=nonce_of(here))
        assert ask(there, proof).status_code == 200
        assert ask(here, proof).json["error"] == "invalid_dpop_proof"
