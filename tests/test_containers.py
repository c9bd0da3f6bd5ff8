"""Dockerfile, docker-compose.yml and docker/ agree with each other and with the settings."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from authserver.demo.mcp_server import SCOPES
from authserver.settings import load

ROOT = Path(__file__).resolve().parents[1]
DOCKER = ROOT / "docker"
CONFIGURED = ("authserver", "migrate")
SHARING = ("idp", "mcp")  # one network with authserver
EVERYWHERE = "0.0.0.0"  # noqa: S104 - all of a container, which publishes to loopback only


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


@pytest.fixture(scope="module")
def dex():
    return yaml.safe_load((DOCKER / "dex.yaml").read_text())


@pytest.fixture(scope="module")
def dockerfile():
    return (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


@pytest.fixture(scope="module")
def made_secrets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docker")
    shutil.copy(DOCKER / "secrets.sh", folder)
    _make_secrets(folder)
    return folder / "secrets"


@pytest.fixture(scope="module")
def settings(made_secrets):
    text = (DOCKER / "authserver.toml").read_text()
    config = made_secrets.parent / "authserver.toml"
    config.write_text(text.replace("/run/secrets", str(made_secrets)))
    return load(config)


def port_of(url):
    return urlsplit(url).port


def test_the_configuration_is_valid_with_the_secrets_that_the_script_makes(settings):
    assert settings.database_url.startswith("postgresql+psycopg://authserver:")
    assert len(settings.sealing_keys) == 1


def test_the_script_makes_every_secret_of_the_compose_file_and_keeps_it(compose, made_secrets):
    sources = {Path(secret["file"]) for secret in compose["secrets"].values()}
    assert {source.name for source in sources} == {path.name for path in made_secrets.iterdir()}
    assert {source.parent for source in sources} == {Path("docker/secrets")}
    before = {path.name: path.read_bytes() for path in made_secrets.iterdir()}
    _make_secrets(made_secrets.parent)
    assert before == {path.name: path.read_bytes() for path in made_secrets.iterdir()}


def test_the_secrets_lie_in_a_closed_folder_that_git_ignores(made_secrets):
    assert made_secrets.stat().st_mode & 0o777 == 0o700
    assert (DOCKER / ".gitignore").read_text().split() == ["secrets/"]


def test_a_container_sees_exactly_the_secrets_that_it_names(services):
    config = (DOCKER / "authserver.toml").read_text()
    named = set(re.findall(r"/run/secrets/(\w+)", config))
    for name in CONFIGURED:
        assert set(services[name]["secrets"]) == named, name
    for name in set(services) - set(CONFIGURED):
        used = set(re.findall(r"/run/secrets/(\w+)", json.dumps(services[name])))
        assert set(services[name].get("secrets", [])) == used, name


def test_the_database_url_is_the_one_of_the_postgres_service(services, settings, made_secrets):
    url = urlsplit(settings.database_url)
    environment = services["postgres"]["environment"]
    assert url.hostname == "postgres"
    assert url.username == environment["POSTGRES_USER"]
    assert url.path == f"/{environment['POSTGRES_DB']}"
    assert url.password == (made_secrets / "postgres_password").read_text()


def test_the_identity_provider_knows_us_by_the_one_redirect_uri(dex, settings):
    [client] = dex["staticClients"]
    assert client["redirectURIs"] == [settings.redirect_uri]
    assert client["id"] == settings.upstream.client_id
    assert dex["issuer"] == settings.upstream.issuer


def test_the_identity_provider_reads_its_secret_from_the_file_of_ours(dex, services, settings):
    [client] = dex["staticClients"]
    *_, script = services["idp"]["entrypoint"]
    assert f'{client["secretEnv"]}="$$(cat /run/secrets/upstream_client_secret)"' in script
    assert settings.upstream.client_secret


def test_each_server_listens_where_its_url_points(dex, services, settings):
    [resource] = settings.resources
    assert services["authserver"]["command"][-1] == f"{EVERYWHERE}:{port_of(settings.issuer)}"
    assert services["mcp"]["command"] == [
        "--host",
        EVERYWHERE,
        "--port",
        str(port_of(resource.url)),
    ]
    assert dex["web"]["http"] == f"{EVERYWHERE}:{port_of(settings.upstream.issuer)}"


def test_every_url_is_localhost_and_published_to_this_machine_only(services, settings):
    [resource] = settings.resources
    urls = (settings.issuer, resource.url, settings.upstream.issuer)
    assert {urlsplit(url).hostname for url in urls} == {"localhost"}
    published = {f"127.0.0.1:{port}:{port}" for port in map(port_of, urls)}
    assert set(services["authserver"]["ports"]) == published
    assert not [name for name in services if name != "authserver" and "ports" in services[name]]


def test_the_servers_that_share_urls_share_one_network(services):
    sharing = {name for name, each in services.items() if "network_mode" in each}
    assert sharing == set(SHARING)
    for name in sharing:
        assert services[name]["network_mode"] == "service:authserver"
        assert "authserver" in services[name]["depends_on"]


def test_nothing_serves_before_the_schema_is_there(services):
    waits = services["authserver"]["depends_on"]
    assert waits["migrate"] == {"condition": "service_completed_successfully"}
    assert services["migrate"]["command"] == ["db", "upgrade"]
    assert services["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_the_mcp_server_has_the_strings_of_the_configuration(services, settings):
    [resource] = settings.resources
    environment = services["mcp"]["environment"]
    assert environment["ISSUER"] == settings.issuer
    assert environment["RESOURCE"] == resource.url
    scopes = {name: scope.description for name, scope in resource.scopes.items()}
    assert scopes == SCOPES


def test_the_mcp_server_is_an_application_that_starts(services):
    environment = os.environ | services["mcp"]["environment"] | {"PYTHONPATH": str(ROOT)}
    _, _, folder, application = services["mcp"]["entrypoint"]
    module, _, name = application.partition(":")
    script = f"import {module}; print(callable({module}.{name}))"
    assert f"./docker/{module}.py:{folder}/{module}.py:ro" in services["mcp"]["volumes"]
    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=DOCKER,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "True\n"


def test_what_is_mounted_exists(services, dockerfile):
    mounted = [
        volume.split(":")
        for each in services.values()
        for volume in each.get("volumes", [])
        if volume.startswith("./")
    ]
    assert mounted
    assert all((ROOT / source).is_file() for source, *_ in mounted)
    assert all(options == ["ro"] for _, _, *options in mounted)
    [config] = {to for source, to, *_ in mounted if source == "./docker/authserver.toml"}
    assert f"AUTHSERVER_CONFIG={config}" in dockerfile


def test_our_containers_can_write_nothing_and_gain_nothing(services):
    for name in (*CONFIGURED, *SHARING):
        assert services[name]["read_only"] is True, name
        assert services[name]["cap_drop"] == ["ALL"], name
        assert services[name]["security_opt"] == ["no-new-privileges:true"], name


def test_foreign_images_are_pinned_to_a_version(services, dockerfile):
    images = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    images += [each["image"] for each in services.values() if "build" not in each]
    assert len(images) == 4
    for image in images:
        assert re.search(r":v?\d", image), image


def test_the_image_copies_what_exists_and_what_the_build_needs(dockerfile):
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert all((ROOT / source).exists() for source in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    build = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(build["only-include"]) <= set(copied)
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= set(copied)
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert set(kept) == set(copied)


def test_the_extras_of_the_images_exist(services, dockerfile):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [default] = re.findall(r"^ARG EXTRAS=(\S+)", dockerfile, re.MULTILINE)
    asked = [
        default,
        *(each["build"]["args"]["EXTRAS"] for each in services.values() if "build" in each),
    ]
    for extras in asked:
        assert set(extras.split(",")) <= set(project["optional-dependencies"])


def test_the_image_does_not_run_as_root(dockerfile):
    assert re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE) == ["10001:10001"]


def test_the_image_listens_where_it_is_exposed_and_checked(dockerfile):
    [port] = re.findall(r"^EXPOSE (\d+)", dockerfile, re.MULTILINE)
    assert json.loads(_last(dockerfile, "CMD")) == ["serve", "--bind", f"{EVERYWHERE}:{port}"]
    assert f"AUTHSERVER_HEALTH_URL=http://127.0.0.1:{port}/health" in dockerfile


def test_each_health_check_asks_its_own_server(services):
    for name in ("authserver", "mcp"):
        url = services[name]["environment"]["AUTHSERVER_HEALTH_URL"]
        assert f"{port_of(url)}" in services[name]["command"][-1], name


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_says_what_the_server_says(dockerfile, status, healthy):
    command = json.loads(re.findall(r"HEALTHCHECK .*? CMD (\[.*\])", dockerfile)[0])
    assert command[0] == "python"
    with _Answering(status) as url:
        environment = os.environ | {
            "AUTHSERVER_HEALTH_URL": url,
            "http_proxy": "http://127.0.0.1:9",
        }
        checked = subprocess.run(
            [sys.executable, *command[1:]], env=environment, capture_output=True, check=False
        )
    assert (checked.returncode == 0) is healthy


class _Answering:
    """A server on loopback that answers every request with one status."""

    def __init__(self, status):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_args):
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/health"

    def __exit__(self, *_args):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _make_secrets(folder):
    subprocess.run(["sh", folder / "secrets.sh"], check=True)  # noqa: S607 - the shell of the system


def _last(dockerfile, instruction):
    return re.findall(rf"^{instruction} (.+)$", dockerfile, re.MULTILINE)[-1]
