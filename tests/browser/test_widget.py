"""The widget's module in Chromium, with a model that hands its messages to the widget itself."""

import pytest

import fastadapt as fa

from .landscape_page import LandscapePage, descended

pytestmark = pytest.mark.browser

HARNESS = """
window.show = async (id, esm, css, views = 1) => {
  const heard = new Set();
  const model = {
    on: (name, act) => name === "msg:custom" && heard.add(act),
    off: (name, act) => heard.delete(act),
    send: (content) => {
      if (window.restarted) throw new Error("Cannot send");
      window.toPython(id, content).then((answers) => {
        for (const answer of answers) for (const act of [...heard]) act(answer, []);
      });
    },
  };
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const module = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
  window.ends ??= {};
  window.listening ??= {};
  window.listening[id] = heard;
  for (let view = 0; view < views; view += 1) {
    const host = document.createElement("div");
    host.id = views > 1 ? `${id}${view}` : id;
    window.ends[host.id] = module.default.render({ model, el: host });
    document.body.append(host);
  }
};
"""


@pytest.fixture
def notebook(chromium, open_pages, monkeypatch):
    """`notebook(**widgets)` is a page that shows widgets by the names of their elements."""
    pytest.importorskip("anywidget")
    from fake_comm import make_widget

    from .watched import Watched

    made = []

    def notebook(width=1280, views=1, **makers):
        context = chromium.new_context(viewport={"width": width, "height": 900})
        watched = Watched(context.new_page(), "about:blank")
        open_pages.append(watched)
        widgets = {name: make_widget(monkeypatch, make) for name, make in makers.items()}
        made.extend(widgets.values())
        watched.page.expose_function("toPython", lambda name, content: widgets[name].comm.receive(content))
        watched.page.set_content("<!doctype html><html><head></head><body></body></html>")
        watched.page.add_script_tag(content=HARNESS)
        for name, widget in widgets.items():
            state = widget.comm.opened["state"]
            watched.page.evaluate("(given) => show(...given)", [name, state["_esm"], state["_css"], views])
        for name in [name if views == 1 else f"{name}{k}" for name in widgets for k in range(views)]:
            watched.page.wait_for_selector(
                f"#{name} .fastadapt[data-drawn]:not([data-busy]):is(.landscape, [data-point])"
            )
        return watched

    yield notebook
    for watched in open_pages:
        if not watched.page.is_closed():
            watched.page.context.close()
    for widget in made:
        widget.close()


def explorer(*rules, epochs=2):
    """A function that makes the widget of a small training."""

    def make():
        from fastadapt.pages.explorer.session import Explorer
        from fastadapt.pages.explorer.setup import Setup
        from fastadapt.pages.explorer.show import parts
        from fastadapt.pages.widget import widget_of

        return widget_of(Explorer(Setup("digits", (8,), 0, epochs, 64, rules)), parts())

    return make


def landscape(*rules):
    """A function that makes the widget of page 1."""

    def make():
        from fastadapt.pages.landscapes.backend import Landscape
        from fastadapt.pages.landscapes.show import parts
        from fastadapt.pages.widget import widget_of

        return widget_of(Landscape(shown=rules), parts())

    return make


def rows(watched, name):
    """The names of the paths in the table of a widget."""
    cells = watched.page.locator(f"#{name} .beside-table tbody td:first-child")
    return cells.all_text_contents()


def settled(watched, name):
    watched.page.wait_for_selector(f"#{name} .fastadapt:not([data-busy])")


def test_two_widgets_on_one_page_are_drawn_and_do_not_disturb_each_other(notebook):
    page = notebook(a=explorer(("SGD", 0.1), ("Adam", 3e-3)), b=explorer(("RMSProp", 1e-3)))
    assert [rows(page, name) for name in "ab"] == [["SGD", "Adam"], ["RMSProp"]]
    other = page.page.locator("#b").inner_text()
    page.page.select_option("#a select.add", "Lion")
    page.page.wait_for_selector("#a .beside-table tbody tr:nth-child(3)")
    settled(page, "a")
    assert rows(page, "a") == ["SGD", "Adam", "Lion"]
    assert page.page.locator("#b").inner_text() == other
    page.page.locator("#a .beside-table tbody tr").first.click()
    page.page.wait_for_selector("#a .fastadapt[data-point^='path 0']")
    page.page.locator("#a .fastadapt").press("Home")
    page.page.wait_for_selector("#a .fastadapt[data-drawn$=' 0']")
    assert page.page.locator("#b").inner_text() == other
    page.page.locator("#b .theme").click()
    dark = "(name) => getComputedStyle(document.querySelector(`#${name} .fastadapt`)).backgroundColor"
    assert page.page.evaluate(dark, "a") != page.page.evaluate(dark, "b")


def test_one_widget_shown_twice_is_two_pages(notebook):
    page = notebook(views=2, a=explorer(("SGD", 0.1), ("Adam", 3e-3)))
    page.page.locator("#a0 .rule[data-rule=SGD] .remove").click()
    page.page.wait_for_selector("#a0 .beside-table tbody tr:nth-child(2)", state="detached")
    settled(page, "a0")
    assert [rows(page, name) for name in ("a0", "a1")] == [["Adam"], ["SGD", "Adam"]]
    page.page.evaluate("() => ends.a0()")
    assert page.page.evaluate("() => listening.a.size") == 1


def test_in_a_narrow_cell_of_a_wide_window_the_page_is_one_column(notebook):
    page = notebook(a=explorer(("Adam", 3e-3)))
    columns = "() => new Set([...document.querySelectorAll('.left, .middle, .right')].map((e) => e.offsetLeft)).size"
    assert page.page.evaluate(columns) == 3
    page.page.evaluate("() => { document.querySelector('#a').style.width = '600px'; }")
    assert page.page.evaluate(columns) == 1
    fits = "() => [...document.querySelectorAll('#a .card')].every((e) => e.offsetWidth <= 600)"
    assert page.page.evaluate(fits)


def test_keys_do_not_reach_the_notebook_and_its_plotly_stays(notebook):
    page = notebook(a=explorer(("Adam", 3e-3)))
    assert page.page.evaluate("() => window.Plotly === undefined")
    page.page.evaluate("() => document.addEventListener('keydown', (event) => { window.heard = event.key; })")
    page.page.locator("#a .fastadapt").press("ArrowLeft")
    assert page.page.evaluate("() => window.heard === undefined")
    assert page.page.locator("#a [data-lm-suppress-shortcuts=true]").count() == 1


def test_page_1_in_a_cell_takes_a_start_and_a_rate_and_says_when_its_kernel_is_gone(notebook):
    cell = LandscapePage(notebook(a=landscape("SGD", "Adam")))
    cell.changed(lambda: cell.page.mouse.click(*cell.pixel((2.0, 1.0))))
    assert cell.start() == pytest.approx([2.0, 1.0], abs=0.03)
    cell.rate("Adam", 0.05)
    # The page draws tenths of pixels.
    assert cell.path("Adam") == pytest.approx(descended(fa.Adam, 300, cell.start(), lr=0.05)[0], abs=0.02)
    # What JupyterLab does after a restart of the kernel.
    cell.page.evaluate("() => { window.restarted = true; }")
    cell.page.fill(".start-x", "-2")
    cell.page.locator(".start-x").press("Tab")
    cell.page.wait_for_selector(".problem:text('Run the cell again')")
