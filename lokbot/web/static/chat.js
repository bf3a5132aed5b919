// <script src="https://lok.example/chat.js" data-lok></script>: a button, and a panel with the city's chat for associations.
// Everything is in a shadow root with a style sheet of its own: the page's styles do not reach in, and no inline style
// is used, so a strict Content-Security-Policy needs only this origin in script-src and frame-src.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script?.hasAttribute("data-lok") || document.getElementById("lok-chatt")) return;
  const site = new URL(script.src).origin;
  const language = (script.dataset.language || document.documentElement.lang || "sv").slice(0, 2) === "en" ? "en" : "sv";
  const words = {
    sv: { open: "Fråga om föreningar", close: "Stäng chatten", title: "Chatt med Helsingborgs stad", news: "Nytt svar" },
    en: { open: "Ask about associations", close: "Close the chat", title: "Chat with the City of Helsingborg", news: "New answer" },
  }[language];

  const host = document.createElement("div");
  host.id = "lok-chatt";
  host.lang = language;
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; }
    button { font: 700 16px/1.4 Roboto, Arial, Helvetica, sans-serif; cursor: pointer; min-height: 44px; border: 0; }
    button:focus-visible { outline: 3px solid #fff; outline-offset: -6px; box-shadow: 0 0 0 3px #005c86; }
    .open { position: fixed; right: 16px; bottom: 16px; z-index: 2147483000; background: #ae0b05; color: #fff; padding: 12px 20px;
      border-radius: 28px; box-shadow: 0 2px 8px rgb(0 0 0 / .35); max-width: calc(100vw - 32px); }
    .open:hover { background: #770000; }
    .panel { position: fixed; right: 16px; bottom: 16px; z-index: 2147483000; width: min(400px, calc(100vw - 32px));
      height: min(680px, calc(100vh - 32px)); background: #f5f5f5; border: 1px solid #595959; border-radius: 8px; overflow: hidden;
      box-shadow: 0 4px 24px rgb(0 0 0 / .35); }
    .close { position: absolute; top: 8px; right: 8px; width: 44px; background: #ae0b05; color: #fff; font-size: 24px; border-radius: 4px; }
    .close:hover { background: #770000; }
    iframe { width: 100%; height: 100%; border: 0; display: block; }
    [hidden] { display: none; }
    @media (max-width: 480px) { .panel { inset: 0; width: 100%; height: 100%; border-radius: 0; border: 0; } }
    @media (forced-colors: active) { button, .panel { border: 1px solid; } }
  `);
  root.adoptedStyleSheets = [sheet];

  const button = document.createElement("button");
  button.type = "button";
  button.className = "open";
  button.textContent = words.open;
  button.setAttribute("aria-expanded", "false");
  const panel = document.createElement("div");
  panel.className = "panel";
  panel.hidden = true;
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", words.title);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.textContent = "×";
  close.setAttribute("aria-label", words.close);
  panel.append(close);
  root.append(button, panel);

  let frame = null;
  // The panel comes back on the next page of the same site; where the browser keeps nothing, it does not.
  const remember = (isOpen) => { try { sessionStorage.setItem("lok-chatt", isOpen ? "1" : ""); } catch { /* kept nowhere */ } };
  const wasOpen = () => { try { return sessionStorage.getItem("lok-chatt") === "1"; } catch { return false; } };

  function open(hasFocus) {
    if (!frame) {
      frame = document.createElement("iframe");
      frame.title = words.title;
      frame.src = `${site}/chatt?panel=1${script.dataset.language ? `&sprak=${language}` : ""}`;
      panel.append(frame);
    }
    panel.hidden = false;
    button.hidden = true;
    button.textContent = words.open;
    button.setAttribute("aria-expanded", "true");
    remember(true);
    if (hasFocus) frame.focus();
  }
  function shut() {
    panel.hidden = true;
    button.hidden = false;
    button.setAttribute("aria-expanded", "false");
    remember(false);
    button.focus();
  }
  button.addEventListener("click", () => open(true));
  close.addEventListener("click", shut);
  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") shut(); });
  addEventListener("message", (event) => {
    if (event.origin !== site || event.source !== frame?.contentWindow) return;
    if (event.data?.lok === "close") shut();
    if (event.data?.lok === "news" && panel.hidden) button.textContent = `${words.open}: ${words.news}`;
  });

  const begin = () => { document.body.append(host); if (wasOpen()) open(false); };
  if (document.body) begin(); else addEventListener("DOMContentLoaded", begin);
})();
