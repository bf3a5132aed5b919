"""A small knowledge for the tests: ten articles in the manner of the real ones, with intents and administrations."""

from __future__ import annotations

from lokbot.model import (
    Administration,
    AdministrationKind,
    Article,
    ArticleText,
    GlossaryEntry,
    Intent,
    IntentAction,
    Knowledge,
    LocalText,
    Rule,
)


def article(
    identity: str,
    administration: str,
    questions: tuple[str, ...],
    answer: str,
    english: tuple[tuple[str, ...], str] | None = None,
) -> Article:
    texts = {"sv": ArticleText("sv", questions, answer)}
    if english:
        texts["en"] = ArticleText("en", *english)
    return Article(identity, "topic", administration, "föreningssamordnare", texts, ())


ARTICLES = (
    article(
        "ansluta-forening",
        "samordnare",
        (
            "Hur ansluter vi vår förening till överenskommelsen?",
            "Hur går vi med i den lokala överenskommelsen?",
            "hur blir man medlem i lök",
            "gå med lök",
            "Vår förening vill vara med. Hur gör man?",
            "Finns det ett formulär för att gå med?",
        ),
        "Läs överenskommelsen i styrelsen och fatta beslut. Skicka ett utdrag ur protokollet med formuläret.",
        (
            ("How do we join the agreement?", "how to become a member", "Is there a form for joining?"),
            "Read the agreement in your board and decide. Send an extract of the minutes with the form.",
        ),
    ),
    article(
        "paraply-ansluta",
        "samordnare",
        (
            "Kan en paraplyorganisation ansluta sig?",
            "Får samorganisationer vara med i överenskommelsen?",
            "paraplyorganisation lök",
            "Vi är ett förbund av föreningar, kan vi gå med?",
        ),
        "Nej. En paraplyorganisation företräds av sina medlemsföreningar. Den får delta i aktiviteterna.",
    ),
    article(
        "sex-principer",
        "samordnare",
        (
            "Vilka är de sex principerna?",
            "Vilka principer bygger överenskommelsen på?",
            "principer lök",
            "Vad står principerna för?",
        ),
        "Självständighet och oberoende, dialog, kvalitet, långsiktighet, öppenhet och insyn, mångfald och förnyelse.",
    ),
    article(
        "nasta-konferens",
        "samordnare",
        (
            "När är nästa föreningskonferens?",
            "Vilket datum är konferensen i år?",
            "Hur anmäler vi oss till konferensen?",
            "nästa konferens datum",
        ),
        "Datum för nästa konferens finns inte i våra färdiga svar. Konferensen är årlig.",
        (("When is the next association conference?", "next conference date"), "The date is not known to us."),
    ),
    article(
        "styrgruppen-vilka",
        "samordnare",
        ("Vilka sitter i styrgruppen?", "ledamöter i styrgruppen", "Vem är med i styrgruppen?"),
        "I styrgruppen satt år 2020 bland andra Karin Exempel, Testföreningen, och Olof Prov, Provklubben.",
    ),
    article(
        "lokaler",
        "kontaktcenter",
        (
            "Hur hittar vi en lokal?",
            "Var kan föreningen låna en möteslokal?",
            "boka lokal kommunen",
            "Finns det gratis lokaler för föreningar?",
            "Vi behöver ett rum att ha styrelsemöten i",
        ),
        "Fråga kontaktcenter, 042-10 50 00. Berätta vad ni ska göra, hur många ni är och när.",
        (("How do we find premises?", "Where can we borrow a meeting room?"), "Ask the contact centre."),
    ),
    article(
        "kulturstod",
        "kultur",
        (
            "Vilket stöd finns för kulturföreningar?",
            "Hur söker vi kulturstöd?",
            "projektstöd kultur",
            "Vi är en kulturförening, kan vi få bidrag?",
        ),
        "Kulturförvaltningen ger projektstöd och verksamhetsstöd till kultur för publik.",
        (("How do we apply for culture support?", "grant for a culture association"), "The culture administration."),
    ),
    article(
        "en-snabb-slant",
        "kultur",
        ("Vad är En snabb slant?", "Hur mycket kan man få i en snabb slant?", "pengar för unga med en idé"),
        "En snabb slant är 500 till 10 000 kronor för dig som är 13-25 år. Sista dag är den 31 mars.",
    ),
    article(
        "lok-eller-lokstod",
        "rf-sisu",
        ("Är LÖK samma sak som LOK-stöd?", "Hur söker vi LOK-stöd?", "lokstöd", "statligt lokalt aktivitetsstöd"),
        "LOK-stöd är statens stöd till idrotten. Det söks hos RF. LÖK är den lokala överenskommelsen.",
    ),
    article(
        "starta-forening",
        "foreningen-sjalv",
        ("Hur startar man en förening?", "bilda förening", "Hur många behövs för att starta en förening?"),
        "Håll ett möte, skriv stadgar och välj en styrelse. Minst tre personer brukar behövas.",
    ),
)


def administration(identity: str, name: str, english: str, words: tuple[str, ...]) -> Administration:
    contact = LocalText("Kontakta kontaktcenter.")
    kind = AdministrationKind.CITY
    return Administration(identity, LocalText(name, english), kind, LocalText("frågor"), contact, words)


ADMINISTRATIONS = (
    administration("samordnare", "föreningssamordnarna", "the coordinators", ("överenskommelse*", "styrgrupp*")),
    administration("kultur", "kulturförvaltningen", "the culture administration", ("kulturstöd*", "teater*")),
    administration("social", "socialförvaltningen", "the social services administration", ("alkoholtillstånd*",)),
    administration("vard", "vård- och omsorgsförvaltningen", "the health and care administration", ("äldre*",)),
    administration("kontaktcenter", "Helsingborg kontaktcenter", "the contact centre", ("lotteri*",)),
    administration("rf-sisu", "Riksidrottsförbundet", "the Swedish Sports Confederation", ("lok stöd*",)),
    administration("foreningen-sjalv", "föreningen själv", "the association itself", ()),
)

INTENTS = (
    Intent("kultur", IntentAction.ROUTE, "bidrag", (Rule(any=("kulturstöd*", "kulturbidrag*")),), "kultur"),
    Intent("tack", IntentAction.IGNORE, "artighet", (Rule(any=("tack", "tackar", "thanks"), max_words=5),)),
    Intent("overklagan", IntentAction.URGENT, "overklagan", (Rule(any=("överklag*",)),)),
    Intent("manniska", IntentAction.PERSON, "person", (Rule(all=("prata med",), any=("människa", "person")),)),
    Intent("ansokan", IntentAction.OWN_MATTER, "egen", (Rule(all=("vår ansökan",)), Rule(all=("inte svarat",)))),
    Intent(
        "lokstod",
        IntentAction.ANSWER,
        "lookalike",
        (Rule(any=("lok stöd*", "lokstöd*"), none=("lök",)),),
        "rf-sisu",
        "lok-eller-lokstod",
    ),
)

GLOSSARY = (
    GlossaryEntry("lokal överenskommelse", ("lök", "avtalet med staden")),
    GlossaryEntry("lokal", ("sal", "rum")),
)

KNOWLEDGE = Knowledge(
    articles={each.id: each for each in ARTICLES},
    topics={},
    intents=INTENTS,
    administrations={each.id: each for each in ADMINISTRATIONS},
    phrases={},
    glossary=GLOSSARY,
    digest="sample",
)
