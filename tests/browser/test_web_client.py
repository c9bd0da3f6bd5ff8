"""A client that is a page in Chromium: CORS decides what it may read"""


def test_a_client_in_a_browser_discovers_registers_and_redeems_from_its_own_origin(
    visit, register, callback, site
):
    """What the MCP Inspector and web applications do; CORS decides, in Chromium itself."""
    visitor, script = visit(), callback.url.removesuffix("/callback")
    visitor.open(script)
    done = visitor.page.evaluate(
        """async ([issuer, redirect]) => {
            const json = {"Content-Type": "application/json", "MCP-Protocol-Version": "2026-07-28"};
            const at = issuer.replace("/oauth", "/.well-known/oauth-authorization-server/oauth");
            const metadata = await (await fetch(at, {headers: json})).json();
            const keys = await (await fetch(metadata.jwks_uri)).json();
            const body = JSON.stringify({redirect_uris: [redirect], client_name: "In a page"});
            const made = await fetch(metadata.registration_endpoint,
                {method: "POST", headers: json, body});
            const refused = await fetch(metadata.token_endpoint,
                {method: "POST", body: new URLSearchParams({grant_type: "refresh_token"})});
            const page = await fetch(metadata.authorization_endpoint).then(() => "read", () => "");
            const userinfo = await fetch(metadata.userinfo_endpoint);
            return {keys: keys.keys.length, client: await made.json(), page,
                refused: await refused.json(),
                challenge: userinfo.headers.get("WWW-Authenticate")};
        }""",
        [site.issuer, callback.url],
    )
    visitor.complaints.clear()  # the page of ours that it may not read

    assert done["keys"] == 1
    assert done["client"]["client_name"] == "In a page"
    assert done["refused"]["error"] == "invalid_client"
    assert done["challenge"].startswith("Bearer, DPoP ")
    assert done["page"] == ""
