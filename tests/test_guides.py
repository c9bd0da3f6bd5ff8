"""The blocks of configuration in the guides load, one after another as a reader adds them."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from authserver.settings import load
from tests.settings.configuration import toml

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)
README = (ROOT / "README.md").read_text()
# The blocks of upstreams.md stand in place of each other: tests/upstream/test_presets.py has them.
PAGES = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "upstreams.md")
BLOCKS = [
    pytest.param(texts[: number + 1], id=f"{page.name}-{number}")
    for page in PAGES
    for texts in [BLOCK.findall(page.read_text())]
    for number in range(len(texts))
]


def merged(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{key: merged(below.get(key), each) for key, each in above.items()}}


def test_there_are_blocks():
    assert {"clients", "enterprise", "policy", "token-exchange"} <= {
        param.id.partition(".")[0] for param in BLOCKS if param.id
    }


@pytest.mark.parametrize("texts", BLOCKS)
def test_a_block_loads_over_the_smallest_file_and_those_before_it(texts, tmp_path, monkeypatch):
    (smallest,) = BLOCK.findall(README)
    document: dict[str, Any] = {}
    for text in (smallest, *texts):
        document = merged(document, tomllib.loads(text))
    for name in re.findall(r"env:([A-Z_]+)", json.dumps(document)):
        monkeypatch.setenv(name, f"a secret of 32 characters or more: {name}")
    keys = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    (tmp_path / "secret").write_text("0123456789abcdef" * 2)
    (tmp_path / "sealing.key").write_bytes(bytes(range(32)))
    text = re.sub(r"file:[^\"]*jwks\.json", "file:keys.json", toml(document))
    (tmp_path / "authserver.toml").write_text(re.sub(r"file:/[^\"]*", "file:secret", text))
    assert load(tmp_path / "authserver.toml")
