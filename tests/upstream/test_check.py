"""`config check --upstream`: what would fail is said with a remedy, before a user meets it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from authserver.settings import SettingsError, load
from authserver.upstream.check import check
from authserver.upstream.metadata_check import judge, remarks
from tests.actors import write_config
from tests.upstream.hostile_idp import ABSENT, CLIENT_SECRET, NOW, HostileIdp
from tests.upstream.plain_server import PlainServer
from tests.upstream.spoiled_server import Spoiled

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def checked(idp, tmp_path):
    def checked(**changes):
        settings = load(write_config(tmp_path, "sqlite:///unused.db", idp.issuer))
        upstream = dataclasses.replace(settings.upstream, **changes)
        return check(dataclasses.replace(settings, upstream=upstream), NOW)

    return checked


def _said(report):
    return [(each.message, each.remedy) for each in report.problems]


def test_a_provider_that_fits_has_no_problem_and_the_redirect_uri_is_told(checked):
    report = checked()
    assert _said(report) == []
    assert "It takes our credentials." in report.notes
    assert report.redirect_uri == "https://auth.example/callback"


PROBLEMS = [
    ({"issuer": "https://other.example"}, "issuer https://other.example", 'issuer = "https://oth'),
    ({"issuer": "https://ms/{tenantid}/v2.0"}, "for many tenants", "entra-multitenant"),
    ({"issuer": ABSENT}, "names no issuer", "discovery_url"),
    ({"token_endpoint": ABSENT}, "token_endpoint is missing", "ask who runs it"),
    ({"jwks_uri": "http://idp.example/jwks"}, "jwks_uri is not https", "ask"),
    ({"code_challenge_methods_supported": ["plain"]}, "without S256", "S256"),
    ({"code_challenge_methods_supported": []}, "without S256", "S256"),
    ({"response_types_supported": ["id_token"]}, "response_type=code", "code flow"),
    (
        {"id_token_signing_alg_values_supported": ["HS256"]},
        "signs ID tokens with HS256",
        "asymmetric key",
    ),
    (
        {"id_token_signing_alg_values_supported": ["RS512"]},
        "signs ID tokens with RS512",
        "add one of them to id_token_algs",
    ),
    (
        {"token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"]},
        "client_auth client_secret_basic",
        'client_auth = "client_secret_post" or "private_key_jwt"',
    ),
    ({"token_endpoint_auth_methods_supported": ["tls_client_auth"]}, "client_auth", "ask"),
]


@pytest.mark.parametrize(("metadata", "message", "remedy"), PROBLEMS)
def test_what_does_not_fit_in_its_metadata_is_a_problem(checked, idp, metadata, message, remedy):
    idp.metadata = metadata
    ((said, advised),) = _said(checked())
    assert message in said
    assert remedy in advised


def test_every_problem_is_told_at_once(checked, idp):
    idp.metadata = {
        "code_challenge_methods_supported": ["plain"],
        "id_token_signing_alg_values_supported": ["HS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }
    assert len(checked().problems) == 3


@pytest.mark.parametrize("answer", [Spoiled(404), Spoiled(200, b"<html>"), Spoiled(302)])
def test_metadata_that_is_not_there_is_a_problem_with_its_url(checked, idp, answer):
    idp.spoiled[DISCOVERY] = answer
    ((said, _),) = _said(checked())
    assert f"{idp.issuer}{DISCOVERY} cannot be read" in said


@pytest.mark.parametrize("answer", [Spoiled(500), Spoiled(200, b'{"keys": []}')])
def test_keys_that_are_not_there_are_a_problem(checked, idp, answer):
    idp.spoiled["/jwks"] = answer
    ((said, _),) = _said(checked())
    assert f"{idp.origin}/jwks cannot be used" in said


def test_credentials_that_the_provider_does_not_take_are_a_problem(checked):
    ((said, advised),) = _said(checked(client_secret="not the right one"))
    assert "does not take our credentials (401 invalid_client)" in said
    assert "client_secret_basic" in advised


def test_the_secret_goes_nowhere_but_to_the_provider_that_was_meant(checked, idp):
    idp.metadata = {"issuer": "https://other.example"}
    checked()
    assert not idp.asked("/token")


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (Spoiled(400, b'{"error": "unknown"}'), "could not be tried (400 unregistered error code)"),
        (Spoiled(200, b'{"access_token": "x"}'), "did not refuse a code that nobody issued"),
    ],
)
def test_an_answer_that_tells_nothing_is_a_note(checked, idp, answer, note):
    idp.spoiled["/token"] = answer
    report = checked()
    assert _said(report) == []
    assert any(note in each for each in report.notes)


def test_a_token_endpoint_that_is_down_is_a_problem(checked, idp):
    idp.spoiled["/token"] = Spoiled(502, b"<html>")
    ((said, _),) = _said(checked())
    assert "does not answer as a token endpoint" in said


@pytest.mark.parametrize(
    ("metadata", "changes", "note"),
    [
        ({}, {}, "does not say that it checks PKCE"),
        ({"scopes_supported": ["openid"]}, {}, "does not list the scopes profile, email"),
        ({"claims_supported": ["sub"]}, {"subject_claim": "oid"}, "does not list the claim oid"),
        (
            {"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
            {"client_auth": "none"},
            "does not list public clients",
        ),
    ],
)
def test_what_may_be_a_mistake_is_a_note(checked, idp, metadata, changes, note):
    idp.metadata = metadata
    if changes.get("client_auth") == "none":
        idp.client_auth = "none"
    report = checked(**changes)
    assert _said(report) == []
    assert any(note in each for each in report.notes)


def test_userinfo_that_is_wanted_and_not_there_is_a_problem(checked, idp):
    idp.metadata = {"userinfo_endpoint": ABSENT}
    ((said, advised),) = _said(checked(userinfo="always"))
    assert "no userinfo endpoint" in said
    assert "when-needed" in advised


def test_the_public_key_to_register_is_told_and_the_private_one_is_not(checked, idp):
    from authserver.settings.upstream import ClientKey

    key = ECKey.generate_key("P-256")
    idp.client_auth, idp.client_key, idp.assertion_audience = "private_key_jwt", key, idp.issuer
    report = checked(
        client_auth="private_key_jwt", client_secret=None, client_key=ClientKey("k1", "ES256", key)
    )
    assert _said(report) == []
    assert report.public_key is not None
    assert {name: report.public_key[name] for name in ("kid", "alg", "use")} == {
        "kid": "k1", "alg": "ES256", "use": "sig",
    }  # fmt: skip
    assert "d" not in report.public_key


def test_an_assertion_that_the_provider_cannot_check_is_a_problem(checked, idp):
    from authserver.settings.upstream import ClientKey

    document = {"token_endpoint_auth_signing_alg_values_supported": ["RS256"]}
    settings = dataclasses.replace(
        load_upstream(idp), client_auth="private_key_jwt",
        client_key=ClientKey("k1", "ES256", ECKey.generate_key("P-256")),
    )  # fmt: skip
    found = [each.message for each in judge({"issuer": idp.issuer, **document}, settings)]
    assert any("assertions signed with ES256" in each for each in found)


def load_upstream(idp):
    from tests.upstream.conftest import settings

    return settings(idp)


def test_remarks_of_metadata_that_says_little_are_few(idp):
    assert len(list(remarks({"issuer": idp.issuer}, load_upstream(idp)))) == 1


@pytest.mark.parametrize(("supported", "said"), [(True, 1), (False, 0), ("true", 0), (None, 0)])
def test_a_provider_that_tells_of_logouts_is_to_know_where(idp, supported, said):
    document = {"issuer": idp.issuer, "backchannel_logout_supported": supported}
    notes = " ".join(remarks(document, load_upstream(idp)))
    assert notes.count("/backchannel-logout") == said


# --- the command ---------------------------------------------------------------------------------

PLAIN = """
issuer = "https://auth.example"

[upstream]
type = "oauth2"
preset = "github"
authorization_endpoint = "{origin}/login/oauth/authorize"
token_endpoint = "{origin}/login/oauth/access_token"
userinfo_endpoint = "{origin}/user"
emails_endpoint = "{origin}/user/emails"
client_id = "mcp:auth server"
client_secret = "file:upstream-secret"

[keys]
seal = ["file:sealing-key"]

[resources.issues]
url = "https://issues.example/mcp"
"""


@pytest.fixture
def run(tmp_path):
    from click.testing import CliRunner

    from authserver.cli import main

    def run(path, *more):
        command = ["config", "check", "--config", str(path), "--upstream", *more]
        return CliRunner().invoke(main, command)

    return run


def test_the_command_says_what_to_register_and_that_all_is_well(run, idp, tmp_path):
    result = run(write_config(tmp_path, "sqlite:///unused.db", idp.issuer))
    assert result.exit_code == 0, result.output
    assert "redirect URI at the identity provider: https://auth.example/callback" in result.stdout
    assert "Nothing was found that would fail" in result.stdout
    assert CLIENT_SECRET not in result.output


def test_the_command_fails_with_the_problem_and_its_remedy(run, idp, tmp_path):
    idp.metadata = {"issuer": f"{idp.issuer}/"}
    path = write_config(tmp_path, "sqlite:///unused.db", idp.issuer)
    result = run(path)
    assert result.exit_code == 1
    assert f'    -> write issuer = "{idp.issuer}/"' in result.stdout
    found = json.loads(run(path, "--json").stdout)
    assert found["valid"] is True
    assert found["upstream"]["problems"][0]["remedy"].startswith("write issuer")
    assert found["upstream"]["redirect_uri"] == "https://auth.example/callback"


def _plain(folder: Path, origin: str, secret: str = CLIENT_SECRET) -> Path:
    write_config(folder, "sqlite:///unused.db", origin)
    (folder / "upstream-secret").write_text(secret)
    path = folder / "plain.toml"
    path.write_text(PLAIN.format(origin=origin))
    return path


def test_a_plain_server_is_asked_whether_it_takes_our_credentials(run, tmp_path):
    with PlainServer() as idp:
        good = run(_plain(tmp_path, idp.origin))
        bad = run(_plain(tmp_path, idp.origin, "wrong"))
    assert (good.exit_code, "It takes our credentials." in good.stdout) == (0, True), good.output
    assert "neither expire nor can be refreshed" in good.stdout
    assert (bad.exit_code, "incorrect_client_credentials" in bad.stdout) == (1, True)


def test_a_redirect_uri_that_is_not_registered_is_a_problem(run, tmp_path):
    with PlainServer() as idp:
        path = "/login/oauth/access_token"
        idp.spoiled[path] = Spoiled(200, b'{"error": "redirect_uri_mismatch"}')
        result = run(_plain(tmp_path, idp.origin))
    assert result.exit_code == 1
    assert "register https://auth.example/callback" in result.stdout


# --- keys and authorities in the configuration ---------------------------------------------------


KEYS: dict[str, Any] = {
    "RS256": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
}


@pytest.fixture
def with_key(tmp_path):
    def with_key(pem, more=""):
        lines = f'client_key = "file:key.pem"\n{more}'
        with HostileIdp() as idp:
            path = write_config(tmp_path, "sqlite:///unused.db", idp.issuer)
        (tmp_path / "key.pem").write_bytes(pem)
        text = path.read_text().replace('client_secret = "file:upstream-secret"\n', lines)
        path.write_text(text.replace('"client_secret_basic"', '"private_key_jwt"'))
        return load(path).upstream.client_key

    return with_key


@pytest.mark.parametrize("alg", KEYS)
def test_a_key_is_known_by_its_thumbprint_and_signs_in_the_usual_way(with_key, alg):
    found = with_key(KEYS[alg].as_pem(private=True))
    assert (found.kid, found.alg, found.x5t) == (KEYS[alg].thumbprint(), alg, None)


def test_kid_and_algorithm_of_a_key_may_be_written(with_key):
    found = with_key(
        KEYS["RS256"].as_pem(private=True), 'client_key_id = "k9"\nclient_key_alg = "PS256"\n'
    )
    assert (found.kid, found.alg) == ("k9", "PS256")


@pytest.mark.parametrize(
    ("pem", "more", "message"),
    [
        (b"", "", "no private key that can sign"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "", "no private key"),
        (KEYS["ES256"].as_pem(private=False), "", "no private key"),
        (KEYS["ES256"].as_pem(private=True), 'client_key_alg = "RS256"\n', "cannot"),
        (
            KEYS["ES256"].as_pem(private=True)
            + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "",
            "certificate that cannot be read",
        ),
    ],
)
def test_what_cannot_sign_is_refused_and_not_repeated(with_key, pem, more, message):
    with pytest.raises(SettingsError) as refused:
        with_key(pem, more)
    (problem,) = refused.value.problems
    assert message.removesuffix("cannot") in problem.message
    assert "PRIVATE KEY" not in str(problem)
