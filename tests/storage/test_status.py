from authserver.oauth import epoch
from tests.storage.values import NOW, SUBJECTS, a_grant


def add(tx, root, *, grant_id=None, subjects=SUBJECTS, epochs=0, now=NOW):
    return tx.add_status_entry(root, subjects, grant_id=grant_id, epochs=epochs, now=now)


def test_each_root_has_one_index_for_good(store):
    with store.write() as tx:
        first, second = add(tx, "a"), add(tx, "b")
        assert add(tx, "a") == first
    assert first != second
    with store.read() as reads:
        assert reads.status_entry("a") == (first, NOW)
        assert reads.status_entry("c") is None
        assert reads.status_list_size() == 2**17


def test_a_crowded_list_grows(store, monkeypatch):
    from authserver.storage import status

    monkeypatch.setattr(status, "MIN_SIZE", 4)
    with store.write() as tx:
        indexes = {add(tx, f"root-{number}") for number in range(40)}
    assert len(indexes) == 40
    with store.read() as reads:
        assert reads.status_list_size() > max(indexes)


def test_a_root_ends_with_its_grant_and_with_each_counter(store):
    grant = a_grant()
    with store.write() as tx:
        tx.add_grant(grant)
        of_grant = add(tx, "grant", grant_id=grant.id, subjects=grant.epoch_subjects)
        others = {name: add(tx, name, subjects=(name, "shared")) for name in ("one", "two")}
    with store.read() as reads:
        assert list(reads.ended_indexes()) == []
    with store.write() as tx:
        tx.bump_epoch("one")
    with store.read() as reads:
        assert list(reads.ended_indexes()) == [others["one"]]
    with store.write() as tx:
        tx.revoke_grant(grant.id, NOW)
    with store.read() as reads:
        assert set(reads.ended_indexes()) == {others["one"], of_grant}
    with store.write() as tx:
        tx.bump_epoch("shared")
    with store.read() as reads:
        assert set(reads.ended_indexes()) == {of_grant, *others.values()}


def test_an_entry_made_after_a_revocation_is_not_of_it(store):
    with store.write() as tx:
        tx.bump_epoch(epoch.user("u"))
        add(tx, "new", subjects=(epoch.user("u"),), epochs=1)
    with store.read() as reads:
        assert list(reads.ended_indexes()) == []


def test_a_root_without_a_grant_is_renewed(store):
    with store.write() as tx:
        index = add(tx, "a")
        tx.renew_status_entry("a", NOW + 100)
    with store.read() as reads:
        assert reads.status_entry("a") == (index, NOW + 100)
