"""Case 159 again: whoever exchanges, revokes and asks leaves no secret where somebody reads"""

import json
import logging

import pytest

from authserver.endpoints import token_exchange
from authserver.oauth.exchange_request import GRANT_TYPE
from tests import serving_crm
from tests.actors import Browser, McpClient
from tests.attacks.sinks import dump, found, reprs
from tests.exchanging import SECRETS, basic, exchange, form
from tests.serving_crm import CRM_SECRET, TOKEN, Crm
from tests.upstream.spoiled_server import Spoiled

WRONG = "canary-a-secret-that-is-wrong-000000"


@pytest.fixture
def crm():
    with Crm() as found_:
        yield found_


@pytest.fixture
def deployment(sqlite_url, idp, tmp_path, crm):
    top = "[tokens]\ntoken_batch = true"
    with serving_crm.start(tmp_path, sqlite_url, idp, crm, top=top) as started:
        yield started


def _post(deployment, path, params, secret=None):
    return form(deployment, path, params, headers=basic("issues", secret))


def _everything(deployment, crm, monkeypatch):
    """Exchange, revoke and ask, well and badly; return the secrets and what was kept alive."""
    tokens = McpClient(deployment).register().connect(Browser(deployment))
    token = tokens["access_token"]
    wiki = exchange(deployment, "issues", token).json["access_token"]
    secrets = {WRONG, CRM_SECRET, SECRETS["issues"], "canary-crm-token", token, wiki}
    upstream = exchange(deployment, "issues", token, audience="upstream").json["access_token"]
    secrets |= {upstream, tokens["refresh_token"]}
    kept = [exchange(deployment, "issues", token, audience="crm").json]
    many = {"grant_type": GRANT_TYPE, "subject_token": token, "audience": ["wiki", "crm", "no"]}
    many["subject_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
    for result in _post(deployment, "/token-batch", many).json["results"]:
        secrets |= {result.get("access_token", "")}
    deployment.wait(200)
    for answer in (
        Spoiled(500, b"canary-crm-token"),
        Spoiled(400, json.dumps({"error": TOKEN["access_token"]}).encode()),
        Spoiled(200, json.dumps({**TOKEN, "token_type": 7}).encode()),
    ):
        crm.answer = answer
        kept.append(exchange(deployment, "issues", token, audience="crm").json)
        deployment.wait(60)
    with monkeypatch.context() as patched:
        patched.setattr(token_exchange, "_mint", lambda *_: 1 / 0)
        assert exchange(deployment, "issues", token).status_code == 500
    for given in (token + "x", WRONG):
        assert exchange(deployment, "issues", given).status_code == 400
    for path in ("/introspect", "/revoke"):
        assert _post(deployment, path, {"token": wiki}, WRONG).status_code == 401
        for given in (wiki, token + "x", WRONG, tokens["refresh_token"]):
            assert _post(deployment, path, {"token": given}).status_code == 200
    return secrets - {""}, kept


def test_159_no_secret_of_an_exchange_is_anywhere_that_somebody_reads(
    deployment, crm, caplog, monkeypatch
):
    caplog.set_level(logging.DEBUG)
    secrets, _kept = _everything(deployment, crm, monkeypatch)
    secrets |= {seen.params["subject_token"] for seen in crm.asked}

    assert len(secrets) > 8
    assert "ZeroDivisionError" in caplog.text
    sinks = {
        "logs": [caplog.text, *(repr(record.__dict__) for record in caplog.records)],
        "audit": [json.dumps(event) for event in deployment.events],
        "reprs": list(reprs()),
        "database": list(dump(deployment)),
    }
    for name, texts in sinks.items():
        assert texts, name
        assert not found(secrets, texts), name
