"""Upkeep deletes nothing by a clock that leapt ahead"""

import time

import pytest

from authserver.leap import LeapWatch
from authserver.upkeep import run_once, watch_clock
from tests.actors import Clock, Deployment, McpClient, write_config
from tests.databases import postgresql_database, postgresql_url  # noqa: F401 - fixtures

NOW = 1_800_000_000
DAY = 86400
UNUSED = 8 * DAY  # after which a client that nobody authorised goes


def is_there(client):
    with client.deployment.server.store.read() as reads:
        return reads.client(client.client_id) is not None


@pytest.mark.parametrize(
    ("rounds", "trusted"),
    [
        ([(0, 0), (60, 60), (120, 120)], [True, True, True]),
        ([(60, 60), (DAY + 120, 120)], [True, True]),
        ([(60, 60), (DAY + 121, 120), (DAY + 181, 180)], [True, False, False]),
        ([(400 * DAY, 0), (401 * DAY, DAY - 1), (402 * DAY, DAY)], [False, False, True]),
        ([(400 * DAY, 0), (60, 60), (DAY, DAY)], [False, False, True]),
        ([(-400 * DAY, 60), (120, 120)], [True, False]),
        ([(3 * DAY, 3 * DAY)], [True]),
    ],
    ids=["steady", "a day", "more", "for a day", "put right", "from behind", "asleep"],
)
def test_a_clock_that_leaps_more_than_a_day_is_not_believed_for_a_day(rounds, trusted):
    watch = LeapWatch(NOW, 1000.0)
    assert [watch.trusts(NOW + now, 1000.0 + steady) for now, steady in rounds] == trusted


def test_a_process_that_starts_with_a_wrong_clock_sees_it_by_what_was_written(deployment):
    client = McpClient(deployment).register()
    tokens = client.connect()
    right = deployment.clock.now
    assert watch_clock(deployment.server, 0.0).trusts(right, 60.0)

    deployment.clock.now += 400 * DAY
    trusted = watch_clock(deployment.server, 0.0).trusts(deployment.clock.now, 60.0)
    run_once(deployment.server, trusts_clock=trusted)
    deployment.clock.now = right

    assert not trusted
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_a_database_in_which_nothing_was_written_says_nothing(deployment):
    assert watch_clock(deployment.server, 0.0).trusts(deployment.clock.now, 60.0)


def test_nothing_is_deleted_by_a_clock_ahead_of_the_databases(
    postgresql_url,  # noqa: F811 - the fixture
    idp,
    tmp_path,
    caplog,
):
    from authserver.settings import load

    config = write_config(tmp_path, postgresql_url, idp.issuer)
    with Deployment(load(config), idp, Clock(int(time.time()))) as on_postgresql:
        client = McpClient(on_postgresql).register()
        on_postgresql.clock.now += UNUSED
        run_once(on_postgresql.server)
        assert is_there(client)
    assert "ahead of the database's: nothing is deleted" in caplog.text


def test_a_clock_that_is_right_deletes(
    postgresql_url,  # noqa: F811 - the fixture
    idp,
    tmp_path,
):
    from authserver.settings import load

    config = write_config(tmp_path, postgresql_url, idp.issuer)
    with Deployment(load(config), idp, Clock(int(time.time()) - UNUSED)) as on_postgresql:
        client = McpClient(on_postgresql).register()
        on_postgresql.clock.now += UNUSED
        run_once(on_postgresql.server)
        assert not is_there(client)
