"""Upstream tokens for a resource, as the configuration asks for them and describes them"""

import pytest

from authserver.settings.report.describe import describe
from tests.settings.configuration import ABSENT

KEPT = {
    "resources/issues/upstream_token": "exchange",
    "resources/issues/upstream_scopes": ["repo", "repo", "gist"],
}
OAUTH_APP = {"upstream/preset": "github", "upstream/type": ABSENT, "upstream/issuer": ABSENT}


def test_nothing_is_kept_unless_a_resource_asks(settings):
    (resource,) = settings({}).resources
    assert (resource.upstream_token, resource.kept_scopes) == ("none", None)
    assert "upstream tokens" not in str(describe(settings({})))


def test_a_resource_asks_with_its_own_scopes(settings):
    (resource,) = settings(KEPT).resources
    assert resource.kept_scopes == ("repo", "gist")
    assert "upstream tokens for issues" in str(describe(settings(KEPT)))
    assert describe(settings(KEPT)).loosened == ()


def test_a_resource_may_ask_for_what_sign_in_has(settings):
    (resource,) = settings({"resources/issues/upstream_token": "exchange"}).resources
    assert resource.kept_scopes == ()


@pytest.mark.parametrize("preset", ["github"])
def test_a_provider_whose_tokens_hang_together_is_said(settings, preset):
    assert describe(settings(OAUTH_APP)).loosened == ()
    (said,) = describe(settings({**OAUTH_APP, **KEPT})).loosened
    assert said.startswith("resources.issues.upstream_token: GitHub's OAuth Apps do not keep")


def test_plaintext_is_refused_unless_that_is_loosened(settings):
    assert settings({}).accept_plaintext is False
    lenient = settings({"keys/accept_plaintext": True})
    assert lenient.accept_plaintext is True
    (said,) = describe(lenient).loosened
    assert said.startswith("keys.accept_plaintext:")
