"""POST /token-batch: one exchange for several targets, a result for each"""

import pytest

from authserver.keys import VaultCipher
from authserver.oauth.exchange_request import ACCESS_TOKEN, GRANT_TYPE
from authserver.sealing import UnknownKey
from tests.actors import Browser, McpClient, claims_of
from tests.exchanging import WIKI, basic, form
from tests.serving_crm import TOKEN, Crm, start
from tests.upstream.spoiled_server import Spoiled

ON = "[tokens]\ntoken_batch = true"


@pytest.fixture
def crm():
    with Crm() as found:
        yield found


@pytest.fixture
def slow():
    with Crm() as found:
        yield found


@pytest.fixture
def deployment(sqlite_url, idp, crm, slow, tmp_path):
    with start(tmp_path, sqlite_url, idp, crm, slow=slow, top=ON) as started:
        yield started


@pytest.fixture
def token(deployment):
    client = McpClient(deployment).register()
    return client.connect(Browser(deployment), scope="issues:read")["access_token"]


def batch(deployment, token, *targets, **changes):
    params = {
        "grant_type": GRANT_TYPE, "subject_token": token, "subject_token_type": ACCESS_TOKEN,
        "audience": list(targets), **changes,
    }  # fmt: skip
    kept = {name: value for name, value in params.items() if value is not None}
    return form(deployment, "/token-batch", kept, headers=basic("issues"))


def results(answer):
    assert answer.status_code == 200, answer.json
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json["results"]


def test_each_target_has_a_result_in_the_order_asked(deployment, token):
    found = results(batch(deployment, token, "crm", "wiki", "upstream", WIKI))

    assert [each["audience"] for each in found] == ["crm", "wiki", "upstream", WIKI]
    crm, wiki, upstream, again = found
    assert crm == {"audience": "crm", **TOKEN}
    assert claims_of(wiki["access_token"])["aud"] == WIKI
    assert claims_of(again["access_token"])["aud"] == WIKI
    for each in found:
        assert {"access_token", "issued_token_type", "token_type", "expires_in", "scope"} <= {*each}
        assert "refresh_token" not in each
    assert upstream["access_token"] not in str(deployment.events)


def test_one_that_is_refused_and_one_that_is_down_take_no_other_along(deployment, token, crm, slow):
    slow.answer = Spoiled(200, b"{}", pause=1.5)
    found = results(batch(deployment, token, "wiki", "nowhere", "slow", "crm", "upstream"))

    by_name = {each["audience"]: each for each in found}
    assert {name for name, each in by_name.items() if "access_token" in each} == {
        "wiki", "crm", "upstream",
    }  # fmt: skip
    assert by_name["nowhere"]["error"] == "invalid_target"
    assert by_name["slow"]["error"] == "temporarily_unavailable"
    assert {*by_name["slow"]} == {"audience", "error", "error_description"}
    refused = [each for each in deployment.events if each["event"] == "token.not_exchanged"]
    assert {each["error"] for each in refused} == {"invalid_target", "temporarily_unavailable"}
    assert len([each for each in deployment.events if each["event"] == "token.exchanged"]) == 3


@pytest.mark.parametrize(
    ("failure", "error"),
    [(UnknownKey("k9"), "temporarily_unavailable"), (RuntimeError("canary"), "server_error")],
    ids=["a sealing key is missing", "a bug"],
)
def test_what_nobody_expects_at_one_target_stays_there(
    deployment, token, monkeypatch, failure, error
):
    def fail(*_):
        raise failure

    monkeypatch.setattr(VaultCipher, "open", fail)
    found = results(batch(deployment, token, "upstream", "wiki", "crm"))

    assert [each.get("error") for each in found] == [error, None, error]
    refused = [each for each in deployment.events if each["event"] == "token.not_exchanged"]
    assert {each["target"] for each in refused} == {"upstream", "crm"}
    assert "canary" not in str((found, deployment.events))


def test_a_scope_is_narrowed_to_what_each_target_has_of_it(deployment, token):
    found = results(batch(deployment, token, "wiki", "crm", scope="wiki:read unknown"))
    assert found[0]["scope"] == "wiki:read"
    assert found[1]["error"] == "invalid_scope"


def test_a_target_twice_is_one(deployment, token):
    assert len(results(batch(deployment, token, "wiki", "wiki"))) == 1
    assert len(results(batch(deployment, token, "wiki", resource=WIKI))) == 2


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": "x"}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"audience": None}, "invalid_request"),
        ({"audience": [str(n) for n in range(33)]}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"scope": 'a"'}, "invalid_scope"),
        ({"authorization_details": "[]"}, "invalid_request"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_concerns_the_whole_is_refused_as_a_whole(deployment, token, changes, error):
    answer = batch(deployment, token, "wiki", **changes)
    assert (answer.status_code, answer.json["error"]) == (400, error)


def test_who_asks_proves_itself_and_is_of_the_configuration(deployment, token):
    client = McpClient(deployment).register()
    params = {
        "grant_type": GRANT_TYPE, "subject_token": token, "subject_token_type": ACCESS_TOKEN,
        "audience": "wiki",
    }  # fmt: skip
    guess = form(deployment, "/token-batch", params, headers=basic("issues", "guess"))
    assert (guess.status_code, guess.json["error"]) == (401, "invalid_client")
    public = form(deployment, "/token-batch", {**params, "client_id": client.client_id})
    assert (public.status_code, public.json["error"]) == (400, "unauthorized_client")


def test_it_is_off_unless_it_is_switched_on(sqlite_url, idp, crm, tmp_path, deployment):
    on = deployment.http().get("/.well-known/oauth-authorization-server").json
    assert on["token_batch_endpoint"] == f"{deployment.issuer}/token-batch"
    with start(tmp_path, sqlite_url, idp, crm) as off:
        assert off.http().post("/token-batch").status_code == 404
        document = off.http().get("/.well-known/oauth-authorization-server").json
        assert "token_batch_endpoint" not in document
