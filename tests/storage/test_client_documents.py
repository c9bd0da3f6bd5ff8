"""The newest document of each client that publishes itself, however late an older one comes"""

import pytest

from authserver.storage.client_documents import StoredDocument
from tests.storage.values import NOW

URL = "https://app.example/client.json"


def stored(store):
    with store.read() as reads:
        return reads.client_document(URL)


@pytest.mark.parametrize(("later", "is_kept"), [(-1, False), (0, True), (1, True)])
def test_a_document_is_kept_in_place_of_one_that_was_not_asked_for_later(store, later, is_kept):
    before = StoredDocument(URL, '{"a": 1}', NOW, NOW + 300)
    after = StoredDocument(URL, '{"a": 2}', NOW + later, NOW + later + 86400)
    with store.write() as tx:
        assert tx.keep_client_document(before)
    with store.write() as tx:
        assert tx.keep_client_document(after) is is_kept
    assert stored(store) == (after if is_kept else before)
