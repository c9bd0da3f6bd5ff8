"""docs/embedding.md: its examples run as they stand there"""

import re
import sys

import pytest

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

import httpx2

from authserver.embedding.ownership import LONGEST_BODY
from tests.embedding.origins import GUIDE, example


def test_the_example_with_the_official_sdk_runs(tmp_path):
    with example("sdk_server.py", sys.executable, tmp_path) as here:
        assert "created The coffee machine is empty" in here.walk()
        here.check_documents()


def test_the_flask_example_runs(tmp_path):
    with example("flask_server.py", sys.executable, tmp_path) as here:
        assert here.post()["scopes"] == ["issues:read", "issues:write"]
        assert here.get("/about") == b"All our issues"
        here.check_documents()
        with pytest.raises(httpx2.HTTPStatusError, match="401"):
            here.get("/anything-else")


def test_the_example_under_a_prefix_runs(tmp_path):
    with example("prefix_server.py", sys.executable, tmp_path) as here:
        assert here.post()["scopes"] == ["issues:read", "issues:write"]
        assert here.get("/") == b"Issues"
        here.check_documents()


def test_every_example_is_tested():
    named = re.findall(r"```python\n# (\S+)\n", GUIDE)
    assert len(named) == len(re.findall("```python", GUIDE))
    tested = {"sdk_server.py", "flask_server.py", "prefix_server.py"}
    assert set(named) == tested | {"fastmcp_server.py"}  # tests/interop/test_fastmcp.py


def test_the_guide_names_the_size_that_is_kept():
    assert f"{LONGEST_BODY // 1024} KiB" in GUIDE
