// One step of one rule: its own lines with their numbers, and beside them gradient, state and effective step.

function stepCard(page) {
  const { say, state } = page;
  const rule = selectOf([], "", page.follow, {
    class: "followed",
    "aria-label": say("landscape.control.followed"),
  });
  const axes = ["x", "y"].map((name, k) => [k, name]);
  const coordinate = switchOf(
    axes,
    state.coordinate,
    (k) => {
      state.coordinate = k;
      page.draw();
    },
    { class: "coordinate", label: say("landscape.control.coordinate") },
  );
  const title = el("span", { class: "step-title" });
  const lines = el("div", { class: "formula mono", data: { what: say("landscape.what.formula") } });
  const table = el("div", { class: "table state" });
  const note = el("p", { class: "soft note" });
  const step = () => writeStep(page, { title, lines, table, note });
  const draw = () => {
    const names = page.on();
    if (!names.includes(state.followed)) state.followed = names[0];
    fillSelect(
      rule,
      names.map((name) => [name, name]),
      state.followed,
    );
    ["x", "y"].forEach((name, k) => (coordinate.button(k).textContent = shortName(state.field, name)));
    coordinate.set(state.coordinate);
    step();
  };
  page.views({ draw, step });
  const heading = el("h2", {}, title, el("span", { class: "row" }, rule, coordinate.element));
  return el("div", { class: "card step" }, heading, lines, table, note);
}

// w and b of a line fit, and else x and y.
const shortName = (field, name) => (field.box.line ? { x: "w", y: "b" }[name] : name);

function writeStep(page, { title, lines, table, note }) {
  const { state, say } = page;
  const path = state.followed && state.paths.get(state.followed);
  const usable = path && !path.error && path.field === state.field.key;
  lines.hidden = table.hidden = !usable;
  note.textContent = path?.error ?? (state.followed ? "" : say("landscape.no_rule"));
  if (!usable) return title.replaceChildren(say("landscape.card.step"));
  // The step that led to the point shown; at the start, the first one to come.
  const k = Math.max(0, Math.min(page.stepNow(), state.settings.steps) - 1);
  title.replaceChildren(
    say(page.stepNow() > 0 ? "landscape.step_of" : "landscape.step_first", { step: k + 1 }),
  );
  if (!path.traced && path.lines.length) note.textContent = say("landscape.not_held");
  lines.replaceChildren(...path.lines.flatMap((line) => formulaLine(path, line, k, state.coordinate)));
  table.replaceChildren(stateTable(page, path, k));
}

// A number of a formula at step k of coordinate j, by the place that Python names for its key.
function numberAt(path, key, k, j) {
  const [where, name, later] = path.keys[key] ?? [];
  if (where === "coefficients")
    return path.coefficients?.[k * (path.coefficients.length / (path.values.length - 1)) + name];
  if (where === "points") return path.points[2 * (k + name) + j];
  if (where === "gradients") return path.gradients?.[2 * (k + name) + j];
  if (where === "states") return path.states?.[name][2 * (k + later) + j];
  if (where === "traced") return path.traced?.[2 * (name * (path.values.length - 1) + k) + j];
  return undefined;
}

// Python's operators as people write them.
const readable = (text) =>
  text.replaceAll(" * ", " · ").replaceAll("sqrt(", "√(").replaceAll(" - ", " − ").replaceAll("**", "^");

// The line as it is in the rule, and below it the same with numbers.
function formulaLine(path, { target, key, depth, tokens }, k, j) {
  const indent = { style: { "--depth": String(depth) } };
  const name = (text) => el("i", { text });
  const value = (key) => el("b", { text: shown(numberAt(path, key, k, j) ?? NaN, 4) });
  const written = tokens.map((token) => (typeof token === "string" ? readable(token) : name(token.name)));
  const counted = tokens.map((token) => (typeof token === "string" ? readable(token) : value(token.key)));
  if (!target)
    return [
      el("div", { class: "line written", ...indent }, written),
      el("div", { class: "line counted", ...indent }, counted),
    ];
  const result = el("span", { class: "result" }, value(key));
  return [
    el("div", { class: "line written", ...indent }, name(target), " = ", written),
    el("div", { class: "line counted", ...indent }, result, " = ", counted),
  ];
}

// Gradient, state, step and effective rate, for both coordinates.
function stateTable(page, path, k) {
  const { say, state } = page;
  // A saved page holds points of seven digits: a difference of fewer than three of them is no number to show.
  const least = path.kind === "steps" ? 1e-4 : 0;
  const moved = [0, 1].map((j) => {
    const [before, after] = [path.points[2 * k + j], path.points[2 * (k + 1) + j]];
    return Math.abs(after - before) < least * Math.abs(after) ? NaN : after - before;
  });
  const gradient = path.gradients ? pairAt(path.gradients, k) : [NaN, NaN];
  const rows = [
    ["g", "g", gradient],
    ...Object.entries(path.states ?? {}).map(([name, numbers]) => [name, "state", pairAt(numbers, k + 1)]),
    [say("landscape.state.step"), "step", moved],
    [say("landscape.state.rate"), "rate", moved.map((value, j) => -value / gradient[j])],
  ];
  const heads = ["x", "y"].map((name) => el("th", { text: shortName(state.field, name) }));
  const body = rows.map(([name, what, pair]) =>
    el(
      "tr",
      { data: { what: say(`landscape.what.state_${what}`, { name }) } },
      el("td", { class: what === "state" || what === "g" ? "mono" : "", text: name }),
      pair.map((value) => el("td", { text: shown(value, 4) })),
    ),
  );
  return tableOf([el("th", { text: say("landscape.state.head") }), ...heads], body);
}
