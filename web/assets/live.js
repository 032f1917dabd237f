// Live updates: the server sends rendered parts of the page, this puts them in their
// place. Without it the page works as well, it just reloads every few seconds.

const link = document.getElementById("link");
let source = null;
let leaving = false;

function say(state, text) {
  if (link.dataset.state === state) return;
  link.dataset.state = state;
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

function open() {
  source = new EventSource("/api/v1/stream");
  source.addEventListener("open", () => say("live", "live"));
  source.addEventListener("fragment", (e) => put(JSON.parse(e.data)));
  source.addEventListener("page", (e) => {
    if (JSON.parse(e.data).key !== document.documentElement.dataset.page) location.reload();
  });
  source.addEventListener("error", () => {
    if (leaving) return;
    say("lost", "connection to the box lost");
    // After an answer that is no stream (too many viewers) a browser gives up by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(open, 5000);
  });
}

function close() {
  source?.close();
  source = null;
}

// A hidden page keeps no connection: a browser has few of them for one box.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) close();
  else if (!source) open();
});
addEventListener("pagehide", () => { leaving = true; close(); });
addEventListener("pageshow", () => { leaving = false; if (!source) open(); });

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

if (!document.hidden && !source) open();
