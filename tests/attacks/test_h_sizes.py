"""Case 107: a registration made to cost"""

import json
import time

import pytest

from tests.attacks.visiting import count

DOCUMENT = {"redirect_uris": ["http://127.0.0.1/cb"]}


def _register(deployment, address="192.0.2.1", document=DOCUMENT):
    return deployment.http().post(
        "/register", json=document, environ_overrides={"REMOTE_ADDR": address}
    )


def _nested(depth):
    return b'{"redirect_uris": ["http://127.0.0.1/"], "x": ' + b"[" * depth + b"]" * depth + b"}"


def _with(**members):
    return json.dumps({**DOCUMENT, **members}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * 1_048_576, 413),
        (_with(client_name="x" * 1_048_576), 413),
        (_with(client_name="x" * 60_000), 400),
        (json.dumps({"redirect_uris": ["a:b"] * 8000}).encode(), 400),
        (json.dumps({"redirect_uris": DOCUMENT["redirect_uris"] * 11}).encode(), 400),
        (json.dumps({"redirect_uris": ["https://a.example/" + "x" * 60_000]}).encode(), 400),
        (_nested(100_000), 413),
        (_nested(30_000), 400),
        (_nested(20), 400),
        (b"[" * 60_000, 400),
        (b'{"a":' * 12_000, 400),
        (b'{"redirect_uris":["http://127.0.0.1/"],"redirect_uris":["http://127.0.0.1/"]}', 400),
        (b'{"redirect_uris":["http://127.0.0.1/"],"x":{"a":1,"a":2}}', 400),
        (b'{"redirect_uris":["http://127.0.0.1/"],"x":NaN}', 400),
        (b'{"redirect_uris":["http://127.0.0.1/"],"x":-Infinity}', 400),
        (b'{"redirect_uris":["http://127.0.0.1/"],"x":1e999}', 400),
        (b'{"redirect_uris":["http://127.0.0.1/"],"x":' + b"9" * 60_000 + b"}", 400),
        (b'{"redirect_uris":["http://127.0.0.1/"],"client_name":"\\u0000"}', 400),
        (b'{"redirect_uris":["http://127.0.0.1/"],"client_name":"\\ud800"}', 400),
        (b'{"redirect_uris":["http://127.0.0.1/"],"\\ud800":1}', 400),
        (b'\xff{"redirect_uris":["http://127.0.0.1/"]}', 400),
        (b'\xef\xbb\xbf{"redirect_uris":["http://127.0.0.1/"]}', 400),
        (b'{"redirect_uris":["http://127.0.0.1/"]} {}', 400),
        (_with(scope=" ".join(f"s{n}" for n in range(10_000))), 400),
        (b"", 400),
    ],
)  # fmt: skip
def test_107_a_body_made_to_cost_is_refused_at_once(deployment, body, status):
    http = deployment.http()
    began = time.process_time()

    answer = http.post("/register", data=body, content_type="application/json")

    assert time.process_time() - began < 1
    assert answer.status_code == status
    assert answer.json["error"] in {
        "invalid_request", "invalid_client_metadata", "invalid_redirect_uri",
    }  # fmt: skip
    assert count(deployment, "clients") == 0
    assert _register(deployment).status_code == 201


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_107_only_a_post_registers(deployment, method):
    answer = deployment.http().open("/register", method=method, json=DOCUMENT)

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert count(deployment, "clients") == 0


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_107_a_form_that_any_page_can_post_registers_nothing(deployment, media_type):
    answer = deployment.http().post("/register", data=_with(), content_type=media_type)

    assert answer.status_code == 400
    assert count(deployment, "clients") == 0
