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

// put replaces the inside of one part, and leaves alone what somebody is using.
function put({ id, html }) {
  const at = document.getElementById(id);
  if (!at) return;
  const focused = at.contains(document.activeElement) ? [...at.querySelectorAll("button, a, input")].indexOf(document.activeElement) : -1;
  at.innerHTML = html;
  if (focused >= 0) at.querySelectorAll("button, a, input")[focused]?.focus({ preventScroll: true });
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
