// What frames both pages: a bar at the top, three columns of cards, the line that explains things, and the keys.

// What a page has from the beginning: its own state, requests and drawing come to it.
function pageOf(root, ask, description) {
  const say = wordsOf(description.words);
  const page = { root, ask, description, say, frozen: Boolean(description.frozen), bar: progressBar(say) };
  page.keys = {};
  page.problemLine = el("span", { class: "problem", role: "alert", hidden: true });
  page.failed = (error) => {
    page.problemLine.textContent = page.problemLine.title = String(error.message ?? error);
    page.problemLine.hidden = false;
  };
  page.needsRun = (control) => {
    control.disabled = true;
    control.title = say("common.needs_run", { command: description.frozen.command });
    control.dataset.what = control.title;
  };
  return page;
}

// Puts the cards on the page. `texts` are title, lead and rest, the resting text at the foot; `tabs` the names of the
// views by their keys 1, 2, 3; `draw()` draws all in the colours of the theme.
function framePage(page, columns, texts, tabs, draw) {
  const { root } = page;
  root.classList.add("columns");
  root.tabIndex = -1;
  const cards = Object.entries(columns).map(([name, parts]) => el("div", { class: name }, parts));
  const foot = whatLine(root, page.say("common.what_is_this"), texts.rest);
  root.append(topBar(page, texts, draw), ...cards, foot);
  root.addEventListener("keydown", (event) => pressed(page, tabs, event));
  new ResizeObserver(() => page.draw()).observe(root.querySelector(".middle"));
  // A page of its own takes keys at once; in a notebook they are the notebook's until one clicks.
  if (root.closest(".fastadapt-body")) root.focus({ preventScroll: true });
}

function topBar(page, { title, lead }, draw) {
  const { say, description: d } = page;
  const told = page.frozen ? say("common.lead_frozen", { command: d.frozen.command }) : lead;
  return el(
    "header",
    { class: "top" },
    el("h1", { text: title }),
    el("span", { class: "lead soft", text: told, title: told }),
    page.problemLine,
    page.bar.element,
    themeButton(page.root, say, draw),
  );
}

function pressed(page, tabs, event) {
  const about = (selector) => event.target.closest(selector);
  const inText = about("select, textarea, input:not([type=range]):not([type=checkbox])");
  if (inText || event.altKey || event.ctrlKey || event.metaKey) return;
  // Space presses what has the focus, but for the buttons of the player: there it plays.
  const pressable = about("button, summary, [type=checkbox]") && !about(".player");
  if (event.key === " " && pressable) return;
  if (event.target.matches("input[type=range]") && event.key !== " ") return;
  const tab = /^[1-9]$/.test(event.key) && tabs[event.key - 1];
  const act = tab ? () => page.tab(tab) : page.keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}
