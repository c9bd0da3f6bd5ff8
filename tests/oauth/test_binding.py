import pytest

from authserver.oauth import binding
from authserver.oauth.errors import OAuthError
from tests.oauth.test_dpop import HOLDER, prove
from tests.proving import stranger


def test_a_token_is_bound_to_the_key_that_was_proved():
    ours, theirs = prove(HOLDER.proof()), prove(stranger().proof())
    assert binding.bind(None, bound_to=None, required=False) is None
    assert binding.bind(ours, bound_to=None, required=False) == HOLDER.jkt
    assert binding.bind(ours, bound_to=HOLDER.jkt, required=True) == HOLDER.jkt
    for possession, bound_to, required, code in (
        (None, HOLDER.jkt, False, "invalid_dpop_proof"),
        (None, None, True, "invalid_dpop_proof"),
        (theirs, HOLDER.jkt, False, "invalid_grant"),
    ):
        with pytest.raises(OAuthError) as refused:
            binding.bind(possession, bound_to=bound_to, required=required)
        assert refused.value.code == code


def test_a_grant_has_a_key_where_one_is_required():
    binding.check_grant(None, required=False)
    binding.check_grant(HOLDER.jkt, required=True)
    with pytest.raises(OAuthError) as refused:
        binding.check_grant(None, required=True)
    assert refused.value.code == "invalid_grant"


@pytest.mark.spec("RFC 9449", "10")
def test_dpop_jkt_is_a_thumbprint():
    assert binding.check_jkt(None) is None
    assert binding.check_jkt(HOLDER.jkt) == HOLDER.jkt
    for value in ("x", HOLDER.jkt + "=", HOLDER.jkt[:-1] + "+"):
        with pytest.raises(OAuthError) as refused:
            binding.check_jkt(value)
        assert refused.value.code == "invalid_request"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [({}, None), ({"cnf": None}, None), ({"cnf": {"jkt": HOLDER.jkt}}, HOLDER.jkt),
     ({"cnf": {"x5t#S256": "x"}}, ""), ({"cnf": {"jkt": 7}}, ""), ({"cnf": "x"}, ""),
     ({"cnf": {"jkt": ""}}, ""), ({"cnf": {"jkt": HOLDER.jkt, "x5t#S256": "x"}}, ""),
     ({"cnf": {"jkt": HOLDER.jkt, "kid": "1"}}, "")],
    ids=range(9),
)  # fmt: skip
def test_a_binding_that_is_not_understood_is_no_keys(claims, expected):
    assert binding.confirmed(claims) == expected
