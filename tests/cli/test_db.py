"""`db` says where the schema is and brings it here"""

import json
from contextlib import closing

import pytest

from authserver.storage import migrate
from authserver.storage.store import Store
from tests.cli.served import free_port
from tests.settings.configuration import changed, toml


def test_an_empty_database_is_behind_and_asking_makes_no_file(run, folder):
    result = run("db", "status")
    assert result.exit_code == 1
    assert "the database is empty" in result.stdout
    assert "authserver db upgrade" in result.stdout
    assert not list(folder.glob("*.db*"))
    assert json.loads(run("db", "status", "--json").stdout) == {
        "revision": None, "newest": migrate.head(), "current": False,
    }  # fmt: skip


def test_upgrade_brings_it_here_and_may_run_again(run, folder):
    for _ in range(2):
        result = run("db", "upgrade")
        assert (result.exit_code, result.stdout) == (0, f"The schema is at {migrate.head()}.\n")
    result = run("db", "status", "--json")
    assert (result.exit_code, json.loads(result.stdout)["current"]) == (0, True)
    assert run("db", "status").stdout == f"The schema is at {migrate.head()}.\n"


def test_a_database_out_of_reach_is_said_without_its_address(run, folder, monkeypatch):
    monkeypatch.setenv("DB", f"postgresql://user:db-pass-word@127.0.0.1:{free_port()}/auth")
    (folder / "authserver.toml").write_text(toml(changed({"database/url": "env:DB"})))
    for command in (("db", "upgrade"), ("db", "status"), ("keys", "list")):
        result = run(*command)
        assert result.exit_code == 1
        assert "the database does not answer" in result.stderr
        assert "db-pass-word" not in result.output
        assert "Traceback" not in result.output


MOVED = {"upstream/issuer": "https://moved.example.com"}


def _signed_in(url, subject):
    """A database that somebody signed in to, with the right configuration."""
    with closing(Store.open(url)) as store, store.write() as tx:
        return tx.save_user(
            "https://login.example.com", subject, name=None, email=None, email_verified=False,
            claims={}, now=1, new_sub=f"usr-{subject}",
        ).sub  # fmt: skip


def _users(url):
    with closing(Store.open(url)) as store, store.read() as reads:
        return reads.count_users()


@pytest.fixture
def moved(folder):
    """A database of the right configuration with one user, and a file that says something else."""
    from authserver.build import prepare
    from authserver.settings import load

    settings = load(folder / "authserver.toml")
    prepare(settings, 1)
    _signed_in(settings.database_url, "u1")
    (folder / "authserver.toml").write_text(toml(changed(MOVED)))
    return settings.database_url


def test_a_server_whose_users_would_be_others_does_not_start_and_says_what_to_run(run, moved):
    result = run("serve", "--bind", "127.0.0.1:1", "--workers", "1")
    assert result.exit_code == 1
    assert "https://login.example.com -> https://moved.example.com" in result.stderr
    assert "authserver db rekey-upstream --users keep" in result.stderr
    assert "Traceback" not in result.output


def test_rekey_says_what_it_would_do_and_does_nothing_without_yes(run, moved):
    result = run("db", "rekey-upstream", "--users", "new")
    assert result.exit_code == 1
    assert "0 users would be kept, 1 retired" in result.stdout
    assert "--yes" in result.stdout
    assert _users(moved) == {"https://login.example.com": 1}


@pytest.mark.parametrize(
    ("users", "said", "left"),
    [
        ("keep", "1 users are kept, 0 are retired", {"https://moved.example.com": 1}),
        ("new", "0 users are kept, 1 are retired", {}),
    ],
)
def test_rekey_takes_the_change_over(run, moved, users, said, left):
    result = run("db", "rekey-upstream", "--users", users, "--yes")
    assert (result.exit_code, said in result.stdout) == (0, True), result.output
    assert _users(moved) == left
    again = run("db", "rekey-upstream", "--users", users)
    assert (again.exit_code, "Nothing to do" in again.stdout) == (0, True)


def test_rekey_wants_to_be_told_what_the_subjects_mean(run, moved):
    assert run("db", "rekey-upstream", "--yes").exit_code == 2
    assert _users(moved) == {"https://login.example.com": 1}
