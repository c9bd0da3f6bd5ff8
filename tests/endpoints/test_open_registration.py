"""Registrations that are shared, and those that are their own client_id, over HTTP"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from authserver import sealing
from authserver.endpoints import clients
from authserver.oauth import signed_client
from authserver.sealing import SealingKey
from authserver.settings import load
from authserver.storage.purge import purge
from tests.actors import LOOPBACK, Browser, Deployment, McpClient, claims_of, write_config
from tests.attacks.visiting import consent_page, count, decide, sign_in_page
from tests.upstream.hostile_idp import NOW

FOLDER = Path(__file__).parent.parent / "fixtures" / "clients"
BODIES = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
PUBLIC = [name for name in BODIES if name != "copilot-studio"]
STATELESS = "[registration]\nstateless = true\n"
IDEMPOTENT = "[registration]\nidempotent = true\n"
DAY = 86400


@pytest.fixture
def start(sqlite_url, idp, tmp_path):
    """Start a server with tables added to its configuration; again, on the same database."""
    started: list[Deployment] = []

    def _start(more, **changes):
        settings = load(write_config(tmp_path, sqlite_url, idp.issuer, more=more))
        clock = started[-1].clock if started else None
        started.append(Deployment(replace(settings, **changes), idp, clock))
        return started[-1]

    yield _start
    for each in started:
        each.__exit__()


@pytest.fixture
def stateless(start):
    return start(STATELESS)


@pytest.fixture
def idempotent(start):
    return start(IDEMPOTENT)


def register(deployment, **members):
    body = {"redirect_uris": [LOOPBACK], "client_name": "Editor", **members}
    return deployment.http().post("/register", json=body)


def moved(client, deployment):
    """The same client, before another server."""
    return replace(client, deployment=deployment)


def block(deployment, client_id):
    with deployment.server.store.write() as tx:
        tx.block_client(tx.registration(client_id).client, deployment.clock.now)


def described_by(deployment, client_id):
    found = signed_client.find(
        deployment.server.client_id_keys,
        deployment.issuer,
        client_id,
        deployment.settings.registration,
        deployment.clock.now,
    )
    assert found is not None
    return found


# --- stateless ---


@pytest.mark.parametrize("name", PUBLIC)
def test_a_real_client_connects_and_refreshes_with_an_id_that_is_its_registration(stateless, name):
    body = BODIES[name]
    client = McpClient(stateless, body["redirect_uris"][0], body).register()
    assert count(stateless, "clients") == 0

    tokens = client.connect(scope=body.get("scope"))

    assert count(stateless, "clients") == 1
    assert claims_of(tokens["access_token"])["client_id"] == client.client_id
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert client.connect()["access_token"], "the same user, once more"
    assert count(stateless, "clients") == 1


def test_an_answer_has_no_secret_and_nothing_to_manage_it_with(stateless):
    answer = register(stateless)
    assert answer.status_code == 201
    assert len(answer.json["client_id"]) <= 1024
    assert not {"client_secret", "registration_access_token", "registration_client_uri"} & {
        *answer.json
    }


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_that_wants_a_secret_is_told_what_to_do(stateless, method):
    answer = register(stateless, token_endpoint_auth_method=method)
    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_client_metadata"
    assert "must be none" in answer.json["error_description"]


def test_the_metadata_names_no_keys_that_nobody_can_register(start):
    more = STATELESS + "[client_documents]\nenabled = false\n"
    document = start(more).http().get("/.well-known/oauth-authorization-server").json
    assert "private_key_jwt" not in document["token_endpoint_auth_methods_supported"]
    assert document["registration_endpoint"]


def test_a_request_may_be_pushed_and_the_longest_id_goes_through_every_endpoint(stateless):
    long = {"redirect_uris": [LOOPBACK, f"https://app.example/{'x' * 530}"]}
    client = McpClient(stateless, metadata=long).register()
    assert 900 < len(client.client_id) <= 1024
    http = stateless.http()

    pushed = http.post("/par", data=client.authorize_params())
    assert pushed.status_code == 201
    asked = {"client_id": client.client_id, "request_uri": pushed.json["request_uri"]}
    page = Browser(stateless).get(f"{stateless.issuer}/authorize?" + "&".join(
        f"{name}={value}" for name, value in asked.items()
    ))  # fmt: skip
    assert page.status_code == 200
    tokens = client.connect()
    refreshed = client.refresh(tokens["refresh_token"]).json
    userinfo = http.get(
        "/userinfo", headers={"Authorization": f"Bearer {refreshed['access_token']}"}
    )
    assert userinfo.status_code in (200, 403), "it is read: openid was not granted"
    form = {"token": refreshed["refresh_token"], "client_id": client.client_id}
    assert http.post("/revoke", data=form).status_code == 200
    assert client.refresh(refreshed["refresh_token"]).json["error"] == "invalid_grant"


def test_its_tokens_are_introspected_as_those_of_any_client(start, monkeypatch):
    monkeypatch.setenv("ISSUES_SECRET", "s" * 40)
    more = STATELESS + '[resources.issues.client]\nclient_secrets = ["env:ISSUES_SECRET"]\n'
    deployment = start(more)
    client = McpClient(deployment).register()
    token = client.connect()["access_token"]

    found = (
        deployment.http().post("/introspect", data={"token": token}, auth=("issues", "s" * 40)).json
    )

    assert found["active"]
    assert found["client_id"] == client.client_id


def test_a_user_who_denies_leaves_no_client_behind(stateless):
    client = McpClient(stateless).register()
    browser = Browser(stateless)
    decide(browser, consent_page(client, browser), "deny")
    assert count(stateless, "clients") == 0


def test_an_id_that_nobody_agreed_to_ends_and_one_that_somebody_did_goes_on(stateless):
    used, unused = (McpClient(stateless).register() for _ in range(2))
    used.connect()
    stateless.wait(7 * DAY)

    assert used.connect()["access_token"]
    assert Browser(stateless).get(unused.authorize_url()).status_code == 400


def test_a_request_that_began_before_the_end_of_the_id_may_be_answered_after_it(stateless):
    client = McpClient(stateless).register()
    stateless.wait(7 * DAY - 1)
    browser = Browser(stateless)
    page = sign_in_page(client, browser)
    stateless.wait(60)

    page = browser.sign_in(page)

    assert page.request.path == "/consent"
    assert decide(browser, page, "approve").status_code == 303
    assert count(stateless, "clients") == 1


def test_what_an_operator_forbids_holds_for_ids_that_were_given_before(start, stateless):
    web = "https://app.example/cb"
    before, after = (McpClient(stateless, web).register() for _ in range(2))
    token = before.connect()["refresh_token"]
    stricter = start(STATELESS + 'allowed_redirect_uri_patterns = ["https://other.example/*"]\n')

    for each in (before, after):
        assert Browser(stricter).get(each.authorize_url()).status_code == 400
    assert moved(before, stricter).refresh(token).json["error"] == "invalid_client"


def test_an_id_works_as_long_as_its_key_is_held_and_longer_once_a_user_agreed(
    start, stateless, tmp_path
):
    used, unused, unlucky = (McpClient(stateless).register() for _ in range(3))
    used.connect()
    (first,) = stateless.settings.sealing_keys
    second = SealingKey.from_secret(b"another sealing key for these tests")

    added = start(STATELESS, sealing_keys=(first, second))
    added.wait(180)
    rolled = start(STATELESS, sealing_keys=(second, first))
    assert moved(unused, rolled).connect()["access_token"]
    assert McpClient(rolled).register().client_id.split(".")[1] == second.kid

    keys = sealing.client_id_keys((second,))
    removed = replace(rolled.server, client_id_keys=keys)
    with removed.store.read() as reads:
        assert clients.known(removed, reads, unlucky.client_id, NOW) is None
        for each in (used, unused):
            assert clients.known(removed, reads, each.client_id, NOW) is not None


def test_switched_off_again_ids_that_nobody_agreed_to_are_nobodys(start, stateless):
    used, unused = (McpClient(stateless).register() for _ in range(2))
    token = used.connect()["refresh_token"]
    off = start("")

    assert Browser(off).get(unused.authorize_url()).status_code == 400
    assert moved(used, off).refresh(token).status_code == 200
    assert moved(used, off).connect()["access_token"]


def test_a_blocked_id_is_nobodys_before_and_after_a_user_agreed(stateless):
    client = McpClient(stateless).register()
    tokens = client.connect()
    block(stateless, client.client_id)

    assert client.refresh(tokens["refresh_token"]).json["error"] == "invalid_client"
    assert Browser(stateless).get(client.authorize_url()).status_code == 400
    stateless.wait(90 * DAY)
    assert Browser(stateless).get(client.authorize_url()).status_code == 400


def test_a_client_that_is_blocked_while_its_user_reads_gets_no_code(stateless):
    client = McpClient(stateless).register()
    browser = Browser(stateless)
    page = consent_page(client, browser)
    with stateless.server.store.write() as tx:
        tx.block_client(described_by(stateless, client.client_id), stateless.clock.now)

    assert decide(browser, page, "approve").status_code == 400
    assert count(stateless, "codes") == 0


def test_a_token_request_costs_no_statement_more(stateless):
    client = McpClient(stateless).register()
    tokens = client.connect()

    with stateless.server.store.counting() as cost:
        assert client.refresh(tokens["refresh_token"]).status_code == 200

    assert len(cost.statements) <= 3, cost.statements
    assert cost.commits == 1


def test_the_row_of_a_client_that_was_used_ends_as_others_do(stateless):
    client = McpClient(stateless).register()
    client.connect()
    for days, left in ((80, 1), (100, 0)):
        purge(
            stateless.server.store,
            stateless.clock.now + days * DAY,
            unused_lifetime=7 * DAY,
            idle_lifetime=90 * DAY,
        )
        assert count(stateless, "clients") == left
    stateless.wait(100 * DAY)
    assert Browser(stateless).get(client.authorize_url()).status_code == 400


# --- idempotent ---


def test_who_registers_the_same_gets_the_same_client(idempotent):
    first, *others = (register(idempotent).json for _ in range(3))
    assert others == [first, first]
    assert count(idempotent, "clients") == 1
    assert register(idempotent, client_name="Other").json["client_id"] != first["client_id"]
    assert count(idempotent, "clients") == 2


def test_each_is_told_its_own_port_and_connects_with_it(idempotent):
    ports = (3999, 52123)
    ids = set()
    for port in ports:
        uri = f"http://127.0.0.1:{port}/callback"
        answer = register(idempotent, redirect_uris=[uri])
        assert answer.json["redirect_uris"] == [uri]
        ids.add(answer.json["client_id"])
        client = McpClient(idempotent, uri, {"client_name": "Editor"}).register()
        assert client.connect()["access_token"]
    assert len(ids) == 1


@pytest.mark.parametrize("name", BODIES)
def test_a_real_client_registers_twice_and_connects(idempotent, name):
    body = BODIES[name]
    first, second = (McpClient(idempotent, body["redirect_uris"][0], body) for _ in range(2))
    first.register()
    second.register()
    assert second.connect(scope=body.get("scope"))["access_token"]
    assert (first.client_id == second.client_id) == (name in PUBLIC)


def test_an_answer_that_many_get_has_no_secret(idempotent):
    answer = register(idempotent).json
    assert not {"client_secret", "registration_access_token"} & {*answer}
    confidential = [
        register(idempotent, token_endpoint_auth_method="client_secret_post").json for _ in range(2)
    ]
    assert confidential[0]["client_id"] != confidential[1]["client_id"]
    assert confidential[0]["client_secret"] != confidential[1]["client_secret"]


def test_a_registration_that_is_repeated_writes_once_a_day_and_is_as_young_as_the_last(idempotent):
    first = register(idempotent).json
    with idempotent.server.store.counting() as cost:
        assert register(idempotent).json == first
    assert cost.commits == 0

    idempotent.wait(6 * DAY)
    again = register(idempotent).json

    assert again["client_id"] == first["client_id"]
    assert again["client_id_issued_at"] == first["client_id_issued_at"] + 6 * DAY
    assert count(idempotent, "clients") == 1


def test_what_was_purged_or_deleted_registers_anew_and_old_tokens_stay_dead(idempotent):
    client = McpClient(idempotent).register()
    tokens = client.connect()
    with idempotent.server.store.write() as tx:
        tx.delete_client(client.client_id)

    again = McpClient(idempotent).register()

    assert again.client_id == client.client_id
    assert again.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    browser = Browser(idempotent)
    page = consent_page(again, browser)
    assert decide(browser, page, "approve").status_code == 303, "the user is asked as at first"


def test_what_is_blocked_stays_blocked_for_whoever_registers_it(idempotent):
    client = McpClient(idempotent).register()
    block(idempotent, client.client_id)
    idempotent.wait(2 * DAY)

    answer = idempotent.http().post(
        "/register",
        json={
            "redirect_uris": [LOOPBACK],
            "client_name": "Test client",
            "token_endpoint_auth_method": "none",
        },
    )

    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_client_metadata"
    assert count(idempotent, "clients") == 1


def test_without_the_option_everybody_is_a_client_of_their_own(deployment):
    first, second = (register(deployment).json for _ in range(2))
    assert first["client_id"] != second["client_id"]


def test_the_consent_page_is_never_skipped_for_a_shared_client(idempotent):
    """A user who agreed once is asked again, wherever the client runs."""
    McpClient(idempotent).register().connect()
    client, browser = McpClient(idempotent).register(), Browser(idempotent)
    assert consent_page(client, browser).status_code == 200
