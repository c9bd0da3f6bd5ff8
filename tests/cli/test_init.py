"""`init` writes what is missing and never what is there"""

import stat
import subprocess
import sys

import pytest

from authserver.settings import load


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("UPSTREAM_CLIENT_SECRET", "s3cret")
    return tmp_path / "new" / "folder"


def test_it_writes_a_configuration_that_is_valid_and_a_key_for_its_owner(run, empty):
    result = run("init", "--dir", empty)
    assert result.exit_code == 0
    assert sorted(path.name for path in empty.iterdir()) == ["authserver.toml", "sealing.key"]
    assert stat.S_IMODE((empty / "sealing.key").stat().st_mode) == 0o600
    assert len((empty / "sealing.key").read_bytes()) == 32
    assert load(empty / "authserver.toml").issuer == "https://auth.example.com"
    assert "config check --config" in result.stdout


def test_the_key_is_its_owners_under_any_umask(empty):
    command = [sys.executable, "-m", "authserver", "init", "--dir", str(empty)]
    subprocess.run(command, check=True, capture_output=True, umask=0)
    assert stat.S_IMODE((empty / "sealing.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((empty / "authserver.toml").stat().st_mode) == 0o644


def test_two_folders_have_different_keys(run, tmp_path):
    for name in ("a", "b"):
        run("init", "--dir", tmp_path / name)
    keys = {(tmp_path / name / "sealing.key").read_bytes() for name in ("a", "b")}
    assert len(keys) == 2


def test_a_second_run_changes_nothing(run, empty):
    run("init", "--dir", empty)
    (empty / "authserver.toml").write_text("# mine\n")
    before = {path.name: (path.read_bytes(), path.stat()) for path in empty.iterdir()}
    result = run("init", "--dir", empty)
    assert result.exit_code == 0
    assert {path.name: (path.read_bytes(), path.stat()) for path in empty.iterdir()} == before
    assert result.stdout.count("is there already") == 2


@pytest.mark.parametrize("missing", ["authserver.toml", "sealing.key"])
def test_only_what_is_missing_is_written(run, empty, missing):
    run("init", "--dir", empty)
    (kept,) = {"authserver.toml", "sealing.key"} - {missing}
    content = (empty / kept).read_bytes()
    (empty / missing).unlink()
    result = run("init", "--dir", empty)
    assert f"{missing}: written" in result.stdout
    assert (empty / missing).stat().st_size
    assert (empty / kept).read_bytes() == content


def test_a_link_is_never_followed(run, empty, tmp_path):
    empty.mkdir(parents=True)
    (empty / "sealing.key").symlink_to(tmp_path / "elsewhere")
    run("init", "--dir", empty)
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_in_place_of_the_folder_is_refused(run, tmp_path):
    (tmp_path / "file").write_text("x")
    assert run("init", "--dir", tmp_path / "file").exit_code == 2
    result = run("init", "--dir", tmp_path / "file" / "below")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_the_key_is_not_printed(run, empty):
    result = run("init", "--dir", empty)
    key = (empty / "sealing.key").read_bytes()
    assert key.hex() not in result.output
