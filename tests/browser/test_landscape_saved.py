"""The saved page 1 in Chromium, without a network: all works that needs no run, and the rest says what does."""

import numpy as np
import pytest

import fastadapt as fa

from .landscape_page import RULES, LandscapePage, descended

STARTS = 4
COMMAND = "python -m fastadapt landscape"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def saved(open_page, tmp_path_factory):
    from fastadapt.pages.landscapes.backend import Landscape
    from fastadapt.pages.landscapes.saving import save_page

    file = tmp_path_factory.mktemp("saved") / "page.html"
    save_page(Landscape(shown=RULES), file, starts=STARTS)
    return LandscapePage(open_page(file.as_uri(), offline=True))


@pytest.fixture
def offline(saved):
    """The page for a test that changes it: after the test it is as at first."""
    yield saved
    saved.fresh()


def test_the_saved_page_shows_the_paths_of_the_optimizer(saved):
    assert saved.page.evaluate("() => document.documentElement.scrollHeight <= innerHeight")
    assert saved.start() == [-0.6, -1.0]
    for name, rule, lr in (("SGD", fa.SGD, 0.005), ("Adam", fa.Adam, 0.1)):
        assert saved.path(name) == pytest.approx(descended(rule, 300, lr=lr)[0], abs=0.02)
    assert saved.judge("SGD", "share") == "100 %"
    assert saved.page.locator(".problem:visible").count() == 0


def test_a_click_shows_the_nearest_of_the_starts_that_were_computed(offline):
    middles = -5 + 10 * (np.arange(STARTS) + 0.5) / STARTS
    grid = [(x, y) for x in middles for y in middles]
    near = min(grid, key=lambda at: np.hypot(at[0] - 2.1, at[1] + 4.2))
    offline.changed(lambda: offline.page.mouse.click(*offline.pixel((2.1, -4.2))))
    assert offline.start() == pytest.approx(near)
    assert offline.path("Adam") == pytest.approx(descended(fa.Adam, 300, near, lr=0.1)[0], abs=0.02)
    assert len(offline.page.locator(".formula .result").all_text_contents()) == 3
    assert "NaN" not in offline.text(".step")


def test_play_steps_rules_tabs_and_theme_work_offline(offline):
    offline.changed(lambda: offline.page.keyboard.press("Home"))
    offline.changed(lambda: offline.page.keyboard.press("ArrowRight"))
    assert offline.text(".player .at").startswith("step 1 ")
    offline.page.keyboard.press(" ")
    offline.page.wait_for_selector(".player .at:not(:text('step 1 /'))")
    offline.page.keyboard.press(" ")
    offline.changed(lambda: offline.page.uncheck(".rule[data-rule=SGD] input.on"))
    assert offline.rows() == ["Adam"]
    offline.changed(lambda: offline.page.check(".rule[data-rule=SGD] input.on"))
    offline.page.click(".tabs [data-value=surface]")
    offline.page.wait_for_selector(".plot.space .gl-container canvas")
    offline.page.click(".tabs [data-value=basins]")
    offline.page.wait_for_selector(".basin:not(.stale) image")
    offline.changed(lambda: offline.page.click(".theme"))
    offline.changed(lambda: offline.page.click(".tune"))
    assert offline.plot("plot.data.length", ".tuning-plot") == 4
    assert offline.page.locator(".problem:visible").count() == 0


def test_what_needs_a_run_is_off_and_names_the_command(saved):
    controls = (
        "select.surface", "input.steps", "input.seed", ".new-seed", ".number-of.noise", ".noise-slider",
        ".rule[data-rule=Adam] .lr-slider", ".rule[data-rule=Lion] input.on", ".tuning .apply",
    )  # fmt: skip
    for selector in controls:
        control = saved.page.locator(selector).first
        assert control.is_disabled(), selector
        assert COMMAND in control.get_attribute("title"), selector
    for selector in (".rule[data-rule=Adam] input.on", ".play", ".scrubber", ".speed", ".start-x", ".tune"):
        assert saved.page.locator(selector).first.is_enabled(), selector
