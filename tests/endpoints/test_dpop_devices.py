"""What a device asks for is bound to its key before a user approves: RFC 9449 §10"""

import pytest

from authserver.oauth import opaque
from tests.actors import ISSUER, Browser, Deployment, claims_of
from tests.devices import GRANT_TYPE, ON, Device, approve
from tests.exchanging import form
from tests.proving import Holder, stranger

URL = f"{ISSUER}/device_authorization"
HOLDER = Holder()


@pytest.fixture
def device(tmp_path, sqlite_url, idp):
    with Deployment.start(tmp_path, sqlite_url, idp, more=ON) as started:
        yield Device(started).register()


def ask(device, headers=None, **changes):
    answer = device.post("/device_authorization", changes, headers=headers or {})
    if answer.status_code == 200:
        device.device_code, device.user_code = answer.json["device_code"], answer.json["user_code"]
    return answer


def poll(device, headers=None):
    params = {"grant_type": GRANT_TYPE, "device_code": device.device_code}
    return device.post("/token", params, headers=headers or {})


def error(answer):
    assert answer.status_code == 400, answer.json
    return answer.json["error"]


BINDING = pytest.mark.parametrize(
    ("proof", "named"),
    [(True, {}), (False, {"dpop_jkt": HOLDER.jkt}), (True, {"dpop_jkt": HOLDER.jkt})],
    ids=["a proof", "dpop_jkt", "both"],
)


@pytest.mark.spec("RFC 9449", "10")
@BINDING
def test_a_request_is_bound_by_a_proof_or_by_name(device, proof, named):
    headers = HOLDER.header(htu=URL) if proof else {}
    assert ask(device, headers, resource="https://issues.example/mcp", **named).status_code == 200
    with device.deployment.server.store.read() as reads:
        stored, _ = reads.device_authorization(opaque.digest(device.device_code)) or (None, None)
    assert stored is not None
    assert stored.request.dpop_jkt == HOLDER.jkt
    approve(Browser(device.deployment), device.user_code)
    assert error(poll(device)) == "invalid_dpop_proof"
    assert error(poll(device, stranger().header())) == "invalid_grant"
    tokens = poll(device, HOLDER.header()).json
    assert claims_of(tokens["access_token"])["cnf"] == {"jkt": HOLDER.jkt}
    again = {
        "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"],
        "client_id": device.client_id,
    }  # fmt: skip
    refused = form(device.deployment, "/token", again, headers=stranger().header())
    assert error(refused) == "invalid_grant"
    assert error(form(device.deployment, "/token", again)) == "invalid_dpop_proof"


def test_a_proof_of_another_key_than_the_named_one_is_refused(device):
    named = {"resource": "https://issues.example/mcp", "dpop_jkt": stranger().jkt}
    assert error(ask(device, HOLDER.header(htu=URL), **named)) == "invalid_request"


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_proof_of_a_poll_is_good_once_also_while_the_user_decides(device):
    ask(device, resource="https://issues.example/mcp")
    proof = HOLDER.header()
    assert error(poll(device, proof)) == "authorization_pending"
    assert error(poll(device, proof)) == "invalid_dpop_proof"
    approve(Browser(device.deployment), device.user_code)
    assert error(poll(device, proof)) == "invalid_dpop_proof"
    assert poll(device, HOLDER.header()).json["token_type"] == "DPoP"
