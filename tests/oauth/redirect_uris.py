"""Redirect URIs that real clients use, those that nobody may use, and shapes of both."""

from hypothesis import strategies as st

ACCEPTED = [
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "http://localhost:8787/callback",
    "https://vscode.dev/redirect",
    "https://insiders.vscode.dev/redirect",
    "http://127.0.0.1/",
    "http://127.0.0.1:33418/",
    "http://127.0.0.1:33418",
    "https://claude.ai/api/mcp/auth_callback",
    "https://claude.com/api/mcp/auth_callback",
    "https://chatgpt.com/connector_platform_oauth_redirect",
    "https://chatgpt.com/connector/oauth/EXAMPLEID",
    "https://global.consent.azure-apim.net/redirect/example-connector",
    "http://localhost:17421",
    "https://app.thunderbolt.io/oauth/callback",
    "http://[::1]:5/cb",
    "http://127.0.0.1/callback",
    "com.example.app:/cb",
    "com.example.app:///cb",
    "cursor://callback",
    "https://example.com/cb?tenant=7",
    "https://example.com/.hidden/cb..txt/...",
    "https://example.com",
]

HOSTILE_SCHEMES = [
    "javascript:alert(1)", "JavaScript:alert(1)", "javascript://x/%0aalert(1)",
    "javascript:/cb", "data:text/html,x", "DATA:/cb", "vbscript:x", "vbscript:/x",
    "blob:https://example.com/x", "file:///etc/passwd", "file:/x", "about:blank", "about:/x",
    "filesystem:/x", "view-source:/x", "ws://example.com/cb", "intent://x/cb", "mailto:/a",
]  # fmt: skip

LOOK_ALIKES = [
    "http://localhost.evil.com/cb", "http://127.0.0.1.evil.com/cb", "http://evil.example/cb",
    "http://localhost./cb", "http://LOCALHOST/cb", "http://127.1/cb", "http://0x7f.1/cb",
    "http://2130706433/cb", "http://127.000.000.001/cb", "http://[::ffff:127.0.0.1]/cb",
    "http://[::ffff:7f00:1]/cb", "http://[0:0:0:0:0:0:0:1]/cb", "http://[::1/cb", "http://::1/cb",
    "http://127.0.0.2/cb", "http://0.0.0.0/cb", "http://127。0。0。1/cb",
    "http://localhost%00/cb", "http://local%68ost/cb", "https://0x7f.1/cb", "https://0x7F000001",
    "https://2130706433/cb", "https://1.2.3/cb", "https://example.0x1/cb", "https://010.0.0.1/",
    "https://[::0001]/cb", "https://[2001:DB8::1]/cb", "https://[12345::]/cb", "https://[:::]/",
    "https://ex%61mple.com/cb", "https://exämple.com/cb", "https://ⓔxample.com/cb",
    "https://example。com/cb", "https://exam\u202eple.com/cb", "https://exa\u200bmple.com/cb",
]  # fmt: skip

REFUSED = [
    *HOSTILE_SCHEMES,
    *LOOK_ALIKES,
    # userinfo, and what some parsers take for it
    "https://a@evil.example/cb", "http://user@localhost:1/cb", "http://127.0.0.1:80@evil.com/",
    "https://a:b@example.com/cb", "https://@example.com/cb", "cursor://a@b/cb",
    "https://example.com/@evil.example", "https://example.com?@evil.example/",
    # fragment, also an empty one
    "http://127.0.0.1:1/cb?x=1#f", "https://example.com/cb#", "https://example.com/cb?#",
    "cursor://x/cb#f",
    # wildcard
    "https://*.example.com/cb", "https://example.com/*", "http://127.0.0.1:*/cb",
    # dot segments in any encoding, and what servers take for them
    "https://example.com/x/../cb", "https://example.com/./cb", "https://example.com/..",
    "https://example.com/%2e%2e/cb", "https://example.com/.%2E/cb", "https://example.com/..;/cb",
    "https://example.com/x;../cb", "https://example.com/..?x=1", "https://example.com/..%2fcb",
    "https://example.com/x%2F..%2Fcb", "https://example.com/x%5c..%5ccb",
    "https://example.com/%252e%252e/cb", "https://example.com/x%252f%252e%252e%252fcb",
    "https://example.com/..%3b/cb", "https://example.com//cb", "https://example.com//evil.com/cb",
    "com.example.app:/../cb", "cursor://x/%2e/cb",
    # controls, spaces, quotes, backslashes, other characters than ASCII
    " https://example.com/cb", "https://example.com/cb ", "https://example.com/c b",
    "\thttps://example.com/cb", "https://example.com/c\tb", "https://example.com/cb\n",
    "https://exam\nple.com/cb", "java\nscript:alert(1)", "https://example.com/\0",
    "https://example.com\\@evil.example/cb", "https:\\\\example.com/cb", 'https://e/"',
    "https://e/é", "https://e/<x>", "https://e/`", "https://e/{x}", "https://e/|",
    "https://e/%0d%0aSet-Cookie:x", "https://e/cb?x=%0A", "https://e/%00", "https://e/%7F",
    "https://e/%1f", "https://e/100%", "https://e/%zz", "https://e/%2", "https://e/\ud800",
    # ports
    "http://127.0.0.1:0080/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:0/cb",
    "http://127.0.0.1:99999/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:-1/cb",
    "http://127.0.0.1::/cb", "http://127.0.0.1:٣/cb", "http://127.0.0.1:+1/cb",
    "https://example.com:0443/cb", "http://127.0.0.1:1:2/cb",
    # scheme and host
    "HTTPS://example.com/cb", "Http://localhost/cb", "https:/cb", "https:cb", "https://", "https:",
    "https:///cb", "http://:80/cb", "https://-a.example/cb", "https://a..b/cb", "https://.a/cb",
    "https://a./cb", "//example.com/cb", "/cb", "cb", "", ":", "://", "1x:/cb", "-x:/cb",
    "cursor:", "cursor:cb", "cursor:?x=/", "com.example.app:cb", "com.example.app://",
    "com.example.app:////cb",
    "https://example.com/" + "a" * 2048, "a" * 65536, "https://" + "a." * 32768,
    "https://e/" + "%2e" * 20000, "https://e/" + "%25" * 20000, "a:" * 30000, "[" * 65536,
]  # fmt: skip

SHAPES = st.lists(
    st.sampled_from(
        ["https", "http", "HTTP", "cursor", "javascript", "com.example", ":", "/", "//", "://",
         "localhost", "127.0.0.1", "[::1]", "0x7f", "example.com", ":80", ":0", "..", "%2e", "%2f",
         "%25", "%0a", "%", "?", "&", ";", "=", "code", "#", "@", "*", "\\", " ", "\n", "é", "a"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


def ascii_start(raw: str) -> str:
    """Return what names a case: some are 64 KB long."""
    return ascii(raw)[1:41]
