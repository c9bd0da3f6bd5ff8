"""The provider's metadata: found late, believed only as far as it goes, kept while it is good."""

import threading
import time

import pytest

from authserver.upstream.discovery import metadata_url, parse
from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from tests.upstream.hostile_idp import ABSENT
from tests.upstream.spoiled_server import Spoiled

DISCOVERY = "/.well-known/openid-configuration"
HOUR = 3600


def _reason(login):
    with pytest.raises(UpstreamError) as refusal:
        login.url()
    return refusal.value.reason


def _wait_until(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never happened")


@pytest.mark.spec("OpenID Connect Discovery", "4.1")
@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://a.example", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/r/x", "https://a.example/r/x/.well-known/openid-configuration"),
        ("https://a.example/r/x/", "https://a.example/r/x/.well-known/openid-configuration"),
    ],
)
def test_the_well_known_path_follows_the_issuer(issuer, url):
    assert metadata_url(issuer) == url


def test_nothing_is_asked_before_the_first_sign_in(login, idp):
    assert idp.seen == []


@pytest.mark.spec("RFC 8414", "3.3")
@pytest.mark.parametrize("said", ["/", "{tenantid}", "https://evil.example", ABSENT, None, 7])
def test_metadata_of_another_issuer_is_refused(login, idp, said):
    relative = isinstance(said, str) and not said.startswith("https:")
    idp.metadata = {"issuer": idp.issuer + said if relative else said}

    assert _reason(login) == "discovery_issuer_mismatch"


@pytest.mark.spec("RFC 8414", "3.3")
def test_metadata_that_changes_its_issuer_does_not_replace_the_good_copy(login, idp, clock):
    good = login.url()
    idp.metadata = {"issuer": "https://evil.example", "token_endpoint": "https://evil.example/"}
    clock.seconds += HOUR

    assert login.url() == good
    _wait_until(lambda: len(idp.asked(DISCOVERY)) == 2)
    assert login.sign_in().subject == "user-1"


ENDPOINTS = ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/x",
        "http://127.0.0.1.evil.example/x",
        "http://localhost@evil.example/x",
        "https://user:password@idp.example/x",
        "https://idp.example/x#fragment",
        "https://idp.example/x#",
        "https://idp.example\\@evil.example/x",
        "https://idp.example/x\n",
        "https://idp.example/ x",
        "https://idp.exämple/x",
        "//idp.example/x",
        "/token",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "",
        7,
        ["https://idp.example/x"],
    ],
)
def test_an_endpoint_that_is_no_plain_https_url_is_refused(login, idp, name, url):
    idp.metadata = {name: url}

    assert _reason(login) == "discovery_invalid"


@pytest.mark.parametrize("name", ENDPOINTS[:3])
@pytest.mark.parametrize("value", [ABSENT, None])
def test_a_missing_endpoint_is_refused(login, idp, name, value):
    idp.metadata = {name: value}

    assert _reason(login) == "discovery_invalid"


def test_a_public_provider_cannot_point_at_our_loopback():
    issuer = "https://idp.example"
    document = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/a",
        "token_endpoint": "http://127.0.0.1:8080/admin",
        "jwks_uri": f"{issuer}/j",
    }

    with pytest.raises(UpstreamError):
        parse(document, issuer)


def test_one_copy_serves_every_sign_in_for_an_hour(login, idp, clock):
    login.url()
    clock.seconds += HOUR - 1
    login.sign_in()

    assert len(idp.asked(DISCOVERY)) == 1


def test_an_old_copy_is_answered_at_once_and_renewed_behind(login, idp, clock):
    login.url()
    idp.metadata = {"authorization_endpoint": f"{idp.origin}/new"}
    clock.seconds += HOUR

    assert login.url().startswith(f"{idp.origin}/authorize?")
    _wait_until(lambda: login.url().startswith(f"{idp.origin}/new?"))
    assert len(idp.asked(DISCOVERY)) == 2


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [({}, "found"), ({DISCOVERY: Spoiled(503, pause=0.2)}, "discovery: the answer is 503")],
)
def test_many_first_sign_ins_fetch_once(login, idp, answer, outcome):
    idp.spoiled = answer
    idp.delay = 0.2
    outcomes = []

    def sign_in():
        try:
            login.url()
            outcomes.append("found")
        except UpstreamUnavailable as failure:
            outcomes.append(failure.detail)

    threads = [threading.Thread(target=sign_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == [outcome] * 8
    assert len(idp.asked(DISCOVERY)) == 1


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda idp: idp.spoiled.update({DISCOVERY: Spoiled(500)}), UpstreamUnavailable),
        (lambda idp: idp.metadata.update({"issuer": "https://evil.example"}), UpstreamError),
    ],
)
def test_after_a_failure_it_is_not_asked_again_for_five_seconds(login, idp, clock, spoil, error):
    spoil(idp)
    for _ in range(3):
        with pytest.raises(error):
            login.url()
    assert len(idp.asked(DISCOVERY)) == 1

    idp.spoiled.clear()
    idp.metadata.clear()
    clock.seconds += 5
    assert login.sign_in().subject == "user-1"


def test_a_copy_serves_for_a_day_without_the_provider_and_no_longer(login, idp, clock):
    login.url()
    idp.spoiled[DISCOVERY] = Spoiled(500)
    clock.seconds += 24 * HOUR - 1
    login.url()
    _wait_until(lambda: len(idp.asked(DISCOVERY)) == 2)

    clock.seconds += 6
    with pytest.raises(UpstreamUnavailable):
        login.url()
