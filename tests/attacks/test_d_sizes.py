"""Cases 64, 65: too much, and what is no text, is refused at little cost"""

import time
import tracemalloc

import pytest

from tests.actors import McpClient

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()


@pytest.fixture
def http(deployment):
    return deployment.http()


def refused(answer, code="invalid_request", status=400):
    assert (answer.status_code, answer.json["error"]) == (status, code), answer.data


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"a=" + b"x" * 1_000_000, 413),
        (b"&".join(b"a%d=1" % n for n in range(100_000)), 413),
        (b"&" * 65_000, 400),
        (b"a&" * 32_000, 400),
        (b"=" * 65_000, 400),
        (b"%" * 65_000, 400),
        (b"resource=x&" * 5_000, 400),
    ],
    ids=["1 MB", "fields", "ampersands", "names", "equals", "percents", "resources"],
)
def test_064_a_body_beyond_the_limits_costs_little(http, body, status):
    tracemalloc.start()
    began = time.process_time()
    answer = http.post("/token", data=body, content_type=FORM)
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    refused(answer, answer.json["error"], answer.status_code)
    assert answer.status_code in {status, 401}
    assert peak < 16_000_000
    assert took < 2  # of this process alone; what grows with the square would take minutes


NO_TEXT = {
    "NUL": b"a%00b",
    "raw NUL": b"a\0b",
    "surrogate": b"%ED%A0%80",
    "half of UTF-8": b"%C3",
    "Latin-1": b"%E9",
    "raw UTF-8": "é".encode(),
    "overlong slash": b"%C0%AF",
}
PARAMETERS = [
    "grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier",
    "refresh_token", "scope", "resource", "audience", "unknown",
]  # fmt: skip


@pytest.mark.parametrize("value", NO_TEXT.values(), ids=NO_TEXT)
def test_065_what_is_no_text_is_refused_in_each_parameter(http, value):
    for name in PARAMETERS:
        body = b"client_id=x&" * (name != "client_id") + name.encode() + b"=" + value

        refused(http.post("/token", data=body, content_type=FORM))


@pytest.mark.parametrize("value", ["x" * 60_000, "é" * 9_000, "'; DROP TABLE codes; --", "😀"])
def test_065_a_value_of_any_other_form_is_only_wrong(client, value):
    params = client.code_params("x")
    for name in PARAMETERS:
        answer = client.token({**params, name: value})
        assert answer.status_code in {400, 401}
        assert "error" in answer.json

    assert client.connect()


def test_065_a_value_of_100_kb_is_too_much(client):
    refused(client.redeem("x" * 100_000), status=413)
