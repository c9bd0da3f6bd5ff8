"""Secrets come from outside the file, and go nowhere"""

import base64
import json
import os
import traceback

import pytest

from authserver.sealing import SealingKey
from authserver.settings import SettingsError, load
from authserver.settings.report.describe import describe
from tests.settings.configuration import SECRET

LITERAL = "hunter2-literal-secret"


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b" s3cret ", " s3cret "),
        ("gehëim".encode(), "gehëim"),
    ],
)
def test_a_secret_file_loses_one_trailing_newline_only(settings, tmp_path, content, secret):
    (tmp_path / "upstream").write_bytes(content)
    assert settings({"upstream/client_secret": "file:upstream"}).upstream.client_secret == secret


def test_an_absolute_path_is_taken_as_it_is(settings, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "secret"
    path.write_text("s3cret")
    assert settings({"upstream/client_secret": f"file:{path}"}).upstream.client_secret == "s3cret"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (LITERAL, "must not be written"),
        ("", "must not be written"),
        (5, "must not be written"),
        (["env:X"], "must not be written"),
        ("env:NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"),
        (f"env:${LITERAL}", "does not name an environment variable"),
        ("env:EMPTY", "empty"),
        ("env:TWO_LINES", "line breaks"),
        ("file:nowhere", "nowhere does not exist"),
        ("file:.", "cannot be read"),
        ("file:\0", "cannot be read"),
        ("file:empty", "empty"),
        ("file:two-lines", "line breaks"),
        ("file:two-newlines", "line breaks"),
        ("file:binary", "not UTF-8"),
        ("file:huge", "longer than 64 KiB"),
        ("file:/dev/zero", "longer than 64 KiB"),
    ],
)
def test_a_reference_that_leads_to_no_secret_is_refused(
    problems, monkeypatch, tmp_path, reference, message
):
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("TWO_LINES", "a\nb")
    contents = {
        "empty": b"\n",
        "two-lines": b"a\nb\n",
        "two-newlines": b"a\n\n",
        "binary": b"\xff\xfe",
        "huge": b"x" * 65537,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (problem,) = problems({"upstream/client_secret": reference})
    assert problem.key == "upstream.client_secret"
    assert message in problem.message
    assert problem.remedy
    assert LITERAL not in f"{problem}"


def test_hs256_needs_a_secret_that_can_be_its_key(problems, settings, monkeypatch):
    changes = {"upstream/id_token_algs": ["HS256"]}
    assert settings(changes).upstream.id_token_algs == ("HS256",)
    monkeypatch.setenv("SHORT", "x" * 31)
    (problem,) = problems({**changes, "upstream/client_secret": "env:SHORT"})
    assert "too short for HS256" in problem.message


def test_a_sealing_key_is_raw_in_a_file(settings, tmp_path):
    raw = b"\n" * 16 + os.urandom(15) + b"\n"
    (tmp_path / "other.key").write_bytes(raw)
    (key,) = settings({"keys/seal": ["file:other.key"]}).sealing_keys
    assert key == SealingKey.from_secret(raw)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_sealing_key_is_base64_in_a_variable(settings, monkeypatch, encode):
    raw = b"\xff" * 20 + os.urandom(20)
    monkeypatch.setenv("SEALING_KEY", encode(raw).decode() + "\n")
    found = settings({"keys/seal": ["env:SEALING_KEY", "file:sealing.key"]}).sealing_keys
    assert found[0] == SealingKey.from_secret(raw)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("file:short", "fewer than 32 bytes"),
        ("env:SHORT", "fewer than 32 bytes"),
        ("env:NOT_BASE64", "not base64"),
        ("file:nowhere", "does not exist"),
        (LITERAL, "must not be written"),
    ],
)
def test_a_weak_or_missing_sealing_key_is_refused(
    problems, monkeypatch, tmp_path, reference, message
):
    (tmp_path / "short").write_bytes(os.urandom(31))
    monkeypatch.setenv("SHORT", base64.b64encode(os.urandom(31)).decode())
    monkeypatch.setenv("NOT_BASE64", f"{LITERAL}!!!!")
    (problem,) = problems({"keys/seal": [reference]})
    assert problem.key == "keys.seal[0]"
    assert message in problem.message
    assert LITERAL not in f"{problem}"


def test_without_a_sealing_key_the_remedy_is_init(problems, write, tmp_path):
    path = write({})
    (tmp_path / "sealing.key").unlink()
    with pytest.raises(SettingsError) as caught:
        load(path)
    (problem,) = caught.value.problems
    assert problem.key == "keys.seal[0]"
    assert "authserver init" in problem.remedy


def _all_words(secret):
    raw = secret if isinstance(secret, bytes) else secret.encode()
    yield repr(raw)[2:-1]
    yield raw.hex()
    yield base64.b64encode(raw).decode()


def test_no_secret_shows_in_what_the_settings_say_of_themselves(settings, monkeypatch, tmp_path):
    monkeypatch.setenv(
        "DATABASE_URL", "postgresql://user:db-pass-word@db/auth?password=db-pass-word"
    )
    found = settings({"database/url": "env:DATABASE_URL"})
    description = describe(found)
    shown = [repr(found), str(found), str(description), json.dumps(description.in_effect)]
    shown += [repr(found.upstream), repr(found.sealing_keys), f"{found!r}"]
    sealing = (tmp_path / "sealing.key").read_bytes()
    for text in shown:
        for secret in (SECRET, "db-pass-word", sealing):
            assert not [word for word in _all_words(secret) if word in text]


@pytest.mark.parametrize("path", [
    "issuer", "upstream/type", "upstream/issuer", "upstream/client_id", "upstream/client_auth",
    "upstream/client_secret", "upstream/name", "upstream/request_timeout", "resources/issues/url",
    "resources/issues/scopes/a", "database/url", "keys/seal", "keys/signing_alg",
    "tokens/access_token_lifetime", "registration/enabled", "registration/private_schemes",
    "rate_limits/trusted_egress", "pages/templates", "server/trusted_proxies",
])  # fmt: skip
def test_no_error_repeats_what_was_written(write, path):
    value = f"\u0000{LITERAL}"
    is_list = path.endswith(("schemes", "egress", "seal"))
    with pytest.raises(SettingsError) as caught:
        load(write({path: [value] if is_list else value}))
    error = caught.value
    shown = [str(error), repr(error), "".join(traceback.format_exception(error))]
    assert not [text for text in shown if LITERAL in text]
    assert error.__context__ is None
    assert error.__cause__ is None
