"""The words of the statistics in Swedish and English: names of categories, figures as text, sentences.

Sentences have fixed patterns. Nothing here is about anything that somebody wrote. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from lokbot.model import ASSOCIATION_KINDS, Knowledge, LocalText
from lokbot.statistics import cells

NAMES: Mapping[str, Mapping[str, LocalText]] = {
    "outcome": {
        "bot": LocalText("Boten svarade", "Answered by the bot"),
        "suggestion": LocalText("Botens förslag, skickat av en människa", "The bot's suggestion, sent by a person"),
        "person": LocalText("En människa svarade", "Answered by a person"),
        "pointed": LocalText("Hänvisad eller skickad vidare", "Pointed or sent on"),
        "open": LocalText("Väntar på svar", "Waiting for an answer"),
        "withdrawn": LocalText("Avslutad utan svar", "Closed without an answer"),
    },
    "channel": {
        "mail": LocalText("Mejl", "Mail"),
        "telegram": LocalText("Telegram", "Telegram"),
        "webchat": LocalText("Webbchatt", "Web chat"),
        "phone": LocalText("Telefon", "Telephone"),
        "visit": LocalText("Besök", "Visit"),
    },
    "language": {
        "svenska": LocalText("Svenska", "Swedish"),
        "engelska": LocalText("Engelska", "English"),
        "annat": LocalText("Annat språk", "Another language"),
    },
    "feedback": {
        "yes": LocalText("Svaret hjälpte", "The answer helped"),
        "no": LocalText("Svaret hjälpte inte", "The answer did not help"),
    },
    "verdict": {
        "right": LocalText("Rätt", "Right"),
        "partly": LocalText("Delvis rätt", "Partly right"),
        "wrong": LocalText("Fel", "Wrong"),
    },
    "forwarded": {
        "1": LocalText("Skickade vidare en gång", "Sent on once"),
        "2": LocalText("Skickade vidare flera gånger", "Sent on several times"),
        cells.RETURNED: LocalText("Kom tillbaka: inte deras fråga", "Came back: not their matter"),
    },
    "waiting": {
        "1h": LocalText("inom en arbetstimme", "within one working hour"),
        "4h": LocalText("inom fyra arbetstimmar", "within four working hours"),
        "1d": LocalText("inom en arbetsdag", "within one working day"),
        "2d": LocalText("inom två arbetsdagar", "within two working days"),
        "5d": LocalText("inom fem arbetsdagar", "within five working days"),
        cells.LONGER: LocalText("efter mer än fem arbetsdagar", "after more than five working days"),
    },
    "kind": {
        **ASSOCIATION_KINDS,
        cells.KIND_UNKNOWN: LocalText("Okänd förening", "Association not known"),
        cells.KIND_OTHER: LocalText("Slag inte angivet", "Kind not given"),
    },
}

NONE = LocalText("Ingen angiven", "None given")
OTHERS = LocalText("Övrigt", "Others")
REST = LocalText("Övrigt, som inte kan visas för sig", "Others, which cannot be shown apart")
SOME = LocalText("en del", "some")
NOT_SHOWN = LocalText("visas inte", "not shown")
# Nought and four have to read alike.
SELDOM_SENT = LocalText(
    "Ytterligare {answers} svar skickades så sällan att siffrorna inte visas, eller inte alls. De står på webben.",
    "Further answers, sent so seldom that the figures are not shown, or not at all: {answers}. They stand on the web.",
)
NEVER_SENT = LocalText(
    "Ytterligare {answers} svar skickades inte alls. De står på webben.",
    "Further answers, which were not sent at all: {answers}. They stand on the web.",
)


def name(dimension: str, category: str, knowledge: Knowledge) -> LocalText:
    """What a category is called; the id itself of what is no longer in the knowledge."""
    if not category:
        return NONE
    if dimension == "topic" and category in knowledge.topics:
        return knowledge.topics[category].name
    if dimension == "administration" and category in knowledge.administrations:
        return knowledge.administrations[category].name
    if dimension == "article" and (article := knowledge.articles.get(category)):
        titles = {code: text.questions[0] for code, text in article.texts.items() if text.questions}
        return LocalText(titles.get("sv", category), titles.get("en", ""))
    return NAMES.get(dimension, {}).get(category, LocalText(category[:1].upper() + category[1:]))


def first_upper(text: LocalText) -> LocalText:
    """As a name stands first in a line."""
    return LocalText(text.sv[:1].upper() + text.sv[1:], text.en[:1].upper() + text.en[1:])


def hidden(least: int, months: int, noun: str | None = None) -> LocalText:
    """A figure that is not shown, the same wherever it stands."""
    figure = LocalText(f"färre än {least}", f"fewer than {least}")
    figure = of(noun, figure) if noun else figure
    return LocalText(f"{figure.sv} varje månad", f"{figure.en} each month") if months > 1 else figure


def at_least(shown: LocalText) -> LocalText:
    return LocalText(f"minst {shown.sv}", f"at least {shown.get('en')}")


def plain(number: int | str) -> LocalText:
    return LocalText(str(number), str(number))


def percent(part: int, whole: int) -> LocalText:
    """Whole percent, halves upwards; of nothing, a dash."""
    if not whole:
        return LocalText("–", "–")
    share = (200 * part + whole) // (2 * whole)
    return LocalText(f"{share}\N{NO-BREAK SPACE}%", f"{share}%")


def wait(minutes: int) -> LocalText:
    """What the upper bound of a wait is called; 0 is longer than all."""
    found = next((one for one, longest in cells.WAITS if longest == minutes), cells.LONGER)
    return NAMES["waiting"][found]


def say(pattern: LocalText, **parts: LocalText) -> LocalText:
    """A sentence by its pattern, in both languages."""
    return LocalText(
        pattern.sv.format_map({key: part.sv for key, part in parts.items()}),
        pattern.en.format_map({key: part.get("en") for key, part in parts.items()}),
    )


NOUNS: Mapping[str, tuple[LocalText, LocalText]] = {
    "question": (LocalText("fråga", "question"), LocalText("frågor", "questions")),
    "case": (LocalText("ärende", "case"), LocalText("ärenden", "cases")),
    "week": (LocalText("vecka", "week"), LocalText("veckor", "weeks")),
}


def of(noun: str, figure: LocalText) -> LocalText:
    """``1 fråga``, ``14 frågor``, ``färre än 5 frågor``"""
    one, many = NOUNS[noun]
    word = one if figure.sv == "1" else many
    return LocalText(f"{figure.sv} {word.sv}", f"{figure.get('en')} {word.en}")


def joined(parts: list[LocalText]) -> LocalText:
    """``a, b och c``"""
    return LocalText(_joined([part.sv for part in parts], "och"), _joined([part.get("en") for part in parts], "and"))


def _joined(parts: list[str], word: str) -> str:
    return " ".join((", ".join(parts[:-1]), word, parts[-1])) if len(parts) > 1 else "".join(parts)


# ------------------------------------------------------------------ sentences

VOLUME = LocalText(
    "Under perioden {period} kom {questions} i {conversations}.",
    "In the period {period}, {questions} came in {conversations}.",
)
VOLUME_FILTERED = LocalText(
    "Under perioden {period} kom {questions} i urvalet {filter}.",
    "In the period {period}, {questions} came in the selection {filter}.",
)
ASSOCIATIONS = LocalText(
    " De kom från {associations} olika föreningar; för {share} av frågorna är föreningen inte känd.",
    " They came from {associations} different associations; for {share} of the questions it is not known.",
)
ASSOCIATIONS_EACH_MONTH = LocalText(
    " I snitt frågade {associations} olika föreningar i månaden; för {share} av frågorna är föreningen inte känd.",
    " On average {associations} different associations asked each month; for {share} of the questions it is not known.",
)
ASSOCIATIONS_NOT_SHOWN = LocalText(
    " Hur många föreningar det var visas inte, eftersom de var för få.",
    " How many associations there were is not shown, as they were too few.",
)
TOPICS = LocalText("Flest frågor gällde {topics}.", "Most questions were about {topics}.")
TOPICS_NOT_SHOWN = LocalText(
    "Ingen rubrik hade så många frågor att den kan visas.", "No heading had enough questions to be shown."
)
GREW = LocalText(
    " Frågor om {topic} ökade från {before} till {after} jämfört med {period}.",
    " Questions about {topic} rose from {before} to {after} compared with {period}.",
)
FELL = LocalText(
    " Frågor om {topic} minskade från {before} till {after} jämfört med {period}.",
    " Questions about {topic} fell from {before} to {after} compared with {period}.",
)
UNCHANGED = LocalText(
    " Ingen rubrik kan jämföras med perioden före.", " No heading can be compared with the period before."
)
OUTCOMES = LocalText(
    "Boten svarade själv på {bot}. Människor svarade på {person} och skickade botens förslag som svar på {suggestion}. "
    "Hänvisades eller skickades vidare: {pointed}.",
    "The bot answered {bot} by itself. People answered {person}, and sent the bot's suggestion as the answer to "
    "{suggestion}. Pointed or sent on: {pointed}.",
)
WAITED = LocalText(
    "När en människa svarade fick hälften svar {wait}.", "When a person answered, half got their answer {wait}."
)
WAITED_EACH_MONTH = LocalText(
    "När en människa svarade fick hälften svar {wait}, i varje månad som kan visas.",
    "When a person answered, half got their answer {wait}, in each month that can be shown.",
)
NOBODY_WAITED = LocalText("Ingen människa har svarat på någon fråga.", "No person has answered a question.")
WAITED_NOT_SHOWN = LocalText(
    "Hur länge frågor väntade på en människa visas inte, eftersom de var för få.",
    "How long questions waited for a person is not shown, as they were too few.",
)
OPEN = LocalText(
    "Ännu utan svar: {open}; den äldsta har väntat högst {weeks}.",
    "Without an answer: {open}; the oldest has waited at most {weeks}.",
)
OPEN_SHORT = LocalText("Ännu utan svar: {open}.", "Without an answer: {open}.")
NONE_OPEN = LocalText("Ingen fråga väntar på svar.", "No question waits for an answer.")
REVIEWED = LocalText(
    " Av {reviewed} svar från boten som granskades var {wrong} fel.",
    " Of {reviewed} answers of the bot that were reviewed, {wrong} were wrong.",
)
WRONG_ONES = LocalText(
    " Fel bland botens granskade svar: {wrong}.", " Wrong among the bot's reviewed answers: {wrong}."
)
NOT_REVIEWED = LocalText(
    " Inga svar från boten har granskats, eller för få för att visas.",
    " None of the bot's answers were reviewed, or too few to be shown.",
)
NOTHING = LocalText(
    "För perioden {period} finns inga siffror att visa.", "There are no figures to show for the period {period}."
)

# ------------------------------------------------------------------ notes

HIDDEN_NOTE = LocalText(
    "”Färre än {least}” betyder att siffran är dold: färre än {least} personer har frågat, eller ingen. Det kan också "
    "stå för en större siffra, som är dold för att ingen ska kunna räkna ut den lilla. ”Minst 20” är summan av de "
    "månader som kan visas; resten räknas till Övrigt. Ett streck står där en andel eller skillnad inte går att räkna "
    "ut.",
    "“Fewer than {least}” means that the figure is hidden: fewer than {least} people asked, or nobody. It may also "
    "stand for a larger figure, hidden so that nobody can work out the small one. “At least 20” is the sum of the "
    "months that can be shown; the rest is counted among the others. A dash stands where a share or difference cannot "
    "be worked out.",
)
RAW_NOTE = LocalText(
    "Rådata för samordnare. Siffrorna är inte skyddade och får inte publiceras.",
    "Raw figures for coordinators. They are not protected and must not be published.",
)
RECORDS_NOTE = LocalText(
    "Siffror döljs bara i det som publiceras. Vill du begära ut en handling, vänd dig till registratorn.",
    "Figures are hidden only in what is published. To request a public record, turn to the registrar.",
)
THREE_FIGURES_NOTE = LocalText(
    "Frågor, ärenden och föreningar räknas var för sig: ett ärende kan ha flera frågor, en förening flera ärenden.",
    "Questions, cases and associations are counted apart: a case may hold several questions, an association have "
    "several cases.",
)
FILTER_NOTE = LocalText(
    "Med ett urval visas bara frågor och vad som hände med dem: fler uppdelningar skulle kunna peka ut någon.",
    "With a selection only questions and what became of them are shown: further divisions could single out somebody.",
)
ON_TOP_NOTE = LocalText(
    "Dessutom kom {automatic} automatiska mejl och tack, som inte är frågor.",
    "Besides, {automatic} automatic mails and thanks came, which are no questions.",
)
