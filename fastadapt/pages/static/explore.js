// Page 2: put together from its cards, with its keys.

function mount(root, ask, description) {
  const page = makePage(root, ask, description);
  root.classList.add("columns", "explore");
  root.tabIndex = -1;
  const left = el("div", { class: "left" }, trainingCard(page), rulesCard(page), planeCard(page));
  const middle = el("div", { class: "middle" }, viewsCard(page), playerCard(page));
  const right = el("div", { class: "right" }, besideCard(page), pointCard(page));
  const what = whatLine(root, page.say("explore.what_is_this"), page.say("explore.what.rest"));
  root.append(topBar(page), left, middle, right, what);
  root.addEventListener("keydown", (event) => pressed(page, event));
  new ResizeObserver(() => page.resize()).observe(middle);
  // A page of its own takes keys at once; in a notebook they are the notebook's until one clicks.
  if (root.closest(".fastadapt-body")) root.focus({ preventScroll: true });
  page.replane();
}

function topBar(page) {
  const { say } = page;
  page.problem = el("span", { class: "problem", role: "alert", hidden: true });
  const theme = themeButton(page.root, say, () => {
    page.draw();
    page.drawPoint();
  });
  const lead = say(page.frozen ? "explore.lead_frozen" : "explore.lead", {
    command: page.description.frozen?.command ?? "",
  });
  return el(
    "header",
    { class: "top" },
    el("h1", { text: say("explore.title") }),
    el("span", { class: "lead soft", text: lead }),
    page.problem,
    page.bar.element,
    theme,
  );
}

function pressed(page, event) {
  const inText = event.target.closest("select, textarea, input:not([type=range])");
  const act = page.keys[event.key];
  if (inText || event.altKey || event.ctrlKey || event.metaKey) return;
  // Space presses a button that has the focus, but for those of the player: there it plays.
  if (event.key === " " && event.target.closest("button") && !event.target.closest(".player")) return;
  if (event.target.matches("input[type=range]") && event.key !== " ") return;
  const tab = { 1: "contour", 2: "surface", 3: "cuts" }[event.key];
  if (!act && !tab) return;
  event.preventDefault();
  if (tab) page.tab(tab);
  else act();
}
