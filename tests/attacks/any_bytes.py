"""Hypothesis strategies: bodies and headers that are likely to be nearly right"""

import base64
import json
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

octets = st.binary(max_size=200)
header_text = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=80)
base64ed = octets.map(lambda raw: base64.b64encode(raw).decode())
values = octets.map(quote_from_bytes) | header_text.map(
    lambda text: text.encode("latin-1").decode("latin-1")
)
names = st.sampled_from(
    ["grant_type", "code", "code_verifier", "client_id", "client_secret", "refresh_token",
     "redirect_uri", "resource", "scope", "audience", "client_assertion", "client_assertion_type"]
)  # fmt: skip
likely = st.sampled_from(
    ["authorization_code", "refresh_token", "{id}", "mcpas_rt_" + "A" * 75, "mcpas_ac_x",
     "v" * 43, "https://issues.example/mcp", "openid"]
)  # fmt: skip
forms = st.lists(st.tuples(names, likely | values).map("=".join), max_size=8).map(
    lambda pairs: "&".join(pairs).encode("latin-1")
)
segments = st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "exp", "scope"]),
    st.sampled_from(
        ["ES256", "none", "HS256", "at+jwt", "", [], {}, None, True, -1, 1e300, "\ud800"]
    ),
).map(lambda each: base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("="))
tokens = st.lists(segments | header_text, min_size=1, max_size=5).map(".".join)
authorization = st.one_of(
    header_text,
    base64ed.map("Basic ".__add__),
    header_text.map("Basic ".__add__),
    tokens.map("Bearer ".__add__),
    st.just("Bearer ") | st.just("bearer\t"),
)
other_headers = st.dictionaries(
    st.sampled_from(
        ["Accept", "Cookie", "Content-Encoding", "DPoP", "Expect", "Forwarded", "If-None-Match",
         "Origin", "Range", "Transfer-Encoding", "X-Forwarded-For", "X-Forwarded-Host",
         "X-Forwarded-Prefix", "X-Request-Id", "Content-Type", "Host", "Content-Length"]
    ),
    header_text,
    max_size=3,
)  # fmt: skip


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
members = st.dictionaries(
    st.sampled_from(
        ["redirect_uris", "client_name", "grant_types", "response_types", "scope", "jwks",
         "jwks_uri", "token_endpoint_auth_method", "application_type", "client_uri", "contacts",
         "logo_uri", "software_id", "tos_uri", "policy_uri", "client_id", "client_secret"]
    ),
    json_values
    | st.lists(st.text(max_size=20).map("http://127.0.0.1/".__add__), max_size=2)
    | st.sampled_from([["http://127.0.0.1/"], ["https://a.example/cb"], ["cursor://x/y"], ["//"]]),
    max_size=5,
)  # fmt: skip
documents = st.one_of(
    octets,
    json_values.map(lambda value: json.dumps(value).encode()),
    members.map(lambda value: json.dumps(value).encode()),
    members.map(
        lambda value: json.dumps({"redirect_uris": ["http://localhost/"], **value}).encode()
    ),
)
