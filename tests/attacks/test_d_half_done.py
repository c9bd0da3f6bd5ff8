"""Case 195: no key, audit or PostgreSQL in the middle of a request, and nothing is half done"""

import logging
from typing import Any

import pytest
from sqlalchemy import event, text

from tests.actors import Deployment, McpClient
from tests.attacks.faulty_sqlite import failing, make_faulty
from tests.databases import postgresql_database, postgresql_url  # noqa: F401 - fixtures

KEYS_AGE = 86400  # keys in memory go on for publish_lead_time while the database is away


@pytest.fixture
def client(deployment):
    make_faulty(deployment.server.store)
    return McpClient(deployment).register()


def late_code(client):
    """Return a code just before the keys are due to be read again, and wait until they are."""
    client.connect()
    client.deployment.wait(KEYS_AGE - 1)
    code = client.code()
    client.deployment.wait(2)
    return code


def test_195_a_code_is_not_spent_while_no_key_can_be_read(client):
    code = late_code(client)

    with failing("SELECT signing_keys"):
        assert client.redeem(code).status_code == 503

    assert client.redeem(code).status_code == 200


def test_195_a_code_is_not_spent_while_no_key_can_sign(client):
    code = late_code(client)
    with client.deployment.server.store._engine.connect() as connection:
        sealed = connection.execute(text("SELECT sealed FROM signing_keys")).scalar()
        connection.execute(text("UPDATE signing_keys SET sealed = 'v1:00000000:damaged'"))

        assert client.redeem(code).status_code == 503

        connection.execute(text("UPDATE signing_keys SET sealed = :sealed"), {"sealed": sealed})
    assert client.redeem(code).status_code == 200


def test_195_a_refresh_token_is_not_rotated_while_no_key_can_be_read(client):
    token = client.connect()["refresh_token"]
    client.deployment.wait(KEYS_AGE + 1)

    with failing("SELECT signing_keys"):
        assert client.refresh(token).status_code == 503

    client.deployment.wait(3600)  # no grace is needed
    assert client.refresh(token).status_code == 200


@pytest.mark.parametrize("error", [OSError(28, "No space left"), ValueError("closed file")])
def test_195_an_audit_that_cannot_be_written_costs_no_tokens(client, caplog, error):
    def full(_line):
        raise error

    code = client.code()
    object.__setattr__(client.deployment.server.audit, "write", full)

    with caplog.at_level(logging.ERROR, "authserver.audit"):
        tokens = client.redeem(code)
        refused = client.redeem("x")

    assert tokens.status_code == 200
    assert refused.json["error"] == "invalid_grant"
    assert "token.issued" in caplog.text


@pytest.fixture
def on_postgresql(postgresql_url, idp, tmp_path):  # noqa: F811 - the fixture
    with Deployment.start(tmp_path, postgresql_url, idp) as deployment:
        yield McpClient(deployment).register()


@pytest.mark.parametrize("statement", ["SELECT clients", "UPDATE codes", "INSERT INTO grants"])
def test_195_a_connection_that_is_lost_takes_all_of_the_request_with_it(on_postgresql, statement):
    client = on_postgresql
    engine = client.deployment.server.store._engine
    code = client.code()
    lost: list[Any] = []

    def lose(connection, _cursor, sent, *_):
        if sent.startswith(statement) and not lost:
            lost.append(connection.connection.driver_connection)
            lost[0].close()

    event.listen(engine, "before_cursor_execute", lose)
    answer = client.redeem(code)
    event.remove(engine, "before_cursor_execute", lose)

    assert lost
    assert answer.status_code == 503
    assert client.redeem(code).status_code == 200
