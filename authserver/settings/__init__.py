"""Settings: one TOML file, read once into frozen values, or every mistake in it at once"""

from authserver.settings.load import load, locate
from authserver.settings.problem import Problem, SettingsError
from authserver.settings.values import (
    OidcUpstream,
    Pages,
    RateLimits,
    Settings,
    TokenLifetimes,
)

__all__ = [
    "OidcUpstream",
    "Pages",
    "Problem",
    "RateLimits",
    "Settings",
    "SettingsError",
    "TokenLifetimes",
    "load",
    "locate",
]
