from authserver.oauth.registration_policy import RegistrationPolicy


def test_what_nobody_switched_on_is_off():
    policy = RegistrationPolicy()
    assert not policy.device
    assert not policy.identity_assertions
    assert policy.default_client_scopes == ()
    assert policy.confidential_redirect_uris == frozenset()
