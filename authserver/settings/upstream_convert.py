"""From the table `[upstream]` to the value that the server works with"""

from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from authserver.settings.tables.oauth2 import OAuth2Table
from authserver.settings.tables.oidc import OidcTable
from authserver.settings.tables.upstream_common import FieldsTable, UpstreamTable
from authserver.settings.upstream import (
    ClientKey,
    OAuth2Upstream,
    OidcUpstream,
    ProfileFields,
    TokenFields,
    Upstream,
)


def to_upstream(table: OidcTable | OAuth2Table) -> Upstream:
    """Return the provider that a valid table means."""
    return _oidc(table) if isinstance(table, OidcTable) else _oauth2(table)


def _oidc(table: OidcTable) -> OidcUpstream:
    return OidcUpstream(
        **_registration(table),
        issuer=table.issuer,
        name=table.name or _host(table.issuer),
        discovery_url=table.discovery_url,
        tenants=_unique(table.tenants),
        subject_claim=table.subject_claim,
        scopes=_unique(table.scopes),
        prompts=_unique(table.prompts),
        offline_scopes=_unique(table.offline_scopes),
        id_token_algs=_unique(table.id_token_algs),
        userinfo=table.userinfo,
        fields=ProfileFields(**_profile(table.fields)),
        client_key=_client_key(table),
        client_assertion_audience=table.client_assertion_audience,
        exchange_audiences=_unique(table.exchange_audiences),
        identity_assertions=table.identity_assertions,
        clock_skew=table.clock_skew,
    )


def _oauth2(table: OAuth2Table) -> OAuth2Upstream:
    return OAuth2Upstream(
        **_registration(table),
        issuer=table.issuer or _origin(table.authorization_endpoint),
        derived_issuer=table.issuer is None,
        name=table.name or _host(table.authorization_endpoint),
        authorization_endpoint=table.authorization_endpoint,
        token_endpoint=table.token_endpoint,
        userinfo_endpoint=table.userinfo_endpoint,
        emails_endpoint=table.emails_endpoint,
        scopes=_unique(table.scopes),
        scope_parameter=table.scope_parameter,
        prompts=_unique(table.prompts),
        offline_scopes=_unique(table.offline_scopes),
        subject=_unique(table.fields.subject),
        fields=ProfileFields(**_profile(table.fields)),
        token_fields=TokenFields(**table.token_fields.model_dump()),
    )


def _registration(table: UpstreamTable) -> dict[str, Any]:
    return {
        "client_id": table.client_id,
        "client_secret": table.client_secret,
        "client_auth": table.client_auth,
        "preset": table.preset,
        "authorization_params": MappingProxyType(dict(table.authorization_params)),
        "offline_params": MappingProxyType(dict(table.offline_params)),
        "token_request_scope": table.token_request_scope,
        "request_timeout": float(table.request_timeout),
        "ca_file": table.ca_file,
    }


def _profile(table: FieldsTable) -> dict[str, tuple[str, ...]]:
    return {name: _unique(getattr(table, name)) for name in FieldsTable.model_fields}


def _client_key(table: OidcTable) -> ClientKey | None:
    key = table.client_key
    if key is None:
        return None
    return replace(key, kid=table.client_key_id or key.kid, alg=table.client_key_alg or key.alg)


def _unique(values: list[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
