// Live updates: the server sends rendered parts of the page, this puts them in their
// place. Without it the page works as well, it just reloads every few seconds.

const link = document.getElementById("link");
const root = document.documentElement;
const silence = 8000; // milliseconds; something on the page changes each second
let source = null;
let heard = 0;

function say(state, text) {
  if (root.dataset.link === state) return;
  root.dataset.link = state;
  link.textContent = text;
}

// A part that is being pressed waits: a click whose button is replaced half-way is lost,
// or goes to another charger's.
let pressed = null;
const waiting = new Map();
addEventListener("pointerdown", (e) => (pressed = e.target));
for (const end of ["pointerup", "pointercancel"])
  addEventListener(end, () =>
    setTimeout(() => {
      pressed = null;
      const held = [...waiting.values()];
      waiting.clear();
      held.forEach(put);
    }),
  );

// put replaces the inside of one part, and leaves alone what somebody is using.
function put(part) {
  const { id, html } = part;
  const at = document.getElementById(id);
  if (!at) return;
  if (at.contains(pressed)) {
    waiting.set(id, part);
    return;
  }
  const open = [...at.querySelectorAll("details")].map((d) => d.open);
  const focused = at.contains(document.activeElement) ? [...at.querySelectorAll("button, a, input, summary")].indexOf(document.activeElement) : -1;
  at.innerHTML = html;
  at.querySelectorAll("details").forEach((d, i) => (d.open = open[i] ?? d.open));
  if (focused >= 0) at.querySelectorAll("button, a, input, summary")[focused]?.focus({ preventScroll: true });
}

function on(name, act) {
  source.addEventListener(name, (e) => {
    heard = Date.now();
    say("live", "live");
    act(JSON.parse(e.data));
  });
}

function open() {
  close();
  heard = Date.now();
  source = new EventSource("/api/v1/stream");
  on("page", ({ key }) => {
    if (key !== root.dataset.page) location.reload();
  });
  on("fragment", put);
  source.addEventListener("error", lost);
}

function lost() {
  if (source) say("lost", "connection to the box lost");
}

function close() {
  source?.close();
  source = null;
}

// A connection can die without a word, and after an answer that is no stream (too
// many viewers) a browser gives up: start anew.
setInterval(() => {
  if (!source || Date.now() - heard < silence) return;
  lost();
  open();
}, 2000);

// A hidden page keeps no connection: a browser has few of them for one box.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) close();
  else if (!source) open();
});
addEventListener("pagehide", close);
addEventListener("pageshow", () => {
  if (!source && !document.hidden) open();
});

// Fault buttons: same forms, without leaving the page.
document.getElementById("faults")?.addEventListener("submit", async (e) => {
  e.preventDefault();
  const form = new FormData(e.target);
  const error = document.getElementById("fault-error");
  error.textContent = "";
  try {
    const answer = await fetch("/api/v1/demo/faults", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: form.get("name"), arg: form.get("arg"), on: form.get("on") === "true" }),
    });
    if (!answer.ok) error.textContent = (await answer.json()).detail;
  } catch {
    error.textContent = "The box did not answer. Try again.";
  }
});
