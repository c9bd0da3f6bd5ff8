"""What must come back, in the words of docs/threat-model.md: a page, or back to the client"""

from urllib.parse import urlsplit

from tests.actors import ISSUER, links_of, response_of


def is_page(answer, status=400):
    """A page of ours that leads nowhere by itself."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "text/html"
    assert "Location" not in answer.headers
    assert 'http-equiv="refresh"' not in answer.get_data(as_text=True)
    return True


def is_page_without_a_way_back(answer, *, status=400):
    """A page before the redirect URI is proven: it must not even link to one."""
    assert is_page(answer, status)
    assert links_of(answer) == []
    return True


def is_back(answer, error, to, *, state="state-1"):
    """The error goes to the client's URI by a 303, with `state` and `iss`, each once."""
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert answer.headers["Location"].startswith(to)
    return _response(answer, error, state)


def is_page_with_a_link_back(answer, error, to, *, state="state-1"):
    """The same for a stranger's https client before sign-in: the visitor decides to go there."""
    assert is_page(answer)
    assert [link for link in links_of(answer) if link.startswith(to)] == links_of(answer)
    assert urlsplit(to).hostname in answer.get_data(as_text=True)
    return _response(answer, error, state)


def _response(answer, error, state):
    members = response_of(answer)
    expected = {"error": error, "iss": ISSUER} | ({"state": state} if state is not None else {})
    assert {name: members.get(name) for name in members if name != "error_description"} == expected
    return True
