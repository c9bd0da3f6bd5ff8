import pytest

from authserver.oauth import metadata, resource
from tests.oauth.samples import ISSUER, ISSUES, WIKI

BOTH = (ISSUES, WIKI)


def document(**switched: bool):
    features = metadata.Features(**switched)
    return metadata.authorization_server_metadata(ISSUER, BOTH, features, id_token_algs=("ES256",))


@pytest.mark.spec("RFC 8414", "2")
def test_every_endpoint_is_under_the_issuer_and_has_no_query():
    found = document()
    assert found["issuer"] == ISSUER
    urls = {name: str(found[name]) for name in found if name.endswith(("_endpoint", "_uri"))}
    assert set(urls) >= {"authorization_endpoint", "token_endpoint", "jwks_uri"}
    for url in urls.values():
        assert url.startswith(f"{ISSUER}/")
        assert not set(url) & set("?#")


@pytest.mark.spec("OAuth 2.1", "4.1.1")
def test_only_s256_and_only_what_works_is_advertised():
    found = document()
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["response_types_supported"] == ["code"]
    assert found["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert found["token_endpoint_auth_methods_supported"] == [
        "none", "client_secret_basic", "client_secret_post",
    ]  # fmt: skip
    assert found["request_uri_parameter_supported"] is False


@pytest.mark.spec("RFC 9207", "3")
def test_the_issuer_in_responses_is_advertised():
    assert document()["authorization_response_iss_parameter_supported"] is True


@pytest.mark.spec("RFC 8414", "2")
def test_nothing_is_null_or_empty():
    for registration in (True, False):
        values = document(registration=registration).values()
        assert all(value not in (None, "", [], {}) for value in values)
        assert all(isinstance(value, str | bool | list) for value in values)


def test_registration_that_is_off_is_absent():
    assert document()["registration_endpoint"] == f"{ISSUER}/register"
    assert "registration_endpoint" not in document(registration=False)


def test_openid_discovery_has_what_it_requires():
    found = document()
    for name in ("subject_types_supported", "id_token_signing_alg_values_supported", "jwks_uri"):
        assert found[name]
    assert "none" not in found["id_token_signing_alg_values_supported"]


def test_offline_access_is_listed_only_where_the_operator_says_so():
    assert "offline_access" not in document()["scopes_supported"]
    assert "offline_access" in document(offline_access=True)["scopes_supported"]


def test_the_scopes_of_every_resource_are_supported():
    supported = metadata.scopes_supported(BOTH)
    assert supported == (
        "issues:read", "issues:write", "issues:purge", "wiki:read", "openid", "profile", "email",
    )  # fmt: skip
    for each in BOTH:
        listed = resource.protected_resource_metadata(each, ISSUER)["scopes_supported"]
        assert isinstance(listed, list)
        assert set(listed) <= set(supported)


def test_a_scope_that_two_resources_share_is_listed_once():
    assert metadata.scopes_supported((ISSUES, ISSUES)) == metadata.scopes_supported((ISSUES,))


@pytest.mark.spec("RFC 8693", "2.1")
@pytest.mark.parametrize("token_exchange", [True, False])
def test_token_exchange_is_listed_where_there_is_something_to_exchange(token_exchange):
    listed = document(token_exchange=token_exchange)["grant_types_supported"]
    name = "urn:ietf:params:oauth:grant-type:token-exchange"
    assert (name in listed) is token_exchange


@pytest.mark.spec("RFC 8414", "2")
def test_private_key_jwt_is_listed_with_its_algorithms_where_a_client_has_keys():
    found, without = document(client_assertions=True), document()
    for endpoint in ("token", "revocation", "introspection"):
        methods = f"{endpoint}_endpoint_auth_methods_supported"
        algs = f"{endpoint}_endpoint_auth_signing_alg_values_supported"
        assert "private_key_jwt" in found[methods]
        assert found[algs] == ["ES256", "ES384", "PS256", "RS256", "EdDSA"]
        assert "private_key_jwt" not in without[methods]
        assert algs not in without
    assert "none" not in found["introspection_endpoint_auth_methods_supported"]


@pytest.mark.parametrize("token_batch", [True, False])
def test_the_batch_endpoint_is_listed_where_it_is_switched_on(token_batch):
    assert ("token_batch_endpoint" in document(token_batch=token_batch)) is token_batch
