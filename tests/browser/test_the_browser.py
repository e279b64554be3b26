"""What the other tests rely on: that a page which does wrong makes its test fail."""

from __future__ import annotations

import pytest

WRONG = {
    "logs an error": "<script>console.error('no')</script>",
    "throws": "<script>throw new Error('no')</script>",
    "asks for a picture": "<img src='http://example.invalid/a.png' alt=''>",
    "asks for a file": "<link rel=stylesheet href='other.css'>",
    "meets its policy": "<meta http-equiv='Content-Security-Policy' content=\"style-src 'none'\">"
    "<p style='color: red'>no</p>",
    "opens a dialog": "<script>alert(1)</script>",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_page_that_does_wrong_is_found_out(open_page, body):
    page = open_page(f"<!doctype html><title>a page</title>{body}")
    page.wait_for_timeout(100)
    assert open_page.wrong
    open_page.wrong.clear()


def test_one_that_does_no_wrong_is_not(open_page):
    open_page("<!doctype html><title>a page</title><script>console.log('fine')</script>")
    assert not open_page.wrong
