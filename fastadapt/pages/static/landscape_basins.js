// The view of the basins: the maps of all rules side by side, or of one alone.

// All maps side by side, or one alone.
function basinsView(page) {
  const { state, say } = page;
  const host = el("div", { class: "maps" });
  const choose = selectOf(
    [],
    "all",
    (name) => {
      state.map = name;
      page.draw();
    },
    {
      class: "map-of",
      "aria-label": say("landscape.control.map"),
      data: { what: say("landscape.what.map") },
    },
  );
  const legend = el(
    "span",
    { class: "legend" },
    say("landscape.sooner"),
    el("i", { class: "shades", style: { background: shades() } }),
    say("landscape.later"),
  );
  const controls = el("span", { class: "row" }, choose, legend);
  let maps = [];
  const draw = () => {
    const names = page.on();
    if (state.map !== "all" && !names.includes(state.map)) state.map = "all";
    fillSelect(
      choose,
      [["all", say("landscape.side_by_side")], ...names.map((name) => [name, name])],
      state.map,
    );
    const shownNames = state.map === "all" ? names : [state.map];
    if (shownNames.join() !== maps.map((map) => map.name).join()) {
      maps = shownNames.map((name) => basinMap(page, name));
      host.replaceChildren(...maps.map((map) => map.element));
    }
    arrange(host, shownNames.length, state.field.box);
    maps.forEach((map) => map.draw(shownNames.length === 1));
  };
  return { host, controls, draw, step: () => maps.forEach((map) => map.step()) };
}

const TITLE = 20;
const GAPS = [10, 6];

// As many maps beside each other as make them largest, and rows that are no higher than they need.
function arrange(host, count, { x, y }) {
  const margin = count > 1 ? smallMargin : largeMargin;
  const ratio = (y[1] - y[0]) / (x[1] - x[0]);
  const sizes = (across) => {
    const rows = Math.ceil(count / across);
    const width = (host.clientWidth - GAPS[0] * (across - 1)) / across - margin.l - margin.r;
    const height = (host.clientHeight - GAPS[1] * (rows - 1)) / rows - TITLE - margin.t - margin.b;
    return Math.min(width, height / ratio);
  };
  const across = range(count)
    .map((k) => k + 1)
    .reduce((best, next) => (sizes(next) > sizes(best) ? next : best), 1);
  host.style.setProperty("--across", String(across));
  host.style.setProperty("--height", `${Math.floor(sizes(across) * ratio + TITLE + margin.t + margin.b)}px`);
}
