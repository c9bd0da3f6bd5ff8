"""One issuer for many tenants: whose users are let in, and as whom."""

import pytest

from authserver.upstream.errors import UpstreamError
from tests.upstream.hostile_idp import ABSENT
from tests.upstream.jose import new_key

OURS = "8f0c7a4e-2c55-4d0f-9a53-6f2f0a1c9b1e"
ALSO_OURS = "11111111-2222-4333-8444-555555555555"
FOREIGN = "99999999-2222-4333-8444-555555555555"


@pytest.fixture
def template(idp):
    """The provider's issuer, of which each tenant has its own."""
    found = f"{idp.origin}/{{tenantid}}/v2.0"
    idp.metadata = {
        "issuer": found,
        "authorization_response_iss_parameter_supported": ABSENT,
    }
    idp.callback = {"iss": ABSENT}
    return found


@pytest.fixture
def login(make_login, idp, template):
    return make_login(
        issuer=template,
        discovery_url=f"{idp.origin}/.well-known/openid-configuration",
        tenants=(OURS, ALSO_OURS),
        subject_claim="oid",
    )


def _token_of(idp, tenant, **claims):
    idp.claims = {"tid": tenant, "iss": f"{idp.origin}/{tenant}/v2.0", "oid": "o-1", **claims}


def _reason(login):
    with pytest.raises(UpstreamError) as refusal:
        login.sign_in()
    return refusal.value.reason


@pytest.mark.parametrize("tenant", [OURS, ALSO_OURS])
def test_a_user_is_known_by_the_issuer_of_the_tenant(login, idp, tenant):
    _token_of(idp, tenant)
    found = login.sign_in()
    assert (found.issuer, found.subject) == (f"{idp.origin}/{tenant}/v2.0", "o-1")


@pytest.mark.parametrize("tenant", [FOREIGN, OURS.upper(), "", None, ABSENT, [OURS], "{tenantid}"])
def test_nobody_of_another_tenant_is_let_in(login, idp, tenant):
    _token_of(idp, tenant)
    assert _reason(login) == "id_token_tenant"


@pytest.mark.parametrize("path", [FOREIGN, ALSO_OURS, "{tenantid}", "common"])
def test_the_issuer_and_the_tenant_of_a_token_agree(login, idp, path):
    _token_of(idp, OURS, iss=f"{idp.origin}/{path}/v2.0")
    assert _reason(login) == "id_token_issuer"


def test_the_metadata_is_that_of_all_tenants(login, idp):
    idp.metadata["issuer"] = f"{idp.origin}/{OURS}/v2.0"
    with pytest.raises(UpstreamError) as refusal:
        login.url()
    assert refusal.value.reason == "discovery_issuer_mismatch"


def _publish(idp, issuer):
    key = {**new_key("key-1").as_dict(private=True), "issuer": issuer}
    idp.signing_key = type(idp.signing_key).import_key(key)
    idp.published = [{k: v for k, v in key.items() if k != "d"}]


@pytest.mark.parametrize("of", ["{tenantid}", OURS])
def test_a_key_for_all_tenants_or_for_this_one_is_accepted(login, idp, of):
    _publish(idp, f"{idp.origin}/{of}/v2.0")
    _token_of(idp, OURS)
    assert login.sign_in().subject == "o-1"


def test_the_key_of_another_tenant_signs_for_that_one_alone(login, idp):
    """Else whoever holds one tenant's key could sign for every other one."""
    _publish(idp, f"{idp.origin}/{ALSO_OURS}/v2.0")
    _token_of(idp, OURS)
    assert _reason(login) == "id_token_signature"


@pytest.mark.spec("RFC 9207", "2.4")
def test_a_callback_names_one_of_the_tenants_or_none(login, idp):
    _token_of(idp, OURS)
    idp.callback = {"iss": f"{idp.origin}/{OURS}/v2.0"}
    assert login.sign_in().subject == "o-1"
    idp.callback = {"iss": f"{idp.origin}/{FOREIGN}/v2.0"}
    assert _reason(login) == "iss_mismatch"
