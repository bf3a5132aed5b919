"""An article -> the YAML file that a coordinator reads and edits (``lokbot knowledge export``)."""

from __future__ import annotations

import re
from typing import Any

import yaml

from lokbot.model import Article, ArticleText, Source

# YAML 1.1 (5.4) takes these for line breaks of their own and gives a newline back, and a block text
# cannot hold a carriage return or a tab that opens a line: such texts go within quotes.
UNFIT_FOR_A_BLOCK = re.compile(r"[\x85\u2028\u2029\r\t]| $| \n", re.MULTILINE)


def article_to_yaml(article: Article) -> str:
    """The file's text. Reading it gives the same article again, but for ``version`` and ``revision_id``.

    That holds for every article the loader can give: texts without white space at their ends, in NFC.
    The same article always gives the same text, so that a diff shows what changed and nothing else.
    """
    return dumped(fields_of(article))


def dumped(value: Any, *, flow: bool = False) -> str:
    """A value as files write it: on lines of its own, or with ``flow`` on one line, within brackets."""
    written: str = yaml.dump(
        value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=flow, width=10_000
    )
    return written.rstrip("\n") if flow else written


def fields_of(article: Article) -> dict[str, Any]:
    """The file's fields, in its order."""
    fields: dict[str, Any] = {
        "id": article.id,
        "topic": article.topic,
        "administration": article.administration,
        "responsible": article.responsible,
    }
    if article.as_of is not None:
        fields["as_of"] = article.as_of
    if article.perishable:
        fields["perishable"] = sorted(kind.value for kind in article.perishable)
    fields |= {
        "checked_on": article.checked_on,
        "link_checked_on": article.link_checked_on,
        "review_by": article.review_by,
        "approve_first": article.approve_first,
        "sources": [_source(source) for source in article.sources],
    }
    if article.wordings:
        fields["wordings"] = {language: list(article.wordings[language]) for language in sorted(article.wordings)}
    if article.near_misses:
        fields["near_misses"] = list(article.near_misses)
    # Swedish first, English next, then the others by code.
    for language in sorted(article.texts, key=lambda code: (code != "sv", code != "en", code)):
        fields[language] = _text(article.texts[language])
    return fields


def _source(source: Source) -> dict[str, str]:
    fields = {"title": source.title, "url": source.url, "date": source.date}
    return {name: value for name, value in fields.items() if value is not None}


def _text(text: ArticleText) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "approved_by": text.approved_by,
        "approved_on": text.approved_on,
        "questions": list(text.questions),
        "answer": text.answer + "\n",  # with its line break even one line becomes a block
    }
    if text.short:
        fields["short"] = text.short
    return fields


class _Dumper(yaml.SafeDumper):
    """Lists indented below their field, texts of several lines as blocks, no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if UNFIT_FOR_A_BLOCK.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
