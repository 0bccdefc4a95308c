"""Page 1 in Chromium: every control changes what it should, without a request to elsewhere or an error."""

import json
import os
import re
import shutil
from threading import Thread

import numpy as np
import pytest

pytest.importorskip("plotly")
pytest.importorskip("playwright.sync_api")

from playwright.sync_api import sync_playwright

import fastadapt as fa
from fastadapt.pages.landscapes.backend import Landscape
from fastadapt.pages.landscapes.show import parts
from fastadapt.pages.page import served
from fastadapt.pages.server import open_server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
RULES = ["SGD", "Adam"]
PATIENCE = 60_000
"""Milliseconds: rules compile, and WebGL is drawn in software."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="there is no Chromium"),
]


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address():
    server, _ = open_server(Landscape(shown=RULES), served(parts()))
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.address
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def tab(chromium, address):
    """One page for all tests, with every request to elsewhere and every error that it ran into."""
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    yield Watched(page, address)
    page.close()


class Watched:
    """A page, what it asked Python for, every request to elsewhere, and every error."""

    def __init__(self, page, home):
        self.page, self.home, self.wrong, self.asked = page, home, [], []
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: message.type == "error" and self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", self._requested)

    def _requested(self, request):
        if not request.url.startswith((self.home, "blob:", "data:")):
            self.wrong.append(request.url)
        if request.method == "POST":
            self.asked.append(json.loads(request.post_data))

    def open(self):
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.page.goto(self.home)
        self.ready()
        self.asked.clear()
        return self

    def ready(self):
        """Wait until all that was asked for is drawn."""
        self.page.wait_for_selector(".fastadapt[data-drawn]:not([data-busy])")
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def changed(self, act):
        """Do something that draws anew, and wait for that."""
        before = self.page.get_attribute(".fastadapt", "data-drawn")
        act()
        self.page.wait_for_selector(f".fastadapt:not([data-drawn='{before}']):not([data-busy])")
        self.ready()

    def text(self, selector):
        return self.page.locator(selector).first.text_content()

    def plot(self, what, selector=".plot.contour .ground"):
        return self.page.evaluate(f"() => {{ const plot = document.querySelector('{selector}'); return {what}; }}")

    def axes(self, selector):
        """Of Plotly's own axes: where they begin on the screen, their lengths, and their ranges."""
        box = self.page.locator(selector).bounding_box()
        axis = "[plot._fullLayout.{0}axis._offset, plot._fullLayout.{0}axis._length, ...plot._fullLayout.{0}axis.range]"
        x, y = (self.plot(axis.format(name), selector) for name in "xy")
        return (box["x"] + x[0], x[1], x[2], x[3]), (box["y"] + y[0], y[1], y[2], y[3])

    def pixel(self, at, selector=".plot.contour .ground"):
        x, y = self.axes(selector)
        return (
            x[0] + x[1] * (at[0] - x[2]) / (x[3] - x[2]),
            y[0] + y[1] * (1 - (at[1] - y[2]) / (y[3] - y[2])),
        )

    def path(self, rule, kind="pale"):
        """The points of a drawn path, in the coordinates of the surface."""
        drawn = self.page.locator(f".plot.contour .over .{kind}[data-rule='{rule}']").get_attribute("d") or ""
        numbers = np.array([float(number) for number in re.findall(r"-?[\d.]+", drawn)]).reshape(-1, 2)
        (left, width, *x), (top, height, *y) = self.axes(".plot.contour .ground")
        box = self.page.locator(".plot.contour .over").bounding_box()
        numbers += [box["x"] - left, box["y"] - top]
        return np.array([x[0], y[1]]) + numbers * [(x[1] - x[0]) / width, (y[0] - y[1]) / height]

    def start(self):
        return [float(part) for part in self.page.get_attribute(".fastadapt", "data-start").split()]

    def judge(self, rule, column):
        return self.text(f".judge tr[data-rule='{rule}'] .{column}").replace("\u2212", "-")

    def rows(self):
        return self.page.locator(".judge tbody tr").evaluate_all("rows => rows.map((row) => row.dataset.rule)")


@pytest.fixture
def live(tab):
    tab.wrong.clear()
    yield tab.open()
    assert tab.wrong == []


def himmelblau(p):
    a, b = p[0] ** 2 + p[1] - 11, p[0] + p[1] ** 2 - 7
    return a * a + b * b, np.array([4 * p[0] * a + 2 * b, 2 * a + 4 * p[1] * b])


def descended(rule, steps, start=(-0.6, -1.0), **hyper):
    """A rule's points on Himmelblau's function, whose formula is written here once more, and the optimizer."""
    p = np.array(start)
    opt, points = rule(p, **hyper), [p.copy()]
    for _ in range(steps):
        opt.step(himmelblau(p)[1])
        points.append(p.copy())
    return np.array(points), opt


def test_the_page_fits_the_window_and_lists_all_rules(live):
    assert live.page.evaluate("() => document.documentElement.scrollHeight <= innerHeight")
    assert live.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    names = live.page.locator(".rule .name").all_text_contents()
    assert set(fa.__all__) & set(names) >= {"SGD", "AdaGrad", "RMSProp", "Adam", "Lion"}
    assert live.rows() == RULES
    assert live.page.locator(".rule input.on:checked").count() == 2


def test_on_a_phone_nothing_is_wider_than_the_window_and_a_tap_sets_the_start(chromium, address):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone = Watched(context.new_page(), address)
    phone.page.goto(address)
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
    context.close()
    assert phone.wrong == []


@pytest.mark.parametrize("at", [(-4.5, 4.5), (0, 0), (4.2, -3.3), (-2, -4.8), (2.71, 3.14)])
def test_a_click_is_the_start_of_all_paths_to_the_pixel(live, at):
    x, y = live.pixel(at)
    live.changed(lambda: live.page.mouse.click(x, y))
    unit = 10 / live.axes(".plot.contour .ground")[0][1]
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
    live.page.fill("input.start-x", "99")
    live.changed(lambda: live.page.locator("input.start-x").press("Tab"))
    assert live.start() == [5.0, -1.0]


def test_what_is_drawn_is_what_the_optimizer_does(live):
    for name, rule, lr in (("SGD", fa.SGD, 0.005), ("Adam", fa.Adam, 0.1)):
        points, _ = descended(rule, 300, lr=lr)
        assert live.path(name) == pytest.approx(points, abs=0.02)
        assert float(live.judge(name, "end")) == pytest.approx(himmelblau(points[-1])[0], rel=0.01, abs=1e-12)


def test_the_step_shows_state_and_formula_with_the_numbers_of_the_optimizer(live):
    live.changed(lambda: live.page.keyboard.press("Home"))
    for _ in range(7):
        live.changed(lambda: live.page.keyboard.press("ArrowRight"))
    points, opt = descended(fa.Adam, 7, lr=0.1)
    cells = live.page.locator(".state tbody tr").all_inner_texts()
    rows = {row.split("\t")[0]: [float(cell.replace("\u2212", "-")) for cell in row.split("\t")[1:]] for row in cells}
    assert rows["m"] == pytest.approx(opt.state["m"], rel=1e-3)
    assert rows["v"] == pytest.approx(opt.state["v"], rel=1e-3)
    assert rows["g"] == pytest.approx(himmelblau(points[6])[1], rel=1e-3)
    moved = points[7] - points[6]
    assert rows["step"] == pytest.approx(moved, rel=1e-3)
    assert rows["\u2212 step / g"] == pytest.approx(-moved / himmelblau(points[6])[1], rel=1e-3)
    results = live.page.locator(".formula .result").all_text_contents()
    results = [float(result.replace("\u2212", "-")) for result in results]
    assert results == pytest.approx([opt.state["m"][0], opt.state["v"][0], points[7][0]], rel=1e-3)
    live.changed(lambda: live.page.click(".coordinate [data-value='1']"))
    assert float(live.text(".formula .result").replace("\u2212", "-")) == pytest.approx(opt.state["m"][1], rel=1e-3)
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
    clocked = Watched(chromium.new_page(viewport={"width": 1280, "height": 800}), address)
    clocked.page.clock.install()
    clocked.page.goto(address)
    done = ".fastadapt[data-drawn]:not([data-busy])"
    while clocked.page.locator(done).count() == 0:
        clocked.page.clock.run_for(50)
    for speed in (15, 60):
        clocked.page.select_option(".speed", str(speed))
        clocked.page.click(".player .first")
        clocked.page.click(".player .play")
        clocked.page.clock.run_for(1000)
        clocked.page.click(".player .play")
        step = int(clocked.text(".player .at").split()[1])
        assert step == pytest.approx(speed, abs=0.05 * speed + 1)
    clocked.page.close()
    assert clocked.wrong == []


def test_the_scrubber_and_the_curves_lead_to_a_step(live):
    live.changed(lambda: live.page.locator(".scrubber").fill("42"))
    assert live.text(".player .at").startswith("step 42 ")
    (left, width, *_), (top, height, *_) = live.axes(".curve.value .ground")
    live.changed(lambda: live.page.mouse.click(left + width / 3, top + height / 2))
    assert live.text(".player .at").startswith("step 100 ")
    assert float(live.page.locator(".curve.norm .now").get_attribute("x1")) == pytest.approx(
        live.plot("plot._fullLayout.xaxis._offset", ".curve.norm .ground") + width / 3, abs=1.5
    )


def test_arrows_on_a_slider_move_the_slider_alone(live):
    live.page.locator(".rule[data-rule=Adam] .lr-slider").focus()
    live.changed(lambda: live.page.keyboard.press("ArrowLeft"))
    assert live.text(".player .at").startswith("step 300 ")


def test_the_curves_hold_values_and_norms_of_the_paths(live):
    points, _ = descended(fa.Adam, 300, lr=0.1)
    values = [himmelblau(point)[0] for point in points]
    norms = [np.hypot(*himmelblau(point)[1]) for point in points]
    drawn = live.plot("Array.from(plot.data[1].y)", ".curve.value .ground")
    assert drawn[:100] == pytest.approx(values[:100], rel=1e-9)
    assert live.plot("Array.from(plot.data[1].y)", ".curve.norm .ground")[:100] == pytest.approx(norms[:100], rel=1e-9)
    assert live.plot("plot.layout.xaxis.title.text", ".curve.norm .ground") == "step"


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
    assert [list(each["rules"]) for each in live.asked if each["do"] == "paths"] == [["Adam"]]
    assert np.array_equal(live.path("SGD"), before[0])
    points, _ = descended(fa.Adam, 300, lr=0.11)
    assert live.path("Adam") == pytest.approx(points, abs=0.02)
    live.page.fill(".rule[data-rule=Adam] .number-of.lr", "0.02")
    live.changed(lambda: live.page.locator(".rule[data-rule=Adam] .number-of.lr").press("Tab"))
    points, _ = descended(fa.Adam, 300, lr=0.02)
    assert live.path("Adam") == pytest.approx(points, abs=0.02)


def test_every_hyperparameter_has_a_control_in_the_fold(live):
    described = Landscape(shown=RULES).describe()["rules"]
    for name in ("SGD+momentum", "Adam", "Lion"):
        block = f".rule-block:has(.rule[data-rule='{name}'])"
        assert not live.page.locator(f"{block} .hyper").is_visible()
        live.page.click(f"{block} .fold")
        assert live.page.locator(f"{block} .hyper").is_visible()
        expected = {hyper["name"] for hyper in described[name]["hyper"]} - {"lr"} | {"decay"}
        assert {row["name"] for row in live.page.locator(f"{block} .hyper-row").evaluate_all(
            "rows => rows.map((row) => ({name: row.dataset.name}))")} == expected  # fmt: skip


def test_hyperparameters_count(live):
    block = ".rule-block:has(.rule[data-rule=Adam])"
    live.page.click(f"{block} .fold")
    live.page.fill(f"{block} .number-of.hyper-beta1", "0.5")
    live.changed(lambda: live.page.locator(f"{block} .number-of.hyper-beta1").press("Tab"))
    points, _ = descended(fa.Adam, 300, lr=0.1, beta1=0.5)
    assert live.path("Adam") == pytest.approx(points, abs=0.02)
    live.page.fill(f"{block} .number-of.hyper-decay", "0.5")
    live.changed(lambda: live.page.locator(f"{block} .number-of.hyper-decay").press("Tab"))
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
    live.page.fill(".number-of.parameter-of", "40")
    live.changed(lambda: live.page.locator(".number-of.parameter-of").press("Tab"))
    assert live.plot("plot.data[0].z[0][0]") == pytest.approx((4**2 + 40 * 3**2) / 2)
    assert before == pytest.approx((4**2 + 20 * 3**2) / 2)
    live.changed(lambda: live.page.mouse.click(*live.pixel((1.0, 1.0))))
    live.changed(lambda: live.page.select_option("select.surface", "saddle"))
    live.changed(lambda: live.page.select_option("select.surface", "bowl"))
    assert live.start() == pytest.approx([1.0, 1.0], abs=0.05)
    assert live.page.input_value(".number-of.parameter-of") == "40"


def test_noise_seed_and_steps_change_the_paths(live):
    seen = [live.path("Adam")]
    live.page.fill(".number-of.noise", "20")
    live.changed(lambda: live.page.locator(".number-of.noise").press("Tab"))
    seen.append(live.path("Adam"))
    live.changed(lambda: live.page.click(".new-seed"))
    assert live.page.input_value("input.seed") == "1"
    seen.append(live.path("Adam"))
    assert all(np.abs(a - b).max() > 0.05 for a, b in zip(seen, seen[1:], strict=False))
    live.page.fill("input.steps", "50")
    live.changed(lambda: live.page.locator("input.steps").press("Tab"))
    assert len(live.path("Adam")) == 51
    assert live.text(".player .at") == "step 50 / 50"
    live.page.fill("input.steps", "-3")
    live.changed(lambda: live.page.locator("input.steps").press("Tab"))
    assert live.page.input_value("input.steps") == "1"


def test_the_line_fit_shows_its_data_and_lines_and_batches_jitter(live):
    assert not live.page.locator(".plot.data").is_visible()
    assert not live.page.locator("input.batch").is_visible()
    live.changed(lambda: live.page.select_option("select.surface", "line"))
    assert live.page.locator(".plot.data .fitted").count() == 2
    u, v = (np.array(live.plot(f"Array.from(plot.data[0].{name})", ".plot.data .ground")) for name in "xy")
    assert len(u) == 30
    slope, height = np.polyfit(u, v, 1)
    minimum = live.page.locator(".contour .minimum").bounding_box()
    centre = minimum["x"] + minimum["width"] / 2, minimum["y"] + minimum["height"] / 2
    assert live.pixel((slope, height)) == pytest.approx(centre, abs=1.5)
    whole = live.path("SGD")
    live.changed(lambda: live.page.locator("input.batch").fill("1"))
    assert np.abs(live.path("SGD") - whole).max() > 0.05
    line = live.page.locator(".fitted[data-rule=SGD]")
    end = line.get_attribute("d")
    live.changed(lambda: live.page.click(".player .first"))
    assert line.get_attribute("d") != end
    live.page.fill("input.points", "12")
    live.changed(lambda: live.page.locator("input.points").press("Tab"))
    assert live.plot("plot.data[0].x.length", ".plot.data .ground") == 12
    assert live.plot("plot.layout.xaxis.title.text") == "slope w"


def test_the_surface_has_the_paths_at_their_heights_up_to_the_step(live):
    live.page.keyboard.press("2")
    live.page.wait_for_selector(".plot.space .gl-container canvas")
    live.ready()
    kinds = live.plot("plot.data.map((trace) => trace.type)", ".plot.space")
    assert kinds == ["surface"] + ["scatter3d"] * 6
    assert live.plot("plot.data[3].x.length", ".plot.space") == 301
    live.changed(lambda: live.page.keyboard.press("Home"))
    live.page.wait_for_function("() => document.querySelector('.plot.space').data[3].x.length === 1")
    assert live.plot("[plot.data[5].x[0], plot.data[5].y[0]]", ".plot.space") == [-0.6, -1.0]


def basin_pixel(live, rule, at):
    """The colour of a map at a start."""
    source = live.plot("plot.layout.images[0].source", f".basin[data-rule={rule}] .ground")
    n = 200
    column, row = round((at[0] + 5) / 10 * (n - 1)), round((1 - (at[1] + 5) / 10) * (n - 1))
    return live.page.evaluate(
        """async ([source, i, j]) => {
            const image = new Image();
            image.src = source;
            await image.decode();
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [image.width, image.height];
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            return Array.from(context.getImageData(i, j, 1, 1).data).slice(0, 3);
        }""",
        [source, column, row],
    )


def test_basins_have_a_hue_for_each_minimum_and_black_for_none(live):
    live.page.keyboard.press("3")
    live.page.wait_for_selector(".basin .layer-below image, .basin image")
    live.ready()
    assert live.page.locator(".basin").count() == 2
    minima = [(3, 2), (-2.8, 3.1), (-3.8, -3.3), (3.6, -1.8)]
    colours = {tuple(basin_pixel(live, "SGD", at)) for at in minima}
    assert len(colours) == 4
    far = basin_pixel(live, "Adam", (-4.9, 0.8)), basin_pixel(live, "Adam", (-2.8, 3.1))
    assert sum(far[0]) < sum(far[1])
    live.page.fill(".rule[data-rule=SGD] .number-of.lr", "0")
    live.changed(lambda: live.page.locator(".rule[data-rule=SGD] .number-of.lr").press("Tab"))
    assert basin_pixel(live, "SGD", (0, 0)) == [0, 0, 0]
    assert basin_pixel(live, "Adam", (0, 0)) != [0, 0, 0]


def test_basins_of_one_rule_take_clicks_and_number_the_minima(live):
    live.page.keyboard.press("3")
    live.ready()
    live.changed(lambda: live.page.select_option(".map-of", "Adam"))
    assert live.page.locator(".basin").count() == 1
    assert live.page.locator(".basin .minimum-number").all_text_contents() == ["1", "2", "3", "4"]
    assert live.plot("plot.layout.yaxis.title.text", ".basin .ground") == "start y"
    x, y = live.pixel((1.5, -2.5), ".basin .ground")
    live.changed(lambda: live.page.mouse.click(x, y))
    assert live.start() == pytest.approx([1.5, -2.5], abs=0.03)
    live.changed(lambda: live.page.keyboard.press("1"))
    assert live.path("SGD")[0] == pytest.approx([1.5, -2.5], abs=0.05)


def test_the_judge_counts_arrivals_of_all_starts(live):
    assert live.judge("SGD", "share") == "100 %"
    assert int(live.judge("Adam", "within")) > int(live.judge("SGD", "within")) > 0
    live.page.fill(".rule[data-rule=SGD] .number-of.lr", "0.03")
    live.changed(lambda: live.page.locator(".rule[data-rule=SGD] .number-of.lr").press("Tab"))
    assert float(live.judge("SGD", "share").rstrip(" %")) < 60
    assert [list(each["rules"]) for each in live.asked if each["do"] == "judge"] == [["SGD"]]
    live.page.fill(".rule[data-rule=SGD] .number-of.lr", "0")
    live.changed(lambda: live.page.locator(".rule[data-rule=SGD] .number-of.lr").press("Tab"))
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


def test_long_work_shows_its_progress_and_stops(live):
    live.page.fill("input.steps", "5000")
    live.page.locator("input.steps").press("Tab")
    live.ready()
    live.page.click(".tabs [data-value=basins]")
    stop = live.page.locator(".views .progress button:visible")
    stop.wait_for()
    stop.click()
    live.page.wait_for_selector(".fastadapt:not([data-busy])")
    assert live.page.locator(".views .progress:visible").count() == 0
    assert live.page.locator(".basin.stale").count() >= 1


def test_dark_is_dark_and_light_is_light(live):
    paper = "() => getComputedStyle(document.querySelector('.fastadapt')).backgroundColor"
    light, scale = live.page.evaluate(paper), live.plot("plot.data[0].colorscale[0][1]")
    live.changed(lambda: live.page.click(".theme"))
    assert live.page.evaluate(paper) != light
    assert live.plot("plot.data[0].colorscale[0][1]") != scale
    live.changed(lambda: live.page.click(".theme"))
    assert live.page.evaluate(paper) == light


def test_the_line_at_the_foot_says_what_a_number_is(live):
    told = live.page.locator(".what span")
    for selector in (".judge td.within", ".formula", ".state tbody tr", ".tune", ".scrubber", ".number-of.lr"):
        live.page.locator(selector).first.hover()
        assert len(told.text_content()) > 20, selector
