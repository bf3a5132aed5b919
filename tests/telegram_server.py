"""Telegram's Bot API as it behaves, on loopback: updates that come again until they are confirmed, long polls, buttons,
edits, files, floods and failures. The people who chat are the test's: they write, press, edit and block.

Made after https://core.telegram.org/bots/api and what the servers answer; driven by python-telegram-bot's own client.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote

from tests.servers import HOST, wait_until

TOKEN = "4815162342:AAH-provtoken-for-the-tests-only"
BOT = {"id": 4815162342, "is_bot": True, "first_name": "lokbot", "username": "lok_prov_bot"}
LONGEST_TEXT = 4096  # UTF-16 code units
LONGEST_DATA = 64  # bytes
LARGEST_FILE = 20_000_000
ANNA = 7001


class ApiError(Exception):
    """What the Bot API answers instead of a result."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.answer = {"ok": False, "error_code": code, "description": description} | (
            {"parameters": parameters} if parameters else {}
        )
        self.code = code


@dataclass
class Fault:
    """What goes wrong with a call. ``is_taken`` says that the call does its work all the same; ``body`` is answered
    instead of JSON; a ``gate`` holds the answer back until it is opened; ``is_cut`` gives none at all; with ``is_none``
    the call goes well, and it is a later one that does not.
    """

    code: int = 502
    retry_after: int | None = None
    body: bytes | None = None
    is_taken: bool = False
    is_cut: bool = False
    is_none: bool = False
    gate: threading.Event | None = None
    has_come: threading.Event = field(default_factory=threading.Event)


class TelegramServer:
    """One bot's Telegram; a context manager. All times are whole seconds, as there."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []  # messages of the bot, in order
        self.calls: list[str] = []
        self.handed_out: list[int] = []  # updates given, as often as they were
        self.confirmed_presses: list[str] = []
        self.blocked: set[int] = set()
        self.faults: dict[str, deque[Fault]] = {}
        self.first_update = 870_000_001
        self._next_update = self.first_update
        self._updates: list[dict[str, Any]] = []
        self._allowed: list[str] = []
        self._messages: dict[tuple[int, int], dict[str, Any]] = {}
        self._next_message = 100
        self._presses: set[str] = set()
        self._files: dict[str, bytes] = {}
        self._chats: set[int] = set()
        self._poll = 0
        self._is_open = True
        self._changed = threading.Condition()
        self._http = _Server((HOST, 0), _Handler)
        self._http.telegram = self
        self.url = f"http://{HOST}:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), name="telegram", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        for faults in self.faults.values():
            for fault in faults:
                if fault.gate:
                    fault.gate.set()
        self._http.shutdown()
        self._http.server_close()

    # ------------------------------------------------------------------ what people do

    def write(self, text: str = "", *, chat: int = ANNA, name: str = "Anna", group: str = "", **content: Any) -> int:
        """Somebody writes, or sends ``content`` (the fields of a Message); gives the message's number in its chat."""
        message = self._message(chat, name, group) | ({"text": text} if text else {}) | content
        self._keep(chat, message)
        self._tell("message", message)
        return int(message["message_id"])

    def reply(
        self, text: str, above: Mapping[str, Any], *, by: int, group: str, name: str = "Kim", **content: Any
    ) -> int:
        """Somebody in a group replies to a message there."""
        chat = int(above["chat"]["id"])
        message = self._message(chat, name, group) | {"from": _person(by, name), "reply_to_message": dict(above)}
        message |= ({"text": text} if text else {}) | content
        self._keep(chat, message)
        self._tell("message", message)
        return int(message["message_id"])

    def again(self, number: int, chat: int) -> None:
        """The same message in an update of another number."""
        self._tell("message", self._messages[chat, number])

    def open_chat(self, chat: int) -> None:
        """The bot is let into a group."""
        self._chats.add(chat)

    def edit(self, number: int, text: str, *, chat: int = ANNA) -> None:
        """Somebody mends a message of theirs."""
        message = self._messages[chat, number]
        message.update(text=text, edit_date=int(time.time()))
        self._tell("edited_message", message)

    def press(self, label: str, *, chat: int = ANNA, name: str = "Anna", under: Mapping[str, Any] | None = None) -> str:
        """Somebody presses a button, by its label, under the latest message of the bot that has it."""
        above = under or next(message for message in reversed(self.to(chat)) if label in buttons(message))
        return self.press_data(buttons(above)[label], above, chat=chat, name=name)

    def press_data(self, data: str, above: Mapping[str, Any], *, chat: int = ANNA, name: str = "Anna") -> str:
        """A press with any data, as a program of somebody's own could send it."""
        identity = f"press-{len(self._presses) + 1}"
        self._presses.add(identity)
        query = {"id": identity, "from": _person(chat, name), "chat_instance": "1", "data": data, "message": above}
        self._tell("callback_query", query)
        return identity

    def put_file(self, content: bytes) -> str:
        """A file on Telegram's servers; gives its id."""
        identity = f"file-{len(self._files) + 1}"
        self._files[identity] = content
        return identity

    def block(self, chat: int = ANNA) -> None:
        """Somebody stops the bot."""
        self.blocked.add(chat)
        member = {"user": BOT, "status": "kicked", "until_date": 0}
        before = {"user": BOT, "status": "member"}
        update = {"chat": {"id": chat, "type": "private"}, "from": _person(chat, "Anna"), "date": int(time.time())}
        self._tell("my_chat_member", update | {"old_chat_member": before, "new_chat_member": member})

    def tell(self, kind: str, content: Mapping[str, Any]) -> int:
        """Any other update."""
        return self._tell(kind, dict(content))

    def renumber(self, first: int) -> None:
        """After a quiet week the next update has any number."""
        self._next_update = first

    # ------------------------------------------------------------------ what tests look at

    def to(self, chat: int = ANNA) -> list[dict[str, Any]]:
        """What the bot has sent to a chat."""
        with self._changed:
            return [message for message in self.sent if message["chat"]["id"] == chat]

    def texts(self, chat: int = ANNA) -> list[str]:
        return [str(message.get("text", "")) for message in self.to(chat)]

    def wait_for(self, count: int, chat: int = ANNA) -> list[str]:
        """Wait until the bot has sent so many messages to a chat; gives their texts."""
        wait_until(lambda: len(self.to(chat)) >= count, f"{count} messages in Telegram, not {self.texts(chat)}", 40)
        return self.texts(chat)

    @property
    def unconfirmed(self) -> list[int]:
        """The updates that would be given again."""
        with self._changed:
            return [update["update_id"] for update in self._updates]

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of ``method`` go wrong."""
        self.faults.setdefault(method, deque()).extend(faults)

    # ------------------------------------------------------------------ the Bot API

    def answer(self, method: str, given: Mapping[str, str], files: Mapping[str, bytes]) -> Any:
        """The result of a call. Raises ApiError."""
        self.calls.append(method)
        known: dict[str, Callable[[], Any]] = {
            "getMe": lambda: BOT,
            "getUpdates": lambda: self._get_updates(given),
            "sendMessage": lambda: self._send_message(given),
            "sendDocument": lambda: self._send_document(given, files),
            "sendChatAction": lambda: bool(self._chat(given)),
            "answerCallbackQuery": lambda: self._confirm_press(given["callback_query_id"]),
            "getFile": lambda: self._get_file(given["file_id"]),
        }
        called = next((name for name in known if name.lower() == method.lower()), None)  # "case-insensitive"
        if called is None:
            raise ApiError(404, "Not Found: method not found")
        return known[called]()

    def file(self, path: str) -> bytes | None:
        return self._files.get(path.removeprefix("documents/"))

    def _get_updates(self, given: Mapping[str, str]) -> list[dict[str, Any]]:
        offset, limit = int(given.get("offset", 0)), int(given.get("limit", 100))
        deadline = time.monotonic() + float(given.get("timeout", 0))
        with self._changed:
            self._poll += 1
            poll = self._poll
            self._changed.notify_all()  # an earlier poll ends with a conflict
            if "allowed_updates" in given:
                self._allowed = json.loads(given["allowed_updates"])
            if offset > 0:
                # An offset far ahead of all numbers given is of an earlier count: nothing is confirmed by it.
                if offset <= self._next_update + 10:
                    self._updates = [update for update in self._updates if update["update_id"] >= offset]
            elif offset < 0:
                self._updates = self._updates[offset:]
            while not self._updates and self._is_open:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
                if self._poll != poll:
                    raise ApiError(
                        409,
                        "Conflict: terminated by other getUpdates request; "
                        "make sure that only one bot instance is running",
                    )
            given_now = self._updates[:limit]
            self.handed_out += [update["update_id"] for update in given_now]
            return given_now

    def _chat(self, given: Mapping[str, str]) -> int:
        chat = int(given["chat_id"])
        if chat in self.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        if chat not in self._chats:
            raise ApiError(400, "Bad Request: chat not found")
        return chat

    def _send_message(self, given: Mapping[str, str]) -> dict[str, Any]:
        chat, text = self._chat(given), given.get("text", "").strip()
        if not text:
            raise ApiError(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST_TEXT:
            raise ApiError(400, "Bad Request: message is too long")
        if "parse_mode" in given:
            raise ApiError(400, "Bad Request: the tests know no parse mode")
        return self._sent(chat, {"text": text} | _markup(given))

    def _send_document(self, given: Mapping[str, str], files: Mapping[str, bytes]) -> dict[str, Any]:
        chat = self._chat(given)
        ((name, content),) = files.items()
        document = {"file_id": self.put_file(content), "file_unique_id": "u", "file_name": name}
        return self._sent(chat, {"document": document | {"file_size": len(content)}} | _markup(given))

    def _sent(self, chat: int, content: dict[str, Any]) -> dict[str, Any]:
        with self._changed:
            self._next_message += 1
            kind = "private" if chat > 0 else "supergroup"
            message = {"message_id": self._next_message, "date": int(time.time()), "chat": {"id": chat, "type": kind}}
            message |= {"from": BOT} | content
            self._messages[chat, self._next_message] = message
            self.sent.append(message)
            self._changed.notify_all()
            return message

    def _confirm_press(self, identity: str) -> bool:
        if identity not in self._presses:
            raise ApiError(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self._presses.remove(identity)
        self.confirmed_presses.append(identity)
        return True

    def _get_file(self, identity: str) -> dict[str, Any]:
        if identity not in self._files:
            raise ApiError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        size = len(self._files[identity])
        if size > LARGEST_FILE:
            raise ApiError(400, "Bad Request: file is too big")
        return {"file_id": identity, "file_unique_id": "u", "file_size": size, "file_path": f"documents/{identity}"}

    # ------------------------------------------------------------------ inside

    def _message(self, chat: int, name: str, group: str) -> dict[str, Any]:
        where = {"id": chat, "type": "supergroup", "title": group} if group else {"id": chat, "type": "private"}
        with self._changed:
            self._next_message += 1
            number = self._next_message
        return {"message_id": number, "date": int(time.time()), "chat": where, "from": _person(abs(chat), name)}

    def _keep(self, chat: int, message: dict[str, Any]) -> None:
        self._chats.add(chat)
        self._messages[chat, int(message["message_id"])] = message

    def _tell(self, kind: str, content: dict[str, Any]) -> int:
        with self._changed:
            number = self._next_update
            self._next_update += 1
            if not self._allowed or kind in self._allowed:
                # As it is now: a message that is edited later does not change what was told of it.
                self._updates.append(json.loads(json.dumps({"update_id": number, kind: content})))
            self._changed.notify_all()
            return number


def buttons(message: Mapping[str, Any]) -> dict[str, str]:
    """The data of the buttons under a message, by label."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {button["text"]: button["callback_data"] for row in rows for button in row}


def _person(identity: int, name: str) -> dict[str, Any]:
    return {"id": identity, "is_bot": False, "first_name": name, "language_code": "sv"}


def _markup(given: Mapping[str, str]) -> dict[str, Any]:
    if "reply_markup" not in given:
        return {}
    markup = json.loads(given["reply_markup"])
    for row in markup["inline_keyboard"]:
        for button in row:
            if not button["text"]:
                raise ApiError(400, "Bad Request: text buttons are not allowed in the inline keyboard")
            if not 1 <= len(button["callback_data"].encode()) <= LONGEST_DATA:
                raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    return {"reply_markup": markup}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    telegram: TelegramServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, as one that is killed does, is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: pytest would show it beside what failed."""

    def do_GET(self) -> None:
        path, prefix = unquote(self.path), f"/file/bot{TOKEN}/"
        content = self.server.telegram.file(path.removeprefix(prefix)) if path.startswith(prefix) else None
        self._reply(404 if content is None else 200, content or b"", "application/octet-stream")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.startswith(f"/bot{TOKEN}/"):
            self._json(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
            return
        method = self.path.rpartition("/")[2]
        given, files = self._given(body)
        waiting = self.server.telegram.faults.get(method)
        fault = waiting.popleft() if waiting else None
        fault = None if fault is not None and fault.is_none else fault
        if fault is not None and not fault.is_taken:
            fault.has_come.set()
            if fault.gate:
                fault.gate.wait(60)
            self._go_wrong(fault)
            return
        try:
            result = self.server.telegram.answer(method, given, files)
        except ApiError as error:
            self._json(error.code, error.answer)
            return
        if fault is not None:
            fault.has_come.set()
            if fault.gate:
                fault.gate.wait(60)
            self._go_wrong(fault)
            return
        self._json(200, {"ok": True, "result": result})

    def _go_wrong(self, fault: Fault) -> None:
        if fault.is_cut:
            self.close_connection = True
        elif fault.body is not None:
            self._reply(fault.code, fault.body, "text/html")
        elif fault.retry_after is not None:
            error = ApiError(429, f"Too Many Requests: retry after {fault.retry_after}", retry_after=fault.retry_after)
            self._json(429, error.answer)
        else:
            self._json(fault.code, ApiError(fault.code, "Bad Gateway").answer)

    def _given(self, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/"):
            return {name: values[-1] for name, values in parse_qs(body.decode()).items()}, {}
        fields, files = {}, {}
        parsed = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        for part in parsed.walk():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if not isinstance(name, str) or not isinstance(content, bytes):
                continue
            if (file_name := part.get_filename()) is not None:
                files[file_name] = content
            else:
                fields[name] = content.decode()
        return fields, files

    def _json(self, code: int, answer: object) -> None:
        self._reply(code, json.dumps(answer).encode(), "application/json")

    def _reply(self, code: int, body: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
