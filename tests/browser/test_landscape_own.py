"""Page 1 in Chromium over a reader's function, and what a page does when it or its program ends."""

import json
import re
import time
from threading import Thread

import pytest

from .landscape_page import LandscapePage
from .watched import PATIENCE, Watched

pytestmark = pytest.mark.browser


def steep(x, y):
    """In Python alone, so that nothing compiles for it."""
    return sum([(x - 0.3) ** 2, 100 * (y - x) ** 2] if open else [])


@pytest.fixture
def served_steep():
    """The backend and the server of a page over that function."""
    from fastadapt.pages.landscapes.backend import Landscape
    from fastadapt.pages.landscapes.ownsurface import own_surface
    from fastadapt.pages.landscapes.show import parts
    from fastadapt.pages.page import served
    from fastadapt.pages.server import open_server

    backend = Landscape(own_surface(steep, (-5, 5), (-5, 5)), shown=["SGD"])
    server, _ = open_server(backend, served(parts()))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield backend, server
    server.shutdown()
    server.server_close()


def rates_of(page):
    return {name: rule["lr"] for each in page.asked if each["do"] == "paths" for name, rule in each["rules"].items()}


class Asked(LandscapePage):
    """A page whose requests are read from the beginning."""

    def __init__(self, context, address):
        page, self.asked = context.new_page(), []
        page.on("request", lambda r: r.method == "POST" and self.asked.append(json.loads(r.post_data)))
        watched = Watched(page, address)
        self.watched, self.page, self.text, self.ready, self.changed = (
            watched, page, watched.text, watched.ready, watched.changed,
        )  # fmt: skip
        page.goto(address)
        watched.ready()


def test_rules_begin_with_rates_for_the_function_and_the_page_stops_its_work_and_tells_when_the_program_ends(
    chromium, served_steep, monkeypatch
):
    backend, server = served_steep
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = Asked(context, server.address)
    assert re.search("best of 40 learning rates", page.text(".lesson"))
    done = [each["do"] for each in page.asked]
    assert done.index("rates") < done.index("paths")
    page.changed(lambda: page.page.click(".rule[data-rule='Adam'] input.on"))
    assert rates_of(page) == backend.rates_found
    assert backend.rates_found.keys() == {"SGD", "Adam"}
    assert abs(page.path("SGD")).max() < 5
    assert page.watched.wrong == []

    left = []
    monkeypatch.setattr(backend.jobs, "stop_of", left.append)
    page.page.goto("about:blank")
    wait_until(lambda: left)
    assert left == [page.asked[0]["client"]]

    again = Asked(context, server.address)
    answers = [503, None, 503, 503]  # then none at all; None is a connection that was reset
    again.page.route("**/ask", lambda route: refuse(route, answers.pop(0) if answers else None))
    again.page.click(".rule[data-rule='AdaGrad'] input.on")
    ended = "The program that showed this page has ended. Run it again."
    again.page.wait_for_selector(f".problem:text-is('{ended}')", timeout=PATIENCE)
    assert answers == []
    context.close()


def refuse(route, status):
    if status:
        route.fulfill(status=status)
    else:
        route.abort("connectionrefused")


def wait_until(true):
    """Wait for the server's thread."""
    for _ in range(PATIENCE // 10):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it does not come")
