"""Where a configuration comes from, and how a value in it is read with that in mind"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class Origin:
    """The file's folder, which relative paths start at, and what was read before in this file.

    `exposed` are files of secrets that others than their owner may read. `secrets` are the contents
    of each by the reference to it, `secret_files` where those of files are. By the name of a
    resource are its scopes and, where its upstream tokens are kept, theirs; `owners` names the
    resource whose own client an id is, `ids` are those of all clients; `ways` are requester, source
    and target of each exchange; `needs_dpop` and `needs_pushing` are the keys that are of no use
    where tokens are not bound and requests are not pushed, `needs_devices` the tables of clients
    that are devices; `asserting` are the keys by which identity assertions are taken,
    `asserting_only` the trusted issuers of whom nothing else is, `bringing` the clients that may
    bring them; `exchanges` are the names of their tables.
    """

    directory: Path
    own_issuers: set[str] = field(default_factory=set)
    resource_urls: dict[str, str] = field(default_factory=dict)
    resource_names: set[str] = field(default_factory=set)
    sealing_kids: set[str] = field(default_factory=set)
    scopes: set[str] = field(default_factory=set)
    resource_scopes: dict[str, frozenset[str]] = field(default_factory=dict)
    upstream_scopes: dict[str, frozenset[str]] = field(default_factory=dict)
    service_scopes: dict[str, frozenset[str]] = field(default_factory=dict)
    upstream_services: set[str] = field(default_factory=set)
    external_services: set[str] = field(default_factory=set)
    downstream_issuers: set[str] = field(default_factory=set)
    downstream_clients: dict[str, frozenset[str]] = field(default_factory=dict)
    asserting: set[str] = field(default_factory=set)
    asserting_only: set[str] = field(default_factory=set)
    bringing: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    issuers: set[str] = field(default_factory=set)
    known_issuers: set[str] = field(default_factory=set)
    client_ids: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    requesters: set[str] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)
    delegate_targets: dict[str, frozenset[str]] = field(default_factory=dict)
    delegate_scopes: dict[str, frozenset[str]] = field(default_factory=dict)
    delegate_sources: dict[str, frozenset[str]] = field(default_factory=dict)
    exchanges: set[str] = field(default_factory=set)
    ways: set[tuple[str, str, str]] = field(default_factory=set)
    needs_dpop: set[str] = field(default_factory=set)
    needs_pushing: set[str] = field(default_factory=set)
    needs_devices: set[str] = field(default_factory=set)
    exposed: set[Path] = field(default_factory=set)
    secrets: dict[str, bytes] = field(default_factory=dict, repr=False)
    secret_files: set[Path] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Read:
    """An annotation: how a TOML value becomes ours, and what the documentation calls its type.

    `check` gets the value and its origin and raises what `problem.wrong` returns.
    """

    kind: str
    check: Callable[[Any, Origin], object]
    show: Callable[[Any], str] | None = None

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let pydantic call `check` in place of its own validation."""

        def run(value: object, info: ValidationInfo) -> object:
            origin = info.context
            if not isinstance(origin, Origin):
                raise TypeError("a file is validated with its Origin as context")
            return self.check(value, origin)

        return core_schema.with_info_plain_validator_function(run)
