import pytest

from authserver.oauth import client_update
from authserver.oauth.client import Client, secret_digest
from authserver.oauth.errors import OAuthError

SECRET = "s" * 43
CLIENT = Client("mcp-1", ("https://a.example/cb",), secret_digest=secret_digest(SECRET))


@pytest.mark.spec("RFC 7592", "2.2")
def test_what_names_the_client_is_taken_off_and_the_rest_is_what_it_says():
    said = {"client_id": "mcp-1", "client_secret": SECRET, "client_name": "New"}
    assert client_update.read(said, CLIENT) == {"client_name": "New"}


@pytest.mark.spec("RFC 7592", "2.2")
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"client_id": "mcp-2"},
        {"client_id": "mcp-1", "client_secret": "t" * 43},
        {"client_id": "mcp-1", "client_secret": None},
        {"client_id": "mcp-1", "registration_client_uri": "https://x.example"},
        {"client_id": "mcp-1", "client_secret_expires_at": 0},
    ],
    ids=range(6),
)
def test_what_is_the_servers_to_say_is_refused(said):
    with pytest.raises(OAuthError) as refused:
        client_update.read(said, CLIENT)
    assert refused.value.code == "invalid_client_metadata"


def test_a_client_stays_of_its_kind():
    client_update.check_kind(CLIENT, Client("", ("https://b.example/cb",), client_name="New"))
    for other in (
        Client("", (), token_endpoint_auth_method="private_key_jwt"),
        Client("", (), application_type="web"),
    ):
        with pytest.raises(OAuthError):
            client_update.check_kind(CLIENT, other)
