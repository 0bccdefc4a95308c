"""Pages in Chromium: served or saved, and watched for errors and for requests to elsewhere."""

import os
import shutil
from importlib.util import find_spec
from threading import Thread

import pytest

from .landscape_page import RULES, LandscapePage
from .watched import Watched

NEEDED = {"playwright": "playwright", "plotly": "plotly", "sklearn": "scikit-learn", "matplotlib": "matplotlib"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(config, items):
    """Where something is missing the tests are skipped, but in CI's own run of them they fail: see `chromium`."""
    why = missing()
    if why and not _must_run(config):
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason=why))


def missing() -> str:
    """What is missing for pages in a browser; "" where nothing is."""
    packages = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if packages:
        return f"not installed: {', '.join(packages)}"
    return "" if CHROMIUM else f"no browser: none of {', '.join(BROWSERS)} is on the path"


def _must_run(config):
    return bool(os.environ.get("CI")) and config.getoption("markexpr") == "browser"


@pytest.fixture(scope="package")
def chromium():
    """The browser, until the last test of this folder."""
    if missing():
        pytest.fail(missing())
    from playwright.sync_api import sync_playwright

    # While this is open an event loop runs in the main thread, which other folders' tests may not expect.
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def serve_page():
    """`serve_page(backend, parts)` is the address of a page, which is served until the module ends."""
    from fastadapt.pages.page import served
    from fastadapt.pages.server import open_server

    servers = []

    def serve_page(backend, parts):
        servers.append(open_server(backend, served(parts))[0])
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1].address

    yield serve_page
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def open_pages():
    """The pages that are open until the module ends."""
    opened = []
    yield opened
    for watched in opened:
        watched.page.context.close()


@pytest.fixture(scope="module")
def open_page(chromium, open_pages):
    """`open_page(address)` shows a page, ready, in a window of 1280 × 800; with offline=True there is no network."""

    def open_page(address, offline=False, **options):
        context = chromium.new_context(offline=offline, viewport={"width": 1280, "height": 800}, **options)
        watched = Watched(context.new_page(), address)
        open_pages.append(watched)
        watched.page.goto(address)
        watched.ready()
        return watched

    return open_page


@pytest.fixture(autouse=True)
def nothing_wrong(open_pages):
    """After each test: no page asked for anything elsewhere, and none ran into an error."""
    yield
    wrong = [line for watched in open_pages for line in watched.wrong]
    for watched in open_pages:
        watched.wrong.clear()
    assert wrong == []


@pytest.fixture
def open_once(open_page, open_pages):
    """As `open_page`, for a page that is closed after the test."""
    before = list(open_pages)
    yield open_page
    for watched in open_pages[len(before) :]:
        watched.page.context.close()


@pytest.fixture(scope="module")
def address(serve_page):
    """Page 1, served; the tests of page 2 have `address`, `shared` and `live` of their own."""
    from fastadapt.pages.landscapes.backend import Landscape
    from fastadapt.pages.landscapes.show import parts

    return serve_page(Landscape(shown=RULES), parts())


@pytest.fixture(scope="module")
def shared(open_page, address):
    """One page for all tests that leave no trace on it."""
    return LandscapePage(open_page(address))


@pytest.fixture
def live(shared):
    """The same page for a test that changes it: after the test it is as at first."""
    shared.asked.clear()
    yield shared
    shared.fresh()
