// How a page reaches Python: over HTTP, in the data of a frozen file, or by a notebook's messages.
// Each is ask(request) -> promise of the answer; a refusal rejects with its reason.

const newClient = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16)).join("");

const client = newClient();

const posted = (request, more = {}) =>
  fetch("ask", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...request, client }),
    ...more,
  });

// What is told where nothing answers, in the page's language as soon as that has come.
let ended = "no answer";

// A server that has no connection left says 503, or resets one: then the page asks again.
async function askByHttp(request, again = true) {
  const response = await posted(request).catch(() => null);
  if (response && response.status !== 503) {
    const answer = await response.json();
    if (answer.error) throw new Error(answer.error);
    return answer;
  }
  if (!response && !again) throw new Error(ended);
  await sleep(500);
  return askByHttp(request, Boolean(response));
}

// A page that is closed stops its work; one that the browser keeps, to show it again, does not.
function stopWhenClosed() {
  window.addEventListener("pagehide", (event) => {
    if (!event.persisted) posted({ do: "leave" }, { keepalive: true }).catch(() => {});
  });
}

// Messages of anywidget: each request has a number, which its answer carries back. A cell may show one widget
// twice, and each of the two hears the answers to both: so the numbers, and the clients, are each one's own.
// A kernel that was restarted answers nothing: what was asked of it is refused, with `gone` as the reason.
function askByModel(model, gone) {
  const own = newClient();
  const waiting = new Map();
  let last = 0;
  const giveUp = (number) => {
    waiting.get(number)?.reject(new Error(gone));
    waiting.delete(number);
  };
  const loses = () => [...waiting.keys()].forEach(giveUp);
  const heard = (message) => {
    const pending = waiting.get(message.number);
    if (!pending) return;
    waiting.delete(message.number);
    const answer = JSON.parse(message.answer);
    if (answer.error) pending.reject(new Error(answer.error));
    else pending.resolve(answer);
  };
  model.on("msg:custom", heard);
  model.on("comm_live_update", loses);
  const ask = (request) =>
    new Promise((resolve, reject) => {
      last += 1;
      const number = `${own} ${last}`;
      waiting.set(number, { resolve, reject });
      try {
        model.send({ number, request: { ...request, client: own } });
      } catch {
        giveUp(number);
      }
    });
  const end = () => {
    model.off("msg:custom", heard);
    model.off("comm_live_update", loses);
  };
  return { ask, end };
}

async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// Starts the page of this document. A frozen one holds its data; its page defines askFrozen(data) -> ask.
async function boot() {
  const root = document.querySelector(".fastadapt");
  const packed = document.querySelector(".fastadapt-data");
  try {
    if (packed) {
      const data = await unpacked(packed.textContent);
      packed.remove();
      root.replaceChildren();
      mount(root, askFrozen(data), data.description);
    } else {
      const description = await askByHttp({ do: "describe" });
      ended = description.words["common.ended"];
      stopWhenClosed();
      root.replaceChildren();
      mount(root, askByHttp, description);
    }
  } catch (error) {
    root.replaceChildren(el("p", { class: "wait", text: String(error.message ?? error) }));
  }
}

// Starts the page in a notebook's cell; the function that it returns ends it. `words` are those that it needs before
// the kernel has answered, and when it no longer does.
function bootInCell(model, host, words) {
  const root = el("div", { class: "fastadapt" }, el("p", { class: "wait", text: words.wait }));
  const light = document.body.dataset.jpThemeLight;
  if (light) root.dataset.theme = light === "true" ? "light" : "dark";
  // The notebook's own keys are off while the page has the focus: JupyterLab looks at the attribute.
  const cell = el("div", { class: "fastadapt-cell", "data-lm-suppress-shortcuts": "true" }, root);
  cell.addEventListener("keydown", (event) => event.stopPropagation());
  host.append(cell);
  const { ask, end } = askByModel(model, words.gone);
  ask({ do: "describe" }).then(
    (description) => {
      root.replaceChildren();
      mount(root, ask, description);
    },
    (error) => root.replaceChildren(el("p", { class: "wait", text: String(error.message ?? error) })),
  );
  return end;
}
