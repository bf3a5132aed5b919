// The desk works without this. With it: news appear without a reload, drafts save themselves, keys move the focus.
"use strict";

// ---- News: one EventSource a browser (HTTP/1.1 allows six connections); the tab that holds the lock tells the others.
const channel = new BroadcastChannel("lokbot");
let known = document.body.dataset.stamp;
let renewing = false, again = false;

function heard(stamp) { if (stamp !== known) renew(); }
channel.onmessage = (event) => heard(event.data);

let source = null;
function listen() {
  navigator.locks?.request("lokbot-live", () => new Promise((done) => {
    connect(FIRST_WAIT);
    addEventListener("pagehide", () => { source.close(); source = null; done(); }, { once: true });
  }));
}

// Where the line breaks a browser tries again by itself, but never after an answer that is no stream, as a proxy's 502
// while the server starts anew. Then it is tried here, less and less often.
const FIRST_WAIT = 2000, LONGEST_WAIT = 60000; // milliseconds
function connect(wait) {
  const stream = source = new EventSource("/handelser");
  stream.onopen = () => { wait = FIRST_WAIT; };
  stream.onmessage = (event) => { channel.postMessage(event.data); heard(event.data); };
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    setTimeout(() => { if (source === stream) connect(Math.min(2 * wait, LONGEST_WAIT)); }, wait);
  };
}
addEventListener("pageshow", (event) => { if (event.persisted) { renew(); listen(); } });
listen();

// ---- Renewing: the marked parts of the page are fetched anew; what somebody writes or has opened stays as it is.
async function renew() {
  if (!document.querySelector("[data-live]")) return;
  if (renewing) { again = true; return; }
  renewing = true;
  try {
    const response = await fetch(location.href, { headers: { "x-live": "1" } });
    if (!response.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (!other) { part.replaceChildren(); continue; }
      if (part.innerHTML === other.innerHTML) continue;
      const focused = part.contains(document.activeElement) ? place(part, document.activeElement) : null;
      const open = [...part.querySelectorAll("details")].map((one) => one.open);
      const chosen = [...part.querySelectorAll("input[type=checkbox]:checked")].map((one) => one.value);
      part.replaceChildren(...other.childNodes);
      part.querySelectorAll("input[type=checkbox]").forEach((one) => { one.checked = chosen.includes(one.value); });
      part.querySelectorAll("details").forEach((one, index) => { one.open = open[index] ?? one.open; });
      if (focused !== null) part.querySelectorAll("a, button, summary, input, select")[focused]?.focus();
    }
    document.title = fresh.title;
    known = fresh.body.dataset.stamp ?? known;
  } catch { /* the stream comes back, and says anew how far it has come */ } finally {
    renewing = false;
    if (again) { again = false; renew(); }
  }
}

function place(part, element) {
  const index = [...part.querySelectorAll("a, button, summary, input, select")].indexOf(element);
  return index < 0 ? null : index;
}

// ---- Drafts: saved when the writing rests.
const writing = new Map();
for (const form of document.querySelectorAll("form[data-draft]")) {
  form.addEventListener("input", (event) => {
    if (event.target.tagName !== "TEXTAREA") return;
    clearTimeout(writing.get(form));
    writing.set(form, setTimeout(() => save(form), 800));
  });
  form.addEventListener("submit", () => clearTimeout(writing.get(form)));
}

async function save(form) {
  const body = new FormData(form);
  for (const name of ["insert", "file", "along", "cc"]) body.delete(name);
  const response = await fetch(form.dataset.draft, { method: "POST", body: new URLSearchParams(body), headers: { "x-live": "1" } });
  const saved = form.querySelector(".saved");
  if (saved) saved.textContent = response.ok && !response.redirected ? saved.dataset.ok || "✓" : saved.dataset.bad || "!";
}

// ---- An article as it will read, while it is written.
for (const form of document.querySelectorAll("form[data-preview]")) {
  let resting;
  form.addEventListener("input", () => {
    clearTimeout(resting);
    resting = setTimeout(async () => {
      const response = await fetch(form.dataset.preview, {
        method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "x-live": "1" },
      });
      if (!response.ok || response.redirected) return;
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      document.getElementById("forhandsvisning").replaceChildren(...fresh.body.childNodes);
    }, 400);
  });
}

// ---- Files: what is too large is said before it is sent.
for (const input of document.querySelectorAll("input[type=file][data-largest]")) {
  input.addEventListener("change", () => {
    const size = [...input.files].reduce((sum, file) => sum + file.size, 0);
    input.setCustomValidity(size > Number(input.dataset.largest) ? input.dataset.tooLarge : "");
    input.reportValidity();
  });
}

// ---- What takes a while to find out comes after the page.
for (const place of document.querySelectorAll("[data-fragment]")) {
  fetch(place.dataset.fragment, { headers: { "x-live": "1" } }).then(async (response) => {
    if (!response.ok || response.redirected) return;
    const found = new DOMParser().parseFromString(await response.text(), "text/html").getElementById(place.id);
    if (found) place.replaceChildren(...found.childNodes);
  });
}

// ---- Who is here: tell now and then, and hear of the others.
const others = document.querySelector("[data-beacon]");
async function beacon() {
  const csrf = document.querySelector("input[name=csrf]").value;
  const text = document.getElementById("answer");
  const isWriting = document.activeElement === text && text.value !== text.defaultValue;
  const response = await fetch(others.dataset.beacon, {
    method: "POST", body: new URLSearchParams({ csrf, writing: isWriting ? "1" : "0" }),
  });
  if (!response.ok || response.redirected) return;
  const html = await response.text();
  if (others.innerHTML.trim() !== html.trim()) {
    others.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  }
}
if (others && document.getElementById("answer")) setInterval(beacon, 10000);

// ---- Keys: a letter moves the focus to where it is done; Enter does it. Not while somebody writes.
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const there = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (there) { event.preventDefault(); there.focus(); there.scrollIntoView({ block: "center" }); }
});

// ---- The rarer pages fold again by Escape, and when somebody goes on.
const more = document.querySelector(".more");
more?.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && more.open) { more.open = false; more.querySelector("summary").focus(); }
});
more?.addEventListener("focusout", (event) => {
  if (event.relatedTarget && !more.contains(event.relatedTarget)) more.open = false;
});
addEventListener("pointerdown", (event) => { if (more && !more.contains(event.target)) more.open = false; });

// ---- What must be read first gets the focus.
document.querySelector("#konflikt, #fel")?.focus();
