"""Case 136: lists of domains hold for who is known here, and nobody asks for the operator's own"""

import pytest

from authserver.settings import load
from tests.actors import Browser, Deployment, McpClient, write_config
from tests.exchanging import basic, form
from tests.publishing import CALLBACK

LISTS = ['denied_domains = ["example"]', 'allowed_domains = ["other.com"]']
SECRET = "s" * 32


@pytest.fixture
def start(sqlite_url, idp, tmp_path, publisher):
    """Start a server on the one database, with these lines in `[client_documents]`, and others."""

    def started(lines="", more=""):
        text = publisher.settings(f"{lines}\n") + more
        path = write_config(tmp_path, sqlite_url, idp.issuer, more=text)
        servers.append(Deployment(load(path), idp))
        return servers[-1]

    servers: list[Deployment] = []
    yield started
    for each in servers:
        each.__exit__()


@pytest.mark.spec("CIMD draft-01", "6.8")
@pytest.mark.parametrize("line", LISTS)
def test_136_a_client_of_a_domain_that_is_out_by_now_neither_begins_nor_goes_on(
    start, publisher, line
):
    client = McpClient(start(), redirect_uri=CALLBACK, client_id=publisher.publish())
    tokens = client.connect()
    client.deployment = start(line)
    page = Browser(client.deployment).get(client.authorize_url())
    assert (page.status_code, "could not be checked" in page.text) == (400, True)
    assert client.deployment.last("page.refused")["reason"] == "client_id_host_not_admitted"
    answer = client.refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert publisher.asked == ["/client.json"]


@pytest.mark.spec("CIMD draft-01", "6.8")
@pytest.mark.parametrize("line", LISTS)
def test_136_a_page_that_was_open_when_its_domain_went_out_is_answered_no_more(
    start, publisher, line
):
    client = McpClient(start(), redirect_uri=CALLBACK, client_id=publisher.publish())
    browser = Browser(client.deployment)
    page = browser.sign_in(browser.get(client.authorize_url()))
    assert page.request.path == "/consent"
    stricter = start(line)
    browser.deployment, browser.client.application = stricter, stricter.app
    answer = browser.submit(page, 1, decision="approve", follow=False)
    assert (answer.status_code, "not registered any more" in answer.text) == (400, True)
    assert "Location" not in answer.headers


def test_136_nobody_is_asked_who_a_client_of_the_configuration_is(start, publisher):
    url = publisher.publish(token_endpoint_auth_method="private_key_jwt")
    more = f'\n[resources.issues.client]\nclient_id = "{url}"\nclient_secrets = ["file:own"]\n'
    (publisher.certificate.parent / "own").write_text(SECRET)
    for lines in ("", LISTS[0], "enabled = false"):
        deployment = start(lines, more)
        token = McpClient(deployment).register().connect()["access_token"]
        answer = form(deployment, "/introspect", {"token": token}, headers=basic(url, SECRET))
        assert (answer.status_code, answer.json["active"]) == (200, True)
    assert publisher.asked == []
