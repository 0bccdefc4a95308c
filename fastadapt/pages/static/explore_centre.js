// Where the plane of page 2 lies, and how much of it is shown.

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
