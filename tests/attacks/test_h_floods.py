"""Case 106: a flood of registrations, and of what they are for"""

import sqlite3
from contextlib import closing
from urllib.parse import urlencode

import pytest

from tests.actors import LOOPBACK, Browser, Deployment, McpClient, response_of
from tests.attacks.visiting import consent_page, count, decide, sign_in_page
from tests.devices import ON, Device, type_code

DOCUMENT = {"redirect_uris": ["http://127.0.0.1/cb"]}


def _register(deployment, address="192.0.2.1", document=DOCUMENT):
    return deployment.http().post(
        "/register", json=document, environ_overrides={"REMOTE_ADDR": address}
    )


@pytest.fixture
def limited(sqlite_url, idp, tmp_path):
    more = "[rate_limits]\nregister_per_address = 5\nregister_in_all = 12\n"
    more += 'trusted_egress = ["160.79.104.0/21"]\n'
    with Deployment.start(tmp_path, sqlite_url, idp, more=more) as started:
        yield started


def _statuses(deployment, addresses):
    return [_register(deployment, address).status_code for address in addresses]


@pytest.mark.spec("RFC 7591", "5")
def test_106_one_address_is_limited_and_told_when_to_come_back(limited):
    assert _statuses(limited, ["192.0.2.1"] * 7) == [201] * 5 + [429] * 2

    refused = _register(limited)
    assert refused.json["error"] == "temporarily_unavailable"
    assert refused.headers["Retry-After"] == "60"
    assert refused.headers["Cache-Control"] == "no-store"
    assert count(limited, "clients") == 5
    assert _register(limited, "192.0.2.2").status_code == 201, "others are not"


@pytest.mark.parametrize(
    "addresses",
    [[f"2001:db8::{n}" for n in range(7)], [f"::ffff:192.0.2.{1}" for _ in range(7)]],
    ids=["a /64", "one mapped address"],
)
def test_106_addresses_that_cost_nothing_do_not_count_as_many(limited, addresses):
    assert _statuses(limited, addresses) == [201] * 5 + [429] * 2


def test_106_many_addresses_are_limited_together(limited):
    statuses = _statuses(limited, [f"198.51.100.{n}" for n in range(15)])

    assert statuses == [201] * 12 + [429] * 3


def test_106_a_hosted_clients_network_is_limited_only_together_with_all(limited):
    assert _statuses(limited, ["160.79.104.7"] * 13) == [201] * 12 + [429]


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"]
)
def test_106_an_address_that_the_client_made_up_does_not_evade_the_limit(limited, header):
    statuses = [
        limited.http()
        .post("/register", json=DOCUMENT, headers={header: f"203.0.113.{n}"})
        .status_code
        for n in range(7)
    ]

    assert statuses == [201] * 5 + [429] * 2


def test_106_a_refused_registration_counts_too(limited):
    statuses = [_register(limited, document={}).status_code for _ in range(7)]

    assert statuses == [400] * 5 + [429] * 2


# --- floods that leave nothing behind ---

OPEN = "[rate_limits]\nregister_per_address = 0\nregister_in_all = 0\nauthorize_per_address = 0\n"
STATELESS = "[registration]\nstateless = true\n"


def _rows(deployment):
    path = deployment.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name: count(deployment, name) for (name,) in names}


@pytest.fixture
def start(sqlite_url, idp, tmp_path):
    started = []

    def _start(more):
        started.append(Deployment.start(tmp_path, sqlite_url, idp, more=more))
        return started[-1]

    yield _start
    for each in started:
        each.__exit__()


def test_106_stateless_registrations_leave_no_row_in_any_table(start):
    deployment = start(OPEN + STATELESS)
    before = _rows(deployment)

    answers = [
        _register(deployment, document={**DOCUMENT, "client_name": f"Client {n}"})
        for n in range(1000)
    ]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["client_id"] for answer in answers}) == 1000
    assert _rows(deployment) == before
    assert before["clients"] == 0


def test_106_forged_client_ids_leave_no_row_either(start):
    deployment = start(OPEN + STATELESS)
    client = McpClient(deployment).register()
    before = _rows(deployment)

    for n in range(100):
        forged = client.client_id[:-4] + f"{n:04}"
        assert Browser(deployment).get(client.authorize_url(client_id=forged)).status_code == 400
        form = {**client.authorize_params(), "client_id": forged}
        assert deployment.http().post("/par", data=form).status_code in (401, 429)

    assert _rows(deployment) == before


def test_106_identical_registrations_are_one_row(start):
    deployment = start(OPEN + "[registration]\nidempotent = true\n")
    for n in range(300):
        document = {"redirect_uris": [f"http://127.0.0.1:{20000 + n}/cb"]}
        assert _register(deployment, document=document).status_code == 201
    assert count(deployment, "clients") == 1


def _authorize(deployment, client, address):
    answer = deployment.http().get(
        "/authorize",
        query_string=client.authorize_params(),
        base_url=deployment.issuer,
        environ_overrides={"REMOTE_ADDR": address},
    )
    return answer.status_code


def test_106_what_one_address_has_on_its_way_is_bounded_over_all_processes(start):
    """The rate limits of two processes know nothing of each other: the rows do."""
    limits = OPEN + "pending_per_address = 5\n" + STATELESS
    one, other = start(limits), start(limits)
    client = McpClient(one).register()

    flood = [_authorize((one, other)[n % 2], client, f"2001:db8::{n}") for n in range(8)]

    assert flood == [303] * 5 + [429] * 3
    assert count(one, "pending_authorizations") == 5
    assert _authorize(one, client, "192.0.2.1") == 303, "others are not"
    for each in (one, other):
        each.clock.now += 600
    assert _authorize(one, client, "2001:db8::1") == 303, "those have ended"


def test_106_what_a_user_approved_counts_no_more(start):
    deployment = start(OPEN + "pending_per_address = 2\n" + STATELESS)
    client, browser = McpClient(deployment).register(), Browser(deployment)
    for _ in range(5):
        decide(browser, consent_page(client, browser), "approve")
    sign_in_page(client, Browser(deployment))
    sign_in_page(client, Browser(deployment))
    assert Browser(deployment).get(client.authorize_url()).status_code == 429


@pytest.mark.parametrize(
    "loaded_as",
    [
        *({"Sec-Fetch-Dest": each} for each in ("image", "iframe", "empty", "script")),
        {"Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
    ],
    ids=str,
)
def test_106_a_page_cannot_use_up_what_its_visitor_may_ask_for(start, loaded_as):
    limits = "[rate_limits]\nauthorize_per_address = 2\npending_per_address = 2\n"
    deployment = start(limits + STATELESS)
    client, browser = McpClient(deployment).register(), Browser(deployment)
    before = _rows(deployment)
    for _ in range(4):
        for url in (client.authorize_url(), client.authorize_url(prompt="none")):
            assert browser.get(url, headers=loaded_as).status_code == 403
    assert _rows(deployment) == before
    opened = browser.get(client.authorize_url(), headers={"Sec-Fetch-Dest": "document"})
    assert opened.request.path == "/sign-in"


def test_106_a_hosted_clients_network_may_have_any_number_on_their_way(start):
    limits = "pending_per_address = 2\nauthorize_per_address = 3\n"
    deployment = start(f'[rate_limits]\n{limits}trusted_egress = ["160.79.104.0/21"]\n{STATELESS}')
    client = McpClient(deployment).register()
    for address, last in (("160.79.104.7", 201), ("192.0.2.1", 429)):
        statuses = [
            deployment.http()
            .post(
                "/par",
                data=client.authorize_params(),
                environ_overrides={"REMOTE_ADDR": address},
            )
            .status_code
            for _ in range(5)
        ]
        assert statuses[0] == 201
        assert statuses[-1] == last


def test_106_who_cancels_each_request_does_not_evade_the_limit(start):
    deployment = start(OPEN + "pending_per_address = 2\n" + STATELESS)
    client, browser = McpClient(deployment).register(), Browser(deployment)
    for _ in range(2):
        browser.submit(sign_in_page(client, browser), decision="cancel")
    assert browser.get(client.authorize_url()).status_code == 429


def test_106_what_is_refused_at_once_leaves_no_row(start):
    deployment = start(OPEN + "pending_per_address = 2\n" + STATELESS)
    client, browser = McpClient(deployment).register(), Browser(deployment)
    before = _rows(deployment)

    for _ in range(5):
        assert response_of(browser.get(client.authorize_url(prompt="none")))["error"]

    assert _rows(deployment) == before
    pushed = _push(client, prompt="none")
    answers = [browser.get(_pushed_url(client, pushed)) for _ in range(2)]
    assert response_of(answers[0])["error"] == "login_required"
    assert answers[1].status_code == 400, "a pushed request is good once, refused or not"
    assert _rows(deployment) == before


def _push(client, **changes):
    form = client.authorize_params(**changes)
    return client.deployment.http().post("/par", data=form)


def _pushed_url(client, pushed):
    query = {"client_id": client.client_id, "request_uri": pushed.json["request_uri"]}
    return f"{client.deployment.issuer}/authorize?{urlencode(query)}"


def test_106_requests_of_all_kinds_have_one_limit(start):
    deployment = start(OPEN + "pending_per_address = 3\n" + ON)
    client = McpClient(deployment).register()
    device = Device(deployment).register()
    page = Browser(deployment)

    pushed = _push(client)
    device.ask()
    assert type_code(page, device.user_code).request.path == "/sign-in"

    for refused in (
        _push(client),
        device.request(),
        Browser(deployment).get(client.authorize_url()),
        type_code(page, device.user_code),
    ):
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "60"
    tables = ("pending_authorizations", "pushed_requests", "device_authorizations")
    assert [count(deployment, table) for table in tables] == [1, 1, 1]
    # What was pushed from here was counted then: its browser takes its place.
    opened = page.get(_pushed_url(client, pushed))
    assert opened.request.path == "/sign-in"
    assert [count(deployment, table) for table in tables] == [2, 0, 1]


def test_106_who_opens_what_others_pushed_is_limited_too(start):
    deployment = start(OPEN + "pending_per_address = 1\n")
    client, browser = McpClient(deployment).register(), Browser(deployment)
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}
    form = client.authorize_params()
    pushed = deployment.http().post("/par", data=form, environ_overrides=elsewhere)
    sign_in_page(client, browser)
    assert browser.get(_pushed_url(client, pushed)).status_code == 429
    assert count(deployment, "pushed_requests") == 1, "which it leaves good"


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize("option", ["stateless", "idempotent"])
def test_135_ids_of_every_kind_are_no_urls(start, option):
    deployment = start(OPEN + f"[registration]\n{option} = true\n")
    for _ in range(50):
        document = {"redirect_uris": [LOOPBACK]}
        client_id = _register(deployment, document=document).json["client_id"]
        assert client_id.startswith("mcp")
