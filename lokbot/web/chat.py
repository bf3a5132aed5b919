"""The web chat's pages: a plain form page that works without scripts, by itself or in another page's panel.

What is written goes the way of every message (``webchat.writing``), what is answered is read here when it was sent
(``webchat.showing``). A form carries a number of its own, so that sending it twice is one message.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from lokbot.config import Settings
from lokbot.conversation.working_days import SWEDEN, written_out
from lokbot.model import Attachment, Knowledge, NotPossible
from lokbot.store.schema import AttachmentContent
from lokbot.web import rendering, security
from lokbot.web.visit import LANGUAGES, Visit
from lokbot.webchat import keys, limits, reaching, showing, writing
from lokbot.webchat.showing import View

# Beside a file: the words of a form, with room for whoever pastes a whole document into it.
WORDS_BYTES = 1_000_000
# As long as a keystroke of patience: who has written too much too quickly is told when to go on.
RETRY_SECONDS = 60


# What may be wrong with what was sent. Nothing of it is then taken, and it stays in its field.
ERRORS = {
    "": "",
    "button": "Knappen finns inte längre. Skriv i stället.",
    "empty": "Skriv något först.",
    "file-empty": "Filen är tom. Inget är skickat.",
    "file-large": "Filen är för stor. Inget är skickat. Välj en mindre fil.",
    "file-kind": "Vi tar bara emot PDF och bilder här. Inget är skickat. Välj en annan fil, eller mejla den.",
    "many": "Det blev många meddelanden på kort tid. Inget är skickat. Vänta en minut och försök igen.",
    "old": "Sidan var för gammal. Inget är skickat. Försök igen.",
    "cookies": "Din webbläsare sparar inga kakor här, så svaret skulle inte hitta dig. Inget är skickat. Öppna chatten "
    "i ett eget fönster.",
    "reach": "Skriv en mejladress eller ett telefonnummer.",
    "mail": "Det där är ingen mejladress. Inget är skickat.",
    "copies": "Högst tre kopior om dagen kan skickas. Försök igen i morgon.",
    "code": "Koden öppnar ingen chatt. Kontrollera den. En kod gäller i 30 dagar.",
    "codes": "Det blev många försök. Vänta en kvart och försök igen.",
}


def largest(settings: Settings) -> int:
    """Bytes of the largest form that is read."""
    return settings.chat.max_file_bytes + WORDS_BYTES


def show(visit: Visit) -> Response:
    """The chat, or where it begins."""
    _must_be_open(visit)
    return _page(visit, _token(visit) or keys.new_token())


def write(visit: Visit) -> Response:
    """Words and a file, a button under a message, or one of the page's own."""
    _must_be_open(visit)
    token = _own_form(visit)
    if isinstance(token, Response):
        return token
    text, pressed, wanted = visit.form["text"], visit.form["press"], visit.form["command"]
    address = keys.begin(visit.session, token, now=visit.now)
    if not limits.may_write(visit.session, address, visit.place, visit.settings, now=visit.now):
        return _too_many(visit, token, text)
    contact = showing.contact_of(visit.session, address)
    speaks = _language(visit, View(language=contact.language if contact is not None else None))
    if wanted in writing.COMMANDS:
        label = _phrases(visit, wanted.removeprefix("lang-") if wanted.startswith("lang-") else speaks)
        writing.command(
            visit.session,
            address,
            wanted,
            label[writing.COMMANDS[wanted]],
            nonce=visit.form["nonce"],
            language=speaks,
            now=visit.now,
        )
    elif pressed:
        if not writing.press(visit.session, address, pressed, now=visit.now):
            return _page(visit, token, error="button", status=409, text=text)
    else:
        file = _file(visit)
        if isinstance(file, str):
            return _page(visit, token, error=file, status=409, text=text)
        if not text.strip() and file is None:
            return _page(visit, token, error="empty", status=409)
        writing.write(
            visit.session,
            address,
            text,
            nonce=visit.form["nonce"],
            file=file,
            language=speaks,
            settings=visit.settings,
            now=visit.now,
        )
    return _back(visit, token)


def reach(visit: Visit) -> Response:
    """How an answer finds them: an address, a number, nothing; or a return code, which is shown once."""
    _must_be_open(visit)
    token = _own_form(visit)
    if isinstance(token, Response):
        return token
    address = keys.address_of(visit.session, token, now=visit.now)
    view = showing.view(visit.session, address)
    if address is None or not view.lines:
        return _back(visit, token)
    if not limits.may_write(visit.session, address, visit.place, visit.settings, now=visit.now):
        return _too_many(visit, token, "")
    if visit.form["how"] == "code":
        code = keys.new_code(visit.session, address, now=visit.now)
        if view.latest is not None and view.asks_how_to_reach:
            reaching.leave(visit.session, view.latest, "", now=visit.now)
        until = written_out((visit.now + keys.CODE_FOR).astimezone(SWEDEN).date(), _language(visit, view))
        return _render(visit, token, view, "chat_code.html", code=code, until=until)
    if view.latest is None:
        return _back(visit, token)
    to = visit.form["to"].strip() if visit.form["how"] == "to" else ""
    if visit.form["how"] == "to" and not to:
        return _page(visit, token, error="reach", status=409)
    try:
        reaching.leave(visit.session, view.latest, to, now=visit.now)
    except NotPossible:
        return _page(visit, token, error="reach", status=409, to=to)
    return _back(visit, token)


def copy(visit: Visit) -> Response:
    """Mail the chat to whoever asks."""
    _must_be_open(visit)
    token = _own_form(visit)
    if isinstance(token, Response):
        return token
    address, to = keys.address_of(visit.session, token, now=visit.now), visit.form["to"].strip().lower()
    view = showing.view(visit.session, address)
    if address is None or view.latest is None:
        return _back(visit, token)
    if not limits.may_copy(visit.session, address, visit.place, to, now=visit.now):
        return _page(visit, token, error="copies", status=429)
    try:
        reaching.copy_by_mail(
            visit.session,
            view.latest,
            address,
            to,
            language=_language(visit, view),
            settings=visit.settings,
            knowledge=visit.knowledge,
            now=visit.now,
        )
    except NotPossible:
        return _page(visit, token, error="mail", status=409)
    return _back(visit, token, klart="kopia")


def code_page(visit: Visit) -> Response:
    """Where a return code is written."""
    _must_be_open(visit)
    token = _token(visit) or keys.new_token()
    return _render(visit, token, View(), "chat_code.html")


def come_back(visit: Visit) -> Response:
    """Let this browser into the chat that a code opens. A new secret, so that one planted before opens nothing."""
    _must_be_open(visit)
    token = _own_form(visit)
    if isinstance(token, Response):
        return token
    fresh = keys.new_token()
    if not limits.may_try_code(visit.session, visit.place, now=visit.now):
        return _render(visit, token, View(), "chat_code.html", error="codes", status=429)
    if not keys.come_back(visit.session, visit.form["code"], fresh, now=visit.now):
        return _render(visit, token, View(), "chat_code.html", error="code", status=404)
    return _back(visit, fresh)


def file(visit: Visit) -> Response:
    """A file that a person attached to an answer, to be saved, never shown inside the page."""
    _must_be_open(visit)
    address = keys.address_of(visit.session, _token(visit), now=visit.now)
    found = showing.file_for(visit.session, address, int(visit.path("attachment")))
    if found is None:
        raise HTTPException(404)
    content = visit.session.get_one(AttachmentContent, found.sha256).content
    return rendering.download(content, found.name)


def loader(visit: Visit) -> Response:
    """The script that other pages embed: a button, and a panel with the chat."""
    _must_be_open(visit)
    return FileResponse(
        rendering.HERE / "static" / "chat.js",
        media_type="text/javascript; charset=utf-8",
        headers={"cross-origin-resource-policy": "cross-origin", "cache-control": "public, max-age=3600"},
    )


# ------------------------------------------------------------------ what they share


def _must_be_open(visit: Visit) -> None:
    if not visit.settings.chat.web:
        raise HTTPException(404)


def _own_form(visit: Visit) -> str | Response:
    """This browser's secret, where the form is one that it was given; else the page that says what to do. A browser
    that keeps no cookie here would never see an answer, so nothing is taken from it.
    """
    token = _token(visit)
    if token and keys.is_form_of(token, visit.form["csrf"]):
        return token
    error = "old" if token else "cookies"
    return _page(visit, token or keys.new_token(), error=error, status=403, text=visit.form["text"])


def _file(visit: Visit) -> Attachment | writing.Unfit | None:
    upload = next(iter(visit.form.files), None)
    if upload is None:
        return None
    return writing.read_file(upload.name, upload.content, upload.content_type, visit.settings)


def _too_many(visit: Visit, token: str, text: str) -> Response:
    response = _page(visit, token, error="many", status=429, text=text)
    response.headers["retry-after"] = str(RETRY_SECONDS)
    return response


def _back(visit: Visit, token: str, **query: str) -> Response:
    """To the chat, with GET: a reload then sends nothing again."""
    return _dressed(visit, RedirectResponse(f"/chatt{_here(visit, **query)}#slut", status_code=303), token)


def _here(visit: Visit, **more: str) -> str:
    """The query that every link and form of this page goes on with."""
    words = {"panel": "1"} if _is_panel(visit.request) else {}
    if (chosen := visit.query("sprak")) in LANGUAGES:
        words["sprak"] = chosen
    words |= more
    return f"?{urlencode(words)}" if words else ""


def _page(visit: Visit, token: str, *, status: int = 200, error: str = "", text: str = "", to: str = "") -> Response:
    view = showing.view(visit.session, keys.address_of(visit.session, token, now=visit.now))
    return _render(visit, token, view, "chat.html", status=status, error=error, text=text, to=to)


def _render(
    visit: Visit, token: str, view: View, template: str, *, status: int = 200, error: str = "", **values: object
) -> Response:
    speaks = _language(visit, view)
    panel = _is_panel(visit.request)
    response = replace(visit, speaks=speaks).page(
        template,
        status=status,
        error=ERRORS[error],
        error_kind=error,
        view=view,
        phrases=_phrases(visit, speaks),
        names={each: _phrases(visit, each)["button.this-language"] for each in LANGUAGES},
        chat_csrf=keys.form_token(token),
        nonce=secrets.token_urlsafe(12),
        mark=view.stamp,
        panel=panel,
        here=_here(visit),
        copied=visit.query("klart") == "kopia",
        limit=visit.settings.chat.max_file_bytes // 1_000_000,
        **values,
    )
    return _dressed(visit, response, token)


def _dressed(visit: Visit, response: Response, token: str) -> Response:
    """With the secret in its cookie; in a panel with leave for the pages that may show it."""
    response.headers.append("set-cookie", _cookie(visit.request, visit.settings, token))
    if _is_panel(visit.request):
        allowed = " ".join(("'self'", *visit.settings.chat.embed_on))
        policy = security.HEADERS["content-security-policy"]
        response.headers["content-security-policy"] = policy.replace(
            "frame-ancestors 'none'", f"frame-ancestors {allowed}"
        )
        response.headers["cross-origin-resource-policy"] = "cross-origin"
    return response


def _is_panel(request: Request) -> bool:
    return "panel" in request.query_params


def cookie_name(request: Request, settings: Settings) -> str:
    """A panel has a chat of its own on each site that shows it, and never the one of the chat's own page."""
    name = "lokbot-panel" if _is_panel(request) else "lokbot-chatt"
    return f"__Host-{name}" if _is_tls(settings) else name


def _cookie(request: Request, settings: Settings, token: str) -> str:
    """In a panel on another site a cookie is kept only if it is sent across sites, over TLS, and apart for each site
    (CHIPS, ``Partitioned``). Browsers take localhost for TLS.
    """
    age = int(keys.BROWSER_FOR.total_seconds())
    across = "Secure; SameSite=None; Partitioned"
    own = f"{'Secure; ' if _is_tls(settings) else ''}SameSite=Lax"
    name = cookie_name(request, settings)
    return f"{name}={token}; Max-Age={age}; Path=/; HttpOnly; {across if _is_panel(request) else own}"


def _is_tls(settings: Settings) -> bool:
    return urlsplit(settings.web.public_url).scheme == "https"


def token_of(request: Request, settings: Settings) -> str:
    """The secret that this browser sends; empty where it sends none that could be one."""
    found = request.cookies.get(cookie_name(request, settings), "")
    return found if keys.is_token(found) else ""


def _token(visit: Visit) -> str:
    return token_of(visit.request, visit.settings)


def _language(visit: Visit, view: View) -> str:
    """What was chosen in the chat, else by a link, else what the browser asks for first of those we have."""
    asked = visit.query("sprak")
    chosen = view.language or (asked if asked in LANGUAGES else None)
    return chosen or preferred(visit.request.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """The best of our languages in an Accept-Language (RFC 9110 12.5.4); Swedish where none is asked for."""
    weighed: list[tuple[float, str]] = []
    for part in header.lower().split(",")[:20]:
        name, _, weight = part.strip().partition(";q=")
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            value = 0.0
        language = name.strip().partition("-")[0]
        if language in LANGUAGES and value > 0:
            weighed.append((-value, language))
    weighed.sort(key=lambda one: one[0])
    return weighed[0][1] if weighed else "sv"


def _phrases(visit: Visit, language: str) -> dict[str, str]:
    knowledge: Knowledge = visit.knowledge
    return dict(knowledge.phrases[language])
