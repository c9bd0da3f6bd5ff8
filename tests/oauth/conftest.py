"""Property tests are never judged by time: the machine may be busy."""

from hypothesis import settings

from tests.examples import THOROUGH

settings.register_profile("oauth", deadline=None, max_examples=2000 if THOROUGH else 100)
settings.load_profile("oauth")
