"""Along random chains no token says more than it may, or outlives its subject"""

import shutil
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authserver.settings import load
from tests.actors import Browser, Deployment, McpClient, claims_of, write_config
from tests.examples import examples
from tests.exchanging import exchange
from tests.upstream.hostile_idp import HostileIdp

SECRET = "s" * 32
NAMES = ("a", "b", "c")
LIFETIMES = {"a": 900, "b": 300, "c": 1800}
SCOPES = {name: tuple(f"{name}:{number}" for number in range(3)) for name in NAMES}
GROUP = {scope: f"group-{scope[-1]}" for scopes in SCOPES.values() for scope in scopes}
URLS = {name: f"https://{name}.example/mcp" for name in NAMES}
# Where each scope leads: some to nothing, some to more than one, so that a circle would gain.
WORTH = {
    (source, target): {
        f"{source}:0": [f"{target}:0"],
        f"{source}:1": [f"{target}:1", f"{target}:2"],
    }
    for source, target in permutations(NAMES, 2)
}


def configuration():
    for name in NAMES:
        scopes = ", ".join(
            f'"{each}" = {{ description = "It", allow = {{ groups = ["{GROUP[each]}"] }} }}'
            for each in SCOPES[name]
        )
        yield f'[resources.{name}]\nurl = "{URLS[name]}"\nscopes = {{ {scopes} }}'
        yield f'access_token_lifetime = "{LIFETIMES[name]}s"'
        yield f'[resources.{name}.client]\nclient_secrets = ["file:issues-secret"]'
    for (source, target), worth in WORTH.items():
        scopes = ", ".join(f'"{scope}" = {found}' for scope, found in worth.items())
        yield f'[exchanges.{source}-{target}]\nrequester = "{source}"\nsource = "{source}"'
        yield f'target = "{target}"\nscopes = {{ {scopes} }}'
    yield "[rate_limits]\nregister_per_address = 0\nauthorize_per_address = 0"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory, migrated_sqlite):
    folder = tmp_path_factory.mktemp("chains")
    shutil.copy(migrated_sqlite, folder / "authserver.db")
    (folder / "issues-secret").write_text(SECRET)
    with HostileIdp() as idp:
        more = "\n".join(configuration())
        config = write_config(folder, f"sqlite:///{folder}/authserver.db", idp.issuer, more=more)
        with Deployment(load(config), idp) as deployment:
            yield deployment


def connected(deployment, name, groups, numbers):
    """Return a token of a user with these groups for one server, with these scopes at most."""
    deployment.idp.now = deployment.clock.now
    deployment.idp.subject = "user-" + "".join(sorted(groups))
    deployment.idp.claims = {"groups": sorted(groups)}
    client = McpClient(deployment).register()
    wanted = " ".join(f"{name}:{number}" for number in sorted(numbers))
    code = client.code(Browser(deployment), resource=URLS[name], scope=wanted)
    return client.redeem(code, resource=URLS[name]).json["access_token"]


@examples(60)
@given(
    granted=st.sets(st.integers(0, 2), min_size=1),
    more=st.sets(st.integers(0, 2)),
    hops=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 400)), min_size=2, max_size=7),
)
def test_no_token_of_a_chain_holds_or_lives_more_than_it_may(deployment, granted, more, hops):
    name, groups = hops[0][0], {f"group-{number}" for number in granted | more}
    token = connected(deployment, name, groups, granted)
    before = claims_of(token)
    had = {name: set(before["scope"].split())}
    for target, wait in hops[1:]:
        deployment.clock.now += wait
        now = deployment.clock.now
        answer = exchange(deployment, name, token, SECRET, audience=target)
        if answer.status_code != 200:
            assert answer.json["error"] in {
                "invalid_request", "invalid_target", "invalid_scope", "access_denied",
            }  # fmt: skip
            return
        after = claims_of(answer.json["access_token"])
        mapped = {
            each for one in before["scope"].split() for each in WORTH[name, target].get(one, ())
        }
        held = set(after["scope"].split())
        assert held
        assert held <= mapped
        assert held <= had.get(target, mapped)
        assert {GROUP[each] for each in held} <= groups
        assert after["exp"] <= min(before["exp"], now + LIFETIMES[target])
        assert answer.json["expires_in"] == after["exp"] - now > 0
        assert (after["sub"], after["aud"]) == (before["sub"], URLS[target])
        had[target] = held & had.get(target, held)
        name, token, before = target, answer.json["access_token"], after
