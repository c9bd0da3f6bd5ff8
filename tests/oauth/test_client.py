import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import client as clients
from authserver.oauth import strict_json
from authserver.oauth.client import Client, RegistrationPolicy
from authserver.oauth.errors import OAuthError
from authserver.oauth.redirect_uri import RedirectPolicy, parse_pattern
from tests.oauth.samples import NOW, attempt, refused

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "clients"
BODIES = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.json"))}
SUPPORTED = ("mcp:read", "mcp:write", "openid", "profile", "email")
POLICY = RegistrationPolicy(scopes_supported=SUPPORTED)
MINIMAL: dict[str, object] = {"redirect_uris": ["http://127.0.0.1:1/cb"]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=4), each, max_size=2)
    ),
    max_leaves=4,
)
MEMBERS = st.sampled_from(
    ["redirect_uris", "client_name", "scope", "grant_types", "response_types", "jwks", "jwks_uri",
     "token_endpoint_auth_method", "application_type", "logo_uri", "software_id", "contacts"]
)  # fmt: skip


def parsed(policy=POLICY, **members):
    return clients.parse({**MINIMAL, **members}, policy)


def test_there_is_a_body_for_every_client_of_the_list():
    listed = (FOLDER / "README.md").read_text()
    assert len(BODIES) >= 19
    assert all(f"| `{name}` |" in listed for name in BODIES)


@pytest.mark.spec("RFC 7591", "3.2.1")
@pytest.mark.parametrize("name", BODIES)
def test_every_real_client_is_registered_with_all_its_redirect_uris(name):
    document = strict_json.parse_object(BODIES[name])
    client = clients.registered(clients.parse(document, POLICY), "mcp-1", None, NOW)
    answer = clients.echo(client, SUPPORTED)

    assert answer["redirect_uris"] == document["redirect_uris"]
    assert answer["client_name"] == document["client_name"]
    assert answer["token_endpoint_auth_method"] == document.get(
        "token_endpoint_auth_method", "none"
    )
    assert answer["grant_types"] == ["authorization_code", "refresh_token"]
    assert answer["response_types"] == ["code"]
    assert answer.get("application_type") == document.get("application_type")
    assert answer.get("client_uri") == document.get("client_uri")
    assert (answer["client_id"], answer["client_id_issued_at"]) == ("mcp-1", NOW)
    asked = str(document.get("scope") or " ".join(SUPPORTED)).split()
    assert str(answer["scope"]).split() == [each for each in asked if each in SUPPORTED]


@pytest.mark.parametrize("name", BODIES)
def test_the_answer_has_no_nulls_and_registers_the_same_client_again(name):
    client = clients.parse(strict_json.parse_object(BODIES[name]), POLICY)
    answer = clients.echo(client, SUPPORTED)

    assert all(value not in (None, "", []) for key, value in answer.items() if key != "client_id")
    again = clients.parse(strict_json.parse_object(json.dumps(answer)), POLICY)
    assert clients.echo(again, SUPPORTED) == answer


def test_cursor_keeps_its_three_redirect_uris():
    client = clients.parse(strict_json.parse_object(BODIES["cursor"]), POLICY)
    assert client.redirect_uris == (
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "http://localhost:8787/callback",
    )


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("name", ["claude-ai", "chatgpt"])
def test_a_client_gets_the_method_it_asks_for(name, method):
    document = strict_json.parse_object(BODIES[name]) | {"token_endpoint_auth_method": method}
    assert clients.parse(document, POLICY).token_endpoint_auth_method == method


@given(st.dictionaries(MEMBERS, JSON))
def test_any_members_are_a_client_or_a_refusal(members):
    for document in (members, {**members, **MINIMAL}):
        client = attempt(clients.parse, document, POLICY)
        if isinstance(client, OAuthError):
            assert client.code in ("invalid_redirect_uri", "invalid_client_metadata")
        else:
            answer = clients.echo(client, SUPPORTED)
            assert None not in answer.values()
            assert json.loads(json.dumps(answer, allow_nan=False)) == answer


@pytest.mark.spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(
    "value",
    [
        None, [], "https://a.example/cb", {}, {"0": "https://a.example/cb"}, 5, [1], [None],
        ["https://a.example/cb", None], [["https://a.example/cb"]], [{}], [""],
        [f"http://127.0.0.1:{port}/" for port in range(1, 12)],
        ["https://a.example/cb"] * 10_000,
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_redirect_uris_are_an_array_of_one_to_ten_uris(value):
    with refused("invalid_redirect_uri"):
        parsed(redirect_uris=value)


def test_redirect_uris_may_not_be_missing():
    with refused("invalid_redirect_uri"):
        clients.parse({}, POLICY)


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize(
    "hostile",
    [
        "javascript:alert(1)", "http://evil.example/cb", "https://a@evil.example/cb",
        "https://*.example.com/cb", "https://a.example/cb#", "https://a.example/../cb",
        "https://a.example/cb?code=1", "data:text/html,x", "not a uri",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_hostile_redirect_uri_refuses_all_and_is_named_by_its_place(hostile, place):
    uris = ["https://a.example/cb", "http://localhost/cb"]
    uris.insert(place, hostile)
    with refused("invalid_redirect_uri") as caught:
        parsed(redirect_uris=uris)
    assert caught.value.description.startswith(f"redirect_uris[{place}]: The redirect URI ")
    assert hostile not in caught.value.description


def test_a_private_scheme_that_is_not_listed_is_left_out_and_the_rest_kept():
    kept = parsed(redirect_uris=["unheardof://x/cb", "cursor://x/cb", "http://localhost/cb"])
    assert kept.redirect_uris == ("cursor://x/cb", "http://localhost/cb")
    with refused("invalid_redirect_uri") as caught:
        parsed(redirect_uris=["unheardof://x/cb", "other:/cb"])
    assert caught.value.description == "No member of redirect_uris is allowed here."


def test_what_an_operators_patterns_do_not_allow_is_left_out():
    patterns = (parse_pattern("https://*.example.com/*"),)
    policy = RegistrationPolicy(redirect=RedirectPolicy(patterns=patterns))
    uris = ["https://a.example.com/cb", "https://elsewhere.example/cb", "http://localhost/cb"]
    assert parsed(policy, redirect_uris=uris).redirect_uris == (uris[0], uris[2])


def test_the_same_redirect_uri_twice_is_one():
    twice = ["http://localhost/cb", "http://localhost/cb"]
    assert parsed(redirect_uris=twice).redirect_uris == ("http://localhost/cb",)


def test_a_loopback_uri_without_a_path_is_echoed_as_it_came():
    client = parsed(redirect_uris=["http://localhost:17421"])
    assert clients.echo(client, ())["redirect_uris"] == ["http://localhost:17421"]


@pytest.mark.parametrize(
    "uris", [["http://localhost/cb"], ["https://a.example/cb"], ["cursor://x/cb"]]
)
@pytest.mark.parametrize("application_type", [None, "", "web", "native", "service"])
def test_nothing_depends_on_application_type(uris, application_type):
    client = parsed(redirect_uris=uris, application_type=application_type)
    assert client.redirect_uris == tuple(uris)
    known = application_type in ("web", "native")
    assert client.application_type == (application_type if known else None)


@pytest.mark.spec("RFC 7592", "2.2")
def test_what_only_the_server_may_say_is_not_taken():
    client = parsed(
        client_id="mine", client_secret="mine", client_secret_expires_at=0, client_id_issued_at=1,
        registration_access_token="mine", preregistered=True, unheardof={"a": [1]},
    )  # fmt: skip
    assert client == parsed()
    assert "mine" not in json.dumps(clients.echo(client, ()))
    assert not client.preregistered


def test_a_secret_is_kept_as_a_digest_only():
    client = clients.registered(parsed(), "mcp-1", "canary", NOW)
    assert client.secret_digest == clients.secret_digest("canary")
    assert client.secret_digest is not None
    assert len(client.secret_digest) == 64
    assert client.secret_digest not in repr(client)
    assert clients.registered(parsed(), "mcp-1", None, NOW).secret_digest is None
    assert "secret" not in json.dumps(clients.echo(client, ()))


def test_the_answer_leaves_out_what_is_unset():
    client = Client(client_id="mcp-1", redirect_uris=("http://localhost/cb",), registered_at=NOW)
    assert clients.echo(client, ("a", "b")) == {
        "client_id": "mcp-1",
        "client_id_issued_at": NOW,
        "redirect_uris": ["http://localhost/cb"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "a b",
    }


def test_a_client_without_a_name_is_shown_as_one():
    assert parsed().display_name == "An application without a name"
    assert parsed(client_name="Cursor").display_name == "Cursor"


def test_remembered_consent_depends_on_name_and_redirect_uris_but_not_on_their_order():
    uris = ["http://localhost/a", "http://localhost/b"]
    base = clients.digest(parsed(client_name="A", redirect_uris=uris))
    assert base == clients.digest(parsed(client_name="A", redirect_uris=uris[::-1]))
    assert base != clients.digest(parsed(client_name="B", redirect_uris=uris))
    assert base != clients.digest(parsed(client_name="A", redirect_uris=uris[:1]))
    assert base == clients.digest(parsed(client_name="A", redirect_uris=uris, scope="mcp:read"))
