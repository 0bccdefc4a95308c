// The plane of page 2: which one, through what, and how much of it.

function planeCard(page) {
  const { say, description: d, state } = page;
  const kinds = d.kinds.map((kind) => [kind, say(`explore.plane.${kind}`)]);
  const about = el("p", { class: "soft about" });
  const kind = selectOf(
    kinds,
    state.spec.kind,
    (value) => {
      state.spec = { ...state.spec, kind: value, centre: null, zoom: 1 };
      page.replane();
    },
    { class: "kind", "aria-label": say("explore.card.plane") },
  );
  const reseed = el("button", {
    type: "button",
    class: "directions",
    text: say("explore.control.directions"),
  });
  reseed.addEventListener("click", () => {
    state.spec.seed += 1;
    page.replane();
  });
  const pair = [0, 1].map((n) =>
    selectOf(
      [],
      "",
      (value) => {
        state.spec.pair = state.spec.pair.map((k, m) => (m === n ? Number(value) : k));
        page.replane();
      },
      { class: `pair-${n}`, "aria-label": say("explore.control.pair") },
    ),
  );
  const pairs = el("div", { class: "row pairs" }, pair);
  const share = el("b", { class: "number share", tabindex: 0 });
  page.show(() => {
    const paths = basePaths(state).map((path, k) => [String(k), path.name]);
    pair.forEach((select, n) => fillSelect(select, paths, String(state.spec.pair[n])));
    pairs.hidden = state.spec.kind !== "own" || d.can.directions || paths.length < 2;
    reseed.hidden = state.spec.kind !== "random";
    about.textContent = say(`explore.about.${state.spec.kind}`);
    kind.value = state.spec.kind;
    for (const option of kind.options)
      if (option.value === "own") option.disabled = paths.length < 2 && !d.can.directions;
    share.textContent = state.plane.share < 0 ? say("explore.share_none") : percent(state.plane.share);
    share.dataset.what = say("explore.what.share", { gone: percent(state.plane.share_gone) });
  });
  if (page.frozen) [reseed, ...pair].forEach((control) => page.needsRun(control));
  return el(
    "div",
    { class: "card plane-card" },
    el("h2", {}, say("explore.card.plane"), el("span", {}, say("explore.share"), " ", share)),
    kind,
    pairs,
    reseed,
    about,
    centreControls(page),
    zoomControls(page),
  );
}

// The paths that began at the start.
const basePaths = (state) =>
  state.training.paths.slice(0, state.training.paths.length - state.shown.setup.branches.length);

// The plane goes through the start, or is moved to the weights of a path at the end of an epoch.
function centreControls(page) {
  const { say, state } = page;
  const slider = el("input", {
    type: "range",
    class: "centre-epoch",
    min: 0,
    max: 1,
    step: 1,
    value: 0,
    "aria-label": say("explore.control.centre_epoch"),
  });
  const which = selectOf(
    [],
    "",
    (value) => {
      state.spec.centre = value === "" ? null : [Number(value), Number(slider.value)];
      page.replane();
    },
    { class: "centre", "aria-label": say("explore.control.centre") },
  );
  const told = el("span", { class: "at" });
  const epochs = () =>
    Math.round(Math.max(...basePaths(state).map((path) => path.steps[path.steps.length - 1] / path.epoch)));
  const write = () => (told.textContent = state.spec.centre ? say(page.unit("at"), { n: slider.value }) : "");
  const moved = (side) => () => {
    if (state.spec.centre) state.spec.centre = [state.spec.centre[0], Number(slider.value)];
    write();
    page.replane(side);
  };
  slider.addEventListener("input", moved(page.description.stages[1]));
  slider.addEventListener("change", moved());
  page.show(() => {
    const where = { pca: "mean", random: "end" }[state.spec.kind] ?? "start";
    const start = say(`explore.centre.${where}`, { rule: basePaths(state)[0].name });
    fillSelect(
      which,
      [
        ["", start],
        ...basePaths(state).map((path, k) => [String(k), say("explore.centre.path", { rule: path.name })]),
      ],
      state.spec.centre ? String(state.spec.centre[0]) : "",
    );
    const between = page.frozen ? state.frozenEpochs : 1;
    slider.max = between * Math.floor(epochs() / between);
    slider.disabled = !state.spec.centre;
    if (page.frozen) which.disabled = state.spec.kind !== "honest";
    if (!state.spec.centre) slider.value = slider.max;
    slider.step = between;
    write();
  });
  return el(
    "div",
    { class: "field" },
    labelled(say("explore.control.centre"), which, say("explore.what.centre"), { class: "field" }),
    el("span", { class: "row" }, slider, told),
  );
}

function zoomControls(page) {
  const { say, description: d, state } = page;
  const button = (name, text, act) => {
    const made = el("button", {
      type: "button",
      class: name,
      text,
      title: say(`explore.control.${name}`),
      "aria-label": say(`explore.control.${name}`),
      data: { what: say("explore.what.zoom") },
    });
    made.addEventListener("click", act);
    return made;
  };
  const zoom = (step) => () => {
    const at = d.zooms.indexOf(state.spec.zoom) + step;
    if (at < 0 || at >= d.zooms.length) return;
    const around = step > 0 ? page.shownPoint() : state.spec.around;
    state.spec = { ...state.spec, zoom: d.zooms[at], around };
    page.replane();
  };
  const buttons = [
    button("zoom_in", "+", zoom(1)),
    button("zoom_out", "−", zoom(-1)),
    button("zoom_all", "1 : 1", () => {
      state.spec = { ...state.spec, zoom: 1 };
      page.replane();
    }),
  ];
  const told = el("span", { class: "soft zoom-told" });
  page.show(() => {
    told.textContent = say("explore.zoomed", { n: state.spec.zoom });
    buttons[0].disabled = page.frozen || state.spec.zoom === d.zooms[d.zooms.length - 1];
    buttons[1].disabled = buttons[2].disabled = page.frozen || state.spec.zoom === 1;
  });
  if (page.frozen) buttons.forEach((made) => page.needsRun(made));
  return el("div", { class: "row zoom" }, buttons, told);
}
