"""How long one hostile or merely huge mail takes: 3 MB of every kind we could think of, worst first.

Each must be parsed within half a second of CPU (the bar); the aim is half of that. Many are bait for one pattern:
a text that begins to match at every place, or that can be read in many ways.
Run: ``python -m benchmarks.mail_bounds [PART OF A NAME]``
"""

from __future__ import annotations

import base64
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from lokbot.channels import mime

SIZE = 3_000_000
BAR = 0.5
NOW = datetime(2025, 2, 3, 15, 2, 30, tzinfo=UTC)

HEAD = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\nMessage-ID: <1@example.org>\r\n"
PLAIN = HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
HTML = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n<html><body>"
MACHINE = HEAD.replace(b"a@example.org", b"MAILER-DAEMON@example.org")
SENTENCE = "Vi är en förening som vill söka bidrag för vår verksamhet i Ödåkra.\n"


def filled(unit: str | bytes, size: int | None = None) -> bytes:
    """``unit`` again and again, ``size`` bytes in all; ``{}`` in a text is a running number."""
    size = SIZE if size is None else size
    if isinstance(unit, str) and "{}" in unit:
        numbered = []
        length = number = 0
        while length < size:
            numbered.append(unit.replace("{}", str(number)).encode())
            length += len(numbered[-1])
            number += 1
        return b"".join(numbered)[:size]
    data = unit.encode() if isinstance(unit, str) else unit
    return (data * (size // len(data) + 1))[:size]


def soup(alphabet: str) -> bytes:
    """Pieces of ``alphabet`` (separated by spaces, ``_`` is a space) in a random order, the same one every time."""
    pieces = [piece.replace("_", " ").replace("\\n", "\n") for piece in alphabet.split(" ")]
    chance = random.Random(4)
    return filled("".join(chance.choices(pieces, k=40_000)))


def in_field(name: str, value: bytes) -> bytes:
    return name.encode() + b": " + value + b"\r\n" + HEAD + b"\r\nHej!\r\n"


def multipart(body: bytes, boundary: bytes = b"b", subtype: bytes = b"mixed") -> bytes:
    return HEAD + b"Content-Type: multipart/" + subtype + b'; boundary="' + boundary + b'"\r\n\r\n' + body


def nested_multiparts(depth: int) -> bytes:
    heads = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(depth))
    return HEAD + heads + b"\r\n" + filled(SENTENCE, SIZE - len(heads))


# What Word writes around every paragraph and cell.
_WORD_STYLE = (
    "<style><!-- /* Font Definitions */ @font-face {font-family:Calibri; panose-1:2 15 5 2 2 2 4 3 2 4;} "
    'p.MsoNormal, li.MsoNormal {margin:0cm; font-size:11.0pt; font-family:"Calibri",sans-serif;} --></style>'
)
_WORD_ROW = (
    "<tr style='mso-yfti-irow:{};height:15.0pt'><td width=64 nowrap valign=bottom style='width:48.0pt;border:solid "
    "windowtext 1.0pt;border-left:none;padding:0cm 3.5pt 0cm 3.5pt;height:15.0pt'><p class=MsoNormal><span "
    "style='font-size:11.0pt;font-family:\"Calibri\",sans-serif;color:black;mso-fareast-language:SV'>Belopp {}<o:p>"
    "</o:p></span></p></td></tr>\n"
)
_DENSE_ROW = "<tr><td>{}</td><td><p>a</p></td><td><b>Belopp</b></td></tr>"
_LINK_ROW = (
    "<tr><td class=MsoNormal style='padding:0cm 5.4pt'><p>Förening {}</p></td>"
    '<td><b>Belopp</b> <a href="https://example.org/{}">länk</a></td></tr>\n'
)

KINDS: dict[str, Callable[[], bytes]] = {
    # ---- HTML
    "html: table with links": lambda: HTML + b"<table>" + filled(_LINK_ROW),
    "html: dense table": lambda: HTML + b"<table>" + filled(_DENSE_ROW),
    "html: Word table": lambda: HTML + _WORD_STYLE.encode() + b"<table>" + filled(_WORD_ROW),
    "html: nothing but styles": lambda: HTML + filled(_WORD_STYLE),
    "html: one style": lambda: HTML + b"<style>" + filled("p.a{} { margin:0cm; color:black }\n"),
    "html: nested div": lambda: HTML + filled("<div>"),
    "html: nested div and closed": lambda: HTML + filled("<div>", SIZE // 2) + filled("</div>", SIZE // 2),
    "html: nested blockquote": lambda: HTML + filled("<blockquote type=cite>"),
    "html: nested quotes with words": lambda: HTML + filled('<div class="gmail_quote"><blockquote type=cite>a<br>'),
    "html: nested spans, hidden": lambda: HTML + filled('<span style="display:none">a'),
    "html: nested tables": lambda: HTML + filled("<table><tr><td>a"),
    "html: nested lists": lambda: HTML + filled("<ul><li>a"),
    "html: end tags alone": lambda: HTML + filled("</a></p></blockquote></td>"),
    "html: links without end": lambda: HTML + filled('<a href="http://x.example/{}">a'),
    "html: one link each": lambda: HTML + filled('<a href="http://x.example/{}">a</a>'),
    "html: links in links": lambda: HTML + filled("<a href=http://x>", SIZE // 2) + filled("</a>", SIZE // 2),
    "html: br": lambda: HTML + filled("<br>"),
    "html: br and letters": lambda: HTML + filled("a<br>"),
    "html: bold letters": lambda: HTML + filled("<b>a</b>"),
    "html: cells alone": lambda: HTML + filled("<td>"),
    "html: pre": lambda: HTML + b"<pre>" + filled("a\n"),
    "html: pre in pre": lambda: HTML + filled("<pre>a\n"),
    "html: less-than": lambda: HTML + filled("<"),
    "html: less-than and letter": lambda: HTML + filled("<a"),
    "html: less-than, spaces": lambda: HTML + filled("< "),
    "html: open attribute": lambda: HTML + filled('<a b="c'),
    "html: attributes without end": lambda: HTML + b"<a " + filled("b=c "),
    "html: quotes in an open tag": lambda: HTML + filled("<a \"'"),
    "html: open comments": lambda: HTML + filled("<!--"),
    "html: half comments": lambda: HTML + filled("<!-- --"),
    "html: comments": lambda: HTML + filled("<!-- a -->"),
    "html: declarations": lambda: HTML + filled("<!a"),
    "html: open scripts": lambda: HTML + filled("<script "),
    "html: scripts unclosed": lambda: HTML + filled("<script></style>"),
    "html: styles cut off": lambda: HTML + filled("<style>a</style"),
    "html: xml islands": lambda: HTML + filled("<xml>a</xml>"),
    "html: titles half closed": lambda: HTML + filled("<title></titl"),
    "html: entities": lambda: HTML + filled("&aring;"),
    "html: ampersands": lambda: HTML + filled("&"),
    "html: ampersands with letters": lambda: HTML + filled("&a"),
    "html: number signs": lambda: HTML + filled("&#"),
    "html: long entity numbers": lambda: HTML + filled("&#99999999999999999999;"),
    "html: white space": lambda: HTML + filled(" \n"),
    "html: white space and tags": lambda: HTML + filled(" <b> </b>"),
    "html: different attributes": lambda: HTML + filled("<p style='margin:{}pt'>a"),
    "html: hidden bait": lambda: HTML + filled('<p style="display         :">'),
    "html: href bait": lambda: HTML + b"<a " + filled("href "),
    "html: href spaces": lambda: HTML + b"<a href" + filled(" "),
    "html: one huge word": lambda: HTML + filled("a"),
    "html: no line ends": lambda: HTML + filled(SENTENCE.replace("\n", " ")),
    "html: tag soup": lambda: (
        HTML
        + soup(
            "< > </ <p> <td> <a_ href= \" ' <blockquote> </blockquote> <!-- --> <style> </style> &amp; a _ \\n <li> =3D"
        )
    ),
    "html: history marks": lambda: HTML + filled('<div id="divRplyFwdMsg">a</div>'),
    "html: signatures": lambda: HTML + filled('<div id="Signature">a</div>'),
    "html: cite introduced": lambda: HTML + filled("<div>a@b.example 10:15:</div><blockquote>a</blockquote>"),
    "html: quoted-printable": lambda: (
        HEAD
        + b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + filled('<td class=3D"x">F=C3=B6rening</td>=\r\n')
    ),
    # ---- plain text
    "text: sentences": lambda: PLAIN + filled(SENTENCE),
    "text: sentences in Latin-1": lambda: HEAD + b"\r\n" + filled(SENTENCE.encode("latin-1")),
    "text: Cyrillic without charset": lambda: HEAD + b"\r\n" + filled("Здравствуйте, мы общество.\n".encode("cp1251")),
    "text: one huge line": lambda: PLAIN + filled("ord "),
    "text: one huge word": lambda: PLAIN + filled("a"),
    "text: line ends": lambda: PLAIN + filled("\n"),
    "text: spaces": lambda: PLAIN + filled(" "),
    "text: spaces, then a word a line": lambda: PLAIN + filled(" " * 998 + "a\n"),
    "text: bare CR": lambda: PLAIN.replace(b"\r\n", b"\r") + filled("a\r"),
    "text: all quoted": lambda: PLAIN + filled("> " + SENTENCE),
    "text: quote levels": lambda: PLAIN + b"".join(b">" * min(i, 900) + b" a\n" for i in range(4_000))[:SIZE],
    "text: quote signs": lambda: PLAIN + filled(">"),
    "text: quote, answer, quote": lambda: PLAIN + filled("> fråga?\nja\n"),
    "text: Mvh blocks": lambda: PLAIN + filled("Hej!\n\nMvh\nAnna Ek\n\n"),
    "text: quotes and Mvh": lambda: (
        PLAIN + filled("Hej!\n\nMvh\nAnna\n\nDen 3 feb. 2025 kl. 10:15 skrev X <a@b>:\n> a\n")
    ),
    "text: introductions": lambda: PLAIN + filled("Den 3 feb. 2025 kl. 10:15 skrev X <a@b.example>:\n"),
    "text: half introductions": lambda: PLAIN + filled("Den 3 feb. 2025 kl. 10:15 X\n"),
    "text: colons": lambda: PLAIN + filled("den 3 feb. 2025 kl 10:15:\n"),
    "text: wrote": lambda: PLAIN + filled("wrote "),
    "text: wrote in lines": lambda: PLAIN + filled("wrote " * 80 + ":\n"),
    "text: name bait": lambda: PLAIN + filled("A via " * 80 + "skrev 1:\n> a\n"),
    "text: header rows": lambda: PLAIN + filled("Från: a\nTill: b\n"),
    "text: From rows": lambda: PLAIN + filled("Från: a@b.example\n"),
    "text: label bait": lambda: PLAIN + filled("Från (((((((((\n"),
    "text: separators": lambda: PLAIN + filled("-----Ursprungligt meddelande-----\n"),
    "text: hyphens": lambda: PLAIN + filled("-"),
    "text: hyphens in lines": lambda: PLAIN + filled("-" * 900 + "a\n"),
    "text: underscores in lines": lambda: PLAIN + filled("_" * 900 + ":\n"),
    "text: forwarded bait": lambda: PLAIN + filled("--- vidarebefordrat meddelande från " * 12 + "\n"),
    "text: GroupWise bait": lambda: PLAIN + filled(">>> a 10:1\n"),
    "text: Lotus bait": lambda: PLAIN + filled("--- a wrote wrote wrote wrote -\n"),
    "text: Yahoo bait": lambda: PLAIN + filled("Den " + "<a@b" * 200 + "\n"),
    "text: dates with mailboxes": lambda: PLAIN + filled("2025-02-03 10:15" + "<a@b" * 100 + ">\n"),
    "text: sent from": lambda: PLAIN + filled("Skickat från " + "min " * 40 + "\n"),
    "text: sent bait": lambda: PLAIN + filled("skickat " * 24 + "\n"),
    "text: closings": lambda: PLAIN + filled("Vänliga och glada och varma och goda och fina och trevliga och "),
    "text: adjectives in lines": lambda: PLAIN + filled("med " + "vänliga och " * 15 + "\n"),
    "text: regards in lines": lambda: PLAIN + filled("with best kind warm best kind warm best kind warm best\n"),
    "text: slash names and questions": lambda: PLAIN + filled("/Anna\nhej jag undrar om vi kan få detta?\n\n"),
    "text: closing tails": lambda: PLAIN + filled("Hej. Mvh Anna\n\nhej jag undrar om vi kan få detta?\n\n"),
    "text: ruled wrote": lambda: PLAIN + filled("--- a wrote wrote wrote wrote wrote wrote wrote wrote b--\n"),
    "text: slash names": lambda: PLAIN + filled("/Anna " * 30 + "?\n"),
    "text: telephone numbers": lambda: PLAIN + filled("0 1-2/3(4)5 6 7-8/9 "),
    "text: telephone block": lambda: PLAIN + b"Hej!\n\nMvh\n\n" + filled("0000000 "),
    "text: at signs": lambda: PLAIN + filled("@"),
    "text: mailboxes": lambda: PLAIN + filled("a@b.c "),
    "text: half mailboxes": lambda: PLAIN + filled("a." * 100 + "@ "),
    "text: times": lambda: PLAIN + filled("10:15 "),
    "text: names block": lambda: PLAIN + filled("Hej!\n\nAnna Ek\nTel 042-10 50 00\n\n"),
    "text: banner bait": lambda: PLAIN + filled("extern avsändare "),
    "text: answers below bait": lambda: PLAIN + filled("svar kommentar answer\nFrån: a\nSkickat: b\n"),
    "text: afterthoughts": lambda: PLAIN + b"Hej!\n\nMvh\n\n" + filled("PS. vi har en fråga?\n\n"),
    "text: delimiters": lambda: PLAIN + filled("--\na\n"),
    "text: list rules": lambda: PLAIN + filled("_" * 30 + "\na\n"),
    "text: leftover =20": lambda: PLAIN + filled("a=20\n"),
    "text: flowed": lambda: PLAIN.replace(b"utf-8", b"utf-8; format=flowed") + filled("ord ord \n"),
    "text: flowed quotes": lambda: (
        PLAIN.replace(b"utf-8", b"utf-8; format=flowed; delsp=yes") + filled("> ord \n>> a \n")
    ),
    "text: enriched": lambda: PLAIN.replace(b"plain", b"enriched") + filled("<bold>a</bold><param>"),
    "text: enriched bait": lambda: PLAIN.replace(b"plain", b"enriched") + filled("<a"),
    "text: NUL": lambda: PLAIN + filled("\x00a"),
    "text: invisible": lambda: PLAIN + filled("a\u200b"),
    "text: form feeds": lambda: PLAIN + filled("a\f"),
    "text: UTF-7": lambda: PLAIN.replace(b"utf-8", b"utf-7") + filled("+AOU-"),
    "text: UTF-16": lambda: PLAIN.replace(b"utf-8", b"utf-16") + filled("å\n".encode("utf-16-le")),
    "text: ISO-2022-JP": lambda: PLAIN.replace(b"utf-8", b"iso-2022-jp") + filled("協会の方\n".encode("iso2022_jp")),
    "text: high bytes": lambda: PLAIN + filled(bytes(range(128, 256))),
    "text: high bytes, unknown": lambda: PLAIN.replace(b"utf-8", b"x-unknown") + filled(bytes(range(128, 256))),
    "text: high bytes as gbk": lambda: PLAIN.replace(b"utf-8", b"gbk") + filled(b"\xff\x80a"),
    "text: random bytes": lambda: PLAIN + random.Random(4).randbytes(SIZE),
    "text: random bytes, no head": lambda: random.Random(4).randbytes(SIZE),
    "text: word soup": lambda: (
        PLAIN
        + soup(
            "Den_ 3_ feb 10:15 _skrev_ : <a@b.c> \\n \\n\\n >_ Mvh\\n Från:_ Skickat:_ Ämne:_ -- /Anna 070-1 Anna_Ek ?"
        )
    ),
    # ---- quoted-printable, base64, uuencode
    "encoded: quoted-printable": lambda: (
        HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + filled("F=C3=B6rening=20=\r\n")
    ),
    "encoded: equal signs": lambda: HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + filled("="),
    "encoded: equal signs, undeclared": lambda: HEAD + b"\r\n" + filled("=\n"),
    "encoded: traces, undeclared": lambda: HEAD + b"\r\n" + filled("=C3=B6=20\n"),
    "encoded: base64 text": lambda: (
        HEAD
        + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(filled(SENTENCE, SIZE * 3 // 4))
    ),
    "encoded: base64 html": lambda: (
        HEAD
        + b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(filled(_DENSE_ROW, SIZE * 3 // 4))
    ),
    "encoded: base64 with padding everywhere": lambda: (
        HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + filled("SGVq=\n")
    ),
    "encoded: base64, single letters": lambda: HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + filled("A="),
    "encoded: base64 scan": lambda: multipart(
        b"--b\r\n\r\nHej\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(random.Random(4).randbytes(SIZE * 3 // 4))
    ),
    "encoded: uuencode": lambda: (
        HEAD + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a.txt\n" + filled("#2&5J\n")
    ),
    "encoded: uuencode begins": lambda: HEAD + b"Content-Transfer-Encoding: x-uuencode\r\n\r\n" + filled("begin 644 a"),
    # ---- the head
    "head: addresses in To": lambda: in_field("To", filled("Anna Ek <anna{}@example.org>,\r\n ")),
    "head: short addresses in To": lambda: in_field("To", b",".join(b"a%d@b.se" % i for i in range(100_000))),
    "head: many To fields": lambda: b"".join(b"To: a%d@b.se\r\n" % i for i in range(100_000)) + HEAD + b"\r\nHej",
    "head: thirty To fields": lambda: (b"To: " + filled("a{}@b.se,", SIZE // 30) + b"\r\n") * 30 + HEAD + b"\r\nHej",
    "head: many unknown fields": lambda: b"".join(b"X-%d: a\r\n" % i for i in range(200_000)) + HEAD + b"\r\nHej",
    "head: short fields": lambda: filled("a:\n") + HEAD + b"\r\nHej",
    "head: references": lambda: in_field("References", filled("<{}@example.org>\r\n ")),
    "head: references in many fields": lambda: filled("References: <{}@example.org>\r\n") + HEAD + b"\r\nHej",
    "head: references without brackets": lambda: in_field("References", filled("{}@example.org ")),
    "head: ids, at signs": lambda: in_field("In-Reply-To", filled("a@")),
    "head: one huge subject": lambda: in_field("Subject", filled("ord ")),
    "head: folded subject": lambda: in_field("Subject", filled("a\r\n ")),
    "head: encoded words": lambda: in_field("Subject", filled("=?utf-8?Q?F=C3=B6r?= ")),
    "head: encoded words in From": lambda: in_field("From", filled("=?utf-8?Q?F=C3=B6r?= <a@b>, ")),
    "head: encoded words, one letter": lambda: in_field("Subject", filled("=?x?q?a?=")),
    "head: encoded words, alternating": lambda: in_field("Subject", filled("=?utf-8?q?a?= =?latin1?b?YQ==?= ")),
    "head: encoded word bait": lambda: in_field("Subject", filled("=?")),
    "head: encoded word bait, open": lambda: in_field("Subject", filled("=?utf-8?q?")),
    "head: encoded word bait, charset": lambda: in_field("Subject", filled("=?a*b")),
    "head: encoded words everywhere": lambda: filled("To: =?utf-8?q?=C3=A5?= <a{}@b.se>\r\n") + HEAD + b"\r\nHej",
    "head: brackets": lambda: in_field("From", filled("<")),
    "head: parentheses": lambda: in_field("From", filled("(")),
    "head: quotation marks": lambda: in_field("From", filled('"')),
    "head: backslashes": lambda: in_field("From", b'"' + filled("\\")),
    "head: commas": lambda: in_field("From", filled("a,")),
    "head: semicolons": lambda: in_field("To", filled(";")),
    "head: groups": lambda: in_field("To", filled("g{}: a@b.se;")),
    "head: at signs": lambda: in_field("From", filled("@")),
    "head: parameters": lambda: in_field("Content-Type", b"text/plain; " + filled("a{}=b; ")),
    "head: parameter sections": lambda: in_field("Content-Type", b"text/plain; " + filled("name*{}=b; ")),
    "head: parameter sections, encoded": lambda: in_field(
        "Content-Disposition", b"attachment; " + filled("filename*{}*=%C3%A5; ")
    ),
    "head: parameter quotation marks": lambda: in_field("Content-Type", b'text/plain; a="' + filled('\\"')),
    "head: parameter bait": lambda: in_field("Content-Type", b"text/plain; " + filled("a")),
    "head: parameter spaces": lambda: in_field("Content-Type", b"text/plain; a" + filled(" ")),
    "head: spaces": lambda: in_field("Subject", filled(" ")),
    "head: spaces before the colon": lambda: b"Subject" + filled(" ") + b"\r\n" + HEAD + b"\r\nHej",
    "head: stray lines": lambda: HEAD + filled("a b c\r\n") + b"X: y\r\n\r\nHej",
    "head: stray line between fields": lambda: filled("a b c\r\nX: y\r\n") + HEAD + b"\r\nHej",
    "head: mbox lines": lambda: filled("From x\n") + HEAD + b"\r\nHej",
    "head: empty lines first": lambda: filled("\r\n") + HEAD + b"\r\nHej",
    "head: auto-submitted": lambda: in_field("Auto-Submitted", filled("auto ")),
    "head: received": lambda: (
        filled("Received: from a (b [192.0.2.1])\r\n\tby c; Mon, 3 Feb 2025 10:00:00 +0100\r\n") + HEAD + b"\r\nHej"
    ),
    "head: authentication results": lambda: (
        filled("Authentication-Results: mx.example; dmarc=pass header.from=a.example;\r\n") + HEAD + b"\r\nHej"
    ),
    "head: date": lambda: in_field("Date", filled("Mon, 3 Feb ")),
    "head: Latin-1 subject": lambda: in_field("Subject", filled("Förening ".encode("latin-1"))),
    # ---- parts
    "parts: thousands": lambda: multipart(filled("--b\r\n\r\na\r\n")),
    "parts: thousands of html": lambda: multipart(filled("--b\r\nContent-Type: text/html\r\n\r\n<p>a\r\n")),
    "parts: thousands in unknown charsets": lambda: multipart(
        filled(b"--b\r\nContent-Type: text/plain; charset=x\r\n\r\n" + "Привет общество".encode("cp1251") + b"\r\n")
    ),
    "parts: thousands of messages": lambda: multipart(
        filled("--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\nb\r\n")
    ),
    "parts: thousands of signed parts": lambda: multipart(
        filled("--b\r\nContent-Type: application/pkcs7-mime\r\n\r\n0\x80\x06\x09*\x86\r\n")
    ),
    "parts: thousands of zips": lambda: multipart(
        filled(b"--b\r\nContent-Type: application/zip\r\n\r\nPK\x03\x04" + b"PK\x05\x06" * 20 + b"\r\n")
    ),
    "parts: long heads": lambda: multipart((b"--b\r\n" + filled("a:\n", SIZE // 1_000) + b"\r\nb\r\n") * 1_000),
    "parts: long parameters": lambda: multipart(
        (b"--b\r\nContent-Type: text/plain; " + filled("name*{}*=%C3%A5; ", SIZE // 1_000) + b"\r\n\r\nb\r\n") * 1_000
    ),
    "parts: messages with long heads": lambda: multipart(
        (b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + filled("a:\n", SIZE // 1_000) + b"\r\nb\r\n") * 1_000
    ),
    "parts: nested 1,000 deep": lambda: nested_multiparts(1_000),
    "parts: nested 20,000 deep": lambda: nested_multiparts(20_000),
    "parts: alternatives": lambda: multipart(
        filled("--b\r\nContent-Type: text/plain\r\n\r\na\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>a\r\n"),
        subtype=b"alternative",
    ),
    "parts: lines that begin like a boundary": lambda: multipart(filled("--ba\r\n")),
    "parts: closing lines": lambda: multipart(filled("--b--\r\n")),
    "parts: one endless boundary line": lambda: multipart(b"--" + filled("b")),
    "parts: huge boundary": lambda: multipart(filled("--" + "b" * 300 + "\r\n"), boundary=b"b" * 300),
    "parts: a hundred tables": lambda: multipart(
        (b"--b\r\nContent-Type: text/html\r\n\r\n<table>" + filled(_DENSE_ROW, SIZE // 100) + b"\r\n") * 100
    ),
    "parts: digest": lambda: multipart(filled("--b\r\n\r\nSubject: a\r\n\r\nb\r\n"), subtype=b"digest"),
    # ---- machines
    "machine: words of failure": lambda: MACHINE + b"\r\n" + filled("could not be delivered 550 5.1.1 a@b.example\n"),
    "machine: status part": lambda: multipart(
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        + filled("Final-Recipient: rfc822; a{}@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"),
        subtype=b"report; report-type=delivery-status",
    ),
    "machine: status of one block": lambda: multipart(
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n" + filled("A: b\r\n"),
        subtype=b"report; report-type=delivery-status",
    ),
    "machine: empty status blocks": lambda: multipart(
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n" + filled("\n \n"),
        subtype=b"report; report-type=delivery-status",
    ),
    "machine: addresses": lambda: MACHINE + b"\r\nundeliverable\n" + filled("a.b-c+d@e.example.org "),
    "machine: address bait": lambda: MACHINE + b"\r\nundeliverable\n" + filled("a.b.c.d.e."),
    "machine: one long address": lambda: MACHINE + b"\r\nundeliverable\n" + filled("a@" + "b." * 500),
    "machine: codes": lambda: MACHINE + b"\r\nundeliverable\n" + filled("5.1.1.1 550.4 4.2.2.2 "),
    "machine: message ids": lambda: MACHINE + b"\r\nundeliverable\n" + filled("message-id: <\n"),
    "machine: original below": lambda: MACHINE + b"\r\nundeliverable\n" + filled("message message message follow "),
    "machine: receipt bait": lambda: HEAD.replace(b"x\r\n", b"Read: x\r\n", 1) + b"\r\n" + filled("message "),
    "machine: autosvar bait": lambda: (
        HEAD.replace(b"x\r\n", b"Semester\r\nX-Auto-Response-Suppress: All\r\n", 1)
        + b"\r\n"
        + filled("jag är på jag är ")
    ),
    "machine: calendar": lambda: (
        HEAD + b"Content-Type: text/calendar\r\n\r\n" + filled("BEGIN:VCALENDAR\r\nMETHOD\r\n")
    ),
    "machine: winmail": lambda: (
        HEAD
        + b"Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22\x01\x00"
        + filled(b"\x02\x05\x90\x06\x00\x10\x00\x00\x00" + b"\x01\x00\x00\x00" * 4 + b"\x00\x00")
    ),
    "machine: winmail, empty attributes": lambda: (
        HEAD
        + b"Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22\x01\x00"
        + filled(b"\x02\x02\x90\x06\x00\x00\x00\x00\x00\x00\x00")
    ),
    # ---- S/MIME
    "smime: nested without end": lambda: (
        HEAD + b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n" + filled(b"\x30\x80")
    ),
    "smime: many short strings": lambda: (
        HEAD
        + b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n"
        + b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80"
        + b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80\x24\x80"
        + filled(b"\x04\x01a")
    ),
}


def seconds(raw: bytes, limit: float = BAR / 2) -> float:
    """CPU seconds for one mail: the best of up to three tries, one where it is quick enough anyway."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        mime.parse(raw, received_at=NOW)
        best = min(best, time.process_time() - start)
        if best < limit:
            break
    return best


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    took = {}
    for name, make in KINDS.items():
        if wanted in name:
            raw = make()
            took[name] = (seconds(raw), len(raw))
    for name, (second, size) in sorted(took.items(), key=lambda one: -one[1][0])[:25]:
        print(f"{second:6.3f} s  {size / 1e6:.1f} MB  {name}")
    worst = max(second for second, _ in took.values())
    print(f"{len(took)} kinds of mail; the worst takes {worst:.3f} s of CPU, the bar is {BAR} s")
    return 0 if worst < BAR else 1


if __name__ == "__main__":
    sys.exit(main())
