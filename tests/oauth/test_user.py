from authserver.oauth.user import User


def test_what_the_upstream_said_stays_out_of_the_representation():
    user = User(
        sub="u-1", upstream_issuer="https://idp.example", upstream_subject="s-1", name="Ana",
        email=None, email_verified=False, claims={"groups": ["canary"]}, created_at=1,
        last_login_at=2,
    )  # fmt: skip
    assert "canary" not in repr(user)
