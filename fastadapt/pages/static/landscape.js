// Page 1: put together from its cards, with its keys.

function mount(root, ask, description) {
  const page = makePage(root, ask, description);
  root.classList.add("columns", "landscape");
  root.tabIndex = -1;
  const top = topBar(page);
  const left = el("div", { class: "left" }, surfaceCard(page), rulesCard(page), settingsCard(page));
  const middle = el("div", { class: "middle" }, viewsCard(page), playerCard(page));
  const right = el("div", { class: "right" }, curvesCard(page), stepCard(page));
  root.append(
    top,
    left,
    middle,
    right,
    whatLine(root, page.say("landscape.what_is_this"), page.say("landscape.what.rest")),
  );
  root.addEventListener("keydown", (event) => pressed(page, event));
  new ResizeObserver(() => page.draw()).observe(middle);
  // A page of its own takes keys at once; in a notebook they are the notebook's until one clicks.
  if (root.closest(".fastadapt-body")) root.focus({ preventScroll: true });
  page.changed();
}

function topBar(page) {
  const { say, description: d } = page;
  page.problemLine = el("span", { class: "problem", role: "alert", hidden: true });
  const lead = page.frozen
    ? say("landscape.lead_frozen", { command: d.frozen.command })
    : say("landscape.lead");
  return el(
    "header",
    { class: "top" },
    el("h1", { text: say("landscape.title") }),
    el("span", { class: "lead soft", text: lead, title: lead }),
    page.problemLine,
    page.bar.element,
    themeButton(page.root, say, () => page.draw()),
  );
}

function pressed(page, event) {
  const inText = event.target.closest("select, textarea, input:not([type=range]):not([type=checkbox])");
  if (inText || event.altKey || event.ctrlKey || event.metaKey) return;
  // Space presses what has the focus, but for the buttons of the player: there it plays.
  if (
    event.key === " " &&
    event.target.closest("button, summary, [type=checkbox]") &&
    !event.target.closest(".player")
  )
    return;
  if (event.target.matches("input[type=range]") && event.key !== " ") return;
  const tab = { 1: "contour", 2: "surface", 3: "basins" }[event.key];
  const act = tab ? () => page.tab(tab) : page.keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}
