"""The readable page of an export: one HTML file in plain Swedish, to read on any computer and to print. Pure.

Nothing in it is fetched, run or shown as anything but text: every word from outside is escaped, and a policy in the
page forbids what an oversight might let through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

from lokbot.describing import CHOICES, OUTCOMES, SENDING, STATUSES, WARNINGS, moment
from lokbot.model import OutboxStatus, Outcome

Facts = Mapping[str, Any]

CHANNELS = {"mail": "mejl", "telegram": "Telegram", "webchat": "webbchatt", "phone": "telefon", "visit": "besök"}

KINDS = {
    "reply": "Svar från boten",
    "receipt": "Mottagningsbekräftelse",
    "information": "Vad boten säger om sig själv",
    "answer": "Svar från en samordnare",
    "correction": "Rättelse av ett svar som var fel",
    "forward": "Skickat vidare till förvaltning",
    "notification": "Till samordnarna",
}

VERBS = {
    "received": "meddelande kom in",
    "decided": "boten avgjorde",
    "escalated": "lämnades till en person",
    "took-over": "tog över",
    "handed-back": "lämnade tillbaka",
    "answered": "svarade",
    "released": "skickade förslaget",
    "refused": "drog tillbaka förslaget",
    "assigned": "gav ärendet till en samordnare",
    "reopened": "öppnade ärendet igen",
    "snoozed": "lät ärendet vila",
    "woke": "tog tillbaka ärendet från vilan",
    "logged": "skrev ner ett samtal eller besök",
    "administration-answered": "förvaltningen svarade",
    "returned": "förvaltningen lämnade tillbaka frågan",
    "returned-often": "frågor har lämnats tillbaka flera gånger",
    "told-correction": "skickade en rättelse av ett svar",
    "reviewed": "granskade botens svar",
    "to-steering": "samlade ärendet till styrgruppen",
    "not-to-steering": "tog bort ärendet från styrgruppens möte",
    "forwarded": "skickade vidare",
    "sent": "mejl skickades",
    "could-not-send": "mejl gick inte att skicka, försöks igen",
    "gave-up-sending": "mejl gick inte att skicka",
    "bounced": "mejl kom i retur",
    "resolved": "avslutade",
    "noted": "skrev en anteckning",
    "stopped": "stoppade ett svar",
    "retried": "försökte igen",
    "failed": "meddelande gick inte att hantera",
    "corrected": "rättade botens tolkning",
    "settled-correction": "avgjorde en rättelse",
    "classified": "satte klass eller diarienummer",
    "hidden": "dolde sin chatt",
    "reachable": "Den som skrev sa hur ett svar når fram",
    "copied": "Den som skrev bad om en kopia av chatten med mejl",
    "moved": "flyttade ärendet från chatten till mejl eller telefon",
    "exported": "tog ut ärendet som filer",
    "linked-association": "kopplade avsändaren till en förening",
    "unlinked-association": "tog bort kopplingen till en förening",
    "alarmed": "larmade",
    "breaker": "stoppade automatiska svar",
}

_STYLE = """
body{font:11pt/1.5 Roboto,Arial,sans-serif;color:#2d2d2d;background:#fff}
body{max-width:48rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #767676}h3{font-size:1rem;margin:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1rem;margin:.5rem 0}dt{font-weight:bold}dd{margin:0}
article{border:1px solid #767676;padding:.75rem;margin:1rem 0}.ut{margin-left:2rem}.ej{border-style:dashed}
pre{white-space:pre-wrap;font:inherit;background:#f5f5f5;padding:.5rem;margin:.5rem 0}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;border-bottom:1px solid #ccc;padding:.2rem .5rem .2rem 0}
pre,dd,td,h1{unicode-bidi:plaintext;overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none}h2,h3{break-after:avoid}a{color:inherit;text-decoration:none}}
"""


def page(document: Facts) -> str:
    """The page of ``document``, which is what ``arende.json`` says."""
    title = f"{document['case_number']} {document['subject'] or '(inget ämne)'}"
    exported = document["exported"]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="sv">\n<head>\n<meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width">',
            f"<title>{_e(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
            f"<h1>{_e(title)}</h1>",
            _head(document),
            "<h2>Meddelanden</h2>",
            *_thread(document),
            "<h2>Varför boten gjorde som den gjorde</h2>",
            *([_decision(one) for one in document["decisions"]] or ["<p>Boten har inte avgjort någon fråga.</p>"]),
            "<h2>Händelser</h2>",
            _events(document["events"]),
            f"<p>Uttaget {_when(exported['at'])} av {_e(exported['by'])}. Originalen ligger i mapparna bredvid; "
            "manifest.sha256 har varje fils kontrollsumma.</p>",
            "</main>\n</body>\n</html>\n",
        ]
    )


def _head(document: Facts) -> str:
    contact, association = document["contact"], document["association"]
    return _facts(
        ("Ärendenummer", document["case_number"]),
        ("Diarienummer", document["diary_number"] or "inget"),
        ("Klass", document["record_class_name"]),
        ("Status", STATUSES[document["status"]] + (" (brådskande)" if document["is_urgent"] else "")),
        ("Kom in", _when(document["created_at"])),
        ("Kanal", CHANNELS[document["channel"]]),
        ("Från", f"{contact['name']} <{contact['address']}>".strip()),
        ("Flyttat till", document["moved_to"]),
        ("Nås på", document["reach_by"]),
        ("Förening", association["name"] if association else None),
        ("Ärende hos", document["taken_by"]),
        ("Hör till", document["administration"]),
        ("Rubrik", document["topic"]),
        ("Hör ihop med", ", ".join(filter(None, (document["related_to"], *document["linked_to"])))),
        ("Ihopslaget av", ", ".join((document["case_number"], *document["parts"])) if document["parts"] else None),
    )


def _thread(document: Facts) -> list[str]:
    parts = [(message["received_at"], _message(message)) for message in document["messages"]]
    parts += [(note["at"], _note(note)) for note in document["notes"]]
    parts += [(item["sent_at"] or item["created_at"], _item(item)) for item in document["outgoing"]]
    # Both kinds of time are in UTC and written alike.
    return [text for _, text in sorted(parts, key=lambda part: datetime.fromisoformat(part[0]))]


def _note(note: Facts) -> str:
    title = f"Anteckning av {note['by']}, {_when(note['at'])} (har inte gått till någon)"
    return f"<article>\n<h3>{_e(title)}</h3>\n{_text(note['text'])}\n</article>"


def _message(message: Facts) -> str:
    sender, found = message["from"], message["authentication"]
    checks = ", ".join(f"{key} {found[key]}" for key in ("dmarc", "spf", "dkim") if found.get(key)) if found else None
    automatic = message["automatic"]
    return "\n".join(
        [
            f"<article>\n<h3>{'Internt, från' if message['is_internal'] else 'Kom in från'} "
            f"{_e(sender['name'] or sender['email'] or 'okänd')}, {_when(message['received_at'])}</h3>",
            _facts(
                ("Från", f"{sender['name']} <{sender['email']}>".strip()),
                ("Till", _addresses(message["to"])),
                ("Kopia", _addresses(message["cc"])),
                ("Svar till", _addresses(message["reply_to"])),
                ("Ämne", message["subject"]),
                ("Avsändaren", checks),
                ("Automatiskt", automatic["kind"] if automatic else None),
                ("Varning", "; ".join(WARNINGS[one].sv if one in WARNINGS else one for one in message["warnings"])),
            ),
            _text(message["text"]),
            _attachments(message["attachments"]),
            f"<p>{_link(message['original']['path'], 'Originalet')}</p>\n</article>",
        ]
    )


def _item(item: Facts) -> str:
    status = SENDING[OutboxStatus(item["status"])]
    is_sent = item["status"] == OutboxStatus.SENT
    by = "automatiskt" if item["is_automatic"] else f"av {item['created_by']}"
    return "\n".join(
        [
            f'<article class="ut{"" if is_sent else " ej"}">\n<h3>{_e(KINDS[item["kind"]])}, '
            f"{_when(item['sent_at'] or item['created_at'])} ({_e(status)})</h3>",
            _facts(
                ("Till", _addresses(item["to"])),
                ("Kopia", _addresses(item["cc"])),
                ("Ämne", item["subject"]),
                ("Skrivet", by),
                ("Kom i retur", _when(item["bounced_at"]) if item["bounced_at"] else None),
                ("Fel", item["last_error"]),
            ),
            _text(item["text"]),
            _attachments(item["attachments"]),
            f"<p>{_link(item['original']['path'], 'Originalet')}</p>" if item["original"] else "",
            "</article>",
        ]
    )


def _decision(decision: Facts) -> str:
    version = decision["article_version"]
    approved = version and (
        f"godkänd av {version['approved_by']} {version['approved_on']}" if version["approved_by"] else "ej godkänd"
    )
    return (
        "<article>\n"
        + _facts(
            ("Fråga", " ".join(decision["question"].split()) or "(inga ord)"),
            ("Beslut", OUTCOMES[Outcome(decision["outcome"])]),
            ("Varför", decision["why"] or decision["reason"]),
            ("Regel", decision["rule"]),
            (
                "Artikel",
                f"{decision['article']} ({version['language']}) version {version['version']}, {approved}"
                if version
                else decision["article"],
            ),
            ("Säkerhet", f"{decision['confidence']:.2f}" if decision["article"] else None),
            (CHOICES.get(Outcome(decision["outcome"]), "").capitalize(), ", ".join(decision["choices"] or ())),
            ("Hör till", decision["administration"]),
            ("Rubrik", decision["topic"]),
            (
                "Stöd",
                "; ".join(f"{one['matcher']}: {one['detail']} ({one['score']:.2f})" for one in decision["evidence"]),
            ),
            ("Hölls inne", decision["held_because"]),
            ("Rättat", "; ".join(_correction(one) for one in decision["corrections"])),
        )
        + "\n</article>"
    )


def _correction(one: Facts) -> str:
    said = [value for value in (one["article"], one["topic"], one["administration"]) if value]
    return f"{', '.join(said) or 'inget svar finns'} (av {one['by']} {_when(one['at'])})"


def _events(events: Sequence[Facts]) -> str:
    rows = "\n".join(_event(one) for one in events)
    return f"<table>\n<tr><th>När</th><th>Vem</th><th>Vad</th><th>Mer</th></tr>\n{rows}\n</table>"


def _event(one: Facts) -> str:
    verb: str = one["verb"]
    more = ", ".join(f"{key}: {value}" for key, value in one["detail"].items() if value is not None)
    said = "påminde samordnarna" if verb.startswith("reminded-") else VERBS.get(verb, verb)
    cells = (_when(one["at"]), one["by"], said, more)
    return f"<tr>{''.join(f'<td>{_e(cell)}</td>' for cell in cells)}</tr>"


# ------------------------------------------------------------------ the pieces


def _facts(*facts: tuple[str, str | None]) -> str:
    return "<dl>" + "".join(f"<dt>{_e(name)}</dt><dd>{_e(value)}</dd>" for name, value in facts if value) + "</dl>"


def _attachments(attachments: Sequence[Facts]) -> str:
    if not attachments:
        return ""
    listed = "".join(
        f"<li>{_link(one['path'], one['name'] or one['path'])} ({one['size']} byte)</li>" for one in attachments
    )
    return f"<p>Bilagor:</p>\n<ul>{listed}</ul>"


def _link(path: str, text: str) -> str:
    return f'<a href="{_e(quote(path))}">{_e(text)}</a>'


def _text(text: str) -> str:
    # A line end right after <pre> is not shown.
    return f'<pre dir="auto">\n{_e(text.strip()) or "(ingen text)"}</pre>'


def _addresses(addresses: Iterable[Facts]) -> str:
    return ", ".join(f"{one['name']} <{one['email']}>" if one["name"] else one["email"] for one in addresses)


def _when(at: str | None) -> str:
    return moment(datetime.fromisoformat(at)) if at else ""


def _e(text: str) -> str:
    """Escaped, without the control characters that no HTML may hold."""
    return escape("".join(c for c in text if c in "\n\t" or c.isprintable() or not _is_control(c)))


def _is_control(character: str) -> bool:
    return ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0
