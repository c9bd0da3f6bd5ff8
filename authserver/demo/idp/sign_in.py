"""The authorization endpoint and its login page: OpenID Connect Core 1.0 §3.1.2, RFC 9207 §2."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from flask import Response, render_template_string, request

from authserver.demo.idp.authentication_request import Asked, Refusal, check, parameters
from authserver.demo.idp.memory import Memory, Proven, SignedIn
from authserver.demo.idp.pages import LOGIN_PAGE

_COOKIE = "development_idp"


class SignIn:
    """`/authorize` and `/login`."""

    def __init__(self, issuer: str, memory: Memory) -> None:
        self._issuer, self._memory = issuer, memory

    def authorize(self) -> Response:
        """Check a request, then answer it from the session or show the people."""
        sent = parameters(request.form if request.method == "POST" else request.args)
        redirect_uri = self._proven_redirect_uri(sent)
        try:
            return self._answer_or_ask(check(sent, redirect_uri))
        except Refusal as refusal:
            return self._back(redirect_uri, sent.get("state"), refusal.members())

    def login(self) -> Response:
        """Take the button that was pressed: a person, or none for "Cancel"."""
        sent = parameters(request.form)
        asked = self._memory.tickets.take(sent.get("ticket", ""))
        if asked is None:
            raise Refusal("expired", "This page was used already or is too old. Start again.")
        person = self._memory.people.get(sent.get("person", ""))
        if person is None:
            refusal = Refusal("access_denied", "Nobody signed in.")
            return self._back(asked.redirect_uri, asked.state, refusal.members())
        signed_in = SignedIn(person, self._memory.clock())
        answer = self._answer(asked, signed_in)
        session = self._memory.sessions.put(signed_in)
        answer.set_cookie(_COOKIE, session, httponly=True, samesite="Lax")
        return answer

    def _proven_redirect_uri(self, sent: Mapping[str, str]) -> str:
        if sent.get("client_id") != self._memory.client.client_id:
            raise Refusal("invalid_request", "This client_id is not known here.")
        redirect_uri = sent.get("redirect_uri", "")
        if redirect_uri not in self._memory.client.redirect_uris:
            raise Refusal("invalid_request", "This redirect_uri is not registered.")
        return redirect_uri

    def _answer_or_ask(self, asked: Asked) -> Response:
        session = self._memory.sessions.see(request.cookies.get(_COOKIE, ""))
        if session is not None and self._serves(session, asked):
            return self._answer(asked, session)
        if "none" in asked.prompt:
            raise Refusal("login_required", "Nobody is signed in here.")
        people = sorted(self._memory.people.values(), key=lambda each: not each.is_hinted(asked))
        page = render_template_string(
            LOGIN_PAGE,
            people=people,
            suggested=[person for person in people if person.is_hinted(asked)],
            ticket=self._memory.tickets.put(asked),
            client_id=self._memory.client.client_id,
        )
        return Response(page)

    def _serves(self, session: SignedIn, asked: Asked) -> bool:
        """Whether a session answers the request without showing the page."""
        age = self._memory.clock() - session.auth_time
        too_old = asked.max_age is not None and age >= asked.max_age
        somebody_else = asked.login_hint is not None and not session.person.is_hinted(asked)
        return not (asked.prompt - {"none"}) and not too_old and not somebody_else

    def _answer(self, asked: Asked, signed_in: SignedIn) -> Response:
        code = self._memory.codes.put(Proven(asked, signed_in))
        return self._back(asked.redirect_uri, asked.state, {"code": code})

    def _back(self, redirect_uri: str, state: str | None, members: Mapping[str, str]) -> Response:
        sent = {**members, "iss": self._issuer} | ({"state": state} if state is not None else {})
        separator = "&" if urlsplit(redirect_uri).query else "?"
        location = f"{redirect_uri}{separator}{urlencode(sent)}"
        return Response(status=303, headers={"Location": location})
