"""Property tests are never judged by time: the machine may be busy."""

from hypothesis import settings

settings.register_profile("oauth", deadline=None)
settings.load_profile("oauth")
