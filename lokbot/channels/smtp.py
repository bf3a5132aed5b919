"""The way out by mail: writes the message as RFC 5322 wants it and hands it to an SMTP server."""

from __future__ import annotations

import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime, quote
from typing import Literal

from lokbot.channels.oauth import TokenSource, xoauth2
from lokbot.model import Address, ChannelError, OutgoingMessage

LOOP_HEADER = "X-Lokbot-Loop"

# All but NDR of MS-OXCMAIL 2.1.3.2.20. "All" would suppress non-delivery reports too, and they are how we learn
# that somebody never got our answer.
_NO_AUTOMATIC_RESPONSE = "DR, RN, NRN, OOF, AutoReply"

# RFC 5322 sets no bound. A thread hangs together by its first and its latest ids (RFC 5537 3.4.4 trims the middle).
_MOST_REFERENCES = 20
_LONGEST_ID = 900  # a line has at most 998 octets (RFC 5322 2.1.1)
_LONGEST_NAME = 128

# What str.splitlines takes for a line end, and the other control characters: header injection ends here.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+")
_ANY_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_MESSAGE_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]+")  # visible ASCII without angle brackets
_CONTENT_TYPE = re.compile(r"([a-z0-9][\w.+-]*)/([a-z0-9][\w.+-]*)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where mail is handed over, and as whom. Durations are seconds.

    ``tls`` is "tls" (usually port 465), "starttls" (usually 587) or "none" (loopback or a trusted relay).
    Certificates are always checked; a certificate authority of one's own is named by ``SSL_CERT_FILE``.
    An empty ``user`` means no login; with ``tokens`` the login is SASL XOAUTH2 without password.
    ``timeout_seconds`` bounds each wait but the last: after the final dot a
    server may need long to take the mail in, and to give up early doubles it, so RFC 5321 4.5.3.2.6 asks for ten
    minutes (``final_timeout_seconds``). The outbox lease must be longer than that.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    from_address: str
    from_name: str = ""
    tls: Literal["tls", "starttls", "none"] = "starttls"
    timeout_seconds: float = 30.0
    final_timeout_seconds: float = 600.0
    tokens: TokenSource | None = field(default=None, repr=False)


def render(message: OutgoingMessage, *, sender: Address, now: datetime) -> bytes:
    """The mail as it goes over the wire: seven-bit, CRLF, no line of text over 78 characters. Pure.

    The same message gives the same bytes but for ``Date``. Every mail of ours carries ``X-Lokbot-Loop``, a
    coordinator's answer too: what comes back to us is then known as our own, whoever wrote it. Automatic mail
    says so as well (RFC 3834 5): ``auto-replied`` where it answers a mail, otherwise ``auto-generated``.

    Raises ``ChannelError(permanent=True)`` for an address that no mail can be sent to, ``ValueError`` where
    ``external_id`` cannot stand as a Message-ID.
    """
    if not _known_ids([message.external_id]):
        raise ValueError(f"not a Message-ID: {message.external_id!r}")
    lines = [
        _line("Date", format_datetime(now)),
        _addresses("From", [sender]),
        *(_addresses(name, people) for name, people in (("To", message.to), ("Cc", message.cc)) if people),
        *([_addresses("Reply-To", [message.reply_to])] if message.reply_to else []),
        _text("Subject", message.subject),
        _message_ids("Message-ID", [message.external_id]),
    ]
    if parent := _known_ids([message.in_reply_to or ""]):
        lines.append(_message_ids("In-Reply-To", parent))
    if ancestors := _references(message):
        lines.append(_message_ids("References", ancestors))
    lines.append(_line(LOOP_HEADER, "1"))
    if message.is_automatic:
        lines.append(_line("Auto-Submitted", "auto-replied" if parent else "auto-generated"))
        lines.append(_line("X-Auto-Response-Suppress", _NO_AUTOMATIC_RESPONSE))
    return "".join(lines).encode("ascii") + _body(message).as_bytes()


class SmtpChannel:
    """Sends mail over SMTP, one connection for each message."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    def send(self, message: OutgoingMessage) -> bytes:
        """Hand ``message`` to the server for all its recipients; gives the bytes of the mail as it went.

        The envelope sender is our own address, not the empty one: RFC 3834 3.3 allows either, and only with our
        own do bounces come back and show that an answer never arrived. A bounce has the empty sender itself and is
        never answered, so no loop comes of it; many servers also refuse an empty sender from an authenticated
        user, and SPF would have no domain of ours to check.

        Raises ``ChannelError``: for what the server says of this message, 5xx is permanent and 4xx is not. What
        goes wrong before that (connection, certificate, login, our own address) is never permanent, whatever the
        code: it is no fault of the message, and a password that expired overnight must not fail everything in the
        outbox. ``in_doubt`` when the answer to the final dot was never heard. ``refused`` when only some were turned
        away. No error text holds a recipient's address or the password.
        """
        sender = Address(self._settings.from_name, self._settings.from_address)
        raw = render(message, sender=sender, now=datetime.now(UTC))
        recipients = {_wire_address(one.email): one.email for one in (*message.to, *message.cc)}
        if not recipients:
            raise ChannelError("The message has no recipient.", permanent=True)
        with self._connection() as server:
            refused = self._envelope(server, list(recipients), size=len(raw))
            self._data(server, raw)
            with suppress(smtplib.SMTPException, OSError):
                _set_timeout(server, self._settings.timeout_seconds)
                server.quit()
        if refused:
            raise self._error(
                f"{len(refused)} of {len(recipients)} recipients were refused, the others got it",
                next(iter(refused.values())),
                permanent=_is_permanent(refused),
                refused=tuple(recipients[one] for one in refused),
                raw=raw,
            )
        return raw

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        server = self._open()
        try:
            yield server
        finally:
            server.close()

    def _open(self) -> smtplib.SMTP:
        """A connection that is logged in. A token that the server refuses is replaced once."""
        tokens = self._settings.tokens
        token = tokens.token() if tokens else ""
        server = self._greeted()
        try:
            try:
                self._log_in(server, token)
            except smtplib.SMTPAuthenticationError as error:
                if tokens is None or error.smtp_code < 500:
                    raise
                tokens.forget(token)
                server.close()
                token = tokens.token()
                server = self._greeted()
                self._log_in(server, token)
        except UnicodeEncodeError:
            # smtplib's limit. Its own words would show a character of the password.
            server.close()
            raise self._error("Could not log in", (0, "user and password must be ASCII"), permanent=False) from None
        except (smtplib.SMTPException, OSError) as error:
            server.close()
            raise self._failed("log in", error) from error
        except BaseException:
            server.close()
            raise
        return server

    def _greeted(self) -> smtplib.SMTP:
        settings = self._settings
        try:
            if settings.tls == "tls":
                context = ssl.create_default_context()
                return smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_seconds, context=context)
            return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_seconds)
        except (smtplib.SMTPException, OSError) as error:
            raise self._failed("connect", error) from error

    def _log_in(self, server: smtplib.SMTP, token: str) -> None:
        settings = self._settings
        server.ehlo_or_helo_if_needed()
        if settings.tls == "starttls":
            server.starttls(context=ssl.create_default_context())
            server.ehlo_or_helo_if_needed()
        if settings.tokens:
            said = xoauth2(settings.user or settings.from_address, token)
            # A refusal comes as a challenge, which wants an empty answer before the 535.
            server.auth("XOAUTH2", lambda challenge=None: said if challenge is None else "")
        elif settings.user:
            server.login(settings.user, settings.password)

    def _envelope(self, server: smtplib.SMTP, recipients: Sequence[str], *, size: int) -> dict[str, tuple[int, bytes]]:
        """Say who writes to whom. Gives the refused recipients; raises when nobody is left."""
        try:
            server.ehlo_or_helo_if_needed()
            options = [f"SIZE={size}"] if server.has_extn("size") else []  # RFC 1870: refused before it is sent
            reply = server.mail(_wire_address(self._settings.from_address), options)
            if reply[0] != 250:
                # 552: larger than this server ever takes. Any other refusal is of our address, not of the message.
                raise self._error("The sender was refused", reply, permanent=reply[0] == 552)
            replies = {recipient: server.rcpt(recipient) for recipient in recipients}
        except (smtplib.SMTPException, OSError) as error:
            raise self._failed("hand over the mail", error) from error
        refused = {recipient: reply for recipient, reply in replies.items() if reply[0] not in (250, 251)}
        if len(refused) == len(recipients):
            raise self._error(
                "Every recipient was refused", next(iter(refused.values())), permanent=_is_permanent(refused)
            )
        return refused

    def _data(self, server: smtplib.SMTP, raw: bytes) -> None:
        """Send the content. smtplib's own ``data`` does not tell on which side of the final dot it broke."""
        # RFC 5321 4.5.2: a dot that begins a line is doubled.
        content = re.sub(rb"(?m)^\.", b"..", raw) + (b"" if raw.endswith(b"\r\n") else b"\r\n") + b".\r\n"
        try:
            reply = server.docmd("DATA")
            if reply[0] != 354:
                raise self._error("The mail was refused", reply, permanent=reply[0] >= 500)
            # The dot is last in one write: if the write fails, the server has not seen it.
            server.send(content)
        except (smtplib.SMTPException, OSError) as error:
            raise self._failed("hand over the mail", error) from error
        try:
            _set_timeout(server, self._settings.final_timeout_seconds)
            code, text = server.getreply()
        except (smtplib.SMTPException, OSError) as error:
            raise self._failed("hear whether the mail was taken", error, in_doubt=True) from error
        if not 200 <= code < 600:  # smtplib gives -1 for what is no SMTP reply
            raise self._error("The server's answer cannot be read", (code, text), permanent=False, in_doubt=True)
        if code >= 300:
            raise self._error("The mail was refused", (code, text), permanent=code >= 500)

    def _failed(self, doing: str, error: Exception, *, in_doubt: bool = False) -> ChannelError:
        match error:
            case smtplib.SMTPAuthenticationError() if self._settings.tokens:
                remedy = (
                    "Check that the application of oauth.client_id may send as the mailbox (SMTP.SendAsApp or "
                    "SMTP.Send) and that authenticated SMTP is on for it."
                )
            case smtplib.SMTPAuthenticationError():
                remedy = f"Check the password of {self._settings.user}, and that the account may send."
            case smtplib.SMTPNotSupportedError():
                remedy = "The server does not offer this; check the TLS setting, the port and the user."
            case ssl.SSLCertVerificationError():
                remedy = "Check the host name; if the authority is your own, name its file in SSL_CERT_FILE."
            case ssl.SSLError():
                remedy = "Check the TLS setting and the port: 465 is usually tls, 587 starttls."
            case socket.gaierror():
                remedy = "Check the host name and the machine's DNS."
            case ConnectionRefusedError():
                remedy = "Check the host and port, and that the server is running."
            case _:
                remedy = "It will be tried again."
        reply = (
            (error.smtp_code, error.smtp_error) if isinstance(error, smtplib.SMTPResponseException) else (0, str(error))
        )
        return self._error(f"Could not {doing}", reply, remedy=remedy, permanent=False, in_doubt=in_doubt)

    def _error(
        self,
        what: str,
        reply: tuple[int, bytes | str],
        *,
        permanent: bool,
        in_doubt: bool = False,
        refused: tuple[str, ...] = (),
        raw: bytes | None = None,
        remedy: str = "",
    ) -> ChannelError:
        code, said = reply
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        if self._settings.password:
            text = text.replace(self._settings.password, "***")
        text = " ".join(_ANY_ADDRESS.sub("<address>", text).split())
        answer = f"{code} {text}" if code else text
        where = f"{self._settings.host}:{self._settings.port}"
        return ChannelError(
            f"{what} at {where}: {answer}. {remedy}".rstrip(),
            permanent=permanent,
            in_doubt=in_doubt,
            refused=refused,
            raw=raw,
        )


def _set_timeout(server: smtplib.SMTP, seconds: float) -> None:
    if server.sock is not None:
        server.sock.settimeout(seconds)


def _is_permanent(refused: Mapping[str, tuple[int, bytes]]) -> bool:
    return all(code >= 500 for code, _ in refused.values())


def _body(message: OutgoingMessage) -> EmailMessage:
    """The text with its MIME headers: plain first, HTML with its pictures as the better alternative, then the files."""
    body = EmailMessage(policy=policy.SMTP)
    body.set_content(_lines(message.text), cte="quoted-printable")
    if message.html is not None:
        body.add_alternative(_lines(message.html), subtype="html", cte="quoted-printable")
        _, page = body.iter_parts()
        for image in message.images:
            main, sub = _content_type(image.content_type)
            page.add_related(image.content, main, sub, cid=f"<{image.name}>")
    for attachment in message.attachments:
        main, sub = _content_type(attachment.content_type)
        name = _CONTROL.sub(" ", attachment.name).encode("utf-8", "replace").decode().strip() or "bilaga"
        body.add_attachment(attachment.content, maintype=main, subtype=sub, filename=name)
    # Boundaries of our own, so that a mail sent again is the same mail.
    seed = hashlib.sha256(message.external_id.encode("utf-8", "replace")).hexdigest()[:24]
    for number, part in enumerate(body.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_lokbot_{seed}_{number}")
    return body


def _content_type(declared: str) -> tuple[str, str]:
    match = _CONTENT_TYPE.fullmatch(declared)
    # A message or multipart may not be base64 (RFC 2045 6.4), so they travel as the bytes that they are.
    if match is None or match[1].lower() in ("message", "multipart"):
        return "application", "octet-stream"
    return match[1].lower(), match[2].lower()


def _lines(text: str) -> str:
    return re.sub(r"\r\n?", "\n", text).encode("utf-8", "replace").decode()


def _line(name: str, value: str) -> str:
    return f"{name}: {value}\r\n"


def _text(name: str, value: str) -> str:
    return _line(name, _encoded(_CONTROL.sub(" ", value).strip(), after=name))


def _encoded(value: str, *, after: str) -> str:
    """``value`` folded, and in the encoded words of RFC 2047 where it is not short plain ASCII words."""
    value = value.encode("utf-8", "replace").decode()
    is_plain = value.isascii() and "=?" not in value and all(len(word) <= 60 for word in value.split())
    header = Header(value, "us-ascii" if is_plain else "utf-8", header_name=after)
    return header.encode(linesep="\r\n")


def _addresses(name: str, addresses: Iterable[Address]) -> str:
    return _line(name, ",\r\n ".join(_address(address) for address in addresses))


def _address(address: Address) -> str:
    email = _wire_address(address.email)
    name = _CONTROL.sub(" ", address.name).strip()[:_LONGEST_NAME]
    if not name:
        return email
    if name.isascii() and "=?" not in name:
        return f'"{quote(name)}" <{email}>'
    return f"{_encoded(name, after='To')} <{email}>"


def _wire_address(email: str) -> str:
    """``email`` as SMTP can carry it: one plain address, its domain in ASCII (IDNA)."""
    if len(email) > 254 or not _ADDRESS.fullmatch(email):
        raise ChannelError("Not an address that mail can be sent to.", permanent=True)
    local, _, domain = email.rpartition("@")
    try:
        # A local part outside ASCII needs SMTPUTF8 (RFC 6531) in every server on the way, which none can promise.
        return f"{local.encode('ascii').decode()}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise ChannelError("The address has characters that mail cannot carry.", permanent=True) from error


def _message_ids(name: str, ids: Sequence[str]) -> str:
    return _line(name, "\r\n ".join(f"<{one}>" for one in ids))


def _known_ids(ids: Iterable[str]) -> list[str]:
    """Those that can stand in a header; strangers write anything into theirs."""
    return [one for one in ids if len(one) <= _LONGEST_ID and _MESSAGE_ID.fullmatch(one)]


def _references(message: OutgoingMessage) -> list[str]:
    ids = list(dict.fromkeys(_known_ids([*message.references, message.in_reply_to or ""])))
    return ids if len(ids) <= _MOST_REFERENCES else [ids[0], *ids[1 - _MOST_REFERENCES :]]
