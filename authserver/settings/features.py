"""What the operator switched on, as the metadata says it and the endpoints have it"""

from authserver.oauth.metadata import Features
from authserver.settings.values import Settings


def of(settings: Settings) -> Features:
    """Return what is on, from the settings alone."""
    downstream = {each.name for each in settings.downstream_servers}
    return Features(
        registration=settings.registration.enabled,
        offline_access=settings.tokens.advertise_offline_access,
        token_exchange=bool(settings.edges),
        token_batch=settings.tokens.token_batch,
        client_credentials=any(
            "client_credentials" in each.grant_types for each in settings.clients.values()
        ),
        client_assertions=(settings.registration.enabled and not settings.registration.stateless)
        or settings.publishers.enabled
        or any(each.keys or each.jwks_uri for each in settings.clients.values()),
        workloads=bool(settings.workloads),
        client_documents=settings.publishers.enabled,
        pushed_requests=settings.pushed_authorization_requests,
        dpop=settings.tokens.dpop,
        identity_assertions=settings.takes_identity_assertions,
        downstream_servers=any(each.target in downstream for each in settings.edges),
        device_authorization=settings.device_authorization,
    )
