"""Cases 206 to 212: codes of devices guessed, sent to others, polled for and used again"""

import hashlib
import hmac
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given

from authserver.oauth import epoch, user_code
from authserver.oauth.device_authorization import LIFETIME
from authserver.settings import RateLimits
from tests.actors import RESOURCE, Browser, Deployment, McpClient, claims_of, forms_of
from tests.attacks.any_bytes import octets
from tests.attacks.outcomes import is_page
from tests.attacks.stored import ended_by
from tests.attacks.test_c_database_dump import dump
from tests.attacks.test_d_any_bytes import UNLIMITED
from tests.devices import GRANT_TYPE, ON, Device, approve, decide, to_consent, type_code
from tests.examples import examples


@pytest.fixture
def place(sqlite_url, idp, tmp_path):
    with Deployment.start(tmp_path, sqlite_url, idp, more=ON) as started:
        yield started


@pytest.fixture
def device(place):
    return Device(place).register().ask()


@pytest.fixture
def browser(place):
    return Browser(place)


def guess(browser, page, code):
    return browser.submit(page, user_code=code)


# --- typing codes ------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8628", "5.1")
def test_206_after_twenty_guesses_a_minute_even_the_right_code_is_not_looked_at(
    device, browser, place
):
    page = browser.get(f"{place.issuer}/device")
    answers = [guess(browser, page, user_code.new_user_code()).status_code for _ in range(20)]
    assert answers == [400] * 20
    assert guess(browser, page, device.user_code).status_code == 429

    # Another browser at the same address is no way around it.
    assert type_code(Browser(place), device.user_code).status_code == 429
    assert device.error() == "authorization_pending"


def test_206_nor_is_another_address_for_the_same_browser_nor_a_crowd(sqlite_url, idp, tmp_path):
    more = "trusted_proxies = 1\n[rate_limits]\nuser_codes_per_address = 3\nuser_codes_in_all = 5\n"
    with Deployment.start(tmp_path, sqlite_url, idp, more=ON + more) as place:
        browser, crowd = Browser(place), Browser(place)

        def typed(visitor, number):
            visitor.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{number}"
            return type_code(visitor, "BBBB-BBBB").status_code

        assert [typed(browser, number) for number in range(5)] == [400] * 3 + [429] * 2
        assert [typed(crowd, number) for number in range(10, 14)] == [400] * 2 + [429] * 2


@pytest.mark.spec("RFC 8628", "5.1")
def test_206_codes_have_34_bits_and_no_word_in_them():
    codes = {user_code.new_user_code() for _ in range(2000)}
    assert len(codes) == 2000
    assert len(user_code.ALPHABET) ** user_code.LENGTH > 2**34
    assert set("".join(codes)) == {*"BCDFGHJKLMNPQRSTVWXZ", "-"}


def test_206_in_the_life_of_a_code_too_few_are_tried_to_hit_it():
    """One process, at most; for each other one as often."""
    tried = RateLimits().user_codes_in_all * LIFETIME / 60
    assert tried / len(user_code.ALPHABET) ** user_code.LENGTH < 2**-19


def test_207_a_wrong_an_expired_and_a_used_code_look_the_same(device, browser, place):
    used = device.user_code
    approve(browser, used)
    device.poll()
    denied = device.ask().user_code
    decide(browser, to_consent(browser, denied), "deny")
    late = device.ask().user_code
    place.wait(600)

    def shown(code):
        page = type_code(browser, code)
        assert page.status_code == 400
        return re.sub(r'[0-9a-f]{16}|nonce="[^"]+"', "", page.text)

    codes = ("BBBB-BBBB", used, denied, late, "", "'; --", "é" * 99)
    assert len({shown(code) for code in codes}) == 1


def test_208_a_form_from_elsewhere_types_nothing(device, browser, place):
    page = browser.get(f"{place.issuer}/device")
    [form] = forms_of(Browser(place).get(f"{place.issuer}/device"))
    for token in ("x", None, dict(form["fields"])["csrf_token"]):
        answer = browser.submit(page, csrf_token=token, user_code=device.user_code)
        assert is_page(answer, 403)
    assert is_page(Browser(place).submit(page, user_code=device.user_code), 403)
    assert device.error() == "authorization_pending"


def test_208_what_one_browser_typed_another_cannot_decide(device, browser, place):
    page = to_consent(browser, device.user_code)
    other = Browser(place)
    other.sign_in(other.get(McpClient(place).register().authorize_url()))
    assert decide(other, page, "approve").status_code == 403
    assert device.error() == "authorization_pending"


@pytest.mark.spec("RFC 8628", "5.4")
def test_209_a_link_neither_types_the_code_nor_skips_the_warning(device, browser, place):
    assert "verification_uri_complete" not in device.request().json
    for query in (f"user_code={device.user_code}", f"code={device.user_code}"):
        assert device.user_code not in browser.get(f"{place.issuer}/device?{query}").text
    to_consent(browser, device.user_code)  # signed in from now on, and still asked
    page = to_consent(browser, device.ask().user_code)
    assert page.request.path == "/consent"
    assert "Only continue if you started this yourself" in page.text
    assert "Not verified" in page.text


@pytest.mark.spec("RFC 8628", "5.4")
@pytest.mark.parametrize("origin", ["https://fraud.example", "https://auth.example", "null"])
def test_209_no_page_in_the_victims_browser_can_read_a_code_that_it_asked_for(
    device, place, origin
):
    headers = {"Origin": origin}
    asked = device.post("/device_authorization", {"resource": RESOURCE}, headers=headers)
    preflight = place.http().options(
        "/device_authorization",
        headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
    )
    assert (asked.status_code, preflight.status_code) == (200, 405)
    for answer in (asked, preflight, device.post("/device_authorization", {}, headers=headers)):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_209_no_name_of_a_client_is_verified_by_itself(sqlite_url, idp, tmp_path):
    more = """
[clients.television]
name = "Television"
token_endpoint_auth_method = "none"
grant_types = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
targets = ["issues"]
scopes = ["issues:read"]
"""
    with Deployment.start(tmp_path, sqlite_url, idp, more=more + ON) as place:
        device = Device(place, client_id="television").ask()
        assert "Not verified" in to_consent(Browser(place), device.user_code).text


# --- polling -----------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8628", "3.5")
def test_210_another_client_learns_and_changes_nothing(device, browser, place):
    thief = Device(place).register()
    thief.device_code = device.device_code
    assert thief.error() == "invalid_grant"
    approve(browser, device.user_code)
    assert thief.error() == "invalid_grant"
    assert device.poll().status_code == 200
    place.wait(60)
    assert thief.error() == "invalid_grant"  # no replay by who never had it


@pytest.mark.parametrize("sent", ["", "x" * 9000, "mcpas_dc_" + "A" * 43, "é☕"])
def test_210_what_is_no_device_code_is_refused(device, sent):
    assert device.error(device_code=sent) in ("invalid_grant", "invalid_request")


def test_210_codes_of_one_kind_do_not_pass_for_another(device, browser, place):
    both = {"grant_types": ["authorization_code", GRANT_TYPE]}
    client = McpClient(place, metadata=both).register()
    code = client.code(browser)
    params = {"grant_type": GRANT_TYPE, "client_id": client.client_id}
    assert client.token({**params, "device_code": code}).json["error"] == "invalid_grant"
    own = Device(place, client_id=client.client_id).ask()
    approve(browser, own.user_code)
    assert client.redeem(own.device_code).json["error"] == "invalid_grant"
    assert client.token({**params, "device_code": own.user_code}).json["error"] == "invalid_grant"
    assert own.poll().status_code == 200


@pytest.mark.spec("RFC 8628", "3.5")
def test_211_of_twenty_polls_at_once_one_gets_the_tokens(device, browser):
    approve(browser, device.user_code)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: device.poll(), range(20)))
    assert sorted({each.status_code for each in answers}) == [200, 400]
    assert [each.status_code for each in answers].count(200) == 1


def test_211_a_repeat_soon_is_refused_and_a_late_one_ends_the_grant(device, browser, place):
    approve(browser, device.user_code)
    tokens = device.poll().json
    refresh = {"grant_type": "refresh_token"}
    assert device.error() == "invalid_grant"
    again = device.post("/token", {**refresh, "refresh_token": tokens["refresh_token"]})
    assert again.status_code == 200
    place.wait(700)  # past the code's own end: a replay is judged first
    assert device.error() == "invalid_grant"
    ended = device.post("/token", {**refresh, "refresh_token": again.json["refresh_token"]})
    assert ended.json["error"] == "invalid_grant"


@pytest.mark.parametrize("whom", ["user", "client", "consent"])
def test_212_what_is_revoked_between_approval_and_poll_gives_nothing(device, browser, place, whom):
    approve(browser, device.user_code)
    sub = claims_of(device.poll().json["access_token"])["sub"]
    approve(browser, device.ask().user_code)
    subject = {
        "user": epoch.user(sub),
        "client": epoch.client(device.client_id),
        "consent": epoch.consent(sub, device.client_id, "https://issues.example/mcp"),
    }[whom]
    ended_by(McpClient(place), subject)
    assert device.error() == "invalid_grant"


def test_212_a_client_that_is_revoked_while_it_waits_is_not_approved(device, browser, place):
    ended_by(McpClient(place), epoch.client(device.client_id))
    page = to_consent(browser, device.user_code)
    assert decide(browser, page, "approve").status_code == 400
    assert device.error() == "authorization_pending"


def test_212_after_a_denial_or_the_end_nothing_comes(device, browser, place):
    decide(browser, to_consent(browser, device.user_code), "deny")
    assert [device.error() for _ in range(3)] == ["access_denied"] * 3
    device.ask()
    approve(browser, device.user_code)
    place.wait(600)
    assert device.error() == "expired_token"


# --- the database ------------------------------------------------------------------------------


def test_206_a_dump_holds_neither_code_nor_a_digest_that_can_be_tried(device, place):
    text, raw = dump(place)
    assert device.client_id in text
    for secret in (device.device_code, device.user_code, device.user_code.replace("-", "")):
        assert secret not in text
        assert secret.encode() not in raw
    spelled = device.user_code.encode()
    for tried in (spelled, spelled.replace(b"-", b""), spelled.lower()):
        for digest in (hashlib.sha256(tried), hmac.new(b"", tried, hashlib.sha256)):
            assert digest.hexdigest() not in text


@pytest.fixture
def unlimited(sqlite_url, idp, tmp_path):
    with Deployment.start(tmp_path, sqlite_url, idp, more=f"{UNLIMITED}\n{ON}") as started:
        browser = Browser(started)
        page = browser.get(f"{started.issuer}/device")
        return browser, dict(forms_of(page)[0]["fields"])["csrf_token"]


@examples(60)
@given(octets)
def test_207_whatever_is_typed_is_a_page(unlimited, sent):
    browser, csrf = unlimited
    for body in (sent, b"csrf_token=" + csrf.encode() + b"&user_code=" + sent):
        answer = browser.client.post(
            "/device",
            base_url="https://auth.example",
            data=body,
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.status_code in (400, 403)
        assert answer.mimetype == "text/html"
