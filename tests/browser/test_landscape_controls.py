"""Page 1 in Chromium: every control changes what it should."""

from itertools import pairwise

import numpy as np
import pytest

import fastadapt as fa

from .landscape_page import RULES, descended, himmelblau

pytestmark = pytest.mark.browser


def test_arrows_on_a_slider_move_the_slider_alone(live):
    live.page.locator(".rule[data-rule=Adam] .lr-slider").focus()
    live.changed(lambda: live.page.keyboard.press("ArrowLeft"))
    assert live.text(".player .at").startswith("step 300 ")


def test_rules_come_and_go_everywhere_in_their_colour(live):
    live.changed(lambda: live.page.check(".rule[data-rule=Lion] input.on"))
    assert set(live.rows()) == {*RULES, "Lion"}
    red = live.page.locator(".contour .strong[data-rule=Lion]").get_attribute("stroke")
    assert red in live.plot("plot.data.map((trace) => trace.line.color)", ".curve.value .ground")
    swatches = live.page.locator(".rule[data-rule=Lion] .swatch, .judge tr[data-rule=Lion] .swatch")
    assert set(swatches.evaluate_all("all => all.map((one) => one.style.getPropertyValue('--rule'))")) == {red}
    assert live.page.input_value(".followed") == "Lion"
    live.changed(lambda: live.page.uncheck(".rule[data-rule=Adam] input.on"))
    assert live.page.locator(".contour .over .pale").count() == 2
    live.changed(lambda: live.page.uncheck(".rule[data-rule=SGD] input.on"))
    live.changed(lambda: live.page.uncheck(".rule[data-rule=Lion] input.on"))
    assert live.rows() == []
    assert live.text(".step .note") == "Turn a rule on."


def test_a_learning_rate_changes_the_path_of_its_rule_alone(live):
    before = live.path("SGD"), live.path("Adam")
    live.changed(lambda: live.page.locator(".rule[data-rule=Adam] .lr-slider").press("ArrowRight"))
    assert live.page.input_value(".rule[data-rule=Adam] .number-of.lr") == "0.11"
    assert live.requests("paths") == [["Adam"]]
    assert np.array_equal(live.path("SGD"), before[0])
    points, _ = descended(fa.Adam, 300, lr=0.11)
    assert live.path("Adam") == pytest.approx(points, abs=0.02)
    live.rate("Adam", 0.02)
    points, _ = descended(fa.Adam, 300, lr=0.02)
    assert live.path("Adam") == pytest.approx(points, abs=0.02)


def test_every_hyperparameter_has_a_control_in_the_fold(live):
    from fastadapt.pages.landscapes.backend import Landscape

    described = Landscape(shown=RULES).describe()["rules"]
    for name in ("SGD+momentum", "Adam", "Lion"):
        block = f".rule-block:has(.rule[data-rule='{name}'])"
        assert not live.page.locator(f"{block} .hyper").is_visible()
        live.page.click(f"{block} .fold")
        assert live.page.locator(f"{block} .hyper").is_visible()
        expected = {hyper["name"] for hyper in described[name]["hyper"]} - {"lr"} | {"decay"}
        rows = live.page.locator(f"{block} .hyper-row")
        assert set(rows.evaluate_all("rows => rows.map((row) => row.dataset.name)")) == expected


def test_hyperparameters_count(live):
    block = ".rule-block:has(.rule[data-rule=Adam])"
    live.page.click(f"{block} .fold")
    live.enter(f"{block} .number-of.hyper-beta1", 0.5)
    points, _ = descended(fa.Adam, 300, lr=0.1, beta1=0.5)
    assert live.path("Adam") == pytest.approx(points, abs=0.02)
    live.enter(f"{block} .number-of.hyper-decay", 0.5)
    p = np.array([-0.6, -1.0])
    opt = fa.Adam(p, beta1=0.5)
    for t in range(1, 301):
        opt.lr = 0.1 / (1 + 0.5 * (t - 1))
        opt.step(himmelblau(p)[1])
    assert live.path("Adam")[-1] == pytest.approx(p, abs=0.02)
    assert live.path("SGD") == pytest.approx(descended(fa.SGD, 300, lr=0.005)[0], abs=0.02)


def test_a_switch_and_what_was_off_turn_a_rule_on(live):
    block = ".rule-block:has(.rule[data-rule='SGD+momentum'])"
    live.page.click(f"{block} .fold")
    live.changed(lambda: live.page.check(f"{block} .hyper-nesterov"))
    points, _ = descended(fa.SGD, 300, lr=0.0015, momentum=0.9, nesterov=True)
    assert live.path("SGD+momentum") == pytest.approx(points, abs=0.02)


def test_every_surface_has_its_landscape_lesson_and_minima(live):
    from fastadapt.pages.landscapes.backend import Landscape

    described = Landscape(shown=RULES).describe()["surfaces"]
    lessons, pictures = set(), set()
    for name in described:
        live.page.select_option("select.surface", name)
        live.ready()
        lessons.add(live.text(".lesson"))
        pictures.add(live.plot("JSON.stringify(plot.data[0].z[40].slice(20, 60))"))
        assert live.page.locator(".contour .minimum").count() >= 1
        assert live.page.locator(".parameter .slider:visible").count() == (described[name]["parameter"] is not None)
        assert live.start() == list(described[name]["start"])
    assert len(lessons) == len(pictures) == len(described)


def test_the_parameter_bends_the_surface_and_a_surface_remembers_its_start(live):
    live.changed(lambda: live.page.select_option("select.surface", "bowl"))
    before = live.plot("plot.data[0].z[0][0]")
    live.enter(".number-of.parameter-of", 40)
    assert live.plot("plot.data[0].z[0][0]") == pytest.approx((4**2 + 40 * 3**2) / 2)
    assert before == pytest.approx((4**2 + 20 * 3**2) / 2)
    live.changed(lambda: live.page.mouse.click(*live.pixel((1.0, 1.0))))
    live.changed(lambda: live.page.select_option("select.surface", "saddle"))
    live.changed(lambda: live.page.select_option("select.surface", "bowl"))
    assert live.start() == pytest.approx([1.0, 1.0], abs=0.05)
    assert live.page.input_value(".number-of.parameter-of") == "40"


def test_noise_seed_and_steps_change_the_paths(live):
    seen = [live.path("Adam")]
    live.enter(".number-of.noise", 20)
    seen.append(live.path("Adam"))
    live.changed(lambda: live.page.click(".new-seed"))
    assert live.page.input_value("input.seed") == "1"
    seen.append(live.path("Adam"))
    assert all(np.abs(a - b).max() > 0.05 for a, b in pairwise(seen))
    live.enter("input.steps", 50)
    assert len(live.path("Adam")) == 51
    assert live.text(".player .at") == "step 50 / 50"
    live.enter("input.steps", -3)
    assert live.page.input_value("input.steps") == "1"


def test_the_judge_counts_arrivals_of_all_starts(live):
    assert live.judge("SGD", "share") == "100 %"
    assert int(live.judge("Adam", "within")) > int(live.judge("SGD", "within")) > 0
    live.rate("SGD", 0.03)
    assert float(live.judge("SGD", "share").rstrip(" %")) < 60
    assert live.requests("judge") == [["SGD"]]
    live.rate("SGD", 0)
    assert live.judge("SGD", "within") == "never"


def test_tuning_takes_the_best_of_forty_rates_and_sets_the_sliders(live):
    live.changed(lambda: live.page.click(".tune"))
    assert live.page.locator(".tuning").is_visible()
    curves = live.plot("plot.data.map(({x, y}) => [Array.from(x), Array.from(y)])", ".tuning-plot")
    assert len(curves) == 4
    for k in (0, 2):
        rates, values = curves[k]
        known = [(value, rate) for value, rate in zip(values, rates, strict=True) if value is not None]
        assert len(rates) == 40
        assert curves[k + 1][0][0] in [rate for value, rate in known if value == min(known)[0]]
    live.changed(lambda: live.page.click(".tuning .apply"))
    assert not live.page.locator(".tuning").is_visible()
    for k, rule in enumerate(RULES):
        rate = float(live.page.input_value(f".rule[data-rule={rule}] .number-of.lr"))
        assert rate == pytest.approx(curves[2 * k + 1][0][0], rel=1e-3)
    live.changed(lambda: live.page.click(".tune"))
    live.page.keyboard.press("Escape")
    assert not live.page.locator(".tuning").is_visible()
