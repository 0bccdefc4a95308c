// The table that judges: what the descents end with, and how many of all starts arrive.

const COLUMNS = ["end", "within", "share", "median"];

function judgeTable(page) {
  const { say } = page;
  const heads = COLUMNS.map((name) =>
    el("th", {
      text: say(`landscape.table.${name}`),
      tabindex: 0,
      data: { what: say(`landscape.what.${name}`) },
    }),
  );
  const table = tableOf([el("th", { text: say("landscape.table.rule") }), ...heads], []);
  page.views({ draw: () => table.tBodies[0].replaceChildren(...judgeRows(page)), step: () => {} });
  return el("div", { class: "table judge" }, table);
}

// What the columns hold of a rule; undefined is not known yet, null is never.
function judged(page, name) {
  const { state } = page;
  const [path, all] = [state.paths.get(name), state.judged.get(name)];
  const fits = all && all.key === page.basinsKey(name);
  const own = path && !path.error && path.field === state.field.key;
  return {
    end: own ? path.end : undefined,
    within: own ? path.within : undefined,
    share: fits ? (all.share ?? null) : undefined,
    median: fits ? (all.median ?? null) : undefined,
    error: path?.error,
  };
}

function judgeRows(page) {
  const found = page.on().map((name) => [name, judged(page, name)]);
  const best = Object.fromEntries(
    COLUMNS.map((column) => [
      column,
      bestOf(
        found.map(([, row]) => row[column]),
        column === "share",
      ),
    ]),
  );
  return found.map(([name, row]) => judgeRow(page, name, row, best));
}

function bestOf(values, most) {
  const known = values.filter((value) => value !== undefined && value !== null);
  if (known.length < 2) return undefined;
  return most ? Math.max(...known) : Math.min(...known);
}

const forms = {
  end: (value) => shown(value, 3),
  within: String,
  share: (value) => percent(value, 3),
  median: (value) => shown(value, 3),
};

function judgeRow(page, name, row, best) {
  const { say, state } = page;
  const cell = (column) => {
    const value = row[column];
    const text =
      value === undefined ? "…" : value === null ? say(`landscape.never.${column}`) : forms[column](value);
    const first = value !== undefined && value !== null && value === best[column];
    return el("td", {
      class: `${column} ${first ? "best" : ""}`,
      text,
      data: { what: say(`landscape.what.${column}`) },
    });
  };
  const cells = row.error
    ? [el("td", { class: "problem", colspan: COLUMNS.length, text: row.error, title: row.error })]
    : COLUMNS.map(cell);
  const first = el("td", { title: name }, swatch(page.style(name)), name);
  return followsRow(() => page.follow(name), state.followed === name, { rule: name }, first, cells);
}
