// The minima and the start, drawn over a landscape, and the start that is set there.

// Diamonds where the minima are; with `numbered` each has its number, as in the basins.
function minimaMarks(root, field, area, numbered = false) {
  const size = field.minima.length > 6 || area.width < 200 ? 4 : 6;
  return field.minima.map(([x, y], k) => {
    const [px, py] = [area.across(x), area.up(y)];
    const mark = svg("path", {
      class: "minimum",
      d: `M${px} ${py - size}L${px + size} ${py}L${px} ${py + size}L${px - size} ${py}Z`,
      fill: colour(root, "card"),
      stroke: colour(root, "ink"),
      "stroke-width": 1.4,
    });
    if (!numbered) return mark;
    const text = svg("text", { x: px, y: py, class: "minimum-number", fill: colour(root, "ink") });
    text.textContent = String(k + 1);
    return svg(
      "g",
      {},
      svg("circle", { cx: px, cy: py, r: 8, fill: colour(root, "card"), stroke: colour(root, "ink") }),
      text,
    );
  });
}

function startMark(root, area, [x, y]) {
  return svg("circle", {
    class: "start",
    cx: area.across(x),
    cy: area.up(y),
    r: 7,
    fill: colour(root, "card"),
    stroke: colour(root, "ink"),
    "stroke-width": 2.2,
  });
}

// A click sets the start, and so does a drag of it; on a touch screen one drags the start itself, so that a page scrolls.
function setsStart(page, over, areaNow) {
  let dragging = false;
  const set = (event) => {
    const area = areaNow();
    const box = over.getBoundingClientRect();
    const at = area?.at(event.clientX - box.left, event.clientY - box.top);
    if (!at) return;
    const inside = (value, [low, high]) => Math.min(high, Math.max(low, value));
    page.setStart([inside(at[0], area.x), inside(at[1], area.y)]);
  };
  const within = (event) => {
    const area = areaNow();
    const box = over.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    return (
      area &&
      px >= area.left &&
      px <= area.left + area.width &&
      py >= area.top &&
      py <= area.top + area.height
    );
  };
  over.addEventListener("pointerdown", (event) => {
    const onStart = event.target.closest(".start") !== null;
    if (event.button !== 0 || !within(event) || (event.pointerType === "touch" && !onStart)) return;
    dragging = true;
    over.setPointerCapture(event.pointerId);
    // The start stays where it is when it is only taken hold of.
    if (!onStart) set(event);
  });
  over.addEventListener("pointermove", (event) => dragging && set(event));
  for (const name of ["pointerup", "pointercancel"]) over.addEventListener(name, () => (dragging = false));
  over.addEventListener("click", (event) => {
    if (event.pointerType === "touch" && within(event)) set(event);
  });
}
