"""Templates that cannot be rendered stop the start, and never the answer"""

import pytest

from authserver.assets import asset
from authserver.endpoints import pages
from authserver.endpoints.specimens import PAGES
from tests.actors import ISSUER, Deployment
from tests.devices import ON
from tests.settings.configuration import changed, toml

BROKEN = {
    "an unknown name": ("layout.html", "{{ nope }}", "layout.html:1: 'nope' is undefined"),
    "a mistake": ("error.html", "\n{% if %}", "error.html:2: "),
    "a missing part": ("consent.html", '{% include "_mine.html" %}', "_mine.html"),
    "a wrong operation": ("denied.html", "\n\n{{ scopes + 1 }}", "denied.html:3: "),
    "a wrong filter": ("sign_in.html", "{{ pending|round }}", "sign_in.html:1: "),
    "only where it is remembered": (
        "consent.html",
        "{% if remembered %}{{ nope }}{% endif %}",
        "consent.html:1: 'nope' is undefined",
    ),
}


@pytest.mark.parametrize(("file", "source", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_template_stops_the_start_and_is_named(
    sqlite_url, idp, tmp_path, file, source, said
):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / file).write_text(source)
    with pytest.raises(pages.TemplateBroken) as broken:
        Deployment.start(tmp_path, sqlite_url, idp, more='[pages]\ntemplates = "own"\n')
    assert said in str(broken.value)


def test_the_command_says_so(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from authserver.cli import main

    monkeypatch.setenv("TEST_UPSTREAM_SECRET", "x" * 40)
    (tmp_path / "sealing.key").write_bytes(b"k" * 32)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "layout.html").write_text("{{ nope }}")
    config = tmp_path / "authserver.toml"
    config.write_text(toml(changed({"pages/templates": "own"})))
    result = CliRunner().invoke(main, ["serve", "--config", str(config)])
    assert result.exit_code == 1
    assert result.stderr == f"{tmp_path / 'own' / 'layout.html'}:1: 'nope' is undefined\n"


def test_templates_that_changed_are_read_again(tmp_path):
    (tmp_path / "layout.html").write_text("fine")
    pages.check(tmp_path, devices=False)
    (tmp_path / "layout.html").write_text("{{ nope }}")
    pages.check(tmp_path, devices=False)
    with pytest.raises(pages.TemplateBroken):
        pages.check_again(tmp_path, devices=False)


SILENT = {
    "the sign-in page": ("sign_in.html", "{{ redirect_host }}", "sign_in.html"),
    "the consent page": ("consent.html", "{{ redirect_host }}", "consent.html"),
    "a part of it": ("_destination.html", "{{ redirect_host }}", "consent.html"),
    "the warning": ("_device.html", "Only go on if you began this.", "sign_in.html"),
}


@pytest.mark.spec("RFC 8628", "5.4")
@pytest.mark.parametrize(("file", "source", "said"), SILENT.values(), ids=SILENT)
def test_where_devices_may_ask_each_page_has_to_show_from_where(
    sqlite_url, idp, tmp_path, file, source, said
):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / file).write_text(source)
    more = '[pages]\ntemplates = "own"\n'
    with pytest.raises(pages.TemplateBroken, match=f"^{said}: does not show device.address"):
        Deployment.start(tmp_path, sqlite_url, idp, more=more + ON)
    with Deployment.start(tmp_path, sqlite_url, idp, more=more):
        """Where they may not, there is nothing to show."""


def test_a_warning_in_other_words_will_do(tmp_path):
    (tmp_path / "_device.html").write_text(
        "Nur weiter, wenn Ihr Gerät bei {{ device.address }} steht"
    )
    pages.check(tmp_path, devices=True)


def test_every_page_is_tried():
    files = {each.name for each in asset("templates").glob("[!_]*.html")}
    assert {template for template, _ in PAGES.values()} == files - {"layout.html"}


def test_where_the_error_page_fails_too_there_is_a_plain_one(deployment, monkeypatch, caplog):
    def fail(*_args, **_context):
        raise ZeroDivisionError

    monkeypatch.setattr(pages, "render", fail)
    deployment.app.testing = False
    for path, status, words in (
        ("/sign-in?pending=x", 403, "Quote"),
        ("/nowhere", 404, "no such page"),
        ("/authorize?client_id=x", 500, "Something went wrong"),
    ):
        answer = deployment.http().get(path, base_url=ISSUER)
        assert answer.status_code == status
        assert answer.mimetype == "text/html"
        assert words in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "the error page cannot be rendered" in caplog.text
