"""Which module may know what; the layers themselves are import-linter's (pyproject.toml)"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import authserver

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "authserver"
# Each module's source under its path in the package, as the table below writes it: endpoints/token
MODULES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("/__init__"): path.read_text()
    for path in sorted(PACKAGE.rglob("*.py"))
}

# What answers people in endpoints/; all else there answers programs, and knows no Flask.
PAGES = {"authorize", "callback", "consent", "device", "sign_in"}
PAGE_PARTS = {"answers", "browser", "forms", "page_error", "pages", "steps"}
SQL = {"alembic", "psycopg", "sqlalchemy", "sqlite3"}
NETWORK = {
    "ftplib",
    "http.client",
    "http.server",
    "httpx",
    "httpx2",
    "requests",
    "smtplib",
    "socket",
    "ssl",
    "urllib.request",
    "urllib3",
}
# A library, and the only places (folders or modules) that may import it.
KNOWN_ONLY_TO = {
    "flask": (
        {"flask", "werkzeug"},
        (
            "web",
            "page_view",
            "adapter",
            "demo",
            *(f"endpoints/{page}" for page in PAGES | PAGE_PARTS),
        ),
    ),
    "SQL": (SQL, ("storage",)),
    "pydantic": ({"pydantic"}, ("settings",)),
    "authlib": ({"authlib"}, ("endpoints/discovery",)),
    "the network": (
        NETWORK,
        (
            "upstream",
            "published/fetch",
            "transport",
            "resource_server",
            "demo",
            "login",
            "cli/gunicorn_worker",
        ),
    ),
    "the kit": ({"authserver.resource_server"}, ("resource_server", "demo", "login")),
}


def _imports(source):
    """Every name imported anywhere in the source, in functions too: `a.b` for `from a import b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _is_or_is_in(name, parents, separator):
    return any(name == parent or name.startswith(parent + separator) for parent in parents)


def _users(libraries, allowed, modules=MODULES):
    return [
        f"{module} imports {name}"
        for module, source in modules.items()
        if not _is_or_is_in(module, allowed, "/")
        for name in _imports(source)
        if _is_or_is_in(name, libraries, ".")
    ]


@pytest.mark.parametrize("library", KNOWN_ONLY_TO)
def test_a_library_is_imported_only_where_it_belongs(library):
    assert _users(*KNOWN_ONLY_TO[library]) == []


def test_the_import_rules_see_a_planted_import():
    planted = "def answer():\n    from flask import request\n"
    modules = {"endpoints/token": planted, "endpoints/consent": planted}
    assert _users(*KNOWN_ONLY_TO["flask"], modules) == ["endpoints/token imports flask.request"]


def test_imports_are_absolute():
    assert _users({""}, ()) == []


def test_oauth_imports_only_the_standard_library_and_joserfc():
    allowed = {*sys.stdlib_module_names, "joserfc", "authserver.oauth"}
    foreign = [
        f"{module} imports {name}"
        for module, source in MODULES.items()
        if _is_or_is_in(module, {"oauth"}, "/")
        for name in _imports(source)
        if not _is_or_is_in(name, allowed, ".")
    ]
    assert foreign == []


def _loaded_by(statement):
    """The top-level packages that a fresh interpreter holds after the statement."""
    program = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split())


@pytest.mark.parametrize("module", ["authserver.resource_server", "authserver.oauth.pkce"])
def test_what_an_mcp_server_imports_loads_neither_flask_nor_sqlalchemy(module):
    loaded = _loaded_by(f"import {module}")
    assert "authserver" in loaded
    assert not loaded & {"flask", "werkzeug", "sqlalchemy", "alembic", "authlib", "pydantic", "mcp"}


def test_importing_the_package_imports_nothing_else():
    assert _loaded_by("import authserver") - _loaded_by("import typing") == {"authserver"}


def test_the_package_has_no_names_but_its_own():
    with pytest.raises(AttributeError, match="no attribute 'create_application'"):
        _ = authserver.create_application


# --- nothing in the repository names what lies outside it -----------------------------------

SKIPPED = {"__pycache__", "node_modules", "build", "dist", "htmlcov"}
KEPT = {".ci", ".github", ".gitignore", ".dockerignore"}
# A home or a work folder at the start of a path; not one inside a URL's path.
SOMEBODYS_FOLDER = re.compile(r"(?<![\w.:/)}\]-])/(?:home|root|Users|work|workspaces?)/[\w.-]")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def _texts():
    for path in sorted(REPOSITORY.rglob("*")):
        parts = path.relative_to(REPOSITORY).parts
        hidden = any(part.startswith(".") and part not in KEPT for part in parts)
        if hidden or SKIPPED & set(parts) or not path.is_file():
            continue
        assert path.resolve().is_relative_to(REPOSITORY), f"{path} is a link out of the repository"
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_folder_of_one_machine():
    named = [
        f"{path.relative_to(REPOSITORY)}: {line.strip()}"
        for path, text in _texts()
        for line in text.splitlines()
        if SOMEBODYS_FOLDER.search(line)
    ]
    assert named == []


def test_every_relative_link_in_the_documentation_leads_to_a_file_in_the_repository():
    dead = [
        f"{path.relative_to(REPOSITORY)}: {target}"
        for path, text in _texts()
        if path.suffix == ".md"
        for target in LINK.findall(text)
        if not (there := (path.parent / target).resolve()).is_relative_to(REPOSITORY)
        or not there.exists()
    ]
    assert dead == []
