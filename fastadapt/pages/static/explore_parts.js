// Small parts of page 2: numbers that say what they are, and shares.

// A number with a line that says what it is.
function fact(text, value, what) {
  return el("span", { class: "fact", tabindex: 0, data: { what } }, el("b", { text: value }), text);
}
