"""Page 1 in Chromium: the surface in space, the basins, and the data of the line fit."""

import numpy as np
import pytest

pytestmark = pytest.mark.browser


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
    live.enter("input.points", 12)
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
    live.rate("SGD", 0)
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
