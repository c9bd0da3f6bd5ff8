"""A pending authorization with all that its next step depends on, for the browser that owns it."""

from dataclasses import dataclass, field

from authserver import vault
from authserver.app import AuthServer
from authserver.endpoints import browser, clients
from authserver.endpoints.page_error import PageError
from authserver.oauth import client as oauth_client
from authserver.oauth import epoch, opaque, policy, redirect_uri
from authserver.oauth.authorization import AuthorizationRequest
from authserver.oauth.client import Client
from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.device_authorization import DeviceAuthorization
from authserver.oauth.interaction import (
    PendingAuthorization,
    RememberedConsent,
    Session,
    Step,
    next_step,
)
from authserver.oauth.resource import Resource
from authserver.oauth.user import User
from authserver.storage.store import Reads

GONE = "This request has expired or was answered already."


@dataclass(frozen=True, slots=True)
class Flow:
    """A request on its way, the parties to it, and what is remembered of them.

    `code_epochs` and `consent_epochs` are the sums of the epochs that a code and the memory of
    the consent will depend on, read before that memory: whatever is revoked from then on is not
    in them, and ends both. `connected` says that the vault holds the upstream tokens that the
    resource asks for. `device` is the one that asks, where its user typed its code.
    """

    pending: PendingAuthorization
    client: Client
    resource: Resource
    binding: str = field(repr=False)
    session: Session | None
    user: User | None
    code_epochs: int
    consent_epochs: int
    remembered: RememberedConsent | None
    connected: bool
    device: DeviceAuthorization | None
    request_id: str
    now: int

    @property
    def is_remembered(self) -> bool:
        """Say whether a stored consent covers this request."""
        memory, allowed = self.remembered, self.allowed
        if memory is None or allowed is None:
            return False
        return memory.covers(allowed, oauth_client.digest(self.client))

    @property
    def allowed(self) -> tuple[str, ...] | None:
        """Return what of the request the user may have, None where the policy denies them."""
        return policy.allowed(self.resource, self.user, self.pending.request.scope)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return whose epochs the decision depends on: the client's, and the user's once known."""
        of_client = (epoch.client(self.client.client_id),)
        if self.session is None:
            return of_client
        return (*of_client, *epoch.of_session(self.session.sub, self.session.upstream_sid))

    @property
    def epochs(self) -> int:
        """Return the sum of these epochs as it was when each was read."""
        return self.pending.epochs + (self.session.epochs if self.session else 0)

    def step(self) -> Step:
        """Return the next step."""
        return next_step(
            self.pending,
            self.client,
            self.session,
            self.allowed,
            self.is_remembered,
            self.now,
            connected=self.connected,
        )


def load(server: AuthServer, pending_id: str | None, request_id: str, now: int) -> Flow:
    """Load the flow that a page names, for the browser that owns it; raises PageError."""
    with server.store.read() as reads:
        pending = reads.pending(pending_id) if pending_id else None
        if pending is None:
            raise forbidden("no_flow")
        binding = browser.binding_for(server, pending)
        if binding is None:
            raise forbidden("other_browser")
        if pending.status != "pending" or now >= pending.expires_at:
            raise ended()
        return complete(server, reads, pending, binding, request_id, now)


def complete(
    server: AuthServer,
    reads: Reads,
    pending: PendingAuthorization,
    binding: str,
    request_id: str,
    now: int,
) -> Flow:
    """Add client, session and memory to a pending authorization; raises PageError."""
    request, device = pending.request, _device(server, reads, pending)
    began_at = pending.created_at if device is None else device.created_at
    client = clients.known(server, reads, request.client_id, began_at)
    resource = server.resource(request.resource)
    if client is None or resource is None:
        raise PageError(400, "This application is not registered any more", GONE, "client_gone")
    if not _may_still(client, request, device):
        raise PageError(400, "This application has changed", GONE, "redirect_uri_gone")
    session, user = _signed_in(server, reads, now)
    code_epochs = consent_epochs = 0
    if session is not None:
        code_epochs = reads.epoch_sum(code_subjects(session, pending))
        consent_epochs = reads.epoch_sum(
            epoch.of_consent(session.sub, client.client_id, resource.url)
        )
    remembered = (
        reads.consent(user.sub, client.client_id, remembered_as(request), resource.url)
        if user and device is None
        else None
    )
    connected = (
        vault.is_connected(server, reads, user, session, resource, pending, now)
        if user and session
        else False
    )
    return Flow(
        pending, client, resource, binding, session, user, code_epochs,
        consent_epochs, remembered, connected, device, request_id, now,
    )  # fmt: skip


def remembered_as(request: AuthorizationRequest) -> str:
    """Return the redirect URI under which a decision is remembered: a local app's without port."""
    return redirect_uri.without_loopback_port(request.redirect_uri)


def code_subjects(session: Session, pending: PendingAuthorization) -> tuple[str, ...]:
    """Return whose epochs a code for this session and request depends on."""
    request = pending.request
    return epoch.of_grant(session.sub, request.client_id, request.resource, session.upstream_sid)


def forbidden(detail: str) -> PageError:
    """Return the refusal of a page that is not this browser's to see."""
    text = "This page belongs to another browser or has been open for too long."
    return PageError(403, "This page cannot be continued", text, detail)


def ended() -> PageError:
    """Return the refusal of a request that is decided, expired or revoked."""
    return PageError(400, "Nothing to do here any more", GONE, "flow_ended")


def _device(
    server: AuthServer, reads: Reads, pending: PendingAuthorization
) -> DeviceAuthorization | None:
    if pending.device_digest is None:
        return None
    if not server.settings.device_authorization:  # the pages were open when it was switched off
        raise devices_are_off()
    device, _ = reads.device_authorization(pending.device_digest) or (None, None)
    if device is None or device.status != "pending":  # decided in another tab, or elsewhere
        raise ended()
    return device


def devices_are_off() -> PageError:
    """Return the refusal of a device where none is let in any more."""
    text = "This server lets no devices in by a code any more. Nothing was shared with yours."
    hint = "Connect from an application that opens this browser by itself."
    return PageError(400, "Devices cannot connect here", text, "devices_off", hints=(hint,))


def _may_still(
    client: Client, request: AuthorizationRequest, device: DeviceAuthorization | None
) -> bool:
    """Say whether the client, as it is by now, may still be answered in this way."""
    if device is not None:
        return DEVICE_CODE in client.grant_types
    return redirect_uri.match(client.redirect_uris, request.redirect_uri) is not None


def _signed_in(
    server: AuthServer, reads: Reads, now: int
) -> tuple[Session, User] | tuple[None, None]:
    """Return this browser's session and its user, where it has one that lives."""
    value = browser.session_value(server)
    session = reads.session(opaque.digest(value)) if value else None
    if session is None or session.expired(now):
        return None, None
    user = reads.user(session.sub)
    return (None, None) if user is None else (session, user)
