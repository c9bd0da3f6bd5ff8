"""Racers in processes of their own: each opens its own store and runs for every prize at once"""

import os
import threading
from collections import Counter
from itertools import count, product
from typing import Any

from authserver.storage.store import Store
from tests.processes import context
from tests.storage.values import DAY, NOW, SUBJECTS, a_client, a_key

PROCESSES = 2
THREADS = 4

_turns = count()


def _racer(prize: str) -> str:
    """Return who runs: a thread's number alone may be that of a thread in the other process."""
    return f"{prize} {os.getpid()} {threading.get_ident()}"


def spend_code(store: Store, prize: str) -> bool:
    with store.write() as tx:
        return tx.spend_code(prize, NOW, SUBJECTS)


def rotate(store: Store, prize: str) -> bool:
    with store.write() as tx:
        return tx.rotate(prize, 0, NOW, NOW + DAY, SUBJECTS) is not None


def decide_pending(store: Store, prize: str) -> bool:
    with store.write() as tx:
        return tx.decide_pending(prize, "approved", NOW, SUBJECTS, 0)


def spend_upstream_login(store: Store, prize: str) -> bool:
    with store.write() as tx:
        return tx.spend_upstream_login(prize, NOW) is not None


def spend_logout_token(store: Store, prize: str) -> bool:
    with store.write() as tx:
        return tx.spend_logout_token(prize, ends="sid:1", received_at=NOW, expires_at=NOW + 60)


def add_signing_key(store: Store, prize: str) -> bool:
    who = _racer(prize)
    with store.write() as tx:
        return tx.add_signing_key(a_key(int(prize), kid=who))


def renew_client(store: Store, prize: str) -> bool:
    """Register what others register at the same moment: the one whose document stays has won."""
    who = _racer(prize)
    with store.write() as tx:
        found = tx.renew_client(a_client(f"client-{prize}", client_name=who))
    return found is not None and found.client.client_name == who


def update_client(store: Store, prize: str) -> bool:
    return _update(store, f"updated-{prize}")


def update_or_delete_client(store: Store, prize: str) -> bool:
    """Spend a registration token in either way, turn by turn."""
    client_id = f"ended-{prize}"
    if next(_turns) % 2:
        return _update(store, client_id)
    with store.write() as tx:
        return tx.delete_managed_client(client_id, "first")


def _update(store: Store, client_id: str) -> bool:
    with store.write() as tx:
        return tx.update_client(a_client(client_id, client_name="New"), "first", "second")


def race_in_threads(store: Store, run: Any, prizes: list[str], racers: int) -> Counter[str]:
    """Let each racer run for each prize at the same moment; return how often each was won."""
    won: Counter[str] = Counter()
    start = threading.Barrier(racers)
    errors: list[BaseException] = []

    def race() -> None:
        try:
            for prize in prizes:
                start.wait(30)
                if run(store, prize):
                    won[prize] += 1
        except BaseException as error:  # noqa: BLE001 - shown by the test
            start.abort()
            errors.append(error)

    threads = [threading.Thread(target=race) for _ in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return won


def race_in_processes(url: str, races: list[Any], prizes: list[str]) -> Counter[tuple[str, str]]:
    """Let threads of several processes run each race for each prize; return how often it was won.

    The processes are the same for all races, because to start one takes longer than a race.
    """
    start = context.Barrier(PROCESSES)
    results = context.SimpleQueue()
    processes = [
        context.Process(target=_race, args=(url, races, prizes, start, results))
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    won: Counter[tuple[str, str]] = sum((results.get() for _ in processes), Counter())
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return won


def _race(url: str, races: list[Any], prizes: list[str], start: Any, results: Any) -> None:
    store = Store.open(url)
    with store.read() as reads:
        reads.client_count()
    won: Counter[tuple[str, str]] = Counter()
    try:
        for run, prize in product(races, prizes):
            start.wait(60)
            won[run.__name__, prize] += race_in_threads(store, run, [prize], THREADS)[prize]
    finally:
        results.put(won)
        store.close()
