"""Cases 56, 64, 65, 108: whatever bytes arrive, the answer is OAuth JSON and never a 5xx"""

import base64
import json
from io import BytesIO

import pytest
from hypothesis import example, given

from tests.actors import Deployment, McpClient
from tests.attacks.any_bytes import authorization, documents, forms, octets, other_headers
from tests.examples import examples

UNLIMITED = """
[rate_limits]
register_per_address = 0
register_in_all = 0
failures_per_client = 0
"""
FORM = "application/x-www-form-urlencoded"
bounded = examples(75)


@pytest.fixture
def client(sqlite_url, idp, tmp_path):
    return McpClient(Deployment.start(tmp_path, sqlite_url, idp, more=UNLIMITED)).register()


def send(client, method, path, body=b"", headers=(), **environ):
    """Call the WSGI application as a server does, with what no HTTP client would let through."""
    answered = []
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "auth.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "203.0.113.5",
        "wsgi.url_scheme": "https",
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": str(len(body)),
        **{_variable(name): value for name, value in dict(headers).items()},
        **environ,
    }
    answer = client.deployment.app.wsgi_app(environ, lambda *given: answered.append(given))
    sent = b"".join(answer)
    answer.close()
    status, sent_headers = answered[0][:2]
    return int(status.split()[0]), dict(sent_headers), sent


def _variable(name):
    plain = name.upper().replace("-", "_")
    return plain if plain in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{plain}"


def check(answer):
    status, headers, body = answer
    assert status < 500, body
    assert headers["Content-Type"] == "application/json", (status, body)
    assert headers["Cache-Control"] == "no-store"
    document = json.loads(body)
    assert isinstance(document, dict)
    if status >= 400:
        assert set(document) == {"error", "error_description"}
        assert all(isinstance(each, str) for each in document.values())
    return document


@bounded
@given(body=octets | forms)
@example(body=b"%")
@example(body=b"client_id=%ED%A0%80")
@example(body=b"grant_type=refresh_token&client_id={id}&refresh_token=mcpas_rt_" + b"_" * 75)
def test_065_any_body_at_the_token_endpoint_is_answered_in_json(client, body):
    body = body.replace(b"{id}", client.client_id.encode())

    check(send(client, "POST", "/token", body, {"Content-Type": FORM}))


@bounded
@given(header=authorization, others=other_headers, body=forms)
@example(header="Basic " + base64.b64encode(b"a:\xed\xa0\x80").decode(), others={}, body=b"")
@example(header="", others={"Host": "."}, body=b"")
@example(header="", others={"Host": "evil/../:x"}, body=b"")
@example(header="", others={"Content-Length": "-1"}, body=b"grant_type=x")
@example(header="", others={"Content-Length": "9" * 30}, body=b"grant_type=x")
def test_056_any_headers_at_the_token_endpoint_are_answered_in_json(client, header, others, body):
    headers = {"Content-Type": FORM, "Authorization": header, **others}

    check(send(client, "POST", "/token", body, headers))


@pytest.mark.parametrize("method", ["GET", "POST"])
@bounded
@given(header=authorization, others=other_headers, body=octets)
def test_056_any_bearer_at_userinfo_is_answered_in_json(client, method, header, others, body):
    answer = send(client, method, "/userinfo", body, {"Authorization": header, **others})

    assert "error" in check(answer)


@bounded
@given(body=documents)
@example(body=b"[" * 60_000)
@example(body=b'{"a":' * 10_000)
@example(body=b'{"redirect_uris":["http://127.0.0.1/"],"client_name":' + b"1" * 5_000 + b"}")
@example(body=b'{"redirect_uris":["http://127.0.0.1/"],"a":1e999}')
@example(body=b"\xef\xbb\xbf{}")
def test_108_any_body_at_registration_is_answered_in_json(client, body):
    document = check(send(client, "POST", "/register", body, {"Content-Type": "application/json"}))

    assert ("client_id" in document) != ("error" in document)
    assert None not in document.values()


@bounded
@given(header=authorization, others=other_headers, body=documents)
def test_108_any_headers_at_registration_are_answered_in_json(client, header, others, body):
    headers = {"Content-Type": "application/json", "Authorization": header, **others}

    check(send(client, "POST", "/register", body, headers))


@pytest.mark.parametrize("length", ["", "-1", "x", "1e3", "0x10", "+5", "\uff15", "9" * 30, "1000"])
@pytest.mark.parametrize("path", ["/token", "/register", "/userinfo"])
def test_064_a_length_that_does_not_fit_the_body_is_no_error_of_ours(client, path, length):
    kind = "application/json" if path == "/register" else FORM

    check(send(client, "POST", path, b"{}", {"Content-Type": kind, "Content-Length": length}))


@pytest.mark.spec("RFC 9112", "8")
def test_064_half_a_form_does_not_pass_for_a_whole_one(client):
    token = client.connect()["refresh_token"]
    form = f"grant_type=refresh_token&client_id={client.client_id}&refresh_token={token}"
    whole = f"{form}&scope=issues:read".encode()

    length = {"Content-Type": FORM, "Content-Length": str(len(whole))}
    broken = check(send(client, "POST", "/token", form.encode(), length))

    assert broken["error"] == "invalid_request"
    assert check(send(client, "POST", "/token", whole, length))["scope"] == "issues:read"
