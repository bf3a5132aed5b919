"""Compose what the asker reads: from decisions and approved texts to a reply in the shape of DESIGN section 5.

Pure. First line: automatic, from Helsingborgs stad. Then the answers verbatim, each with source and date; then where
the rest went and when somebody answers; then the way to a person and the case number. In a chat an answer is told by
its short text, with buttons under it: was it solved, read more, a person.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import TypeVar

from lokbot.conversation.decision import answer_language
from lokbot.conversation.working_days import SWEDEN, clock_time, loosely_dated, written_out
from lokbot.masking import mask_personal_numbers
from lokbot.model import (
    Administration,
    AdministrationKind,
    Article,
    ArticleText,
    Button,
    ChannelName,
    Decision,
    Knowledge,
    Outcome,
    Reply,
)

T = TypeVar("T")

QUOTE_LENGTH = 140

_REPLY_PREFIX = re.compile(r"^\s*(sv|re|aw|vs|ref)\s*(\[\d+\])?\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """What a reply needs beside the decisions. ``answer_by`` is the latest day a person answers, if one is to.

    ``ends_by_choice`` says that the asker may end the waiting: that an answer which they chose is all they need.
    ``has_personal_number`` and ``has_file`` say of the message that it holds one; ``is_file_left`` that a file of it
    was not taken.
    """

    knowledge: Knowledge
    subject: str
    language: str
    case_number: str
    received_at: datetime
    answer_by: date | None = None
    ends_by_choice: bool = False
    opening: str = "automatic"
    channel: ChannelName = ChannelName.MAIL
    has_personal_number: bool = False
    has_file: bool = False
    is_file_left: bool = False


def compose(telling: Sequence[Decision], rest: Sequence[Decision], context: ReplyContext) -> Reply:
    """One reply for a message: ``telling`` is answered or pointed on, ``rest`` is for a person (maybe nothing).

    With nothing to tell it is a receipt. A message in a language we have no fixed sentences in gets Swedish and
    English, and before both one sentence in its own language and what is translated of the answers.
    """
    language = answer_language(context.language)
    if language is not None:
        text = _body(telling, rest, context, language)
    else:
        swedish, english = (_body(telling, rest, context, each) for each in ("sv", "en"))
        opening, _, body = swedish.partition("\n\n")
        below = context.knowledge.phrases["sv"]["english-below"]
        own = [f"{opening}\n{below}", *_in_their_own(telling, context)]
        text = "\n\n".join((*own, body, "* * *", english))
        language = "sv"
    subject = reply_subject(context.subject, language, empty=context.knowledge.phrases[language]["subject.empty"])
    if context.channel.is_chat:
        return Reply(subject, text, None, language, buttons(telling, rest, context, language))
    return Reply(subject, text, as_html(text, language), language)


def acknowledge(context: ReplyContext) -> Reply | None:
    """What must be said of a message in a chat although its case has a receipt: that its file is kept or could not be
    taken, that a personal number in it is hidden. None where there is nothing of the kind.
    """
    if not (context.has_file or context.has_personal_number):
        return None
    known = answer_language(context.language)
    languages = ("sv", "en") if known is None else (known,)
    text = "\n\n* * *\n\n".join(_acknowledged(context, language) for language in languages)
    return Reply("", text, None, languages[0])


def _acknowledged(context: ReplyContext, language: str) -> str:
    say = context.knowledge.phrases[language]
    blocks = [say["opening.chat"], *_of_files(context, say)]
    if context.has_personal_number:
        blocks.append(say["personal-number"])
    return "\n\n".join((*blocks, say["case"].format(case=context.case_number)))


def _of_files(context: ReplyContext, say: Mapping[str, str]) -> list[str]:
    if not context.has_file or not context.channel.is_chat:
        return []
    return [say["receipt.file-left" if context.is_file_left else "receipt.file"]]


def buttons(
    telling: Sequence[Decision], rest: Sequence[Decision], context: ReplyContext, language: str
) -> tuple[Button, ...]:
    """What may be pressed under a reply in a chat. A person is offered where none answers already."""
    knowledge, say = context.knowledge, context.knowledge.phrases[language]
    named = choices((*telling, *rest), knowledge, language)
    numbered = [Button(name, str(number)) for number, name in _numbered(named)]
    if any(decision.outcome is Outcome.CLARIFY for decision in telling):
        return (*numbered, Button(say["button.none"], "none"), Button(say["button.person"], "person"))
    answers = [decision for decision in telling if decision.outcome is Outcome.ANSWER]
    more = [
        Button(
            say["button.more" if len(answers) == 1 else "button.more.several"].format(number=number), f"more-{number}"
        )
        for number, decision in _numbered(answers)
        if _is_short(decision, knowledge, language)
    ]
    if _is_chosen_meanwhile(telling, context):
        return (Button(say["button.yes"], "yes"), *more)
    if rest or context.answer_by or not telling:
        return (*numbered, *more)
    if not answers:
        return (Button(say["button.person"], "person"),)
    return (Button(say["button.yes"], "yes"), Button(say["button.no"], "no"), *more)


def _numbered(values: Sequence[T]) -> Iterable[tuple[int, T]]:
    return enumerate(values, start=1)


def _is_short(decision: Decision, knowledge: Knowledge, language: str) -> bool:
    """Whether a chat tells less of the answer than there is."""
    text = _text(knowledge.articles[decision.article or ""], decision, language)
    return bool(text.short) and decision.reason != "more" and text.short.strip() != text.answer.strip()


def _in_their_own(telling: Sequence[Decision], context: ReplyContext) -> list[str]:
    """The fixed sentence in the asker's language, if there is one, and what of the answers is translated."""
    phrases = context.knowledge.phrases.get(context.language, {})
    line = phrases.get("other-language.line")
    texts = [
        text.answer.strip()
        for decision in telling
        if decision.outcome is Outcome.ANSWER
        and decision.language == context.language
        and (text := context.knowledge.articles[decision.article or ""].text(context.language))
    ]
    return [*([line] if line else []), *texts]


def reply_subject(subject: str, language: str, *, empty: str = "") -> str:
    """The asker's subject kept, with ``SV:`` (``Re:`` in English) once; ``empty`` where there was none."""
    subject = " ".join(subject.split()) or empty
    if _REPLY_PREFIX.match(subject):
        return subject
    return f"{'Re' if language == 'en' else 'SV'}: {subject}".rstrip()


def as_html(text: str, language: str) -> str:
    """A simple, accessible alternative to ``text``: paragraphs, lists and links, nothing else."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        for kind, lines in groupby(block.split("\n"), key=_line_kind):
            blocks.append(_LAYOUT[kind](list(lines)))
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"></head>'
        '<body style="font-family:Roboto,Arial,sans-serif;font-size:16px;line-height:1.5;color:#2d2d2d">'
        + "".join(blocks)
        + "</body></html>"
    )


def _line_kind(line: str) -> str:
    if line.strip() == "* * *":
        return "rule"
    if line.startswith("- "):
        return "bullets"
    return "numbers" if re.match(r"\d+\. ", line) else "text"


def _items(lines: Sequence[str]) -> str:
    return "".join(f"<li>{_inline(line.split(' ', 1)[1])}</li>" for line in lines)


_LAYOUT: Mapping[str, Callable[[Sequence[str]], str]] = {
    "rule": lambda _: "<hr>",
    "bullets": lambda lines: f"<ul>{_items(lines)}</ul>",
    "numbers": lambda lines: f"<ol>{_items(lines)}</ol>",
    "text": lambda lines: "<p>" + "<br>".join(_inline(line) for line in lines) + "</p>",
}


def _inline(text: str) -> str:
    parts = re.split(r"(https://[^\s<>\"]*[^\s<>\".,;:!?)\]'’”»])", text)
    return "".join(
        f'<a href="{html.escape(part)}">{html.escape(part)}</a>' if index % 2 else html.escape(part, quote=False)
        for index, part in enumerate(parts)
    )


def _body(telling: Sequence[Decision], rest: Sequence[Decision], context: ReplyContext, language: str) -> str:
    say = context.knowledge.phrases[language]
    door = "chat" if context.channel.is_chat else "mail"
    is_short_opening = context.channel.is_chat and context.opening == "automatic"
    blocks = [say["opening.chat" if is_short_opening else f"opening.{context.opening}"]]
    if any(_is_draft(decision, context.knowledge) for decision in telling):
        blocks.append(say["draft"])
    is_one_of_several = len(telling) + len(rest) > 1
    for number, decision in enumerate(telling, start=1):
        if is_one_of_several:
            blocks.append(say["question"].format(number=number, question=quoted(decision.question.text)))
        blocks.extend(_told(decision, context, language))
    blocks.extend(_receipt(telling, rest, context, language))
    if context.has_personal_number:
        blocks.append(say["personal-number"])
    blocks.extend(_way_on(telling, rest, context, language, door))
    if door == "mail" or context.answer_by:
        blocks.append(say["case"].format(case=context.case_number))
    return "\n\n".join(blocks)


def _way_on(
    telling: Sequence[Decision], rest: Sequence[Decision], context: ReplyContext, language: str, door: str
) -> list[str]:
    """How to go on: to a person, or by saying more. In a chat an answer asks whether it was one."""
    say = context.knowledge.phrases[language]
    if any(decision.outcome is Outcome.CLARIFY for decision in telling):
        return []
    if context.answer_by and _is_chosen_meanwhile(telling, context):
        return [say[f"offer.solved.{door}"].format(answer_by=written_out(context.answer_by, language))]
    is_answered = any(decision.outcome is Outcome.ANSWER for decision in telling) and not rest
    if door == "chat" and is_answered and not context.answer_by:
        return [say["solved.question"]]
    return [say[f"contact.add.{door}" if context.answer_by else f"contact.{door}"]]


def _told(decision: Decision, context: ReplyContext, language: str) -> list[str]:
    knowledge = context.knowledge
    if decision.outcome is Outcome.CLARIFY:
        say = knowledge.phrases[language]
        how = say["clarify.how.chat" if context.channel.is_chat else "clarify.how.mail"]
        return [say["clarify.which"], "\n".join(choices([decision], knowledge, language)), how]
    if decision.outcome is Outcome.ANSWER:
        article = knowledge.articles[decision.article or ""]
        text = _text(article, decision, language)
        is_short = context.channel.is_chat and _is_short(decision, knowledge, language)
        return [(text.short if is_short else text.answer).strip(), _source(article, knowledge, language)]
    return _pointer(decision, knowledge.administrations[decision.administration or ""], knowledge, language)


def choices(decisions: Iterable[Decision], knowledge: Knowledge, language: str) -> list[str]:
    """What the asker may choose between, numbered through, each in the first wording of its article."""
    articles = [knowledge.articles[choice] for decision in decisions for choice in decision.choices]
    names = [(article.text(language) or article.texts["sv"]).questions[0] for article in articles]
    return [f"{number}. {name}" for number, name in _numbered(names)]


def _text(article: Article, decision: Decision, language: str) -> ArticleText:
    """What is told in a part of the reply that is written in ``language``.

    A question in Swedish or English has its answer in its own language, whatever the reply is in. To the others both
    are told; the English text only where it is as approved as the Swedish one.
    """
    swedish = article.texts["sv"]
    if answer_language(decision.question.language) is not None:
        return article.text(decision.language) or swedish
    told = article.text(language) or swedish
    return swedish if swedish.approved_by and not told.approved_by else told


def _source(article: Article, knowledge: Knowledge, language: str) -> str:
    say = knowledge.phrases[language]
    sources = []
    for source in article.sources:
        title = (
            say["source.dated"].format(title=source.title, date=loosely_dated(source.date, language))
            if source.date
            else source.title
        )
        sources.append(f"{title}, {source.url}" if source.url else title)
    text = say["source"].format(sources="; ".join(sources))
    # A full stop right after an address would be read as a part of it.
    if article.sources and article.sources[-1].url:
        text = text.removesuffix(".")
    if article.as_of is None or article.as_of in {source.date for source in article.sources}:
        return text
    return f"{text}\n{say['as-of'].format(as_of=loosely_dated(article.as_of, language))}"


def _pointer(decision: Decision, owner: Administration, knowledge: Knowledge, language: str) -> list[str]:
    say = knowledge.phrases[language]
    key = "route.outside" if owner.kind is AdministrationKind.OUTSIDE else "route.city"
    whose = say[key].format(name=owner.name.get(language), matters=owner.matters.get(language).rstrip("."))
    words = ", ".join(dict.fromkeys(evidence.detail for evidence in decision.evidence if evidence.detail))
    blocks = [f"{whose} {say['route.because'].format(words=words)}" if words else whose]
    if contact := owner.contact.get(language):
        blocks.append(f"{contact}\n{owner.url}" if owner.url and owner.url not in contact else contact)
    return blocks


def _receipt(telling: Sequence[Decision], rest: Sequence[Decision], context: ReplyContext, language: str) -> list[str]:
    if context.answer_by is None or _is_chosen_meanwhile(telling, context):
        return []
    say = context.knowledge.phrases[language]
    answer_by = written_out(context.answer_by, language)
    arrived = say["receipt.arrived"].format(
        day=written_out(context.received_at.astimezone(SWEDEN).date(), language),
        time=clock_time(context.received_at, language),
    )
    if rest and telling:
        questions = "\n".join(f"- ”{quoted(decision.question.text)}”" for decision in rest)
        blocks = [f"{arrived} {say['receipt.rest'].format(answer_by=answer_by)}", questions]
    else:
        is_urgent = any(decision.is_urgent for decision in rest)
        blocks = [f"{arrived} {say['receipt.urgent' if is_urgent else 'receipt.next'].format(answer_by=answer_by)}"]
    for phrase in _extra_phrases(rest, context.knowledge):
        blocks.append(say[f"receipt.{phrase}"])
    blocks.extend(_of_files(context, say))
    if answer_language(context.language) is None:
        blocks.append(say["receipt.other-language"])
    blocks.extend(_offers((*telling, *rest), context, language))
    has_contact = any(decision.outcome is Outcome.ROUTE for decision in telling)
    return blocks if has_contact else [*blocks, say["receipt.phone"]]


def _is_chosen_meanwhile(telling: Sequence[Decision], context: ReplyContext) -> bool:
    """Whether they have chosen this answer themselves while they wait for a person, and may need nobody any more."""
    return context.ends_by_choice and any(decision.reason == "chosen" for decision in telling)


def _offers(decisions: Sequence[Decision], context: ReplyContext, language: str) -> list[str]:
    """What they may have asked, for whoever is told that a person answers later."""
    say = context.knowledge.phrases[language]
    waiting = [decision for decision in decisions if decision.outcome is not Outcome.CLARIFY]
    offered = choices(waiting, context.knowledge, language)
    if not offered:
        return []
    which = say["offer.which" if len(offered) == 1 else "offer.which.several"]
    how = say["offer.how.chat" if context.channel.is_chat else "offer.how.mail"]
    return [which, "\n".join(offered), how]


def _extra_phrases(decisions: Sequence[Decision], knowledge: Knowledge) -> list[str]:
    intents = {decision.intent for decision in decisions}
    return sorted({intent.phrase for intent in knowledge.intents if intent.id in intents and intent.phrase})


def _is_draft(decision: Decision, knowledge: Knowledge) -> bool:
    if decision.outcome is Outcome.ROUTE:
        return knowledge.administrations[decision.administration or ""].approved_by is None
    if decision.outcome is Outcome.CLARIFY:
        return False  # a question tells nothing
    text = knowledge.articles[decision.article or ""].text(decision.language)
    return text is None or text.approved_by is None


def quoted(text: str) -> str:
    """A question on one line, cut at a word where it is long, without personal numbers."""
    line = " ".join(mask_personal_numbers(text).split())
    if len(line) <= QUOTE_LENGTH:
        return line
    return line[:QUOTE_LENGTH].rsplit(" ", 1)[0] + " …"
