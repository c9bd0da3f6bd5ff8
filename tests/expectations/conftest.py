"""A client of the deployment that every expectation begins with"""

import pytest

from tests.actors import McpClient


@pytest.fixture
def client(deployment):
    return McpClient(deployment).register()
