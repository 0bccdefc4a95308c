"""Page 2 in Chromium: every control changes what it should, without a request to elsewhere or an error."""

import numpy as np
import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def backend():
    """A function that makes the backend of a small training."""
    from fastadapt.pages.explorer.session import Explorer
    from fastadapt.pages.explorer.setup import Setup

    return lambda: Explorer(Setup("digits", (8,), 0, 3, 64, (("SGD", 0.1), ("Adam", 3e-3))))


@pytest.fixture(scope="module")
def address(serve_page, backend):
    from fastadapt.pages.explorer.show import parts

    return serve_page(backend(), parts())


@pytest.fixture(scope="module")
def saved(tmp_path_factory, backend):
    from fastadapt.pages.explorer.saving import save_page

    file = tmp_path_factory.mktemp("saved") / "page.html"
    save_page(backend(), file)
    return file


@pytest.fixture(scope="module")
def shared(open_page, address):
    """One page for all tests that leave no trace on it."""
    return open_page(address)


@pytest.fixture
def live(open_once, address):
    """A page of the test's own."""
    return open_once(address)


@pytest.fixture(scope="module")
def offline(open_page, saved):
    """The saved page, without a network."""
    return open_page(saved.as_uri(), offline=True)


def test_the_page_fits_the_window_and_shows_all_paths(shared):
    assert shared.page.evaluate("() => document.documentElement.scrollHeight <= innerHeight")
    assert shared.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert shared.page.locator(".beside-table tbody tr").count() == 2
    assert shared.page.locator(".image").count() == 16
    assert shared.plot("plot.data[0].z.length") == 41


def test_on_a_phone_nothing_is_wider_than_the_window(live):
    live.page.set_viewport_size({"width": 390, "height": 844})
    live.ready()
    assert live.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("share", [(0.1, 0.1), (0.5, 0.5), (0.9, 0.2), (0.3, 0.8), (0.75, 0.95)])
def test_a_click_shows_the_weights_of_that_point_to_the_pixel(shared, share):
    box = shared.plot("[...plot.layout.xaxis.range, ...plot.layout.yaxis.range]")
    a, b = box[0] + share[0] * (box[1] - box[0]), box[2] + share[1] * (box[3] - box[2])
    before = shared.page.get_attribute(".fastadapt", "data-point")
    unit = shared.click_at(a, b)
    shared.page.wait_for_selector(f".fastadapt:not([data-point='{before}'])")
    found = [float(part) for part in shared.page.get_attribute(".fastadapt", "data-point").split()]
    assert found == pytest.approx([a, b], abs=1.01 * unit)


def test_train_from_here_adds_a_path_that_begins_at_the_click(live):
    box = live.plot("[...plot.layout.xaxis.range, ...plot.layout.yaxis.range]")
    at = (box[0] + box[1]) / 2, box[2] + 0.7 * (box[3] - box[2])
    live.click_at(*at)
    live.page.wait_for_selector(".fastadapt[data-point]:not([data-point^=path])")
    live.page.select_option(".branch-rule", "RMSProp")
    live.changed(lambda: live.page.click(".train-here"))
    rows = live.page.locator(".beside-table tbody tr")
    assert rows.count() == 3
    assert "RMSProp from ★" in rows.nth(2).text_content()
    assert float(rows.nth(2).locator(".off").text_content()) > 0
    live.changed(lambda: live.page.click(".clear"))
    assert rows.count() == 2


def test_loss_and_error_of_train_and_test_are_four_pictures(shared):
    seen = set()
    for metric in ("loss", "error"):
        for part in ("train", "test"):
            shared.page.click(f".metric [data-value={metric}]")
            shared.page.click(f".part [data-value={part}]")
            shared.ready()
            seen.add(shared.plot("JSON.stringify(plot.data[0].z[7].slice(0, 9))"))
    assert len(seen) == 4


@pytest.mark.parametrize("kind", ["pca", "random", "own"])
def test_another_plane_is_drawn_with_another_share(live, kind):
    before = live.text(".share"), live.plot("plot.layout.xaxis.title.text")
    live.changed(lambda: live.page.select_option("select.kind", kind))
    assert (live.text(".share"), live.plot("plot.layout.xaxis.title.text")) != before
    assert live.plot("plot.layout.xaxis.title.text") != before[1]


def test_new_directions_and_other_ends_change_the_plane(live):
    live.changed(lambda: live.page.select_option("select.kind", "random"))
    before = live.plot("JSON.stringify(plot.data[0].z[3])")
    live.changed(lambda: live.page.click(".directions"))
    assert live.plot("JSON.stringify(plot.data[0].z[3])") != before


def test_the_slider_over_epochs_moves_the_plane_onto_the_path(live):
    live.changed(lambda: live.page.select_option("select.centre", "1"))
    off = live.page.locator(".beside-table tbody tr").nth(1).locator(".off")
    assert abs(float(off.text_content().replace("\u2212", "-"))) < 1e-4
    live.changed(lambda: live.page.locator(".centre-epoch").press("ArrowLeft"))
    assert float(off.text_content()) > 1e-3
    assert "epoch 2" in live.text(".plane-card .at")


def test_zooming_draws_a_smaller_part_and_back(live):
    span = "plot.layout.xaxis.range[1] - plot.layout.xaxis.range[0]"
    whole = live.plot(span)
    live.changed(lambda: live.page.click(".zoom_in"))
    assert live.plot(span) == pytest.approx(whole / 2, rel=1e-3)
    live.changed(lambda: live.page.click(".zoom_in"))
    live.changed(lambda: live.page.click(".zoom_out"))
    assert live.plot(span) == pytest.approx(whole / 2, rel=1e-3)
    live.changed(lambda: live.page.click(".zoom_all"))
    assert live.plot(span) == pytest.approx(whole, rel=1e-3)


@pytest.mark.parametrize("control", ["epochs", "batch", "seed"])
def test_the_numbers_of_the_training_change_the_paths(live, control):
    before = live.text(".beside-table tbody")
    value = live.page.input_value(f"input.{control}")
    live.page.fill(f"input.{control}", str(int(value) + 9))
    live.changed(lambda: live.page.locator(f"input.{control}").press("Tab"))
    assert live.text(".beside-table tbody") != before


def test_a_number_out_of_bounds_becomes_the_bound(live):
    live.page.fill("input.epochs", "-5")
    live.changed(lambda: live.page.locator("input.epochs").press("Tab"))
    assert live.page.input_value("input.epochs") == "1"


def test_the_next_seed_begins_elsewhere(live):
    before = live.text(".beside-table tbody")
    live.changed(lambda: live.page.click(".new-seed"))
    assert live.page.input_value("input.seed") == "1"
    assert live.text(".beside-table tbody") != before


def test_hidden_layers_and_data_make_another_network(live):
    assert live.text(".weights") == "610 weights"
    live.changed(lambda: live.page.select_option("select.hidden", "16"))
    assert live.text(".weights") == "1,210 weights"
    live.changed(lambda: live.page.click(".data [data-value=spirals]"))
    assert live.text(".weights") == "99 weights"
    assert live.page.locator(".map canvas").count() == 1


def test_rules_come_and_go_and_their_rates_count(live):
    rows = live.page.locator(".beside-table tbody tr")
    live.changed(lambda: live.page.select_option("select.add", "Lion"))
    assert rows.count() == 3
    before = rows.nth(2).text_content()
    live.page.fill(".rule[data-rule=Lion] .lr", "0.003")
    live.changed(lambda: live.page.locator(".rule[data-rule=Lion] .lr").press("Tab"))
    assert rows.nth(2).text_content() != before
    before = rows.nth(0).text_content()
    live.changed(lambda: live.page.locator(".rule[data-rule=SGD] .lr-slider").press("ArrowLeft"))
    assert live.page.input_value(".rule[data-rule=SGD] .lr") == "0.089"
    assert rows.nth(0).text_content() != before
    live.changed(lambda: live.page.click(".rule[data-rule=Adam] .remove"))
    assert [rows.nth(k).locator("td").first.text_content() for k in range(2)] == ["SGD", "Lion"]


def test_further_hyperparameters_are_in_a_fold_and_change_the_path(live):
    row = live.page.locator(".beside-table tbody tr").nth(1)
    before = row.text_content()
    assert live.page.locator(".hyper-beta2:visible").count() == 0
    block = live.page.locator(".rule-block", has=live.page.locator(".rule[data-rule=Adam]"))
    block.locator(".fold").click()
    names = block.locator(".hyper-row .mono").all_text_contents()
    assert names == ["beta1", "beta2", "eps", "weight_decay"]
    block.locator("input[type=number].hyper-beta1").fill("0.5")
    live.changed(lambda: block.locator("input[type=number].hyper-beta1").press("Tab"))
    moved = row.text_content()
    assert moved != before
    live.changed(lambda: block.locator("input.hyper-weight_decay-slider").press("End"))
    assert row.text_content() not in (before, moved)
    live.page.locator(".rule-block", has=live.page.locator(".rule[data-rule=SGD]")).locator(".fold").click()
    other = live.page.locator(".beside-table tbody tr").nth(0)
    before = other.text_content()
    live.page.locator("input[type=number].hyper-momentum").fill("0.9")
    live.changed(lambda: live.page.locator("input[type=number].hyper-momentum").press("Tab"))
    assert other.text_content() != before


def test_the_player_steps_by_keys_and_buttons_and_plays(shared):
    last = shared.text(".player .at")
    shared.changed(lambda: shared.page.keyboard.press("Home"))
    assert "step 0" in shared.text(".player .at")
    shared.changed(lambda: shared.page.keyboard.press("ArrowRight"))
    assert "step 1" in shared.text(".player .at")
    shared.changed(lambda: shared.page.click(".forward"))
    assert "step 2" in shared.text(".player .at")
    shared.changed(lambda: shared.page.click(".back"))
    shared.changed(lambda: shared.page.keyboard.press("ArrowLeft"))
    assert "step 0" in shared.text(".player .at")
    shared.page.keyboard.press(" ")
    shared.page.wait_for_selector(".player .at:not(:text('step 0'))")
    shared.page.keyboard.press(" ")
    shared.changed(lambda: shared.page.keyboard.press("End"))
    assert shared.text(".player .at") == last


def test_the_tabs_show_the_surface_and_the_cuts(shared):
    shared.page.keyboard.press("2")
    shared.page.wait_for_selector(".plot.surface .gl-container canvas")
    assert shared.plot("plot.data[0].type", ".plot.surface") == "surface"
    shared.page.keyboard.press("3")
    shared.page.wait_for_selector(".cuts-table tbody tr:nth-child(2)")
    assert float(shared.text(".cuts-table .curvature ~ tr td.curvature, .cuts-table td.curvature")) > 0
    shared.page.keyboard.press("1")
    shared.page.wait_for_selector(".plot.contour:visible")


def test_every_number_says_what_it_is(live):
    live.page.keyboard.press("3")
    live.page.wait_for_selector(".cuts-table tbody tr:nth-child(2)")
    told = live.page.locator(".what span")
    for selector in (".share", ".weights", ".fact", ".beside-table td.plane", ".cuts-table td.curvature", ".image"):
        live.page.locator(selector).first.hover()
        assert len(told.text_content()) > 20, selector
    bare = "() => [...document.querySelectorAll('.explore td:not(:first-child), .explore .number, .fact')]"
    assert live.page.evaluate(bare + ".every((number) => number.dataset.what?.length > 10)")


def test_a_row_of_the_table_shows_the_weights_of_that_rule(shared):
    shared.page.locator(".beside-table tbody tr").first.click()
    shared.page.wait_for_selector(".fastadapt[data-point^='path 0']")
    assert "SGD" in shared.text(".point h2")


def test_the_dotted_part_follows_its_threshold(shared):
    dotted = "plot.data.filter((trace) => trace.line?.dash === '3px,4px').flatMap((trace) => trace.x).length"
    shared.page.select_option(".off-from", "0.02")
    shared.ready()
    many = shared.plot(dotted)
    shared.page.select_option(".off-from", "0.5")
    shared.ready()
    assert shared.plot(dotted) < many


def test_dark_is_dark_and_light_is_light(live):
    paper = "() => getComputedStyle(document.querySelector('.fastadapt')).backgroundColor"
    light = live.page.evaluate(paper)
    live.page.click(".theme")
    live.ready()
    assert live.page.evaluate(paper) != light


def test_a_long_training_shows_its_progress_and_stops(live):
    live.page.select_option("select.hidden", "128,128")
    live.page.fill("input.epochs", "200")
    live.page.locator("input.epochs").press("Tab")
    stop = live.page.locator(".progress:visible button")
    stop.wait_for()
    before = live.drawn()
    stop.click()
    live.page.wait_for_selector(".fastadapt:not([data-busy])")
    assert live.drawn() == before
    assert live.page.locator(".progress:visible").count() == 0


def test_the_saved_page_works_without_a_network(offline):
    assert offline.page.locator(".image").count() == 16
    offline.changed(lambda: offline.page.keyboard.press("Home"))
    offline.changed(lambda: offline.page.select_option("select.kind", "pca"))
    offline.changed(lambda: offline.page.select_option("select.kind", "honest"))
    offline.changed(lambda: offline.page.select_option("select.centre", "1"))
    offline.changed(lambda: offline.page.locator(".centre-epoch").press("ArrowLeft"))
    box = offline.plot("[...plot.layout.xaxis.range, ...plot.layout.yaxis.range]")
    offline.click_at((box[0] + box[1]) / 2, (box[2] + box[3]) / 2)
    offline.page.wait_for_selector(".fastadapt[data-point]:not([data-point^=path])")
    offline.page.keyboard.press("3")
    offline.page.wait_for_selector(".cuts-table tbody tr:nth-child(2)")
    assert offline.page.locator(".problem:visible").count() == 0


def test_what_needs_a_run_is_off_in_the_saved_page_and_names_the_command(offline):
    for selector in (".train-here", "input.epochs", "input.seed", ".data button", "select.hidden", ".zoom_in"):
        control = offline.page.locator(selector).first
        assert control.is_disabled(), selector
        assert "python -m fastadapt explore" in control.get_attribute("title"), selector
    assert all(offline.page.locator(".rule input").nth(k).is_disabled() for k in range(4))


def test_a_long_name_leaves_the_table_its_numbers_and_rounding_is_not_drawn_as_a_distance(serve_page, open_once):
    from fastadapt.pages.explorer.given import Given
    from fastadapt.pages.explorer.session import Explorer
    from fastadapt.pages.explorer.setup import Setup
    from fastadapt.pages.explorer.show import parts
    from fastadapt.pages.explorer.sources import Theirs

    start = np.array([1.0, 2.0, 3.0])
    paths = {"a name that is much longer than any column of a table": [start * (1 - k / 10) for k in range(5)]}
    source = Theirs(Given(lambda w: 5 + float(w @ w), start), paths)
    page = open_once(serve_page(Explorer(Setup("yours"), source), parts()))
    table = page.page.locator(".beside-table")
    assert table.evaluate("(table) => table.scrollWidth <= table.clientWidth")
    assert max(page.plot("plot.data[0].y", ".beside .plot.off")) < 1e-12
    assert page.plot("plot._fullLayout.yaxis.range[1]", ".beside .plot.off") > 1e-3
