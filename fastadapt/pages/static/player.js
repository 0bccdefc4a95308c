// The player's buttons and scrubber, and their keys; how a page plays is its own.

// `acts` by the names of the buttons; `scrubbed(value)` hears the scrubber. `shows(playing)` turns play into pause.
function playerOf(page, acts, scrubbed, what) {
  const { say } = page;
  const label = say("common.scrubber");
  const bounds = { min: 0, max: 1, step: 1, value: 0 };
  const scrubber = el("input", { type: "range", class: "scrubber", ...bounds, "aria-label": label, data: { what } });
  scrubber.addEventListener("input", () => scrubbed(Number(scrubber.value)));
  const buttons = Object.fromEntries(
    ["first", "back", "play", "forward", "last"].map((name) => {
      const label = say(`common.player.${name}`);
      const button = el("button", { type: "button", class: name, title: label, "aria-label": label }, icon(name));
      button.addEventListener("click", acts[name]);
      return [name, button];
    }),
  );
  buttons.play.classList.add("main");
  Object.assign(page.keys, {
    " ": acts.play,
    ArrowLeft: acts.back,
    ArrowRight: acts.forward,
    Home: acts.first,
    End: acts.last,
  });
  const shows = (playing) => buttons.play.replaceChildren(icon(playing ? "pause" : "play"));
  const card = (...more) =>
    el("div", { class: "card player" }, el("div", { class: "row" }, Object.values(buttons), scrubber, more));
  return { scrubber, shows, card };
}
