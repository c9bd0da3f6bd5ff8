"""`serve` and the WSGI modules answer as configured, from an empty folder"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from authserver.cli.gunicorn_server import GunicornServer
from authserver.storage.store import Store
from tests.cli.served import free_port, get, served
from tests.settings.configuration import SECRET, VARIABLE, changed, toml

REPOSITORY = Path(__file__).resolve().parents[2]
AUTHSERVER = [sys.executable, "-m", "authserver"]
GUNICORN = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--workers", "1"]
ADVERTISED = "/.well-known/oauth-authorization-server"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that a server may start in, with a home that should stay empty."""
    return make_place(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def port(place):
    """The port of a server in that folder, which the tests below share."""
    port = free_port()
    with served(_serve(port), port, cwd=place, env=environment(place)):
        yield port


def make_place(folder):
    (folder / "home").mkdir()
    (folder / "sealing.key").write_bytes(os.urandom(32))
    (folder / "authserver.toml").write_text(toml(changed({})))
    return folder


def _serve(port):
    return [*AUTHSERVER, "serve", "--bind", f"127.0.0.1:{port}", "--threads", "2"]


def environment(folder):
    kept = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    kept |= {"HOME": str(folder / "home"), "PYTHONPATH": str(REPOSITORY), VARIABLE: SECRET}
    return kept | {"AUTHSERVER_CONFIG": str(folder / "authserver.toml")}


def test_it_makes_the_database_and_one_key_and_serves(place, port):
    status, body = get(port, ADVERTISED)
    assert (status, json.loads(body)["issuer"]) == (200, "https://auth.example.com")
    keys = {get(port, "/jwks.json")[1] for _ in range(20)}
    assert [len(json.loads(each)["keys"]) for each in keys] == [1]
    assert (place / "authserver.db").stat().st_mode & 0o077 == 0


def test_a_long_authorize_url_is_answered_and_an_endless_one_refused(port):
    status, body = get(port, f"/authorize?client_id=x&state={quote(chr(0x1F600) * 4096)}")
    assert (status, body[:15]) == (400, "<!doctype html>")
    status, body = get(port, f"/authorize?client_id=x&state={'a' * 65_536}")
    assert (status, body[:15]) == (414, "<!doctype html>")
    assert _refused_by_gunicorn(port, f"/authorize?client_id=x&state={'a' * 2_000_000}")


def _refused_by_gunicorn(port, path):
    try:
        status, body = get(port, path)
    except OSError:  # it hung up while this end was still sending
        return True
    return status in (400, 414) and body[:15] != "<!doctype html>"


def test_no_url_comes_from_a_header(port):
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Script-Name": "/evil"}
    headers |= {"X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/evil"}
    assert get(port, ADVERTISED, **headers) == get(port, ADVERTISED)


def test_it_writes_nothing_into_the_home_directory(place, port):
    assert get(port, "/health")[0] == 200
    assert not list((place / "home").iterdir())


def test_a_signal_reads_a_new_configuration_and_a_bad_one_changes_nothing(tmp_path):
    path, port = make_place(tmp_path) / "authserver.toml", free_port()
    unopenable = {"database/url": "sqlite:///not-mounted/authserver.db"}
    command = [*_serve(port), "--workers", "1"]
    with served(command, port, cwd=tmp_path, env=environment(tmp_path)) as process:
        for bad in ({"nonsense": 1}, unopenable):
            path.write_text(toml(changed(bad)))
            process.send_signal(signal.SIGHUP)
            _line_with(process, "The configuration before stays in effect")
            _line_with(process, "Worker exiting")
            assert "registration_endpoint" in get(port, ADVERTISED)[1]
            assert get(port, "/health")[0] == 200
        path.write_text(toml(changed({"registration/enabled": False})))
        process.send_signal(signal.SIGHUP)
        _line_with(process, "Worker exiting")
        assert "registration_endpoint" not in get(port, ADVERTISED)[1]
        process.terminate()
        assert process.wait(20) == 0


def test_a_worker_that_starts_while_the_database_is_away_waits_for_it(tmp_path):
    folder, port = make_place(tmp_path), free_port()
    data = tmp_path / "data"
    data.mkdir()
    (folder / "authserver.toml").write_text(
        toml(changed({"database/url": "sqlite:///data/authserver.db"}))
    )
    command = [*_serve(port), "--workers", "1"]
    with served(command, port, cwd=tmp_path, env=environment(tmp_path)) as process:
        _line_with(process, "Booting worker")
        data.rename(tmp_path / "away")
        os.kill(_worker_of(process), signal.SIGKILL)
        _line_with(process, "this worker waits: the database does not answer")
        (tmp_path / "away").rename(data)
        assert get(port, "/health")[0] == 200


def _worker_of(process):
    listed = ["ps", "-o", "pid=", "--ppid", str(process.pid)]
    return int(subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()[0])


def test_what_is_loosened_is_said_when_it_starts(run, folder, monkeypatch):
    loose = toml(changed({"rate_limits/register_in_all": 0}))
    (folder / "authserver.toml").write_text(loose)
    monkeypatch.setattr(GunicornServer, "run", lambda _: None)
    result = run("serve")
    assert result.exit_code == 0
    said = "looser than the default: rate_limits.register_in_all: no limit"
    assert said in result.stderr.splitlines()


def _line_with(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text} was never said")


@pytest.mark.parametrize("module", ["authserver.wsgi:app", "wsgi:app"])
def test_any_wsgi_server_serves_the_module(tmp_path, module):
    folder, port = make_place(tmp_path), free_port()
    command = [*GUNICORN, "--bind", f"127.0.0.1:{port}", module]
    with served(command, port, cwd=folder, env=environment(folder)):
        body = get(port, ADVERTISED)[1]
        assert json.loads(body)["issuer"] == "https://auth.example.com"


def test_a_module_with_a_bad_configuration_stops_and_says_every_mistake(tmp_path):
    folder, port = make_place(tmp_path), free_port()
    (folder / "authserver.toml").write_text(toml(changed({"isuer": 1, "tokns": {}})))
    command = [*GUNICORN, "--bind", f"127.0.0.1:{port}", "authserver.wsgi:app"]
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60,
        cwd=folder, env=environment(folder),
    )  # fmt: skip
    assert result.returncode == 3  # gunicorn: a worker failed to boot
    assert "The configuration has 2 mistakes:" in result.stderr
    assert "did you mean tokens?" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--bind", "8000"),
        ("--bind", "localhost"),
        ("--bind", "http://localhost:8000"),
        ("--workers", "0"),
        ("--threads", "many"),
    ],
)
def test_wrong_options_exit_with_2(run, folder, arguments):
    assert run("serve", *arguments).exit_code == 2


def test_a_schema_that_is_behind_is_not_served(run, folder, monkeypatch):
    monkeypatch.setattr(Store, "schema_is_current", lambda _: False)
    result = run("serve")
    assert result.exit_code == 1
    assert "run authserver db upgrade" in result.stderr
