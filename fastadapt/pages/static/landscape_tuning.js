// "Tune all alike": for each rule the value that each of 40 learning rates ends with, and the best rate taken.

function tuningPanel(page) {
  const { say, state, description: d } = page;
  const plot = el("div", { class: "plot tuning-plot" });
  const list = el("div", { class: "table tuning-table" });
  const button = (name, kind) =>
    el("button", { type: "button", class: `${kind} ${name}`, text: say(`landscape.control.${name}`) });
  const [apply, close] = [button("apply", "main"), button("close", "quiet")];
  const element = el(
    "div",
    { class: "tuning card", role: "dialog", "aria-label": say("landscape.control.tune"), hidden: true },
    el(
      "div",
      { class: "bar" },
      el("h2", { text: say("landscape.tuning") }),
      page.bars.tune.element,
      el("span", { class: "gap" }),
      apply,
      close,
    ),
    el("p", { class: "says", text: say("landscape.says.tuning") }),
    plot,
    list,
  );
  if (page.frozen) page.needsRun(apply);
  const found = () =>
    page
      .on()
      .map((name) => [name, state.tuned.get(name)])
      .filter(([name, tuned]) => tuned && tuned.key === page.tunedKey(name));
  const hide = () => (element.hidden = true);
  page.openTuning = () => {
    element.hidden = false;
    close.focus();
    page.askTune();
    page.draw();
  };
  apply.addEventListener("click", () => {
    for (const [name, tuned] of found())
      if (!tuned.error && tuned.best !== null)
        state.rules[name].hyper = { ...state.rules[name].hyper, lr: Number(tuned.best.toPrecision(4)) };
    page.fillRules();
    hide();
    page.changed();
  });
  close.addEventListener("click", hide);
  page.keys.Escape = hide;
  const draw = () => {
    if (element.hidden) return;
    const rows = found();
    // What was tuned is not what is chosen now.
    if (rows.length === 0 && page.waiting === 0 && state.tuned.size) return hide();
    apply.disabled = rows.length === 0;
    if (page.frozen) apply.disabled = true;
    // Before there is a curve there are no axes to show, either.
    plot.hidden = list.hidden = rows.length === 0;
    if (plot.hidden) return;
    list.replaceChildren(tuningTable(page, rows));
    plotTuning(
      page,
      plot,
      rows.filter(([, tuned]) => !tuned.error),
      d.rates,
    );
  };
  page.views({ draw, step: () => {} });
  return { element, close: hide };
}

function plotTuning(page, host, rows, rates) {
  const { root, state, say } = page;
  const above = rows.map(([, tuned]) =>
    tuned.values.map((value) => (value === null ? null : value - state.field.low)),
  );
  const [least, most] = curveRange(
    above.map((row) => row.filter((value) => value !== null)),
    16,
    1e3,
  );
  // Curves leave the picture where they are lower; the best is at its edge then.
  const drawn = (value, floor) => (value === null ? null : Math.max(value, 10 ** floor));
  const traces = rows.flatMap(([name, tuned], k) => {
    const [color, dash] = page.style(name);
    if (tuned.best === null) return [];
    const best = rates.reduce(
      (near, rate, i) => (Math.abs(rate - tuned.best) < Math.abs(rates[near] - tuned.best) ? i : near),
      0,
    );
    const line = {
      type: "scatter",
      mode: "lines",
      x: rates,
      y: above[k].map((value) => drawn(value, least - 1)),
      hoverinfo: "skip",
      line: { color, dash, width: 2 },
    };
    const marker = { size: 11, color, line: { color: colour(root, "card"), width: 2 } };
    return [
      line,
      {
        ...line,
        mode: "markers",
        x: [rates[best]],
        y: [drawn(above[k][best], least + 0.02 * (most - least))],
        marker,
      },
    ];
  });
  const layout = {
    margin: { l: 56, r: 12, t: 8, b: 40 },
    xaxis: {
      type: "log",
      range: [Math.log10(rates[0]), Math.log10(rates.at(-1))],
      title: { text: say("landscape.axis.lr"), standoff: 6 },
      ...powerTicks(-4, 2),
      zeroline: false,
    },
    yaxis: {
      type: "log",
      range: [least, most],
      title: { text: say("landscape.axis.tuned"), standoff: 4 },
      ...powerTicks(least, most),
      zeroline: false,
    },
  };
  plotIn(host, traces, plotLayout(root, layout));
}

function tuningTable(page, rows) {
  const { say, state, description: d } = page;
  const heads = ["rule", "before", "best", "value"].map((name) =>
    el("th", { text: say(`landscape.table.${name}`) }),
  );
  const body = rows.map(([name, tuned]) => {
    const first = el("td", {}, swatch(page.style(name)), name);
    if (tuned.error)
      return el("tr", {}, first, el("td", { class: "problem", colspan: 3, text: tuned.error }));
    const value = Math.max(0, Math.min(...tuned.values.filter((each) => each !== null)) - state.field.low);
    const cells = [shown(state.rules[name].hyper.lr, 3), shown(tuned.best, 3), shown(value, 3)];
    return el(
      "tr",
      { data: { rule: name } },
      first,
      cells.map((text, k) => el("td", { class: ["before", "best", "value"][k], text })),
    );
  });
  return tableOf(heads, body);
}
