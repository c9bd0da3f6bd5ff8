"""A device polls over HTTP while its user approves in a browser elsewhere; then it calls"""

import shutil
import threading

import pytest

from tests.actors import RESOURCE, Browser, claims_of
from tests.databases import DATABASES, postgresql_database, postgresql_url  # noqa: F401 - fixtures
from tests.devices import ON, Device, decide, to_consent
from tests.live import deployed


@pytest.fixture(params=DATABASES)
def live(request, tmp_path, idp, migrated_sqlite):
    """A server whose issuer is its real address, on each database."""
    if request.param == "sqlite":
        shutil.copy(migrated_sqlite, tmp_path / "authserver.db")
        url = f"sqlite:///{tmp_path / 'authserver.db'}"
    else:
        url = request.getfixturevalue("postgresql_url")
    with deployed(tmp_path, url, idp, more=ON) as deployment:
        yield deployment


def poll_until_decided(device, answers, polled):
    """Ask until there is an answer; it comes sooner than five seconds, for the clock stands."""
    for _ in range(10_000):
        answers.append(device.poll().json)
        polled.set()
        if answers[-1].get("error") not in ("authorization_pending", "slow_down"):
            return


@pytest.mark.spec("RFC 8628", "1")
@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_a_device_polls_while_its_user_decides_in_a_browser(live, remote, mcp_server, decision):
    device = Device(remote).register().ask(scope="issues:read")
    answers: list[dict[str, str]] = []
    polled = threading.Event()
    polling = threading.Thread(target=poll_until_decided, args=(device, answers, polled))
    polling.start()
    polled.wait(30)
    browser = Browser(remote)

    page = decide(browser, to_consent(browser, device.user_code.lower()), decision)
    polling.join(60)

    assert page.status_code == 200
    assert answers[0]["error"] == "authorization_pending"
    if decision == "deny":
        assert answers[-1]["error"] == "access_denied"
        return
    tokens = answers[-1]
    assert tokens["scope"] == "issues:read"
    with mcp_server(live.issuer, RESOURCE, live.clock, ["issues:read"]) as server:
        called = server.call(tokens["access_token"])
    assert (called.status_code, called.text) == (200, claims_of(tokens["access_token"])["sub"])
