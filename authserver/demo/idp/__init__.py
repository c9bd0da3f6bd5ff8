"""A development identity provider: OpenID Connect Core 1.0 §3.1, Discovery 1.0 §3, RFC 9207.

Anybody who presses a button is signed in, so it answers on loopback only. In all else it is
strict: it shares no code with `authserver.oauth`, so that a mistake there cannot hide behind the
same mistake here.
"""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, render_template_string, request
from joserfc.jwk import KeySet, RSAKey

from authserver.demo.idp.authentication_request import PROMPTS, SCOPES, Refusal
from authserver.demo.idp.memory import PEOPLE, Memory, Person, RelyingParty
from authserver.demo.idp.pages import REFUSAL_PAGE
from authserver.demo.idp.sign_in import SignIn
from authserver.demo.idp.tokens import Tokens
from authserver.demo.loopback import is_loopback

__all__ = ["PEOPLE", "Person", "RelyingParty", "create_idp"]


def create_idp(
    issuer: str,
    relying_party: RelyingParty,
    *,
    people: tuple[Person, ...] = PEOPLE,
    clock: Callable[[], int] = lambda: int(time.time()),
) -> Flask:
    """Return the provider as a WSGI app with a new signing key and an empty memory.

    Raises ValueError for an issuer that is not on loopback.
    """
    if not is_loopback(urlsplit(issuer).hostname or ""):
        raise ValueError("The issuer of the development identity provider must be on loopback.")
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    memory = Memory(relying_party, {person.subject: person for person in people}, clock)
    sign_in, tokens = SignIn(issuer, memory), Tokens(issuer, memory, key)
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/.well-known/openid-configuration", "about", lambda: _about(issuer))
    app.add_url_rule("/jwks", "jwks", lambda: KeySet([key]).as_dict(private=False))
    app.add_url_rule("/authorize", view_func=sign_in.authorize, methods=["GET", "POST"])
    app.add_url_rule("/login", view_func=sign_in.login, methods=["POST"])
    app.add_url_rule("/token", view_func=tokens.token, methods=["POST"])
    app.add_url_rule("/userinfo", view_func=tokens.userinfo, methods=["GET", "POST"])
    app.before_request(lambda: _only_loopback(issuer))
    app.after_request(_guarded)
    app.register_error_handler(Refusal, _refused)
    return app


def _about(issuer: str) -> Response:
    return jsonify(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        userinfo_endpoint=f"{issuer}/userinfo",
        jwks_uri=f"{issuer}/jwks",
        scopes_supported=list(SCOPES),
        response_types_supported=["code"],
        response_modes_supported=["query"],
        grant_types_supported=["authorization_code"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=["RS256"],
        token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
        code_challenge_methods_supported=["S256"],
        prompt_values_supported=sorted(PROMPTS),
        claims_supported=["sub", "name", "email", "email_verified", "auth_time", "nonce"],
        authorization_response_iss_parameter_supported=True,
        claims_parameter_supported=False,
        request_parameter_supported=False,
        request_uri_parameter_supported=False,  # absent would mean true
    )


def _only_loopback(issuer: str) -> None:
    # The address stops a server that was bound elsewhere, the name stops DNS rebinding.
    if not is_loopback(request.remote_addr or "") or request.host != urlsplit(issuer).netloc:
        raise Refusal("forbidden", "This provider is for development, on this machine only.", 403)


def _guarded(answer: Response) -> Response:
    public = request.endpoint in ("about", "jwks")
    answer.headers["Cache-Control"] = "public, max-age=60" if public else "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
    )
    return answer


def _refused(refusal: Refusal) -> Response:
    page = render_template_string(REFUSAL_PAGE, description=refusal.description)
    return Response(page, status=refusal.status)
