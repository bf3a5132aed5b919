"""The shared path as somebody who chats sees it: first contact, buttons, one breath, edits, files, people."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lokbot.conversation import delivery, escalation
from lokbot.conversation.delivery import first_name
from lokbot.model import (
    NOT_FETCHED,
    Address,
    AnsweringMode,
    ChannelError,
    ChannelName,
    ConversationStatus,
    MessageState,
    OutboxKind,
    OutboxStatus,
    Outcome,
    OutgoingMessage,
)
from lokbot.store.schema import Conversation, Message
from lokbot.store.session import Sessions
from tests.integration.chatting import PDF, Chat
from tests.integration.world import SEND, World, edited
from tests.sample_knowledge import (
    CULTURE,
    DANGER,
    JOIN,
    JOIN_EN,
    NONSENSE,
    OWN,
    POLICE,
    PREMISES,
    RECORDS,
    SPORTS,
    THANKS,
)

PERSONAL_NUMBER = "811228-9874"  # Skatteverket's own example
BETWEEN = "Samverkan eller lokal?"
YES, NO, MORE = "Ja", "Nej, jag vill prata med en människa", "Läs mer"


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


@pytest.fixture
def chat(world: World) -> Chat:
    return Chat(world)


@pytest.fixture
def known(chat: Chat) -> Chat:
    """Somebody who has been greeted before."""
    chat.command("start")
    chat.world.later(hours=48)
    return chat


# ------------------------------------------------------------------ first contact


def test_whoever_writes_first_is_told_what_they_write_to_before_they_get_an_answer(chat: Chat) -> None:
    greeting, answer = chat.write(JOIN)
    for words in (
        "automatisk tjänst",
        "inte en människa",
        "Staden sparar det du skriver",
        "Andra kan begära att få läsa det",
        "inga personnummer",
        "hälsa",
        "Vill du prata med en människa?",
    ):
        assert words in greeting
    assert answer.startswith("Automatiskt svar från Helsingborgs stad.")
    assert "Skicka styrelsens beslut." in answer


def test_the_start_command_greets_once_and_helps_after_that(chat: Chat) -> None:
    (greeting,) = chat.command("start")
    assert "automatisk tjänst" in greeting
    assert chat.buttons() == ["Människa", "Hjälp", "English"]
    (help_text,) = chat.command("start")
    assert "/manniska" in help_text
    assert "automatisk tjänst från Helsingborgs stad, inte en människa" not in help_text


def test_a_returning_contact_is_not_greeted_anew(known: Chat) -> None:
    (answer,) = known.write(JOIN)
    assert "Skicka styrelsens beslut." in answer


def test_whoever_is_in_danger_gets_no_greeting_before_the_help(chat: Chat) -> None:
    (receipt,) = chat.write(DANGER)
    assert "112" in receipt
    assert chat.case.conversation.is_urgent
    (greeting,) = [text for text in chat.command("help") if "automatisk tjänst" in text]
    assert greeting


def test_the_greeting_is_in_the_language_of_the_writers_program(chat: Chat) -> None:
    (greeting,) = chat.write("", command="start", language="en")
    assert greeting.startswith("Hello!")
    assert chat.buttons() == ["A person", "Help", "Svenska"]


# ------------------------------------------------------------------ answers and buttons


def test_an_answer_is_short_with_its_source_and_what_may_be_pressed(known: Chat) -> None:
    (answer,) = known.write(JOIN)
    assert "Styrelsen fattar ett beslut." not in answer
    assert "Källa: Provsidan (december 2020), https://example.org/prov" in answer
    assert answer.endswith("Löste det din fråga?")
    assert "LOK-" not in answer, "a case number is for what a person answers"
    assert known.buttons() == [YES, NO, MORE]


def test_read_more_tells_the_whole_answer(known: Chat) -> None:
    known.write(JOIN)
    (whole,) = known.press(MORE)
    assert "Styrelsen fattar ett beslut." in whole
    assert "- Läs mer på https://example.org/ga-med." in whole
    assert known.buttons() == [YES, NO]
    assert known.case.conversation.status is ConversationStatus.BOT


def test_each_of_two_answers_has_its_own_read_more(known: Chat) -> None:
    known.write(f"{SPORTS} {JOIN}")
    assert known.buttons() == [YES, NO, "Läs mer om fråga 2"]
    (whole,) = known.press("Läs mer om fråga 2")
    assert "Styrelsen fattar ett beslut." in whole


def test_an_answer_without_a_short_text_is_told_whole(known: Chat) -> None:
    (answer,) = known.write(PREMISES)
    assert "Ni bokar möteslokalen på stadens webbplats." in answer
    assert known.buttons() == [YES, NO]


def test_yes_resolves_and_the_next_question_is_no_reply_to_the_answer(known: Chat) -> None:
    known.write(JOIN)
    (thanks,) = known.press(YES)
    assert thanks == "Bra. Skriv igen när du har en ny fråga."
    assert known.case.conversation.status is ConversationStatus.RESOLVED
    assert not known.case.notified()
    (again,) = known.write(JOIN)
    assert "Skicka styrelsens beslut." in again


def test_no_brings_a_person_who_sees_the_question_and_the_answer(known: Chat) -> None:
    known.write(JOIN)
    (receipt,) = known.press(NO)
    conversation = known.case.conversation
    assert conversation.status is ConversationStatus.WAITING
    assert conversation.reason == "person-wanted"
    assert conversation.case_number in receipt
    assert known.buttons() == []
    (notice, _) = known.case.notified()
    assert JOIN in notice.text
    assert "Skicka styrelsens beslut." in notice.text
    assert "Telegram: skriv inget känsligt." in notice.text
    assert "från Anna Prov (Telegram)" in notice.text
    assert notice.channel is ChannelName.MAIL


def test_a_button_pressed_twice_brings_one_person(known: Chat) -> None:
    known.write(JOIN)
    known.press(NO)
    told = len(known.case.notified())
    assert known.press(NO) == [], "the bot is silent while a person has it"
    assert len(known.case.notified()) >= told


def test_choices_are_buttons_and_an_old_one_means_what_it_stood_under(sessions: Sessions) -> None:
    chat = Chat(_world_that_asks_back(sessions))
    chat.command("start")
    (question,) = chat.write(BETWEEN)
    assert f"1. {JOIN}\n2. {PREMISES}" in question
    labels = chat.buttons()
    assert labels == [f"1. {JOIN}", f"2. {PREMISES}", "Ingen av dem", "Människa"]
    (answer,) = chat.press(labels[1])
    assert chat.plans[-1].decisions[0].reason == "chosen"
    assert answer.endswith("Löste det din fråga?")
    (other,) = chat.press(labels[0])  # whoever pressed the wrong one presses the other
    assert chat.plans[-1].decisions[0].reason == "chosen"
    assert other != answer


def test_a_typed_number_chooses_too_and_none_of_them_is_a_persons(sessions: Sessions) -> None:
    chat = Chat(_world_that_asks_back(sessions))
    chat.command("start")
    chat.write(BETWEEN)
    chat.write("2")
    assert chat.plans[-1].decisions[0].reason == "chosen"
    other = Chat(chat.world, address="7002")
    other.command("start")
    other.write(BETWEEN)
    other.press("Ingen av dem")
    assert other.plans[-1].decisions[0].reason == "none-of-these"
    assert other.case.conversation.status is ConversationStatus.WAITING


def _world_that_asks_back(sessions: Sessions) -> World:
    """One in which a question lies between two articles."""
    world = World(sessions)
    world.finds(BETWEEN, ("ga-med", 0.4), ("lana-lokal", 0.35))
    return world


def _unsure_chat(sessions: Sessions) -> Chat:
    """One who has asked what the bot is not sure of, and was offered what it may be."""
    world = World(sessions)
    world.finds(BETWEEN, ("ga-med", 0.6))
    chat = Chat(world)
    chat.command("start")
    chat.write(BETWEEN)
    return chat


def test_who_waits_for_a_person_may_press_what_they_asked_and_need_nobody_then(sessions: Sessions) -> None:
    chat = _unsure_chat(sessions)
    assert chat.case.conversation.status is ConversationStatus.WAITING
    assert chat.buttons() == [f"1. {JOIN}"]
    (answer,) = chat.press(f"1. {JOIN}")
    assert chat.plans[-1].decisions[0].reason == "chosen"
    assert "Annars svarar en föreningssamordnare dig senast" in answer
    assert chat.buttons()[0] == YES
    assert NO not in chat.buttons()
    assert chat.case.conversation.answer_by is not None
    (thanks,) = chat.press(YES)
    assert thanks == "Bra. Skriv igen när du har en ny fråga."
    assert chat.case.conversation.answer_by is None
    assert [event.verb for event in chat.case.events()].count("resolved") == 1


def test_yes_does_not_close_what_was_asked_since(sessions: Sessions) -> None:
    chat = _unsure_chat(sessions)
    chat.press(f"1. {JOIN}")
    chat.write(OWN)
    chat.press(YES)
    assert chat.case.conversation.status is ConversationStatus.WAITING


def test_a_button_that_means_nothing_any_more_goes_to_a_person(known: Chat) -> None:
    known.store("Läs mer", command="more-3")
    (receipt,) = known.handle()
    assert "föreningssamordnare" in receipt


def test_a_matter_of_another_body_offers_a_person(known: Chat) -> None:
    (pointer,) = known.write(POLICE)
    assert "Polisen" in pointer
    assert pointer.endswith("Tryck på Människa eller skriv ”människa”.")
    assert known.buttons() == ["Människa"]


def test_a_matter_of_the_citys_own_names_the_day_and_no_button(known: Chat) -> None:
    (pointer,) = known.write(CULTURE)
    assert "kulturförvaltningen" in pointer
    assert "senast" in pointer
    assert known.buttons() == []


@pytest.mark.parametrize("door", [ChannelName.TELEGRAM, ChannelName.WEBCHAT])
def test_every_chat_and_the_mail_get_the_same_decision(world: World, door: ChannelName) -> None:
    by_mail = world.write(JOIN)
    chat = Chat(world, channel=door)
    chat.write(JOIN)
    one, other = by_mail.plan.decisions[0], chat.plans[-1].decisions[0]
    assert (one.outcome, one.article, one.confidence) == (other.outcome, other.article, other.confidence)


def test_in_suggest_mode_a_person_releases_the_answer(world: World) -> None:
    world.settings = edited(SEND, answering=SEND.answering.model_copy(update={"default": AnsweringMode.SUGGEST}))
    chat = Chat(world)
    _, receipt = chat.write(JOIN)
    assert "Skicka styrelsens beslut." not in receipt
    with world.sessions.begin() as session:
        escalation.release(session, _conversation(session, chat), actor="Kim Prov", now=world.now)
    (answer,) = [message.text for message in chat.sent_now()]
    assert "Skicka styrelsens beslut." in answer
    assert chat.buttons() == [YES, NO, MORE]


# ------------------------------------------------------------------ commands


def test_asking_for_a_person_by_command(known: Chat) -> None:
    (receipt,) = known.command("person")
    assert "föreningssamordnare" in receipt
    assert known.case.conversation.status is ConversationStatus.WAITING


def test_the_language_chosen_is_the_one_answered_in(known: Chat) -> None:
    (which,) = known.command("language")
    assert "Which language" in which
    (chosen,) = known.press("English")
    assert chosen.startswith("You get answers in English")
    (answer,) = known.write(JOIN)
    assert "The board takes a decision" in answer
    assert "Did that answer your question?" in answer


def test_hiding_hides_only_and_says_so_and_the_next_message_is_another_matter(known: Chat) -> None:
    known.write(JOIN)
    first = known.case.conversation
    (hidden,) = known.command("hide")
    assert "Hos staden är inget borttaget" in hidden
    assert "Mejla lok@helsingborg.se" in hidden
    with known.world.sessions.begin() as session:
        conversation = session.get_one(Conversation, first.id)
        assert conversation.hidden_at == known.world.now
        assert len(conversation.messages) == 2, "nothing is gone"
    known.write(PREMISES)
    second = known.case.conversation
    assert second.id != first.id
    assert second.related_to_id == first.id


def test_commands_leave_a_matter_where_it_stood(known: Chat) -> None:
    known.write(JOIN)
    known.command("help")
    assert known.case.conversation.status is ConversationStatus.BOT
    assert known.case.conversation.subject == JOIN


def test_hiding_is_confirmed_even_while_a_person_has_the_case(known: Chat) -> None:
    known.write(OWN)
    with known.world.sessions.begin() as session:
        escalation.take_over(session, _conversation(session, known), actor="Kim", now=known.world.now)
    (hidden,) = known.command("hide")
    assert "Chatten är dold" in hidden


# ------------------------------------------------------------------ one breath, and edits


def test_what_is_written_in_one_breath_is_read_as_one(known: Chat) -> None:
    first = known.store("Hej!")
    known.world.later(seconds=1.5)
    known.store("Hur lånar vi")
    known.world.later(seconds=1.5)
    assert known.handle() == [], "they are still writing"
    (answer,) = known.write("stadens möteslokal?")
    assert "Ni bokar möteslokalen" in answer
    assert known.message(first).read_with_id == known.last
    assert known.message(first).state is MessageState.HANDLED
    assert len(known.plans[-1].decisions) == 1


def test_whoever_never_pauses_is_answered_all_the_same(known: Chat) -> None:
    known.store(PREMISES)
    said: list[str] = []
    for _ in range(25):
        known.world.later(seconds=1.5)
        known.store("och")
        said += known.handle()
    assert any("möteslokalen" in text or "föreningssamordnare" in text for text in said)


def test_an_edit_in_the_same_breath_is_what_is_read(known: Chat) -> None:
    original = known.store(NONSENSE)
    (answer,) = known.edit(original, JOIN)
    assert "Skicka styrelsens beslut." in answer
    assert known.message(original).text == NONSENSE, "both are stored"
    assert known.message(original).state is MessageState.HANDLED
    assert known.message(known.last).replaces_id == original


def test_an_edit_of_an_answered_message_is_answered_anew(known: Chat) -> None:
    known.write(JOIN)
    original = known.last
    (answer,) = known.edit(original, PREMISES)
    assert "Ni bokar möteslokalen" in answer
    assert known.plans[-1].decisions[0].outcome is Outcome.ANSWER


def test_an_edit_that_changes_nothing_needs_no_answer(known: Chat) -> None:
    known.write(JOIN)
    original = known.last
    assert known.edit(original, f"{JOIN}!") == []
    assert known.plans[-1].decisions[0].reason == "edited"
    assert known.edit(original, f"{JOIN}!!") == []
    assert known.case.conversation.status is ConversationStatus.BOT
    (other,) = known.edit(original, PREMISES)
    assert "Ni bokar möteslokalen" in other


def test_an_edit_while_a_person_has_the_case_is_shown_to_them(known: Chat) -> None:
    known.write(OWN)
    original, told = known.last, len(known.case.notified())
    assert known.edit(original, f"{OWN} Den från maj.") == []
    assert len(known.case.notified()) > told
    assert "Den från maj." in known.case.notified()[-1].text


def test_an_edit_of_one_part_is_read_in_its_place(known: Chat) -> None:
    first = known.store("Hur lånar vi")
    known.write("stadens möteslokal?")
    assert known.edit(first, "Hur bokar vi") == []
    assert known.plans[-1].decisions[0].question.text == "Hur bokar vi stadens möteslokal?"
    assert known.plans[-1].decisions[0].reason == "edited"


def test_workers_at_once_handle_each_message_once(sessions: Sessions) -> None:
    world = World(sessions)
    chats = [Chat(world, address=f"90{number}") for number in range(5)]
    for text in ("Hej!", "Hur lånar vi", "stadens möteslokal?"):
        for chat in chats:
            chat.last = chat.store(text)
    world.later(seconds=2)

    def work(_: int) -> None:
        while world.handle_next() is not None:
            pass

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    with world.sessions.begin() as session:
        found = session.scalars(select(Message)).all()
        assert [(message.state, message.failure) for message in found] == [(MessageState.HANDLED, None)] * 15
    world.deliver()
    for chat in chats:
        to_them = [message.text for message in world.sent if message.to[0].email == chat.address]
        assert sum("inte en människa" in text for text in to_them) == 1


# ------------------------------------------------------------------ files, and what must not be written


@pytest.mark.parametrize("text", ["", "Här är det"])
def test_a_file_is_kept_and_goes_to_a_person(known: Chat, text: str) -> None:
    (receipt,) = known.write(text, attachments=(PDF,))
    assert "Filer, bilder, röstmeddelanden och platser kan bara en person läsa" in receipt
    assert known.case.conversation.reason == "attachment"
    assert [each.name for each in known.case.conversation.messages[-1].attachments] == ["protokoll.pdf"]


def test_a_file_that_was_not_taken_gets_a_polite_answer_and_a_person(known: Chat) -> None:
    (receipt,) = known.write("", warnings=(NOT_FETCHED,))
    assert "Mejla det till lok@helsingborg.se" in receipt
    assert known.case.conversation.status is ConversationStatus.WAITING


def test_what_is_sent_while_a_person_has_not_answered_yet_is_acknowledged(known: Chat) -> None:
    """Their receipt says nothing of it: somebody who hears nothing sends it again, or believes that it has arrived."""
    known.write(OWN)
    case = known.case.conversation.case_number
    say = known.world.active.knowledge.phrases["sv"]
    opening, filing, personal = (say[key] for key in ("opening.chat", "receipt.file", "personal-number"))
    assert known.write("Här är den", attachments=(PDF,)) == [
        "\n\n".join((opening, filing, f"Ditt ärendenummer är {case}."))
    ]
    assert "Filer som kom med, att öppna i ärendet: protokoll.pdf" in known.case.notified()[-1].text
    assert say["notify.no-receipt"] not in known.case.notified()[-1].text
    (left,) = known.write("", warnings=(NOT_FETCHED,))
    assert "Mejla det till lok@helsingborg.se" in left
    assert case in left
    (told,) = known.write(f"Mitt nummer är {PERSONAL_NUMBER}")
    assert personal in told
    assert known.write("Är ni där?") == []


def test_nothing_is_acknowledged_after_a_take_over(known: Chat) -> None:
    known.write(OWN)
    with known.world.sessions.begin() as session:
        escalation.take_over(session, _conversation(session, known), actor="Kim Prov", now=known.world.now)
    assert known.write("Här är den", attachments=(PDF,)) == []


def test_a_personal_number_is_masked_and_the_writer_told(known: Chat) -> None:
    said = known.write(f"{PREMISES} {NONSENSE.rstrip('?')} {PERSONAL_NUMBER}?")
    assert "Du skrev ett personnummer." in said[-1]
    assert PERSONAL_NUMBER not in said[-1]
    assert all(PERSONAL_NUMBER not in item.text for item in known.case.notified())


def test_the_writer_of_a_mail_is_told_of_a_personal_number_too(world: World) -> None:
    world.write(f"{JOIN} Mitt nummer är {PERSONAL_NUMBER}.")
    (reply,) = [message for message in world.deliver() if "samordnare" not in message.to[0].email.lower()]
    assert "Du skrev ett personnummer." in reply.text


@pytest.mark.parametrize("text", ["👍", "🙏🏽 ❤️", THANKS])
def test_thanks_in_words_or_pictures_rest(known: Chat, text: str) -> None:
    known.write(JOIN)
    assert known.write(text) == []
    assert known.case.conversation.status is not ConversationStatus.WAITING


HOSTILE = {
    "html": "<script>alert(1)</script><b>Hur</b> lånar vi <a href='javascript:x'>lokal</a>?",
    "markdown": "*fet* _kursiv_ [länk](javascript:alert(1)) ```kod```",
    "rtl": "\u202ehej \u2066dolt\u2069 \u202e gnp.exe",
    "long": "Vad gäller? " * 8500,  # 100 kB
    "one long word": "a" * 100_000,
    "zero width": "\u200b\u200d\ufeff" * 20_000 + "hej",
    "combining": "z" + "\u0300" * 5000,
    "emoji": "🐘🦒🎈" * 50,
    "sql": "'; DROP TABLE messages; -- \" OR 1=1",
    "template": "{{7*7}} {% raise %} ${jndi:ldap://x} %(name)s {sender} {case}",
    "control": "a\x00b\x1b[2Jc\x07\ud800d",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_stored_and_shown_as_text(known: Chat, text: str) -> None:
    said = known.write(text)
    kept = "ab[2Jcd" if "\x00" in text else text
    assert known.case.message.text == kept
    assert known.case.message.state is MessageState.HANDLED
    assert known.case.conversation.status is ConversationStatus.WAITING
    assert known.case.notified()
    assert all("49" not in each and "DROP TABLE" not in each for each in said)


# ------------------------------------------------------------------ people


def test_a_persons_answer_says_whose_it_is_and_the_bot_is_silent_after_it_took_over(known: Chat) -> None:
    known.write(OWN)
    with known.world.sessions.begin() as session:
        escalation.take_over(session, _conversation(session, known), actor="Kim Prov", now=known.world.now)
    assert known.write(JOIN) == []
    with known.world.sessions.begin() as session:
        conversation = _conversation(session, known)
        escalation.coordinator_reply(
            session,
            conversation,
            "Vi har <b>fått</b> den.",
            actor="Kim Prov",
            settings=known.world.settings,
            now=known.world.now,
        )
    (answer,) = [message.text for message in known.sent_now()]
    assert answer == "Kim, föreningssamordnare på Helsingborgs stad:\n\nVi har <b>fått</b> den."


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        ("Kim Prov", "Kim"),
        ("Anna-Karin Ek", "Anna-Karin"),
        ("kim.prov@stad.example", ""),
        ("root", ""),
        ("ADMIN", ""),
        ("", ""),
    ],
)
def test_a_first_name_is_told_and_a_login_is_not(actor: str, name: str) -> None:
    assert first_name(actor) == name


def test_the_receipt_on_a_friday_evening_names_monday_or_later(world: World) -> None:
    world.now = datetime(2026, 3, 6, 20, 0, tzinfo=UTC)
    chat = Chat(world)
    _, receipt = chat.write(OWN)
    assert "fredag den 6 mars 2026" in receipt
    assert "senast tisdag den 10 mars 2026" in receipt


def test_what_was_asked_in_several_messages_is_forwarded_whole(known: Chat) -> None:
    known.write("Vi i klubben undrar en sak.", "Har ni fått vår ansökan?")
    with known.world.sessions.begin() as session:
        escalation.forward(
            session,
            _conversation(session, known),
            "kultur",
            actor="Kim",
            address="kultur@stad.example",
            settings=known.world.settings,
            knowledge=known.world.active.knowledge,
            now=known.world.now,
        )
    (told,) = known.sent_now()
    (forwarded,) = [message for message in known.world.sent if message.to[0].email == "kultur@stad.example"]
    asked = forwarded.text.replace("> ", "")
    assert "Vi i klubben undrar en sak." in asked
    assert "Har ni fått vår ansökan?" in asked
    assert known.address not in forwarded.text, "nobody at an administration can write to a chat"
    assert "Skriv det här i chatten" in told.text


def move(known: Chat, to: str) -> None:
    with known.world.sessions.begin() as session:
        escalation.move(
            session,
            _conversation(session, known),
            to,
            actor="Kim",
            settings=known.world.settings,
            knowledge=known.world.active.knowledge,
            now=known.world.now,
        )


def answer(known: Chat, text: str) -> OutgoingMessage:
    """What a coordinator's words become."""
    with known.world.sessions.begin() as session:
        escalation.coordinator_reply(
            session,
            _conversation(session, known),
            text,
            actor="Kim",
            settings=known.world.settings,
            now=known.world.now,
        )
    (sent,) = known.world.deliver()
    return sent


def test_a_matter_moved_to_mail_is_answered_by_mail_and_told_of_in_the_chat(known: Chat) -> None:
    known.write("Har ni fått vår ansökan?")
    move(known, " Anna@Forening.example ")
    (told,) = known.sent_now()
    assert "fortsätter i mejl" in told.text
    assert "forening.example" not in told.text
    sent = answer(known, "Den har kommit.")
    assert (sent.channel, sent.to[0].email, sent.text) == (ChannelName.MAIL, "anna@forening.example", "Den har kommit.")
    assert sent.subject == "SV: Har ni fått vår ansökan?"

    # What they answer by mail is the same case, and what they write in the chat too.
    known.world.later(hours=1)
    case = known.world.write(
        OWN,
        sender=Address("Anna", "anna@forening.example"),
        in_reply_to=(sent.external_id,),
    )
    assert case.conversation.id == known.case.conversation.id
    assert case.conversation.status is ConversationStatus.WAITING
    known.world.deliver()
    assert answer(known, "I maj.").to[0].email == "anna@forening.example"
    known.write("Har ni fått vår ansökan?")
    assert answer(known, "Ja.").channel is ChannelName.MAIL


def test_who_asks_again_after_a_persons_answer_is_told_again_that_one_answers(known: Chat) -> None:
    assert len(known.write(OWN)) == 1
    assert known.write("Hallå?") == [], "the first receipt still stands"
    answer(known, "Den har kommit.")
    (receipt,) = known.write(OWN)
    assert known.case.conversation.case_number in receipt


def test_a_number_to_call_leaves_the_chat_open(known: Chat) -> None:
    known.write("Har ni fått vår ansökan?")
    move(known, "070-123 45 67")
    (told,) = known.sent_now()
    assert "fortsätter på telefon" in told.text
    assert "070" not in told.text
    assert known.case.conversation.moved_to == "0701234567"
    assert answer(known, "Vi ringer i dag.").channel is known.channel


@pytest.mark.parametrize("to", ["", "anna", "anna@", "12", "a@b, c@d"])
def test_a_matter_is_moved_only_to_an_address_or_a_number(known: Chat, to: str) -> None:
    known.write("Har ni fått vår ansökan?")
    with pytest.raises(escalation.NotPossible):
        move(known, to)
    assert known.sent_now() == []


def test_a_mail_is_not_moved(world: World) -> None:
    case = world.write("Har ni fått vår ansökan?")
    with world.sessions.begin() as session, pytest.raises(escalation.NotPossible):
        escalation.move(
            session,
            session.get_one(Conversation, case.conversation.id),
            "anna@forening.example",
            actor="Kim",
            settings=world.settings,
            knowledge=world.active.knowledge,
            now=world.now,
        )


def test_what_is_urgent_is_never_answered(chat: Chat) -> None:
    (receipt,) = chat.write(f"{JOIN} {RECORDS}")
    assert "Skicka styrelsens beslut." not in receipt
    assert chat.case.conversation.is_urgent


def test_whoever_comes_back_the_next_week_has_another_matter(known: Chat) -> None:
    known.write(JOIN)
    first = known.case.conversation.id
    known.world.later(hours=25)
    known.write(PREMISES)
    assert known.case.conversation.id != first
    known.world.later(hours=1)
    known.write(THANKS)
    assert known.case.conversation.id != first


def test_a_case_that_waits_for_a_person_stays_open_however_late_they_write(known: Chat) -> None:
    known.write(OWN)
    first = known.case.conversation.id
    known.world.later(days=5)
    known.write("Hallå?")
    assert known.case.conversation.id == first


def test_a_chat_in_another_language_gets_swedish_and_english(known: Chat) -> None:
    said = known.write("Wie kann unser Verein der lokalen Vereinbarung beitreten, bitte helfen Sie uns?")
    assert "Wir antworten auf Schwedisch und Englisch" in said[-1]


def test_english_is_answered_in_english(known: Chat) -> None:
    (answer,) = known.write(JOIN_EN)
    assert "The board takes a decision" in answer
    assert known.buttons() == ["Yes", "No, I want to talk to a person"]


# ------------------------------------------------------------------ sending


class Flooded:
    """A door that asks to be left alone for a while."""

    def send(self, message: OutgoingMessage) -> bytes | None:  # noqa: ARG002
        raise ChannelError("Too many", permanent=False, retry_after=120.0)


def test_the_outbox_waits_as_long_as_the_door_asks_and_the_next_message_waits_for_it(known: Chat) -> None:
    known.last = known.store(JOIN)
    known.world.later(seconds=2)
    known.world.handle_next()
    flooded = dict.fromkeys(ChannelName, Flooded())
    knowledge = known.world.active.knowledge
    item = delivery.deliver_next(
        known.world.sessions, flooded, known.world.settings, knowledge, worker="w", now=known.world.now
    )
    assert item is not None
    (waiting,) = [each for each in known.case.items() if each.status is OutboxStatus.QUEUED]
    assert (waiting.not_before - known.world.now).total_seconds() == 120
    known.command("help")
    assert known.sent_now() == [], "what was said first comes first"
    known.world.later(seconds=121)
    assert [message.text[:12] for message in known.sent_now()] == ["Automatiskt ", "Skriv din fr"]


def test_a_chat_that_takes_nothing_is_shown_and_a_person_told(known: Chat) -> None:
    known.world.refuses.add(known.address)
    known.write(JOIN)
    case = known.case
    assert [item.status for item in case.items(OutboxKind.REPLY)] == [OutboxStatus.FAILED]
    assert case.conversation.status is ConversationStatus.WAITING
    assert case.conversation.contact.undeliverable_at == known.world.now
    assert "gick inte att skicka" in case.notified()[-1].text


def test_answers_in_a_chat_go_to_the_chat_whatever_the_mail_server_can(world: World) -> None:
    world.settings = edited(SEND, smtp=SEND.smtp.model_copy(update={"reply_separator": "+"}))
    chat = Chat(world)
    chat.write(JOIN)
    with world.sessions.begin() as session:
        assert all(item.reply_to is None for item in _conversation(session, chat).outbox)


def test_a_chat_has_its_own_cap_and_does_not_use_up_that_of_the_mails(world: World) -> None:
    world.settings = edited(SEND, caps=SEND.caps.model_copy(update={"per_chat_per_day": 3, "outbox_per_hour": 4}))
    chat = Chat(world)
    chat.write(JOIN)  # the greeting and the answer
    chat.press(YES)
    assert chat.write(PREMISES) == []
    assert chat.plans[-1].decisions[0].reason == "over-cap"
    for number in range(3):
        Chat(world, address=f"80{number}").command("start")
    assert world.write(JOIN).plan.decisions[0].outcome is Outcome.ANSWER


def _conversation(session: Session, chat: Chat) -> Conversation:
    return session.get_one(Conversation, chat.message(chat.last).conversation_id)
