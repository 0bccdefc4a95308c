// How a page reaches Python: over HTTP, in the data of a frozen file, or by a notebook's messages.
// Each is ask(request) -> promise of the answer; a refusal rejects with its reason.

const client = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16)).join("");

async function askByHttp(request) {
  const response = await fetch("ask", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...request, client }),
  });
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error);
  return answer;
}

// Messages of anywidget: each request has a number, which its answer carries back.
function askByModel(model) {
  const waiting = new Map();
  let last = 0;
  model.on("msg:custom", (message) => {
    const pending = waiting.get(message.number);
    if (!pending) return;
    waiting.delete(message.number);
    if (message.answer.error) pending.reject(new Error(message.answer.error));
    else pending.resolve(message.answer);
  });
  return (request) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      model.send({ number: last, request: { ...request, client } });
    });
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
      root.replaceChildren();
      mount(root, askByHttp, description);
    }
  } catch (error) {
    root.replaceChildren(el("p", { class: "wait", text: String(error.message ?? error) }));
  }
}
