"""Real clients that manage their registration: what they were told they may send: RFC 7592"""

import pytest

from tests.actors import Deployment
from tests.endpoints.test_client_configuration import ON, call
from tests.endpoints.test_register import BODIES

OF_THE_SERVER = (
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
)


@pytest.mark.spec("RFC 7592", "2.2")
@pytest.mark.parametrize("name", BODIES)
def test_what_a_real_client_was_told_updates_it_to_the_same(sqlite_url, idp, tmp_path, name):
    with Deployment.start(tmp_path, sqlite_url, idp, more=ON) as deployment:
        answer = deployment.http().post("/register", json=BODIES[name])
        assert answer.status_code == 201, answer.json
        told = answer.json
        said = {each: told[each] for each in told if each not in OF_THE_SERVER}
        updated = call(deployment, "PUT", told, json=said)
        assert updated.status_code == 200, updated.json
        same = {each: updated.json[each] for each in said if each != "client_secret"}
        assert same == {each: said[each] for each in same}
        assert call(deployment, "GET", updated.json).json == updated.json
