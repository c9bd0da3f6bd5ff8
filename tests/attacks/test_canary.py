"""Case 159: one run over the whole flow, then every place that somebody may read is searched

The identity provider's secrets are canaries, ours are collected as they are handed out. The run
meets success and every kind of failure; logs are at DEBUG, for our libraries too.
"""

import json
import logging

import pytest

from authserver.endpoints import flow as flows
from authserver.upstream.errors import UpstreamUnavailable
from authserver.vault import NoUpstreamToken
from tests.actors import VERIFIER, Browser, McpClient, response_of
from tests.attacks.sinks import dump, found, reprs, said
from tests.databases import database_url, postgresql_database, postgresql_url  # noqa: F401
from tests.upstream.hostile_idp import CLIENT_SECRET
from tests.upstream.spoiled_server import Spoiled
from tests.vault.conftest import Vault, config

IDP_CANARIES = ("canary-access", "canary-refresh", "canary-code", CLIENT_SECRET, CLIENT_SECRET[:13])
HANDED_OUT = ("access_token", "refresh_token", "id_token")


class Run:
    """What happened in a run: the secrets that were used, the texts that came out."""

    def __init__(self, deployment, idp):
        self.idp = idp
        self.vault = Vault(deployment)
        self.deployment = deployment
        self.secrets = set(IDP_CANARIES) | {VERIFIER}
        self.texts: list[str] = []
        self.kept_alive: list[object] = []
        self._spy(deployment)

    def _spy(self, deployment):
        forge = self.idp.forge

        def recorded(id_token):
            self.secrets |= {id_token, id_token.rpartition(".")[2]}
            return forge(id_token)

        self.idp.forge = recorded
        for what, name in ((deployment.server.upstream, "exchange"), (flows, "complete")):
            self._keep_answers(what, name)
        for name in ("refresh", "authorization_url"):
            self._keep_answers(deployment.server.upstream, name)

    def _keep_answers(self, what, name):
        """Keep what a function returns alive, so that its repr is looked at in the end."""
        call = getattr(what, name)

        def kept(*args, **kwargs):
            answer = call(*args, **kwargs)
            self.kept_alive.append(answer)
            return answer

        setattr(what, name, kept)

    def saw(self, answer):
        """Note a page; the answer to the client is its own to read."""
        if answer.mimetype == "text/html":
            self.texts.append(answer.get_data(as_text=True))
        return answer

    def holds(self, browser):
        self.secrets |= {cookie.value for cookie in (browser.client._cookies or {}).values()}

    def connect(self, **changes):
        """Let a user connect a client, with every page on the way noted."""
        client = McpClient(self.deployment).register()
        browser = Browser(self.deployment)
        page = self.saw(browser.get(client.authorize_url(**changes)))
        page = self.saw(browser.sign_in(page))
        self.holds(browser)
        answer = browser.submit(page, decision="approve", scope=["issues:read", "openid"])
        code = response_of(answer)["code"]
        tokens = client.redeem(code).json
        self.hands_out(code, tokens)
        return client, browser, tokens

    def hands_out(self, code, tokens):
        self.secrets |= {code} | {tokens[name] for name in HANDED_OUT if name in tokens}

    def fails(self, spoil):
        """Ask for the upstream token while something is wrong; note all that is said about it."""
        spoil()
        try:
            self.kept_alive.append(self.vault.token())
        except (NoUpstreamToken, UpstreamUnavailable) as error:
            self.texts += said(error)
        self.idp.spoiled.clear()
        self.idp.claims.clear()
        self.deployment.wait(300)


@pytest.fixture
def run(database_url, idp, tmp_path, caplog, monkeypatch):  # noqa: F811 - the fixture
    from authserver.settings import load
    from tests.actors import Deployment

    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(flows, "complete", flows.complete)  # put back in the end
    settings = load(config(tmp_path, database_url, idp))
    with Deployment(settings, idp) as deployment:
        yield Run(deployment, idp)


def _everything(run, monkeypatch):
    """Success, and every kind of failure that has our secrets or the provider's at hand."""
    client, browser, tokens = run.connect(scope="openid issues:read", nonce="canary-client-nonce")
    run.vault.sub = run.deployment.last("sign_in.succeeded")["sub"]
    refreshed = client.refresh(tokens["refresh_token"]).json
    run.hands_out("", refreshed)
    run.saw(browser.get(client.authorize_url()))
    run.kept_alive.append(run.vault.token())
    run.deployment.wait(300)
    run.kept_alive.append(run.vault.token())
    run.deployment.wait(300)
    _provider_fails(run)
    _sign_in_fails(run, client, monkeypatch)
    row = run.vault.row()
    run.vault.change(access_token=row.refresh_token)
    run.fails(lambda: None)
    run.connect(scope="openid issues:read")
    run.deployment.wait(300)
    run.fails(run.idp.refresh_tokens.clear)  # it quotes the token that it refuses
    run.secrets |= {seen.params.get("code_verifier", "") for seen in run.idp.asked("/token")}
    run.secrets |= {issued.params["nonce"] for issued in run.idp.codes.values()}
    run.secrets -= {""}


def _provider_fails(run):
    for answer in (
        Spoiled(503, b""),
        Spoiled(200, b'{"access_token": "canary-access'),
        Spoiled(400, b'{"error": "canary-refresh"}'),
        Spoiled(200, b'{"access_token": "canary-access\\n"}'),
    ):
        run.fails(lambda answer=answer: run.idp.spoiled.update({"/token": answer}))
    run.idp.refresh_answer = {}
    for claims in ({"aud": "canary-access"}, {"at_hash": "canary-access"}):
        run.fails(lambda claims=claims: run.idp.claims.update(claims))
    before = run.idp.signing_key, run.idp.published
    run.fails(lambda: run.idp.rotate("key-2") or run.idp.spoiled.update({"/jwks": Spoiled(500)}))
    run.idp.signing_key, run.idp.published = before
    run.fails(lambda: None)


def _sign_in_fails(run, client, monkeypatch):
    def begin():
        browser = Browser(run.deployment)
        page = browser.get(client.authorize_url())
        away = browser.submit(page, decision="continue").headers["Location"]
        return browser, run.idp.sign_in(away)

    browser, callback = begin()
    run.saw(browser.come_back({**callback, "code": "canary-code-unknown"}))  # its answer quotes us
    run.saw(browser.come_back(callback))
    browser, callback = begin()
    run.idp.claims["nonce"] = "another"
    run.saw(browser.come_back(callback))
    run.idp.claims.clear()
    browser, callback = begin()
    with monkeypatch.context() as patched:
        # Tokens are in the hands of the frames that this leaves: a bug shows none of them.
        patched.setattr("authserver.vault.keep", lambda *_: 1 / 0)
        answer = run.saw(browser.come_back(callback))
    assert answer.status_code == 500
    run.holds(browser)


def test_159_no_secret_of_a_whole_run_is_anywhere_that_somebody_reads(run, caplog, monkeypatch):
    _everything(run, monkeypatch)
    logs = [caplog.text, *(repr(record.__dict__) for record in caplog.records)]

    assert len(run.secrets) > 20
    assert len(run.texts) > 20
    assert "ZeroDivisionError" in caplog.text
    assert "damaged" in caplog.text
    sinks = {
        "logs": logs,
        "audit": [json.dumps(event) for event in run.deployment.events],
        "pages and exceptions": run.texts,
        "reprs": list(reprs()),
        "database": list(dump(run.deployment)),
    }
    for name, texts in sinks.items():
        assert texts, name
        assert not found(run.secrets, texts), name


def test_159_the_search_would_find_them(run, monkeypatch):
    _everything(run, monkeypatch)
    row = run.vault.row()
    token = next(iter(run.idp.access_tokens))

    assert found(run.secrets, [f"a log line with {token}"])
    assert found(run.secrets, [json.dumps({"cookie": max(run.secrets)})])
    assert row is None or row.access_token in "".join(dump(run.deployment))
    assert {each.partition("(")[0] for each in reprs()} >= {"Flow", "UpstreamToken", "Tokens"}
