// The card of the plane of page 2: which one, and what it explains.

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
