"""For how long an answer is fresh, by its headers"""

import pytest

from authserver.published import freshness

DATE = {"Date": "Mon, 02 Nov 2026 10:00:00 GMT"}
IN_AN_HOUR = "Mon, 02 Nov 2026 11:00:00 GMT"


@pytest.mark.spec("RFC 9111", "4.2.1")
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Cache-Control": "public"}, None),
        ({"Cache-Control": "public, max-age=77"}, 77),
        ({"Cache-Control": 'MAX-AGE="77"'}, 77),
        ({"Cache-Control": "s-maxage=77"}, None),
        ({"Cache-Control": "no-store, max-age=77"}, 0),
        ({"Cache-Control": "no-cache"}, 0),
        ({"Expires": IN_AN_HOUR, **DATE}, 3600),
        ({"Expires": IN_AN_HOUR, "Cache-Control": "max-age=77", **DATE}, 77),
        ({"Expires": DATE["Date"], "Date": IN_AN_HOUR}, 0),
        ({"Expires": "0", **DATE}, 0),
        ({"Expires": "Mon, 99 Nov 2026 10:00:00 GMT", **DATE}, 0),
        ({"Expires": IN_AN_HOUR}, None),
        ({"Expires": IN_AN_HOUR, "Date": "yesterday"}, None),
        ({"Expires": "Mon, 02 Nov 2026 11:00:00 -0000", **DATE}, 3600),
    ],
    ids=str,
)
def test_it_is_what_max_age_says_or_else_the_time_from_date_to_expires(headers, seconds):
    assert freshness.remaining(headers) == seconds


@pytest.mark.spec("RFC 9111", "4.2.3")
@pytest.mark.parametrize(
    ("age", "seconds"),
    [("100", 3500), ("3600", 0), ("9999", 0), ("soon", 3600), ("-5", 3600), ("", 3600)],
)
def test_what_a_cache_on_the_way_held_it_for_is_over(age, seconds):
    headers = {"Age": age, "Cache-Control": "max-age=3600"}
    assert freshness.remaining(headers) == seconds
    assert freshness.remaining({"Age": age, "Expires": IN_AN_HOUR, **DATE}) == seconds
    assert freshness.remaining({"Age": age}) is None
