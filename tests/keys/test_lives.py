"""Over long random lives of many keys: no token loses its key, no key signs before it is known"""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import KeySet

from authserver.keys import SigningKeys
from authserver.keys.ring_cache import REFRESH_INTERVAL
from authserver.keys.signing_keys import MIN_PUBLISH_LEAD
from authserver.sealing import Sealer
from tests.keys.conftest import SEALING_KEY
from tests.keys.memory_store import MemoryStore

DAY = 86400
WORKERS = 3
ALGORITHMS = ["ES256", "EdDSA"]  # making an RSA key takes too long for thousands

worker = st.integers(0, WORKERS - 1)
lifetimes = st.integers(60, DAY)
steps = st.one_of(
    st.tuples(st.just("sign"), worker),
    st.tuples(st.just("upkeep"), worker),
    st.tuples(st.just("rotate"), worker),
    st.tuples(
        st.just("restart"),
        worker,
        st.sampled_from(ALGORITHMS),
        lifetimes,
        st.integers(2 * DAY, 100 * DAY),
    ),
)
BRINK = -1  # the last second before the newest key signs
pauses = st.one_of(
    st.integers(0, 90),
    st.integers(0, 2 * DAY),
    st.sampled_from([BRINK, 3600, 30 * DAY, 100 * DAY]),
)


@dataclass
class World:
    """Workers that share one database, and all that a verifier could have seen of them."""

    lead: int
    store: MemoryStore = field(default_factory=MemoryStore)
    now: int = 1_800_000_000
    workers: list[SigningKeys] = field(default_factory=list)
    lifetimes: list[int] = field(default_factory=list)
    tokens: list[tuple[str, int]] = field(default_factory=list)
    published: list[tuple[int, set[str | None]]] = field(default_factory=list)
    signed: set[str] = field(default_factory=set)

    def start(self, alg="ES256", lifetime=900, interval=90 * DAY):
        keys = SigningKeys(
            self.store,  # type: ignore[arg-type]
            Sealer((SEALING_KEY,)),
            alg=alg,
            longest_token_lifetime=lifetime,
            rotation_interval=interval,
            publish_lead=self.lead,
        )
        keys.prepare(self.now)
        self.lifetimes.append(lifetime)
        self.workers.append(keys)

    def wait(self, pause):
        newest = max(row.active_at for row in self.store.rows.values())
        self.now = max(self.now, newest - 1) if pause == BRINK else self.now + pause

    def restart(self, index, alg, lifetime, interval):
        self.start(alg, lifetime, interval)
        self.workers[index] = self.workers.pop()
        self.lifetimes[index] = self.lifetimes.pop()

    def sign(self, index):
        expires_at = self.now + self.lifetimes[index]
        token = self.workers[index].sign("at+jwt", {"exp": expires_at}, self.now)
        self.tokens.append((token, expires_at))
        self.check_was_published(_kid(token))

    def check_was_published(self, kid):
        """All that was published in the lead had it; a worker may be behind for a minute."""
        row = self.store.rows[kid]
        if kid not in self.signed and row.sequence > 1:
            known_at = self.now - self.lead + REFRESH_INTERVAL
            assert all(kid in kids for moment, kids in self.published if moment >= known_at)
            assert row.created_at <= self.now - self.lead
        self.signed.add(kid)

    def observe(self):
        self.tokens = [(token, end) for token, end in self.tokens if self.now < end]
        for keys in self.workers:
            published = KeySet.import_key_set(keys.jwks(self.now))  # type: ignore[arg-type]
            kids = {key.kid for key in published.keys}
            self.published.append((self.now, kids))
            for token, _ in self.tokens:
                assert _kid(token) in kids, "an unexpired token has lost its key"
        for token, _ in self.tokens[-3:]:
            assert self.workers[0].verify(token, "at+jwt", self.now) is not None

    def check_all_sign_with_one_key(self):
        tokens = [keys.sign("at+jwt", {"exp": 0}, self.now) for keys in self.workers]
        (kid,) = {_kid(token) for token in tokens}
        self.check_was_published(kid)


def _kid(token):
    return jws.extract_compact(token.encode()).headers()["kid"]


@pytest.mark.spec("RFC 7517", "5")
@settings(deadline=None)
@given(
    st.integers(MIN_PUBLISH_LEAD, DAY),
    st.lists(lifetimes, min_size=WORKERS, max_size=WORKERS),
    st.lists(st.tuples(pauses, steps), max_size=30),
)
def test_whatever_happens_every_unexpired_token_verifies_and_no_key_signs_unannounced(
    lead, lifetimes_, story
):
    world = World(lead)
    for lifetime in lifetimes_:
        world.start(lifetime=lifetime)

    for pause, (step, index, *options) in story:
        world.observe()
        world.wait(pause)
        world.observe()
        if step == "sign":
            world.sign(index)
        elif step == "upkeep":
            world.workers[index].prepare(world.now)
        elif step == "rotate":
            assert world.workers[index].rotate(world.now) >= world.now
        else:
            world.restart(index, *options)
        world.observe()
        world.check_all_sign_with_one_key()
