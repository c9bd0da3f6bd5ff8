"""Settings: one TOML file, read once into frozen values, or every mistake in it at once"""

from authserver.settings.load import load, locate
from authserver.settings.problem import Problem, SettingsError
from authserver.settings.upstream import OAuth2Upstream, OidcUpstream, Upstream
from authserver.settings.values import (
    Pages,
    RateLimits,
    Settings,
    TokenLifetimes,
)

__all__ = [
    "OAuth2Upstream",
    "OidcUpstream",
    "Pages",
    "Problem",
    "RateLimits",
    "Settings",
    "SettingsError",
    "TokenLifetimes",
    "Upstream",
    "load",
    "locate",
]
