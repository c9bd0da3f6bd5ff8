"""Hypothesis strategies: queries of pages that are right but for a few changes, and any bytes"""

from urllib.parse import quote, quote_from_bytes

from hypothesis import strategies as st

NAMES = [
    "response_type", "client_id", "redirect_uri", "state", "code_challenge", "resource", "scope",
    "code_challenge_method", "prompt", "max_age", "nonce", "login_hint", "response_mode",
    "request", "request_uri", "claims", "iss", "code", "error", "pending", "account", "problem",
    "display", "ui_locales", "acr_values", "id_token_hint", "dpop_jkt", "next", "return_to",
]  # fmt: skip
REDIRECTS = [
    "https://evil.example/cb", "//evil.example", "javascript:alert(1)", "http://127.0.0.1:3999@evil",
    "http://127.0.0.1:3999/callback#", "http://127.0.0.1:80/callback", "http://[::1]/callback",
    "http://127.0.0.1:3999/callback/../x", "http://127.0.0.1:3999/callback\r\nX: y",
    "http://127.0.0.1:3999/callback?x", "http://localhost/callback", "http://127.0.0.1:3999/other",
    "https://app.example/cb", "https://127.0.0.1:3999/callback", "cursor://x/callback",
]  # fmt: skip
HOSTILE = [
    *REDIRECTS, "\0", "\ufeff", "'; DROP TABLE clients; --", "../../etc/passwd", "{{7*7}}",
    "<script>", '"', "\\", "é", "none", "login", "none login", "consent", "-1", "99999999999", "0",
    "true", "openid", " ", "null", "[]",
]  # fmt: skip
_texts = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_encoded = st.one_of(
    _texts.map(lambda text: quote(text, safe="")),
    st.binary(max_size=20).map(quote_from_bytes),
    st.binary(max_size=20).map(lambda raw: raw.decode("latin-1")),
    st.sampled_from(["%00", "%ED%A0%80", "%ff", "%", "%zz", "%u0041", "+", ";", "a=b", "%26x=y"]),
)
_any_change = st.tuples(
    st.sampled_from(["set", "add", "drop"]),
    st.sampled_from(NAMES) | _encoded,
    _encoded | st.just("{known}"),
)
_redirect = st.tuples(
    st.just("set"),
    st.just("redirect_uri"),
    st.sampled_from(REDIRECTS).map(lambda uri: quote(uri, safe="")),
)
changes = st.lists(_any_change | _any_change | _redirect, max_size=4)
raw = st.binary(max_size=120).map(lambda each: each.decode("latin-1"))
cookies = st.none() | st.text(st.characters(max_codepoint=255), max_size=40)


def changed(honest, edits):
    """Return a query with some of its parameters set, added again or dropped."""
    pairs = [(name, quote(value, safe="")) for name, value in honest.items()]
    for how, name, value in edits:
        known = value.replace("{known}", quote(str(honest.get(name, "")), safe=""))
        if how != "add":
            pairs = [pair for pair in pairs if pair[0] != name]
        if how != "drop":
            pairs.append((name, known))
    return "&".join(f"{name}={value}" for name, value in pairs)
