"""Canaries: whatever the provider does, no secret of a sign-in is in an error, a repr or a log."""

import logging
import traceback

import pytest

from authserver.upstream.errors import UpstreamError, UpstreamUnavailable
from tests.upstream.conftest import NONCE, VERIFIER
from tests.upstream.hostile_idp import ABSENT, CLIENT_SECRET
from tests.upstream.spoiled_server import Spoiled

THIN = {"name": ABSENT}


def _redirect_everything(idp):
    idp.spoiled["/token"] = Spoiled(302, b"", {"Location": "http://127.0.0.1:1/canary-location"})


def _echo(idp):
    """Send the request back as the error's code and description, as some providers do."""
    idp.spoiled["/token"] = Spoiled(400, f'{{"error": "{VERIFIER}", "e": "{NONCE}"}}'.encode())


def _spoil(path, answer):
    return lambda idp: idp.spoiled.update({path: answer})


def _claims(**claims):
    return lambda idp: idp.claims.update(claims)


FAILURES = {
    "refused": lambda idp: idp.codes.clear(),
    "echoed": _echo,
    "redirected": _redirect_everything,
    "html": _spoil("/token", Spoiled(200, b"<canary-html>")),
    "not json": _spoil("/token", Spoiled(200, b'{"access_token": "canary-access-1"')),
    "dropped": _spoil("/token", Spoiled(200, b"", {"Content-Length": "9", "Connection": "close"})),
    "no http": _spoil("/token", Spoiled(999, b"x", {"Connection": "close", "bad header": "x"})),
    "bad access token": lambda idp: idp.token_answer.update({"access_token": "canary\r\nX: 1"}),
    "no id token": lambda idp: idp.token_answer.update({"id_token": ABSENT}),
    "forged": lambda idp: setattr(idp, "forge", lambda token: token + "A"),
    "garbled": lambda idp: setattr(idp, "forge", lambda token: "A" + token),
    "unknown key": lambda idp: idp.rotate("key-2") or idp.spoiled.update({"/jwks": Spoiled(500)}),
    "nonce": _claims(nonce="canary-other-nonce"),
    "subject": _claims(sub="canary\n"),
    "audience": _claims(aud="canary-aud"),
    "at_hash": _claims(at_hash="canary-hash"),
    "userinfo of another": lambda idp: (
        idp.claims.update(THIN) or idp.userinfo.update({"sub": "canary-sub"})
    ),
    "userinfo down": lambda idp: (
        idp.claims.update(THIN) or idp.spoiled.update({"/userinfo": Spoiled(500)})
    ),
}


def _texts(error):
    """Everything a logger or error tracker could show of an exception and what hangs on it."""
    seen = []
    while error is not None:
        seen += [str(error), repr(error), repr(error.args), repr(vars(error))]
        seen += traceback.format_exception(error)
        error = error.__cause__ or error.__context__
    return seen


def _canaries(*texts):
    secret_words = [CLIENT_SECRET, CLIENT_SECRET[:13], "canary"]
    return [text for text in texts if any(word in text for word in secret_words)]


@pytest.mark.spec("RFC 9700", "4.2.4")
@pytest.mark.parametrize("spoil", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("client_auth", ["client_secret_basic", "client_secret_post"])
def test_no_secret_is_in_an_error_or_a_log(make_login, idp, caplog, spoil, client_auth):
    caplog.set_level(logging.DEBUG)
    idp.client_auth = client_auth
    login = make_login(client_auth=client_auth)
    callback = idp.sign_in(login.url())
    spoil(idp)
    texts = []
    try:
        texts.append(repr(login.redeem(callback)))
    except (UpstreamError, UpstreamUnavailable) as error:
        texts += _texts(error)

    assert texts
    assert not _canaries(*texts, caplog.text)


def test_the_parts_of_a_sign_in_keep_their_secrets_from_repr(login, idp):
    from authserver.upstream.id_token import Expected
    from authserver.upstream.session import Answer
    from authserver.upstream.token_request import Tokens

    parts = [
        Tokens("canary-access", "canary-id"),
        Expected("https://idp.example", "client", "canary-nonce", "canary-access"),
        Answer("token endpoint", 200, b"canary"),
        login.sign_in(),
        login.client,
    ]

    assert not _canaries(*map(repr, parts))


def test_the_canaries_would_be_found():
    assert _canaries(f"code_verifier={VERIFIER}", repr(CLIENT_SECRET)) != []
