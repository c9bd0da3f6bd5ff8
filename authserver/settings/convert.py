"""From the tables of the file to the values that the server works with"""

from pathlib import Path
from types import MappingProxyType

from authserver.oauth import claim, metadata
from authserver.oauth.allow import Allow
from authserver.oauth.client import RegistrationPolicy
from authserver.oauth.redirect_uri import PRIVATE_SCHEMES, RedirectPolicy
from authserver.oauth.resource import Resource, Scope
from authserver.settings import client_convert
from authserver.settings.tables.allow import AllowTable
from authserver.settings.tables.client_documents import to_publishers
from authserver.settings.tables.downstream_server import to_downstream_server
from authserver.settings.tables.external_service import to_external_service
from authserver.settings.tables.file import File
from authserver.settings.tables.rate_limits import RateLimitsTable
from authserver.settings.tables.resource import ResourceTable
from authserver.settings.tables.trusted_issuer import to_trusted_issuer
from authserver.settings.tables.workload import to_workload
from authserver.settings.upstream_convert import to_upstream
from authserver.settings.values import (
    Pages,
    RateLimits,
    Settings,
    TokenLifetimes,
)


def to_settings(file: File, path: Path) -> Settings:
    """Return the settings that a valid file means."""
    tokens = TokenLifetimes(**file.tokens.model_dump())
    resources = tuple(
        _resource(key, table, tokens.access_token_lifetime) for key, table in file.resources.items()
    )
    return Settings(
        issuer=file.issuer,
        upstream=to_upstream(file.upstream),
        resources=resources,
        clients=client_convert.clients(file),
        requesters=client_convert.requesters(file),
        edges=client_convert.edges(file),
        external_services=tuple(
            to_external_service(name, table) for name, table in file.external_services.items()
        ),
        downstream_servers=tuple(
            to_downstream_server(name, table) for name, table in file.downstream_servers.items()
        ),
        trusted_issuers=tuple(
            to_trusted_issuer(name, table) for name, table in file.trusted_issuers.items()
        ),
        workloads=tuple(to_workload(name, table) for name, table in file.workloads.items()),
        database_url=file.database.url,
        sealing_keys=tuple(file.keys.seal),
        signing_alg=file.keys.signing_alg,
        rotation_interval=file.keys.rotation_interval,
        publish_lead_time=file.keys.publish_lead_time,
        accept_plaintext=file.keys.accept_plaintext,
        tokens=tokens,
        registration=_registration(file, resources),
        publishers=to_publishers(file.client_documents),
        client_documents_ca_file=file.client_documents.ca_file,
        rate_limits=_rate_limits(file.rate_limits),
        pages=Pages(operator=file.pages.operator or "", templates=file.pages.templates),
        trusted_proxies=file.server.trusted_proxies,
        device_authorization=file.server.device_authorization,
        pushed_authorization_requests=file.server.pushed_authorization_requests,
        authorization_endpoint_base_url=file.server.authorization_endpoint_base_url,
        config_path=path,
    )


def _resource(key: str, table: ResourceTable, access_token_lifetime: int) -> Resource:
    return Resource(
        key=key,
        url=table.url,
        name=table.name,
        scopes=MappingProxyType(
            {
                name: Scope(
                    scope.description,
                    sensitive=scope.sensitive,
                    allow=_allow(scope.allow),
                )
                for name, scope in table.scopes.items()
            }
        ),
        access_token_lifetime=table.access_token_lifetime or access_token_lifetime,
        documentation=table.documentation,
        allow=_allow(table.allow),
        liveness=table.liveness,
        status_list=table.status_list,
        retired=table.retire,
        dpop_bound_access_tokens_required=table.dpop_bound_access_tokens_required,
        upstream_token=table.upstream_token,
        upstream_scopes=tuple(dict.fromkeys(table.upstream_scopes)),
        claims=tuple(dict.fromkeys(table.claims)),
    )


def _allow(table: AllowTable | None) -> Allow | None:
    if table is None:
        return None
    claims = dict(table.claims or {})
    if table.groups:
        claims[claim.GROUPS] = claims.get(claim.GROUPS, frozenset()) | set(table.groups)
    return Allow(
        email_domains=frozenset(table.email_domains or ()),
        emails=frozenset(table.emails or ()),
        subjects=frozenset(table.subjects or ()),
        claims=MappingProxyType(claims),
    )


def _registration(file: File, resources: tuple[Resource, ...]) -> RegistrationPolicy:
    table = file.registration
    named = frozenset(table.private_schemes)
    extends = table.private_schemes_mode == "extend"
    return RegistrationPolicy(
        enabled=table.enabled,
        redirect=RedirectPolicy(
            private_schemes=named | PRIVATE_SCHEMES if extends else named,
            patterns=tuple(table.allowed_redirect_uri_patterns),
        ),
        # Wider than what the metadata lists: a client may register offline_access in any case.
        scopes_supported=metadata.scopes_supported(resources, offline_access=True),
        default_client_scopes=tuple(dict.fromkeys(table.default_client_scopes)),
        confidential_redirect_uris=frozenset(table.confidential_redirect_uris),
        fetches_keys=file.client_documents.enabled,
        pushed_requests=file.server.pushed_authorization_requests,
        dpop=file.tokens.dpop,
        identity_assertions=_takes_identity_assertions(file),
        device=file.server.device_authorization,
        idempotent=table.idempotent,
        stateless=table.stateless,
        management=table.management,
        initial_access_token_digests=tuple(table.initial_access_tokens),
        unused_lifetime=table.unused_lifetime,
        idle_lifetime=table.idle_lifetime,
    )


def _rate_limits(table: RateLimitsTable) -> RateLimits:
    return RateLimits(
        register_per_address=table.register_per_address,
        register_in_all=table.register_in_all,
        authorize_per_address=table.authorize_per_address,
        pending_per_address=table.pending_per_address,
        failures_per_client=table.failures_per_client,
        fetches_per_address=table.fetches_per_address,
        fetches_per_host=table.fetches_per_host,
        user_codes_per_address=table.user_codes_per_address,
        user_codes_in_all=table.user_codes_in_all,
        trusted_egress=tuple(table.trusted_egress),
    )


def _takes_identity_assertions(file: File) -> bool:
    upstream = getattr(file.upstream, "identity_assertions", False)
    return upstream or any(each.identity_assertions for each in file.trusted_issuers.values())
