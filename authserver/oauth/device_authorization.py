"""The request of a device without a browser, and how its polls are judged: RFC 8628 §3.1, §3.5."""

from dataclasses import dataclass, field
from typing import Literal

from authserver.oauth import authorization, binding, epoch
from authserver.oauth.anchor import Anchor
from authserver.oauth.authorization import AuthorizationRequest
from authserver.oauth.client import Client
from authserver.oauth.client_metadata import DEVICE_CODE
from authserver.oauth.errors import OAuthError
from authserver.oauth.grant import Authorization
from authserver.oauth.params import Params
from authserver.oauth.resource import Resource

GRANT_TYPE = DEVICE_CODE
LIFETIME = 600  # seconds from the request to the user's decision
INTERVAL = 5  # seconds between two polls, at first
SLOWER = 5  # seconds more after each poll that came too early
TIME_TO_ASK = 30  # seconds beside the interval in which an approved device may still ask
EARLY = 1  # second that a poll may be early: the network delays one more than the other


@dataclass(frozen=True, slots=True)
class Approval:
    """What the user decided, and what the grant will hang on; `epochs` as in `oauth.epoch`."""

    grant_id: str
    sub: str
    scope: tuple[str, ...]
    auth_time: int
    epochs: int
    upstream_sid: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """A device's request, under the digest of its `device_code`, and what became of it.

    `typed_digest` is of the code that the user types (`oauth.user_code`).
    `address` is where it came from, as this server saw it, and empty once it is decided against or
    redeemed; `network_digest` is of the network around it. `epochs` is the sum of the epochs that
    concern it until then (its client). `interval` grows whenever it polls too early.
    """

    digest: str = field(repr=False)
    typed_digest: str = field(repr=False)
    request: AuthorizationRequest
    address: str
    network_digest: str
    epochs: int
    created_at: int
    expires_at: int
    interval: int = INTERVAL
    next_poll_at: int = 0
    slowed: bool = False
    status: Literal["pending", "approved", "denied"] = "pending"
    approval: Approval | None = None
    spent_at: int | None = None

    def is_open(self, now: int) -> bool:
        """Say whether a user may still decide about it."""
        return self.status == "pending" and now < self.expires_at

    def is_done_polling(self) -> bool:
        """Say whether it polled so often that its next poll would be due after its end."""
        return self.next_poll_at >= self.expires_at

    def authorization(self, approval: Approval) -> Authorization:
        """Return what the approved request proves, and the key that it is bound to."""
        return Authorization(
            approval.sub, self.request.client_id, self.request.resource, approval.scope,
            Anchor(approval.grant_id), approval.auth_time, jkt=self.request.dpop_jkt,
        )  # fmt: skip

    def epoch_subjects(self, approval: Approval) -> tuple[str, ...]:
        """Return the counters that the approval depends on."""
        request = self.request
        return epoch.of_grant(
            approval.sub, request.client_id, request.resource, approval.upstream_sid
        )


def parse_request(
    params: Params, client: Client, resources: tuple[Resource, ...]
) -> AuthorizationRequest:
    """Check the request of an authenticated client; the target and scope as /authorize does.

    Nobody is sent anywhere, so it has neither redirect URI nor code challenge.
    """
    if GRANT_TYPE not in client.grant_types:
        raise OAuthError("unauthorized_client", "The client may not use the device grant.")
    authorization.check_unsupported(params)
    bound, granted = authorization.find_target(params, client, resources)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri="",
        redirect_uri_given=False,
        state=None,
        scope=granted,
        resource=bound.url,
        code_challenge="",
        dpop_jkt=binding.check_jkt(params.get("dpop_jkt")),
    )


def check_poll(device: DeviceAuthorization | None, client: Client, now: int) -> DeviceAuthorization:
    """Return a device's request that is pending, approved or spent; raises what the poll is told.

    Another client learns nothing. A replay is judged before the end, so a spent one goes on.
    """
    if device is None:
        raise refused("unknown_device_code")
    if device.request.client_id != client.client_id:
        raise refused("device_code_of_another_client")
    if device.spent_at is not None:
        return device
    if now >= device.expires_at:
        raise OAuthError("expired_token", "The device code has expired.")
    if device.status == "denied":
        raise OAuthError("access_denied", "The user denied the request.", detail="device_denied")
    return device


def wait(*, slowed: bool) -> OAuthError:
    """Return what a poll is told before the user has decided (§3.5)."""
    if slowed:
        return OAuthError("slow_down", "Wait five seconds longer between two requests.")
    return OAuthError("authorization_pending", "The user has not decided yet.")


def refused(detail: str) -> OAuthError:
    """Return the refusal of a code that is good for nothing."""
    return OAuthError("invalid_grant", "The device code is not valid.", detail=detail)
