import pytest

from authserver.oauth import edge
from authserver.oauth.edge import Edge
from tests.oauth.samples import refused

EDGES = (Edge("a", "issues", "issues", "wiki"), Edge("b", "chat", "issues", "crm"))


def test_an_edge_is_found_by_requester_source_and_target():
    assert edge.find_edge(EDGES, "chat", "issues", "crm") is EDGES[1]


@pytest.mark.spec("RFC 8693", "2.2.2")
@pytest.mark.parametrize(
    "wanted",
    [("chat", "issues", "wiki"), ("issues", "wiki", "issues"), ("issues", "wiki", "wiki")],
)
def test_a_way_that_nobody_opened_is_no_target(wanted):
    with refused("invalid_target"):
        edge.find_edge(EDGES, *wanted)
