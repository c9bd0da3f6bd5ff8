"""How many examples a property test that asks a server tries: few in each run, many on demand

HYPOTHESIS_PROFILE=thorough tries twenty times as many, and others each time.
"""

import os

from hypothesis import HealthCheck, settings

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def examples(number: int) -> settings:
    """Return the settings of a test that tries `number` examples in a run of all tests."""
    return settings(
        max_examples=number * (20 if THOROUGH else 1),
        deadline=None,
        derandomize=not THOROUGH,  # a run fails for what was changed, not for what was drawn
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
