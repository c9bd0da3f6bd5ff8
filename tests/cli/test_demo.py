"""`demo` hands over to the demo and exits with what it says"""

import sys
from types import ModuleType

import pytest


@pytest.fixture
def demo(monkeypatch):
    """A demo that notes how it was run, and what it is to return."""
    calls = []

    def run(*, check, directory):
        calls.append((check, directory))
        return 1 if check else 0

    module = ModuleType("authserver.demo.run")
    module.__dict__["run"] = run
    monkeypatch.setitem(sys.modules, "authserver.demo.run", module)
    return calls


def test_its_options_and_its_exit_status_are_the_demos(run, demo, tmp_path):
    assert run("demo").exit_code == 0
    assert run("demo", "--check", "--dir", tmp_path).exit_code == 1
    assert demo == [(False, None), (True, tmp_path)]


def test_without_its_extra_it_says_what_to_install(run, monkeypatch):
    class Absent:
        def find_spec(self, name, *_):
            if name == "authserver.demo.run":
                raise ModuleNotFoundError("No module named 'mcp'", name="mcp")

    monkeypatch.delitem(sys.modules, "authserver.demo.run", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    result = run("demo")
    assert result.exit_code == 1
    assert "pip install 'authserver[demo]'" in result.stderr
