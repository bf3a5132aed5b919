// The chat works without this. With it: answers come by themselves, and nothing is loaded anew while somebody writes.
"use strict";

const field = document.getElementById("skriv");
const news = document.querySelector("#nytt ol");
let mark = document.body.dataset.mark;
let source = null, isAsking = false, isFetching = false, again = false;

// ---- Taking in: what a fetched page has and this one has not. A message is known by its id, so none comes twice.
function take(page, form) {
  const fresh = [], lines = [...page.querySelectorAll(".lines > li[id]")], ids = new Set(lines.map((line) => line.id));
  for (const line of lines) {
    const known = document.getElementById(line.id);
    if (!known) { news.append(line); fresh.push(line); continue; }
    const buttons = known.querySelector(".buttons"), others = line.querySelector(".buttons");
    if (plain(buttons) !== plain(others)) buttons.replaceWith(others);
  }
  // A chat that was hidden shows no more what it showed; a long one only its latest two hundred lines.
  if (page.querySelector(".lines") && lines.length < 200) {
    for (const line of document.querySelectorAll(".lines > li[id]")) if (!ids.has(line.id)) line.remove();
  }
  if (lines.length) document.querySelector(".welcome")?.remove();
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = page.getElementById(part.id);
    if (!other || !part.contains(form ?? null) && part.querySelector("input:focus")) continue; // somebody writes there
    if (plain(part) === plain(other)) continue;
    const open = part.querySelector("details")?.open;
    const had = part.contains(document.activeElement);
    part.replaceChildren(...other.childNodes);
    if (open && part.querySelector("details")) part.querySelector("details").open = true;
    if (had) field.focus();
  }
  for (const nonce of document.querySelectorAll("input[name=nonce]")) {
    nonce.value = page.querySelector("input[name=nonce]")?.value ?? nonce.value;
  }
  mark = page.body.dataset.mark ?? mark;
  if (mark) listen();
  show(fresh);
}

const plain = (part) => part.innerHTML.replace(/name="nonce" value="[^"]*"/g, "");

// The focus goes to the answer that somebody waits for; never away from what they are writing.
function show(fresh) {
  if (!fresh.length) return;
  const answer = fresh.find((line) => !line.classList.contains("asker"));
  const at = document.activeElement;
  const isFree = at === document.body || at === field && !field.value || at?.closest?.(".lines, .tools");
  if (answer && (isAsking || !document.hidden) && isFree) {
    if (isAsking || at === document.body || at === field) answer.focus({ preventScroll: true });
    isAsking = false;
    answer.scrollIntoView({ block: "nearest" });
  } else {
    fresh.at(-1).scrollIntoView({ block: "nearest" });
  }
  if (answer && parent !== window) parent.postMessage({ lok: "news" }, "*");
}

async function renew() {
  if (isFetching) { again = true; return; }
  isFetching = true;
  try {
    const response = await fetch(location.pathname + location.search, { headers: { "x-live": "1" } });
    if (response.ok) take(parse(await response.text()));
  } catch { /* the stream comes back, and asks again */ } finally {
    isFetching = false;
    if (again) { again = false; renew(); }
  }
}

const parse = (text) => new DOMParser().parseFromString(text, "text/html");

// ---- News: one stream a browser, since HTTP/1.1 allows six connections; the tab that holds the lock tells the others.
const channel = new BroadcastChannel(`lokbot-chat${location.search.includes("panel") ? "-panel" : ""}`);
channel.onmessage = (event) => heard(event.data);
function heard(said) { if (said !== mark) renew(); }

function listen() {
  if (source) return;
  source = true;
  const open = () => new Promise((done) => {
    connect(FIRST_WAIT);
    addEventListener("pagehide", () => { source.close(); source = null; done(); }, { once: true });
  });
  // A browser that keeps nothing in a panel has no locks there either.
  if (navigator.locks) navigator.locks.request(channel.name, open).catch(open); else open();
}

// Where the line breaks a browser tries again by itself, but never after an answer that is no stream: a proxy's 502 while
// the server starts anew, or that there are too many streams just now. Then it is tried here, less and less often.
const FIRST_WAIT = 1500, LONGEST_WAIT = 60000; // milliseconds
function connect(wait) {
  const address = new URL(document.body.dataset.stream, location.href);
  address.searchParams.set("sedan", mark);
  const stream = source = new EventSource(address);
  stream.onopen = () => { wait = FIRST_WAIT; };
  stream.onmessage = (event) => { channel.postMessage(event.data); heard(event.data); };
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    setTimeout(() => { if (source === stream) connect(Math.min(2 * wait, LONGEST_WAIT)); }, wait);
  };
}
addEventListener("pageshow", (event) => { if (event.persisted && mark) { renew(); listen(); } });

// ---- Sending: the form as it is, without leaving the page. What could not be sent stays in its field.
document.addEventListener("submit", async (event) => {
  const form = event.target, button = event.submitter;
  if (!form.matches("[data-chat]") || button?.matches("[data-whole]")) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  if (form.contains(field) && !field.value.trim() && !form.querySelector("[type=file]").files.length) { field.focus(); return; }
  const body = new FormData(form);
  if (button?.name) body.append(button.name, button.value);
  const sent = field.value;
  form.dataset.busy = "1";
  try {
    const response = await fetch(form.action, { method: "POST", body });
    const page = parse(await response.text());
    isAsking = response.ok;
    if (response.ok && form.contains(field)) {
      if (field.value === sent) field.value = "";
      form.querySelector("[type=file]").value = "";
      form.querySelector("details").open = false;
    }
    if (form.contains(field) && response.ok) field.focus();
    if (response.ok && page.documentElement.lang !== document.documentElement.lang) { location.reload(); return; }
    take(page, form);
    if (!response.ok) document.getElementById("felet")?.scrollIntoView({ block: "nearest" });
  } catch {
    const said = document.createElement("p");
    said.className = "error"; said.id = "felet"; said.setAttribute("role", "alert");
    said.textContent = document.body.dataset.noLine;
    document.getElementById("fel").replaceChildren(said);
  } finally {
    delete form.dataset.busy;
  }
});

// ---- Keys: Enter sends where there is a keyboard, Shift and Enter begins a line. Escape closes the panel.
field?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || matchMedia("(pointer: coarse)").matches) return;
  event.preventDefault();
  field.form.requestSubmit();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && parent !== window) parent.postMessage({ lok: "close" }, "*");
});

if (field && mark) listen();
if (document.getElementById("felet")) field?.focus();
else if (news && document.querySelector("#historia li")) document.getElementById("slut").scrollIntoView({ block: "end" });
