"""docs/configuration.md and the file of `authserver init` say what the models say"""

import subprocess
import sys
import tomllib
from pathlib import Path

from authserver.settings import load
from authserver.settings.docs import markdown
from authserver.settings.example import example
from authserver.settings.reference import sections
from authserver.settings.tables.file import File
from tests.publishing import make_certificate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_page_of_the_configuration_is_fresh():
    command = "python -m authserver.settings.docs > docs/configuration.md"
    assert PAGE.read_text() == markdown(), f"run: {command}"


def test_the_page_is_what_its_command_prints():
    command = [sys.executable, "-m", "authserver.settings.docs"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed == markdown()


def test_every_key_has_a_meaning_and_a_default_or_an_example_or_is_required():
    for section in sections():
        for key in section.keys:
            assert key.meaning.endswith("."), key
            assert key.kind, key
            if section.optional:
                assert key.default or key.example, key


def test_every_table_of_the_file_is_documented():
    names = {section.name.partition(".")[0] for section in sections()}
    assert names | {"issuer"} == {*File.model_fields, "", "issuer"}


def test_the_page_shows_a_whole_configuration(write):
    block = markdown().partition("```toml\n")[2].partition("```")[0]
    assert load(write(block.replace("UPSTREAM_CLIENT_SECRET", "TEST_UPSTREAM_SECRET")))


def _uncommented(text):
    """The example with every optional line switched on, and its comments left."""
    head, _, rest = text.partition("# All that follows")
    lines = rest.splitlines()[1:]
    switched = [
        line.removeprefix("# ").removeprefix("  ") for line in lines if " = " in line or "[" in line
    ]
    return head + "\n".join(line for line in switched if not line.startswith("#"))


def test_the_example_is_valid_as_it_stands_and_with_every_line_switched_on(
    write, monkeypatch, tmp_path
):
    monkeypatch.setenv("UPSTREAM_CLIENT_SECRET", "s3cret")
    plain = load(write(example()))
    (tmp_path / "templates").mkdir()
    make_certificate(tmp_path, "ca.example").rename(tmp_path / "clients-ca.pem")
    text = _uncommented(example())
    document = tomllib.loads(text)
    optional = {section.name: section for section in sections() if section.optional}
    assert {name: set(document[name]) for name in optional} == {
        name: {key.name for key in section.keys} for name, section in optional.items()
    }
    full = load(write(text))
    assert full.tokens == plain.tokens
    assert full.database_url == plain.database_url
    assert full.rotation_interval == plain.rotation_interval
