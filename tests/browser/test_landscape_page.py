"""Page 1 in Chromium: the landscape, the player, and what is told of a step."""

import numpy as np
import pytest

import fastadapt as fa

from .landscape_page import RULES, LandscapePage, descended, himmelblau, number_text
from .watched import Watched

pytestmark = pytest.mark.browser


def test_the_page_fits_the_window_and_lists_all_rules(shared):
    assert shared.page.evaluate("() => document.documentElement.scrollHeight <= innerHeight")
    assert shared.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    names = shared.page.locator(".rule .name").all_text_contents()
    assert set(fa.__all__) & set(names) >= {"SGD", "AdaGrad", "RMSProp", "Adam", "Lion"}
    assert shared.rows() == RULES
    assert shared.page.locator(".rule input.on:checked").count() == 2


def test_on_a_phone_nothing_is_wider_than_the_window_and_a_tap_sets_the_start(open_once, address):
    phone = LandscapePage(open_once(address, has_touch=True, is_mobile=True))
    phone.page.set_viewport_size({"width": 390, "height": 844})
    phone.ready()
    for key in "123":
        phone.page.keyboard.press(key)
        phone.ready()
        assert phone.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    phone.page.keyboard.press("1")
    phone.ready()
    phone.page.locator(".plot.contour").scroll_into_view_if_needed()
    at = phone.pixel((2.0, 3.0))
    phone.changed(lambda: phone.page.touchscreen.tap(*at))
    assert phone.start() == pytest.approx([2.0, 3.0], abs=0.05)


def test_a_click_is_the_start_of_all_paths_to_the_pixel(live):
    unit = 10 / live.axes()[0][1]
    for at in (-4.5, 4.5), (0, 0), (4.2, -3.3), (-2, -4.8), (2.71, 3.14):
        x, y = live.pixel(at)
        live.changed(lambda x=x, y=y: live.page.mouse.click(x, y))
        assert live.start() == pytest.approx(at, abs=1.01 * unit)
        for rule in RULES:
            assert live.path(rule)[0] == pytest.approx(at, abs=1.5 * unit)


def test_the_start_is_dragged_with_the_paths_behind_it(live):
    live.page.mouse.move(*live.pixel((-0.6, -1.0)))
    live.page.mouse.down()
    live.page.mouse.move(*live.pixel((1.0, 1.0)))
    live.changed(lambda: live.page.mouse.move(*live.pixel((2.0, -3.0))))
    live.page.mouse.up()
    live.ready()
    assert live.start() == pytest.approx([2.0, -3.0], abs=0.05)
    assert live.path("Adam")[0] == pytest.approx([2.0, -3.0], abs=0.05)
    live.page.mouse.move(*live.pixel((0.0, 0.0)))
    assert live.start() == pytest.approx([2.0, -3.0], abs=0.05)


def test_the_start_is_two_numbers_as_well(live):
    live.enter("input.start-x", 99)
    assert live.start() == [5.0, -1.0]


def test_what_is_drawn_is_what_the_optimizer_does(shared):
    for name, rule, lr in (("SGD", fa.SGD, 0.005), ("Adam", fa.Adam, 0.1)):
        points, _ = descended(rule, 300, lr=lr)
        assert shared.path(name) == pytest.approx(points, abs=0.02)
        assert float(shared.judge(name, "end")) == pytest.approx(himmelblau(points[-1])[0], rel=0.01, abs=1e-12)


def test_the_step_shows_state_and_formula_with_the_numbers_of_the_optimizer(live):
    live.changed(lambda: live.page.keyboard.press("Home"))
    for _ in range(7):
        live.changed(lambda: live.page.keyboard.press("ArrowRight"))
    points, opt = descended(fa.Adam, 7, lr=0.1)
    cells = live.page.locator(".state tbody tr").all_inner_texts()
    rows = {row.split("\t")[0]: [float(cell) for cell in row.split("\t")[1:]] for row in map(number_text, cells)}
    assert rows["m"] == pytest.approx(opt.state["m"], rel=1e-3)
    assert rows["v"] == pytest.approx(opt.state["v"], rel=1e-3)
    assert rows["g"] == pytest.approx(himmelblau(points[6])[1], rel=1e-3)
    moved = points[7] - points[6]
    assert rows["step"] == pytest.approx(moved, rel=1e-3)
    assert rows["- step / g"] == pytest.approx(-moved / himmelblau(points[6])[1], rel=1e-3)
    results = live.page.locator(".formula .result").all_text_contents()
    results = [float(number_text(result)) for result in results]
    assert results == pytest.approx([opt.state["m"][0], opt.state["v"][0], points[7][0]], rel=1e-3)
    live.changed(lambda: live.page.click(".coordinate [data-value='1']"))
    assert float(number_text(live.text(".formula .result"))) == pytest.approx(opt.state["m"][1], rel=1e-3)
    live.changed(lambda: live.page.select_option(".followed", "SGD"))
    assert "lr" in live.text(".formula")
    live.changed(lambda: live.page.click(".judge tr[data-rule=Adam]"))
    assert live.page.input_value(".followed") == "Adam"


def test_the_player_steps_by_keys_and_buttons_and_plays(live):
    last = live.text(".player .at")
    live.changed(lambda: live.page.keyboard.press("Home"))
    assert live.text(".player .at").startswith("step 0 ")
    assert len(live.path("Adam", "strong")) == 1
    live.changed(lambda: live.page.keyboard.press("ArrowRight"))
    live.changed(lambda: live.page.click(".player .forward"))
    assert live.text(".player .at").startswith("step 2 ")
    assert len(live.path("Adam", "strong")) == 3
    live.changed(lambda: live.page.click(".player .back"))
    live.changed(lambda: live.page.keyboard.press("ArrowLeft"))
    assert live.text(".player .at").startswith("step 0 ")
    live.page.keyboard.press(" ")
    live.page.wait_for_selector(".player .at:not(:text('step 0 /'))")
    live.page.keyboard.press(" ")
    live.changed(lambda: live.page.keyboard.press("End"))
    assert live.text(".player .at") == last
    assert len(live.path("Adam", "strong")) == 301
    assert len(live.path("Adam")) == 301


def test_a_second_is_as_many_steps_as_the_speed_says(chromium, address):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    clocked = LandscapePage(Watched(page, address))
    clocked.page.clock.install()
    clocked.page.goto(address)
    done = ".fastadapt[data-drawn]:not([data-busy])"
    while clocked.page.locator(done).count() == 0:
        clocked.page.clock.run_for(50)
    clocked.page.clock.pause_at("2030-01-01")
    for speed in (15, 60):
        clocked.page.select_option(".speed", str(speed))
        clocked.page.click(".player .first")
        clocked.page.click(".player .play")
        clocked.page.clock.run_for(1000)
        clocked.page.click(".player .play")
        step = int(clocked.text(".player .at").split()[1])
        assert step == pytest.approx(speed, abs=0.05 * speed + 1)
    page.close()
    assert clocked.watched.wrong == []


def test_the_scrubber_and_the_curves_lead_to_a_step(live):
    live.changed(lambda: live.page.locator(".scrubber").fill("42"))
    assert live.text(".player .at").startswith("step 42 ")
    (left, width, *_), (top, height, *_) = live.axes(".curve.value .ground")
    live.changed(lambda: live.page.mouse.click(left + width / 3, top + height / 2))
    assert live.text(".player .at").startswith("step 100 ")
    assert float(live.page.locator(".curve.norm .now").get_attribute("x1")) == pytest.approx(
        live.plot("plot._fullLayout.xaxis._offset", ".curve.norm .ground") + width / 3, abs=1.5
    )


def test_the_curves_hold_values_and_norms_of_the_paths(shared):
    points, _ = descended(fa.Adam, 300, lr=0.1)
    values = [himmelblau(point)[0] for point in points]
    norms = [np.hypot(*himmelblau(point)[1]) for point in points]
    drawn = shared.plot("Array.from(plot.data[1].y)", ".curve.value .ground")
    assert drawn[:100] == pytest.approx(values[:100], rel=1e-9)
    assert shared.plot("Array.from(plot.data[1].y)", ".curve.norm .ground")[:100] == pytest.approx(
        norms[:100], rel=1e-9
    )
    assert shared.plot("plot.layout.xaxis.title.text", ".curve.norm .ground") == "step"


def test_dark_is_dark_and_light_is_light(shared):
    paper = "() => getComputedStyle(document.querySelector('.fastadapt')).backgroundColor"
    light, scale = shared.page.evaluate(paper), shared.plot("plot.data[0].colorscale[0][1]")
    shared.changed(lambda: shared.page.click(".theme"))
    assert shared.page.evaluate(paper) != light
    assert shared.plot("plot.data[0].colorscale[0][1]") != scale
    shared.changed(lambda: shared.page.click(".theme"))
    assert shared.page.evaluate(paper) == light


def test_the_line_at_the_foot_says_what_a_number_is(shared):
    told = shared.page.locator(".what span")
    for selector in (".judge td.within", ".formula", ".state tbody tr", ".tune", ".scrubber", ".number-of.lr"):
        shared.page.locator(selector).first.hover()
        assert len(told.text_content()) > 20, selector
