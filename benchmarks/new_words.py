"""How many mails of tests/eml get exactly the right ``new_text``: lokbot beside the libraries that do this job.

Each library gets the mail's decoded text, its best language setting, and may differ in white space. Needs
``pip install mail-parser-reply email-reply-parser quotequail``; a missing one is left out.
Run: ``python -m benchmarks.new_words``
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import yaml

from lokbot.channels import mime, quotes

EML = Path(__file__).parents[1] / "tests" / "eml"
NOW = datetime(2025, 2, 3, 15, 2, 30, tzinfo=UTC)
LANGUAGES = ["sv", "en", "da", "de"]


def mail_parser_reply() -> Callable[[str], str]:
    parser = importlib.import_module("mailparser_reply").EmailReplyParser(languages=LANGUAGES)
    return lambda text: parser.parse_reply(text=text) or ""


def email_reply_parser() -> Callable[[str], str]:
    parser = importlib.import_module("email_reply_parser").EmailReplyParser
    return lambda text: str(parser.parse_reply(text))


def quotequail() -> Callable[[str], str]:
    library = importlib.import_module("quotequail")

    def own(text: str) -> str:
        parts = library.quote(text)
        return "\n".join(part for is_own, part in parts if is_own)

    return own


def main() -> int:
    expected = yaml.safe_load((EML / "expected.yaml").read_text(encoding="utf-8"))
    cases = []
    for name, values in expected.items():
        message = mime.parse((EML / name).read_bytes(), received_at=NOW)
        # What machines write has no new and old words; what cannot be read has none at all.
        if message.text.strip() and not message.automatic.is_automatic:
            cases.append((name, message.text, values["new_text"]))
    tools: dict[str, Callable[[], Callable[[str], str]]] = {
        "lokbot": lambda: quotes.new_words,
        "mail-parser-reply": mail_parser_reply,
        "email-reply-parser": email_reply_parser,
        "quotequail": quotequail,
    }
    print(f"{len(cases)} mails that people wrote")
    for tool, load in tools.items():
        try:
            own_words = load()
        except ImportError:
            print(f"{tool:20} not installed")
            continue
        start = time.process_time()
        right = sum(own_words(text).split() == wanted.split() for _, text, wanted in cases)
        took = time.process_time() - start
        print(f"{tool:20} {right:3} right ({right / len(cases):.0%}), {took / len(cases) * 1000:.2f} ms a mail")
    return 0


if __name__ == "__main__":
    sys.exit(main())
