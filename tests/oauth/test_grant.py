import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.oauth import epoch, grant
from authserver.oauth.anchor import Anchor
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Code
from tests.oauth.samples import CHALLENGE, GRANT, ISSUES, NOW, WIKI, attempt, params, refused

CODE = Code(
    digest="canary-digest",
    grant_id="grant-1",
    client_id="mcp-1",
    redirect_uri="http://127.0.0.1:3999/callback",
    redirect_uri_given=True,
    sub="user-1",
    resource=ISSUES.url,
    scope=("issues:read",),
    code_challenge=CHALLENGE,
    auth_time=NOW,
    epochs=0,
    expires_at=NOW + 60,
    nonce="canary-nonce",
    upstream_sid="sid-1",
)
PROVEN = GRANT.authorization()
ROOT = Anchor("grant-1")


def test_a_code_and_its_grant_prove_the_same_but_for_the_nonce():
    proven = CODE.authorization()
    assert (proven.sub, proven.client_id, proven.resource) == ("user-1", "mcp-1", ISSUES.url)
    assert (proven.scope, proven.anchor, proven.auth_time) == (("issues:read",), ROOT, NOW)
    assert proven.nonce == "canary-nonce"
    assert (PROVEN.sub, PROVEN.anchor, PROVEN.nonce) == ("user-1", ROOT, None)


def test_what_depends_on_an_upstream_session_ends_with_it():
    assert set(CODE.epoch_subjects) - set(GRANT.epoch_subjects) == {epoch.upstream_session("sid-1")}
    of_none = epoch.without_upstream_session(GRANT.sub)
    assert set(GRANT.epoch_subjects) - set(CODE.epoch_subjects) == {of_none}


def test_secrets_stay_out_of_the_representation():
    shown = repr(CODE) + repr(GRANT) + repr(CODE.authorization())
    for secret in ("canary", CHALLENGE, GRANT.handle, "ssss"):
        assert secret not in shown


def test_without_parameters_the_whole_grant_is_meant():
    assert grant.narrow(PROVEN, params()) == PROVEN


@pytest.mark.spec("OAuth 2.1", "4.3.1")
def test_a_token_request_may_narrow_the_scope():
    narrowed = grant.narrow(PROVEN, params(scope="issues:write", resource=ISSUES.url + "/"))
    assert narrowed.scope == ("issues:write",)
    assert narrowed.resource == ISSUES.url
    with refused("invalid_scope"):
        grant.narrow(PROVEN, params(scope="issues:read issues:purge"))


@pytest.mark.spec("RFC 8707", "2.2")
def test_a_token_request_stays_at_its_resource():
    for several in ((WIKI.url,), (ISSUES.url, WIKI.url)):
        with refused("invalid_target"):
            grant.narrow(PROVEN, params(*(("resource", url) for url in several)))


@given(
    st.lists(st.sampled_from(["issues:read", "issues:write", "issues:purge", "openid", "x"])),
    st.lists(st.sampled_from([ISSUES.url, WIKI.url, ISSUES.url.upper(), "x"]), max_size=3),
)
def test_nothing_ever_widens(scopes, resources):
    asked = params(*(("resource", url) for url in resources), scope=" ".join(scopes))
    narrowed = attempt(grant.narrow, PROVEN, asked)
    if isinstance(narrowed, OAuthError):
        assert narrowed.code in ("invalid_scope", "invalid_target")
    else:
        assert set(narrowed.scope) <= set(PROVEN.scope)
        assert narrowed.resource == PROVEN.resource
