"""The device code grant: polled for, approved, redeemed once: RFC 8628 §3.4, §3.5."""

from authserver.app import AuthServer
from authserver.grants import HONEST_REPEAT, Proof, Undecided
from authserver.grants.beginning import begin
from authserver.oauth import device_authorization, opaque, signed_client
from authserver.oauth.client import Client
from authserver.oauth.device_authorization import Approval, DeviceAuthorization, refused
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Grant
from authserver.oauth.params import Params
from authserver.storage.store import Reads, Transaction


def prove(
    server: AuthServer, reads: Reads, client: Client, params: Params, now: int
) -> Proof | Undecided:
    """Prove a device code: known, this client's, approved; reads only."""
    digest = opaque.digest(params.require("device_code"))
    found, user = reads.device_authorization(digest) or (None, None)
    device = device_authorization.check_poll(found, client, now)
    approval = device.approval
    if approval is None and device.is_done_polling():  # there is nothing left to note
        raise device_authorization.wait(slowed=True)
    if approval is None:
        return Undecided(
            lambda tx: device_authorization.wait(slowed=tx.note_poll(device.digest, now))
        )
    if user is None:
        raise refused("user_gone")

    def spend(tx: Transaction, jkt: str | None) -> Grant:
        return _spend(server, tx, device, approval, jkt, now)

    return Proof(device.authorization(approval), spend, user, device_address=device.address)


def asked_at(server: AuthServer, params: Params) -> int | None:
    """Return when a device asked, where its client's id may have ended since: what began goes on.

    Once the user agreed the client is stored, and its id has no end any more.
    """
    client_id, device_code = params.get("client_id"), params.get("device_code")
    if client_id is None or device_code is None or not signed_client.is_signed(client_id):
        return None
    with server.store.read() as reads:
        found, _ = reads.device_authorization(opaque.digest(device_code)) or (None, None)
    if found is None or found.request.client_id != client_id:
        return None
    return found.created_at


def _spend(
    server: AuthServer,
    tx: Transaction,
    device: DeviceAuthorization,
    approval: Approval,
    jkt: str | None,
    now: int,
) -> Grant:
    if not tx.spend_device(device.digest, now, device.epoch_subjects(approval)):
        raise _replayed(tx, device, approval, now)
    return begin(
        server,
        tx,
        device.authorization(approval),
        epochs=approval.epochs,
        upstream_sid=approval.upstream_sid,
        jkt=jkt,
        now=now,
    )


def _replayed(
    tx: Transaction, device: DeviceAuthorization, approval: Approval, now: int
) -> OAuthError:
    """Judge a code that cannot be spent, as that of a browser is judged."""
    found, _ = tx.device_authorization(device.digest) or (None, None)
    if found is None or found.spent_at is None:
        return refused("device_code_revoked_or_expired")
    if abs(now - found.spent_at) <= HONEST_REPEAT:
        return refused("device_code_repeated")
    tx.revoke_grant(approval.grant_id, now)
    return refused("device_code_replayed_grant_revoked")
