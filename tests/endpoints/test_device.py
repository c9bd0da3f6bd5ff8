"""A device without a browser asks, its user types a code, and it polls: RFC 8628"""

import re

import pytest

from authserver.oauth import opaque
from tests.actors import (
    LOOPBACK,
    RESOURCE,
    Browser,
    Deployment,
    McpClient,
    claims_of,
    links_of,
)
from tests.devices import GRANT_TYPE, ON, Device, approve, decide, to_consent, type_code
from tests.exchanging import form
from tests.proving import Holder


@pytest.fixture
def place(sqlite_url, idp, tmp_path):
    with Deployment.start(tmp_path, sqlite_url, idp, more=ON) as started:
        yield started


@pytest.fixture
def device(place):
    return Device(place).register()


@pytest.fixture
def browser(place):
    return Browser(place)


@pytest.mark.spec("RFC 8628", "3.2")
def test_a_device_gets_two_codes_and_where_one_of_them_is_typed(device, place):
    answer = device.request(scope="issues:read")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    document = answer.json
    assert set(document) == {
        "device_code", "user_code", "verification_uri", "expires_in", "interval",
    }  # fmt: skip
    assert document["verification_uri"] == f"{place.issuer}/device"
    assert (document["expires_in"], document["interval"]) == (600, 5)
    assert len(document["device_code"]) >= 43
    assert re.fullmatch(
        "[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", document["user_code"]
    )


def test_who_is_approved_at_the_last_moment_may_still_ask(device, place, browser):
    user_code = device.ask().user_code
    page = to_consent(browser, user_code)
    place.wait(599)
    assert "approved" in decide(browser, page, "approve").text
    place.wait(5)
    assert device.poll().status_code == 200


@pytest.mark.spec("RFC 8628", "3.5")
def test_a_device_waits_is_approved_and_gets_an_ordinary_grant(device, place, browser):
    device.ask(scope="issues:read openid")
    assert device.error() == "authorization_pending"

    done = approve(browser, device.user_code)

    assert (done.status_code, done.request.path) == (200, "/consent")
    assert "Return to your device" in done.text
    answer = device.poll()
    assert answer.status_code == 200, answer.text
    tokens = answer.json
    assert tokens["scope"] == "issues:read openid"
    assert claims_of(tokens["id_token"])["sub"] == claims_of(tokens["access_token"])["sub"]
    issued = place.last("token.issued")
    assert (issued["grant_type"], issued["client_id"]) == (GRANT_TYPE, device.client_id)
    refreshed = device.post(
        "/token", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    )
    assert refreshed.status_code == 200
    revoked = device.post("/revoke", {"token": refreshed.json["refresh_token"]})
    assert revoked.status_code == 200


@pytest.mark.spec("RFC 8628", "5.4")
def test_the_user_reads_who_asks_for_what_and_where_it_came_from(device, place, browser):
    device.ask(scope="issues:write")
    place.wait(130)
    page = to_consent(browser, device.user_code)

    text = re.sub(r"\s+", " ", page.text)
    for words in (
        "Television", "Not verified", "Issue tracker", "Create and close issues",
        "127.0.0.1", "2 minutes ago", "Only continue if you started this yourself",
        "Nobody should have sent you this code", "Deny", "Approve",
    ):  # fmt: skip
        assert words in text
    assert "Read your issues" not in text


def test_the_sign_in_page_warns_already(device, browser):
    page = type_code(browser, device.ask().user_code)
    assert page.request.path == "/sign-in"
    assert "Nobody should have sent you this code" in page.text


@pytest.mark.spec("RFC 8628", "5.4")
def test_no_link_types_the_code(device, browser, place):
    device.ask()
    page = browser.get(f"{place.issuer}/device?user_code={device.user_code}")
    assert page.status_code == 200
    assert device.user_code not in page.text


def test_the_user_is_asked_each_time_and_nothing_is_remembered(device, browser, place):
    for _ in range(2):
        page = to_consent(browser, device.ask().user_code)
        assert page.request.path == "/consent"
        assert "You have allowed this before" not in page.text
        decide(browser, page, "approve")
    document = {"client_name": "Television", "redirect_uris": [LOOPBACK]}
    device.metadata = {**document, "grant_types": ["authorization_code", GRANT_TYPE]}
    both = device.register()
    approve(browser, both.ask().user_code)
    page = browser.get(McpClient(place, client_id=both.client_id).authorize_url())
    assert "You have allowed this before" not in page.text


def test_what_the_user_unticks_is_not_granted(device, browser):
    device.ask(scope="issues:read issues:write")
    approve(browser, device.user_code, scope=["issues:read"])
    assert device.poll().json["scope"] == "issues:read"


@pytest.mark.spec("RFC 8628", "6.1")
@pytest.mark.parametrize(
    "spelled",
    [str.lower, lambda code: code.replace("-", ""), lambda code: code.replace("-", " "),
     lambda code: f"  {code[0]} {code[1:]}. ", "\u2013".join],
    ids=["lower", "together", "space", "around", "dashes"],
)  # fmt: skip
def test_case_and_hyphens_and_spaces_do_not_matter(device, browser, spelled):
    page = type_code(browser, spelled(device.ask().user_code))
    assert page.request.path == "/sign-in"


@pytest.mark.spec("RFC 8628", "3.5")
def test_who_polls_too_fast_is_slowed_down_by_five_seconds_each_time(device, place):
    device.ask()
    assert device.error() == "authorization_pending"
    assert device.error() == "slow_down"  # 10 s from now on
    place.wait(5)
    assert device.error() == "slow_down"  # 15 s
    place.wait(15)
    assert device.error() == "authorization_pending"
    place.wait(14)  # a second of the network's
    assert device.error() == "authorization_pending"
    place.wait(13)
    assert device.error() == "slow_down"


@pytest.mark.spec("RFC 8628", "3.5")
def test_a_denial_and_an_end_are_told(device, browser, place):
    page = decide(browser, to_consent(browser, device.ask().user_code), "deny")
    assert "Access was not given" in page.text
    assert device.error() == "access_denied"
    assert type_code(browser, device.user_code).status_code == 400
    device.ask()
    place.wait(600)
    assert device.error() == "expired_token"
    assert type_code(browser, device.user_code).status_code == 400


def test_who_cancels_the_sign_in_denies(device, browser):
    page = type_code(browser, device.ask().user_code)
    assert "Access was not given" in browser.submit(page, decision="cancel").text
    assert device.error() == "access_denied"


def test_a_decision_after_the_end_does_not_count(device, browser, place):
    page = to_consent(browser, device.ask().user_code)
    place.wait(600)
    assert decide(browser, page, "approve").status_code == 400
    assert device.error() == "expired_token"


def test_of_two_tabs_one_decides(device, browser):
    device.ask()
    first, second = (to_consent(browser, device.user_code) for _ in range(2))
    decide(browser, first, "deny")
    assert decide(browser, second, "approve").status_code == 400
    assert device.error() == "access_denied"


@pytest.mark.spec("RFC 8628", "3.1")
@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"resource": "https://elsewhere.example/mcp"}, 400, "invalid_target"),
        ({"scope": 'a"b'}, 400, "invalid_scope"),
        ({"authorization_details": "[]"}, 400, "invalid_request"),
        ({"dpop_jkt": "x"}, 400, "invalid_request"),
        ({"client_id": "mcp-nobody"}, 401, "invalid_client"),
        ({"client_secret": "made up"}, 401, "invalid_client"),
    ],
    ids=str,
)
def test_a_request_is_checked_as_at_authorize_and_token(device, changes, status, error):
    answer = device.request(**changes)
    assert (answer.status_code, answer.json["error"]) == (status, error)


def test_only_clients_of_the_grant_ask(place):
    client = McpClient(place).register()
    answer = form(place, "/device_authorization", {"client_id": client.client_id})
    assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")
    params = {"grant_type": GRANT_TYPE, "device_code": "x", "client_id": client.client_id}
    assert form(place, "/token", params).json["error"] == "unauthorized_client"


def test_a_confidential_device_proves_itself_at_both(place, browser):
    device = Device(place, {"token_endpoint_auth_method": "client_secret_post"}).register()
    secret = device.client_secret
    device.ask()
    approve(browser, device.user_code)
    device.client_secret = None
    assert device.request().status_code == device.poll().status_code == 401
    device.client_secret = secret
    assert device.poll().status_code == 200


@pytest.mark.spec("RFC 7591", "2")
def test_a_pure_device_needs_no_redirect_uri_and_can_have_none(place):
    answer = place.http().post("/register", json={"grant_types": [GRANT_TYPE]})
    assert answer.status_code == 201
    document = answer.json
    assert document["grant_types"] == [GRANT_TYPE]
    assert document["redirect_uris"] == document["response_types"] == []
    page = Browser(place).get(McpClient(place, client_id=document["client_id"]).authorize_url())
    assert page.status_code == 400


def test_a_client_without_refresh_tokens_gets_none(place, browser):
    device = Device(place, {"grant_types": [GRANT_TYPE]}).register().ask()
    approve(browser, device.user_code)
    assert "refresh_token" not in device.poll().json


def test_a_user_whom_the_policy_denies_is_told_and_so_is_the_device(sqlite_url, idp, tmp_path):
    more = """
[resources.vault]
url = "https://vault.example/mcp"
allow = { emails = ["x@x.example"] }
"""
    with Deployment.start(tmp_path, sqlite_url, idp, more=ON + more) as place:
        device = Device(place).register().ask(resource="https://vault.example/mcp")
        browser = Browser(place)
        page = to_consent(browser, device.user_code)
        assert page.status_code == 403
        browser.submit(page, 1, decision="deny")
        assert device.error() == "access_denied"


@pytest.mark.spec("RFC 9449", "5")
def test_a_proof_at_the_poll_binds_the_grant(device, place, browser):
    holder = Holder()
    device.ask()
    approve(browser, device.user_code)
    answer = device.post(
        "/token",
        {"grant_type": GRANT_TYPE, "device_code": device.device_code},
        headers=holder.header(),
    )
    assert answer.json["token_type"] == "DPoP"
    assert claims_of(answer.json["access_token"])["cnf"] == {"jkt": holder.jkt}


def test_it_is_off_unless_switched_on(deployment):
    document = deployment.http().get("/.well-known/oauth-authorization-server").json
    assert "device_authorization_endpoint" not in document
    assert GRANT_TYPE not in document["grant_types_supported"]
    assert deployment.http().post("/device_authorization").status_code == 404
    assert deployment.http().get("/device").status_code == 404
    params = {"grant_type": GRANT_TYPE, "device_code": "x"}
    client = McpClient(deployment).register()
    answer = client.token({**params, "client_id": client.client_id})
    assert answer.json["error"] == "unsupported_grant_type"
    refused = deployment.http().post("/register", json={"grant_types": [GRANT_TYPE]})
    assert refused.json["error"] == "invalid_client_metadata"


@pytest.mark.spec("RFC 8628", "4")
def test_it_is_in_the_metadata_where_it_is_on(place):
    document = place.http().get("/.well-known/oauth-authorization-server").json
    assert document["device_authorization_endpoint"] == f"{place.issuer}/device_authorization"
    assert GRANT_TYPE in document["grant_types_supported"]


# --- what it costs, what is told, what is kept -------------------------------------------------


@pytest.mark.spec("RFC 8628", "3.5")
def test_who_only_polls_writes_no_more_once_nothing_can_be_noted(device, place):
    device.ask()
    with place.server.store.counting() as count:
        told = [device.error() for _ in range(150)]
    assert (told[0], set(told[1:])) == ("authorization_pending", {"slow_down"})
    # 5 s more each time: the 120th is to come back after ten minutes.
    assert count.commits == 120
    approve(Browser(place), device.user_code)
    assert device.poll().status_code == 200


def test_the_audit_says_which_device_got_what_from_whom(device, place, browser):
    device.ask()
    approve(browser, device.user_code)
    device.poll()
    approved, issued = (place.last(event) for event in ("consent.approved", "token.issued"))
    for name in ("device_address", "grant_id", "sub", "client_id", "resource"):
        assert approved[name] == issued[name], name
    assert approved["device_address"] == "127.0.0.1"

    decide(browser, to_consent(browser, device.ask().user_code), "deny")
    refused = place.last("authorization.refused")
    assert (refused["sub"], refused["device_address"]) == (approved["sub"], "127.0.0.1")
    assert (refused["resource"], refused["reason"]) == (approved["resource"], "consent_denied")


@pytest.mark.parametrize("end", ["redeemed", "denied"])
def test_the_address_is_kept_no_longer_than_it_is_shown(device, place, browser, end):
    def stored():
        with place.server.store.read() as reads:
            found, _ = reads.device_authorization(opaque.digest(device.device_code))
        return found.address

    page = to_consent(browser, device.ask().user_code)
    assert stored() == "127.0.0.1"
    decide(browser, page, "deny" if end == "denied" else "approve")
    device.poll()
    assert stored() == ""


@pytest.mark.parametrize(
    ("device_at", "user_at", "said"),
    [
        ("198.51.100.7", "198.51.100.7:4711", "at the address 198.51.100.7,"),
        ("198.51.100.7:80", "::ffff:198.51.100.7", "at the address 198.51.100.7,"),
        ("2001:DB8:0::7", "[2001:db8::7]:443", "at the address 2001:db8::7,"),
        ("198.51.100.7:80", "198.51.100.70", "198.51.100.7 (you are at 198.51.100.70),"),
    ],
    ids=["a port", "mapped", "spelled", "another"],
)
def test_addresses_are_compared_and_not_their_spellings(
    sqlite_url, idp, tmp_path, device_at, user_at, said
):
    with Deployment.start(tmp_path, sqlite_url, idp, more=ON + "trusted_proxies = 1\n") as place:
        device, browser = Device(place).register(), Browser(place)
        asked = device.post(
            "/device_authorization", {"resource": RESOURCE}, headers={"X-Forwarded-For": device_at}
        )
        browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = user_at
        page = to_consent(browser, asked.json["user_code"])
    text = re.sub(r"\s+", " ", re.sub("<[^>]+>", "", page.text))
    assert said in text


# --- switched off meanwhile, and ids that end --------------------------------------------------


@pytest.mark.parametrize("decision", ["approve", "deny", "switch"])
def test_what_is_open_when_devices_are_switched_off_ends_with_a_page(
    place, device, browser, sqlite_url, idp, tmp_path, decision
):
    page = to_consent(browser, device.ask().user_code)
    waiting = type_code(Browser(place), device.user_code)
    assert waiting.request.path == "/sign-in"
    with Deployment.start(tmp_path, sqlite_url, idp) as after:
        browser.client.application = after.app
        for answer in (decide(browser, page, decision), browser.get(page.request.url)):
            assert (answer.status_code, answer.mimetype) == (400, "text/html")
            assert "Devices cannot connect here" in answer.text
            assert "Nothing was shared" in answer.text
        assert after.last("page.refused")["reason"] == "devices_off"
        device.deployment = after
        assert device.error() == "unsupported_grant_type"
    device.deployment = place
    assert device.error() == "authorization_pending", "nothing was decided"


@pytest.mark.parametrize("typed_after", [1, 120])
def test_a_signed_id_that_ends_while_its_device_waits_ends_well(
    sqlite_url, idp, tmp_path, typed_after
):
    more = ON + "[registration]\nstateless = true\n"
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as place:
        device, late = (Device(place).register() for _ in range(2))
        place.wait(7 * 86400 - 60)
        device.ask()
        place.wait(typed_after)
        browser = Browser(place)
        page = to_consent(browser, device.user_code)
        place.wait(120)
        assert device.error() == "authorization_pending"
        assert "Access approved" in decide(browser, page, "approve").text
        place.wait(10)
        tokens = device.poll()
        assert tokens.status_code == 200, tokens.text
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens.json["refresh_token"]}
        assert device.post("/token", refresh).status_code == 200

        assert late.request().json["error"] == "invalid_client"
        late.device_code = device.device_code
        assert late.poll().json["error"] == "invalid_client", "another's code keeps no id alive"


# --- what a user reads who cannot go on --------------------------------------------------------


def test_who_typed_a_wrong_code_is_taken_back_to_the_field(browser, place):
    first = browser.get(f"{place.issuer}/device")
    wrong = browser.submit(first, user_code="BBBB-BBBB")
    assert re.search("<title>(.*?)</title>", first.text)[1] == "Connect a device"
    assert re.search("<title>(.*?)</title>", wrong.text)[1] == "Error: Connect a device"
    [field] = re.findall("<input[^>]* name=.user_code.[^>]*>", wrong.text)
    for attribute in ('aria-invalid="true"', 'aria-describedby="problem"', " autofocus"):
        assert attribute in field
        assert attribute not in first.text
    assert 'id="problem"' in wrong.text


def test_who_typed_too_often_or_from_elsewhere_reads_what_to_do(device, browser, place):
    page = browser.get(f"{place.issuer}/device")
    foreign = browser.submit(page, csrf_token="x", user_code=device.ask().user_code)
    for _ in range(20):
        browser.submit(page, user_code="BBBB-BBBB")
    often = browser.submit(page, user_code=device.user_code)

    assert [each.status_code for each in (foreign, often)] == [403, 429]
    assert often.headers["Retry-After"] == "60"
    assert "Wait a minute, then start again" in often.text
    assert "If a link or another site brought you here, close this page." in foreign.text
    for each in (foreign, often):
        assert f"{place.issuer}/device" in links_of(each)
        assert "Go back to your application" not in each.text
