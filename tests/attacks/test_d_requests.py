"""Cases 51-54, 66, 70: what is no proper token request is refused before anything is read"""

import gzip
import json
from urllib.parse import urlencode

import pytest

from tests.actors import ISSUER, McpClient, claims_of

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def http(deployment):
    return deployment.http()


def refused(answer, code="invalid_request", status=400):
    assert (answer.status_code, answer.json["error"]) == (status, code), answer.data
    return answer


@pytest.mark.spec("OAuth 2.1", "3.2")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_051_only_post_is_allowed_and_the_answer_says_so(client, method):
    code = client.code()
    query = urlencode(client.code_params(code))

    answer = client.deployment.http().open(f"/token?{query}", method=method)

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert client.redeem(code).status_code == 200


@pytest.mark.spec("OAuth 2.1", "2.4.1")
@pytest.mark.parametrize("moved", ["client_secret", "code", "grant_type", "client_id", "unknown"])
def test_052_no_parameter_is_taken_from_the_query(client, moved):
    params = client.code_params(client.code(), client_secret=None)
    in_query = {moved: params.pop(moved, "x")}

    for body in (params, {**params, **in_query}):
        answer = client.deployment.http().post(
            f"/token?{urlencode(in_query)}", data=urlencode(body), content_type=FORM
        )
        refused(answer)

    assert client.redeem(client.code()).status_code == 200


@pytest.mark.spec("OAuth 2.1", "3.2.2")
@pytest.mark.parametrize(
    "content_type",
    [
        "application/json", "multipart/form-data; boundary=x", "text/plain", "", "x",
        f"{FORM}-data", f"{FORM}, {FORM}", f"text/plain; {FORM}", f"{FORM}; charset=utf-16",
        f"{FORM}; charset=utf-7", f"{FORM}; boundary=x",
    ],
)  # fmt: skip
def test_053_a_body_of_another_type_is_not_read(client, content_type):
    params = client.code_params(client.code())
    bodies = {"application/json": json.dumps(params)}

    answer = client.deployment.http().post(
        "/token", data=bodies.get(content_type, urlencode(params)), content_type=content_type
    )

    refused(answer)


def test_053_a_multipart_body_is_not_read(client):
    params = client.code_params(client.code())

    refused(
        client.deployment.http().post("/token", data=params, content_type="multipart/form-data")
    )


@pytest.mark.parametrize(
    "content_type", [f"{FORM};charset=UTF-8", f'{FORM}; charset="utf-8"', FORM.upper()]
)
def test_053_a_form_may_say_that_it_is_utf_8(client, content_type):
    body = urlencode(client.code_params(client.code()))

    answer = client.deployment.http().post("/token", data=body, content_type=content_type)

    assert answer.status_code == 200


@pytest.mark.spec("OAuth 2.1", "3.2.4")
@pytest.mark.parametrize(
    "name",
    ["grant_type", "code", "client_id", "scope", "redirect_uri", "code_verifier", "unknown"],
)
@pytest.mark.parametrize("second", ["", "x"], ids=["same", "another"])
def test_054_a_parameter_that_comes_twice_is_refused(client, name, second):
    params = client.code_params(client.code(), scope="issues:read", unknown="1")
    twice = [*params.items(), (name, second or params[name])]

    refused(client.deployment.http().post("/token", data=urlencode(twice), content_type=FORM))

    assert client.redeem(params["code"]).status_code == 200


@pytest.mark.parametrize("name", ["refresh_token", "client_id", "scope"])
def test_054_at_refresh_too(client, name):
    token = client.connect()["refresh_token"]
    params = {"grant_type": "refresh_token", "refresh_token": token, "scope": "issues:read"}
    params["client_id"] = client.client_id
    twice = [*params.items(), (name, params[name])]

    refused(client.deployment.http().post("/token", data=urlencode(twice), content_type=FORM))

    assert client.refresh(token).status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity", "br", "x" * 4000, ""])
def test_066_an_encoded_body_is_refused(client, encoding):
    body = gzip.compress(urlencode(client.code_params(client.code())).encode())

    answer = client.deployment.http().post(
        "/token", data=body, content_type=FORM, headers={"Content-Encoding": encoding}
    )

    refused(answer, status=415)


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method"]
)
def test_070_a_header_does_not_change_the_method(http, header):
    assert http.get("/token", headers={header: "POST"}).status_code == 405
    refused(http.post("/token", headers={header: "GET"}))


@pytest.mark.parametrize(
    "path",
    [
        "/token/",
        "//token",
        "/token//",
        "/./token",
        "/x/../token",
        "/TOKEN",
        "/token;x=1",
        "/token%2F",
    ],
)
def test_070_another_path_is_not_found_and_never_redirected(client, path):
    body = urlencode(client.code_params(client.code()))

    answer = client.deployment.http().post(path, data=body, content_type=FORM)

    assert answer.status_code == 404
    assert "Location" not in answer.headers


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "CONNECT", "X"])
def test_051_an_unheard_of_method_is_refused_in_json_too(http, method):
    answer = refused(http.open("/token", method=method), status=405)

    assert answer.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("host", ["evil.example", ".", "a..b", "x" * 300, "[::1", "é", "a b"])
def test_070_no_host_or_scheme_of_a_request_changes_an_answer(client, host):
    http = client.deployment.http()
    body = urlencode(client.code_params(client.code()))

    answer = http.post(
        "/token", base_url="http://localhost", headers={"Host": host}, data=body, content_type=FORM
    )

    assert answer.status_code == 200
    assert claims_of(answer.json["access_token"])["iss"] == ISSUER
    metadata = http.get("/.well-known/oauth-authorization-server", headers={"Host": host})
    assert metadata.json["token_endpoint"] == f"{ISSUER}/token"


@pytest.mark.parametrize("path", ["/device_authorization", "/token-batch", "/status-list"])
def test_070_what_is_not_offered_is_not_there(http, path):
    assert http.post(path, data={"token": "x"}).status_code == 404
