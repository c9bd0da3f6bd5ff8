"""Keys in memory go on while the database is away, for as long as they are certain to be right"""

import pytest

from authserver.keys.signing_keys import DAY
from authserver.storage.errors import StorageUnavailable
from tests.keys.memory_store import MemoryStore

NOW = 1_800_000_000


class Unsteady(MemoryStore):
    """A store that can be taken away."""

    away = False

    def read(self):
        if self.away:
            self.reads += 1
            raise StorageUnavailable
        return super().read()


@pytest.fixture
def store():
    return Unsteady()


@pytest.fixture
def keys(make_keys, store):
    prepared = make_keys(store, publish_lead=DAY)
    prepared.prepare(NOW)
    store.away = True
    return prepared


def _sign(keys, now):
    return keys.sign("at+jwt", {"exp": now + 60}, now)


@pytest.mark.parametrize("later", [1, 60, 600, DAY - 1])
def test_they_are_published_and_sign_until_another_could_have_begun_to_sign(keys, later):
    published = keys.jwks(NOW)

    assert keys.jwks(NOW + later) == published
    assert keys.verify(_sign(keys, NOW + later), "at+jwt", NOW + later)


def test_later_nothing_is_certain(keys):
    for asking in (keys.jwks, lambda now: _sign(keys, now)):
        with pytest.raises(StorageUnavailable):
            asking(NOW + DAY)


def test_the_database_is_asked_every_few_seconds_and_believed_again(keys, store, make_keys):
    store.reads = 0
    for now in range(NOW + 100, NOW + 120):
        keys.jwks(now)
    assert store.reads == 4

    store.away = False
    make_keys(store, publish_lead=DAY).rotate(NOW + 120)
    assert len(keys.jwks(NOW + 126)["keys"]) == 2


def test_a_worker_that_has_read_nothing_yet_says_so(make_keys, store):
    store.away = True
    with pytest.raises(StorageUnavailable):
        make_keys(store).jwks(NOW)
