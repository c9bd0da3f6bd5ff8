"""The newest FastMCP, protected by the kit, alone and with the authorization server around it"""

import os
import subprocess

import pytest

pytest.importorskip("mcp", reason="the official MCP SDK is not installed")

from tests.embedding.origins import example
from tests.interop.fastmcp_environment import ROOT, python


@pytest.fixture
def interpreter(request):
    return python(request.config.cache.mkdir("interop"))


def test_the_kit_protects_a_server_of_the_newest_fastmcp(interpreter):
    ran = subprocess.run(
        [interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "tests/resource_server/test_fastmcp.py"],
        cwd=ROOT, env=_environment(),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout, ran.stdout
    assert "skipped" not in ran.stdout, ran.stdout


def _environment():
    # Options for the run around this one are none of the inner one's.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return kept | {"PYTHONPATH": str(ROOT)}


def test_the_example_of_the_guide_runs_with_the_newest_fastmcp(interpreter, tmp_path):
    with example("fastmcp_server.py", interpreter, tmp_path) as here:
        assert "created The coffee machine is empty" in here.walk()
        here.check_documents()


def test_without_an_index_the_tests_are_skipped_by_name(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(pytest.skip.Exception, match="FastMCP is not to be had"):
        python(tmp_path)
