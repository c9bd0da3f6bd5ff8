"""Tokens under an old key, or never sealed, are read and sealed anew at the first read"""

from hashlib import sha256

import pytest

from authserver.storage.errors import StorageUnavailable
from authserver.storage.store import Store
from authserver.vault import NoUpstreamToken
from tests.vault.conftest import Vault

SEAL = 'seal = ["file:sealing-key"]'


def rekeyed(config, folder, keys):
    """Name other sealing keys in a configuration."""
    (folder / "new-key").write_bytes(sha256(b"another key").digest())
    config.write_text(config.read_text().replace(SEAL, keys))


@pytest.fixture
def promote(kept, start, tmp_path, monkeypatch):
    """Restart the deployment with a new first key."""
    from tests.vault import conftest

    write = conftest.config

    def rewritten(folder, *args, **options):
        path = write(folder, *args, **options)
        rekeyed(path, folder, 'seal = ["file:new-key", "file:sealing-key"]')
        return path

    def promote(**options):
        kept.deployment.server.agreement.leave()
        # It may have been an opener for long: what it published is not the point here.
        with monkeypatch.context() as patched:
            patched.setattr(conftest, "config", rewritten)
            return Vault(start(**options), kept.sub)

    return promote


def kids(vault):
    row = vault.row()
    return {sealed.split(":")[1] for sealed in (row.access_token, row.refresh_token, row.id_token)}


def test_values_of_an_old_key_are_sealed_anew_when_they_are_read(kept, promote):
    token = kept.token()
    after = promote()
    assert kids(after) != {after.deployment.settings.sealing_keys[0].kid}
    assert after.token() == token
    assert kids(after) == {after.deployment.settings.sealing_keys[0].kid}


def test_a_database_that_takes_no_writes_leaves_that_for_the_next_read(
    kept, promote, monkeypatch, caplog
):
    after = promote()
    before = kids(after)

    def down(*_):
        raise StorageUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", down)
        assert after.token() == kept.token()
    assert kids(after) == before
    assert "sealed anew when it is read again" in caplog.text
    after.token()
    assert kids(after) != before


PLAIN = {"access_token": "gho_legacy", "refresh_token": None, "id_token": None, "expires_at": None}


def test_legacy_plaintext_is_not_used_unless_it_is_accepted(kept):
    kept.change(**PLAIN)
    with pytest.raises(NoUpstreamToken, match="no_tokens"):
        kept.token()
    assert kept.row().access_token == "gho_legacy"


def test_accepted_plaintext_is_used_and_sealed_at_the_first_read(kept, start, monkeypatch):
    kept.change(**PLAIN)
    lenient = start()
    object.__setattr__(lenient.server.vault_cipher, "_accept_plaintext", True)
    found = Vault(lenient, kept.sub)
    assert found.token().access_token == "gho_legacy"
    assert found.row().access_token.startswith("v1:")
    assert kept.token().access_token == "gho_legacy"


def test_a_damaged_id_token_costs_the_id_token_only(kept):
    row = kept.row()
    kept.change(id_token=row.access_token)
    assert kept.token().id_token is None
    assert kept.token().access_token


def test_a_damaged_refresh_token_is_no_reason_to_hand_out_what_soon_ends_for_good(kept):
    kept.change(refresh_token=kept.row().access_token)
    with pytest.raises(NoUpstreamToken, match="no_tokens"):
        kept.token()
