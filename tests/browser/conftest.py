"""A real browser, where there is one: nothing is installed by the tests themselves.

Every page is opened offline, in a context of its own. A test fails where its page logs an error or
a warning, throws, asks for anything but its own file, or meets its Content-Security-Policy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
LISTEN = """document.addEventListener("securitypolicyviolation",
    (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`))"""


def missing(what: str) -> NoReturn:
    """Skip, or fail where somebody has installed a browser for these tests."""
    if os.environ.get("OCI_INSPECT_BROWSER") == "required":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("no browser tests: playwright is not installed")
    path = os.environ.get("OCI_INSPECT_CHROMIUM") or next(
        filter(None, map(shutil.which, NAMES)), ""
    )
    if not path:
        missing(f"no browser tests: none of {', '.join(NAMES)}; set OCI_INSPECT_CHROMIUM")
    with sync_playwright() as playwright:
        # Chromium's sandbox refuses to start for root.
        args = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=path, args=args)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """``open_page(html text or path of a file, hash="", **context options)`` gives the page.

    ``open_page.wrong`` is what its pages did wrong up to now.
    """
    contexts: list[Any] = []
    wrong: list[str] = []

    def opened(page: str | Path, hash: str = "", **options: Any) -> Any:
        if isinstance(page, str):
            path = tmp_path / f"page{len(contexts)}.html"
            path.write_text(page, encoding="utf-8", errors="surrogatepass")
        else:
            path = page
        address = path.absolute().as_uri()
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        if options.get("java_script_enabled", True):
            context.add_init_script(LISTEN)

        def asked(request: Any) -> None:
            if request.url.partition("#")[0] != address:
                wrong.append(f"asks for {request.url}")

        def logged(message: Any) -> None:
            if message.type in ("error", "warning"):
                wrong.append(f"logs {message.type}: {message.text}")

        found = context.new_page()
        found.on("request", asked)
        found.on("console", logged)
        found.on("pageerror", lambda error: wrong.append(f"throws {error}"))
        found.on("dialog", lambda dialog: (wrong.append(f"asks {dialog.message}"), dialog.accept()))
        found.goto(address + hash)
        return found

    opened.wrong = wrong
    yield opened
    for context in contexts:
        context.close()
    assert not wrong
