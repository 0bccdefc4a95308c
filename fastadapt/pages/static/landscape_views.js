// The card in the middle: three tabs with one state, and for the line fit the data beside.

const VIEWS = ["contour", "surface", "basins"];

function viewsCard(page) {
  const { say, state } = page;
  const tabs = switchOf(
    VIEWS.map((name) => [name, say(`landscape.tab.${name}`)]),
    state.tab,
    (name) => page.tab(name),
    { class: "tabs", label: say("landscape.control.tabs") },
  );
  const views = { contour: contourView(page), surface: surfaceView(page), basins: basinsView(page) };
  const data = dataView(page);
  const tuning = tuningPanel(page);
  const says = el("p", { class: "says" });
  page.tab = (name) => {
    state.tab = name;
    tabs.set(name);
    tuning.close();
    if (name === "basins") page.basinsSoon();
    page.draw();
  };
  const each = (act) => {
    views[state.tab][act]();
    if (state.field.data) data[act]();
  };
  const draw = () => {
    for (const name of VIEWS) views[name].host.hidden = state.tab !== name;
    data.host.hidden = !state.field.data;
    views.basins.controls.hidden = state.tab !== "basins";
    says.textContent =
      say(`landscape.says.${state.tab}`) + (state.field.data ? ` ${say("landscape.says.data")}` : "");
    each("draw");
  };
  page.views({ draw, step: () => each("step") });
  const bar = el(
    "div",
    { class: "bar" },
    tabs.element,
    views.basins.controls,
    el("span", { class: "gap" }),
    page.bars.basins.element,
  );
  const hosts = el(
    "div",
    { class: "hosts" },
    VIEWS.map((name) => views[name].host),
    data.host,
  );
  return el("div", { class: "card views" }, bar, says, hosts, tuning.element);
}
