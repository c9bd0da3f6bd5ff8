"""The issuer is canonical, or the server does not start"""

import pytest

RIGHT = [
    "https://auth.example.com",
    "https://auth.example.com:8443",
    "https://auth.example.com/tenant/a",
    "https://auth.example.com/Tenant_1.x~y-z",
    "https://a",
    "https://192.0.2.1",
    "https://[2001:db8::1]:8443/x",
    "http://localhost",
    "http://localhost:8000",
    "http://127.0.0.1:8000/auth",
    "http://[::1]:8000",
]
WRONG = [
    # issuer, message, remedy
    ("http://auth.example.com", "http for a host", "https://"),
    ("http://localhost.example.com", "http for a host", "https://"),
    ("http://127.0.0.2", "http for a host", "https://"),
    ("http://0.0.0.0:8000", "http for a host", "https://"),
    ("https://auth.example.com/", "ends with a slash", "without the slash"),
    ("https://auth.example.com/tenant/", "ends with a slash", "without the slash"),
    ("https://Auth.example.com", "capitals", "lower case"),
    ("HTTPS://auth.example.com", "capitals", "lower case"),
    ("https://auth.example.com:443", "default port", "write https://auth.example.com"),
    ("https://auth.example.com:", "default port", "write https://auth.example.com"),
    ("http://localhost:80", "default port", "write http://localhost"),
    ("https://auth.example.com:08443", "leading zeros", "https://auth.example.com:8443"),
    ("https://auth.example.com:0", "not a URL", "https://"),
    ("https://auth.example.com:65536", "not a URL", "https://"),
    ("https://auth.example.com?", "query", "without ?"),
    ("https://auth.example.com/a?b=c", "query", "without ?"),
    ("https://auth.example.com#", "fragment", "without #"),
    ("https://auth.example.com#x", "fragment", "without #"),
    ("https://user@auth.example.com", "user information", "@"),
    ("https://user:hunter2@auth.example.com", "user information", "@"),
    ("https://@auth.example.com", "user information", "@"),
    ("https://auth.example.com/a/../b", "dot segments", "without . and .."),
    ("https://auth.example.com/.", "dot segments", "without . and .."),
    ("https://auth.example.com/%2e%2E/b", "dot segments", "without . and .."),
    ("https://auth.example.com//a", "two ways", "single slashes"),
    ("https://auth.example.com/%41", "two ways", "letters"),
    ("https://auth.example.com/a;b", "two ways", "letters"),
    ("https://auth.example.com/a\\b", "user information", "@"),
    ("https://auth.example.com\\@evil.example", "user information", "@"),
    ("https://auth..example.com", "host name", "DNS name"),
    ("https://-auth.example.com", "host name", "DNS name"),
    ("https://auth_1.example.com", "host name", "DNS name"),
    ("https://*.example.com", "host name", "DNS name"),
    ("https://[2001:DB8::1]", "capitals", "lower case"),
    ("https://[2001:0db8::1]", "host name", "DNS name"),
    ("https://[v1.x]", None, None),
    ("https://[::1", "not a URL", "https://"),
    ("https://münchen.example", "not a URL", "https://"),
    ("https://auth.example.com\n", "not a URL", "https://"),
    (" https://auth.example.com", "not a URL", "https://"),
    ("https://", "not a URL", "https://"),
    ("https:auth.example.com", "not a URL", "https://"),
    ("auth.example.com", "not a URL", "https://"),
    ("ftp://auth.example.com", "not a URL", "https://"),
    ("", "not a URL", "https://"),
    (5, "not a URL", "https://"),
    (["https://auth.example.com"], "not a URL", "https://"),
]


@pytest.mark.spec("RFC 8414", "2")
@pytest.mark.parametrize("issuer", RIGHT)
def test_a_canonical_issuer_is_kept_byte_by_byte(settings, issuer):
    assert settings({"issuer": issuer}).issuer == issuer


@pytest.mark.spec("RFC 8414", "2")
@pytest.mark.parametrize(("issuer", "message", "remedy"), WRONG)
def test_any_other_issuer_is_refused_with_what_to_write(problems, issuer, message, remedy):
    (problem,) = problems({"issuer": issuer})
    assert problem.key == "issuer"
    assert (message or "") in problem.message
    assert (remedy or "") in problem.remedy
    assert "hunter2" not in f"{problem}"
