"""The register: one name each, found however it is spelt, linked by a person, suggested with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from lokbot import audit, register
from lokbot.conversation.escalation import NotPossible
from lokbot.model import Address
from lokbot.register import Suggestion
from lokbot.store.schema import Association, AssociationLink, Contact, Conversation
from lokbot.store.session import Sessions
from tests import sample_knowledge as sample
from tests.integration.together import in_threads
from tests.integration.world import Case, World

ACT: dict[str, Any] = {"actor": "Kim", "source": "web"}
GMAIL = Address("Anna Prov", "anna.prov@gmail.com")


@pytest.fixture
def world(sessions: Sessions) -> World:
    return World(sessions)


def add(world: World, name: str, **values: Any) -> int:
    with world.sessions.begin() as session:
        return register.create(session, name, now=world.now, **ACT, **values).id


def link(world: World, case: Case, association: int, *, by: str = "Kim") -> None:
    with world.sessions.begin() as session:
        conversation = session.get_one(Conversation, case.conversation.id)
        found = session.get_one(Association, association)
        register.link(session, conversation, found, actor=by, source="web", now=world.now)


def unlink(world: World, case: Case) -> None:
    with world.sessions.begin() as session:
        conversation = session.get_one(Conversation, case.conversation.id)
        register.unlink(session, conversation, now=world.now, **ACT)


def suggested(world: World, case: Case) -> list[Suggestion]:
    with world.sessions.begin() as session:
        return register.suggest_association(session, session.get_one(Conversation, case.conversation.id))


# ------------------------------------------------------------------ associations


def test_an_association_is_kept_with_who_added_it(world: World) -> None:
    identity = add(
        world,
        "  Råå   IF ",
        aliases=("Raus och Råå IF", "", "Raus och Råå IF"),
        domain="www.RAAIF.se",
        organisation_number="8024000000",
        notes=" Spelar på Heden. ",
    )
    with world.sessions.begin() as session:
        one = session.get_one(Association, identity)
        assert (one.name, one.aliases, one.domain) == ("Råå IF", ["Raus och Råå IF"], "raaif.se")
        assert (one.organisation_number, one.notes) == ("802400-0000", "Spelar på Heden.")
        assert (one.created_by, one.created_at) == ("Kim", world.now)
        (entry,) = audit.search(session).entries
        assert (entry.act, entry.actor, entry.source, entry.association_id) == (
            "added-association",
            "Kim",
            "web",
            identity,
        )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "raa if"}, "finns redan i registret"),
        ({"name": "Ny", "aliases": ["RÅÅ IF"]}, "finns redan i registret"),
        ({"name": "Raus"}, "finns redan i registret"),
        ({"name": "  "}, "Ange föreningens namn"),
        ({"name": "x" * 301}, "Ange föreningens namn"),
        ({"name": "Ny", "domain": "gmail.com"}, "vanlig mejltjänst"),
        ({"name": "Ny", "domain": "inte en domän"}, "är ingen domän"),
        ({"name": "Ny", "organisation_number": "12"}, "tio siffror"),
    ],
)
def test_what_cannot_be_added(world: World, values: dict[str, Any], words: str) -> None:
    add(world, "Råå IF", aliases=("Raus",))
    with pytest.raises(NotPossible, match=words):
        add(world, **values)
    with world.sessions.begin() as session:
        assert [one.name for one in register.everyone(session)] == ["Råå IF"]


def test_two_who_add_the_same_one_at_once_make_one(world: World) -> None:
    def try_to(number: int) -> bool:
        try:
            add(world, ("Råå IF", "råå if")[number])
        except NotPossible:
            return False
        return True

    assert sorted(in_threads(2, try_to)) == [False, True]


def test_what_is_known_of_it_can_be_changed(world: World) -> None:
    identity = add(world, "Råå IF", domain="raaif.se", notes="Ja")
    add(world, "Ödåkra IF")
    with world.sessions.begin() as session:
        one = session.get_one(Association, identity)
        register.change(session, one, name="Råå Idrottsförening", aliases=["Råå IF"], domain="", now=world.now, **ACT)
    with world.sessions.begin() as session:
        one = session.get_one(Association, identity)
        assert (one.name, one.aliases, one.domain, one.notes) == ("Råå Idrottsförening", ["Råå IF"], None, "Ja")
        entry = audit.search(session).entries[0]
        assert (entry.act, entry.detail) == ("changed-association", {"changed": ["name", "aliases", "domain"]})
    with pytest.raises(NotPossible, match="finns redan"), world.sessions.begin() as session:
        register.change(session, session.get_one(Association, identity), name="odakra if", now=world.now, **ACT)
    with world.sessions.begin() as session:
        register.change(session, session.get_one(Association, identity), notes="Ja", now=world.now, **ACT)
        assert len(audit.search(session).entries) == 3, "nothing was changed"


def test_it_is_found_by_any_name_however_spelt(world: World) -> None:
    add(world, "Eskilsminne IF", aliases=("Eskil",))
    add(world, "Råå IF")
    with world.sessions.begin() as session:
        found = register.search(session, "eskilminne")
        assert [one.association.name for one in found] == ["Eskilsminne IF"]
        assert [one.name for one in register.search(session, "eskil")] == ["Eskil"]
        assert register.search(session, "") == register.search(session, "bostad") == []
        assert len(register.search(session, "if", limit=1)) == 1
        assert register.find(session, "ESKIL").name == "Eskilsminne IF"
        assert register.find(session, "2").name == "Råå IF"
        with pytest.raises(NotPossible, match=r"Menar du någon av dem\? 1 Eskilsminne IF"):
            register.find(session, "Eskilminne")
        with pytest.raises(NotPossible, match="Lägg till den först"):
            register.find(session, "bostad")


# ------------------------------------------------------------------ who belongs to which


def test_a_link_says_who_and_when_and_holds_for_all_of_the_contacts(world: World) -> None:
    raa = add(world, "Råå IF")
    case = world.write(sample.OWN)
    world.later(days=1)
    link(world, case, raa)
    link(world, case, raa, by="Robin")
    other = world.write(sample.JOIN)
    assert other.conversation.id != case.conversation.id
    assert other.conversation.contact.association_id == raa
    conversation = case.conversation
    with world.sessions.begin() as session:
        standing = register.standing(session, conversation.contact)
        assert standing is not None
        assert (standing.association_id, standing.linked_by, standing.linked_at) == (raa, "Kim", world.now)
        assert [entry.act for entry in audit.search(session, conversation=conversation).entries] == [
            "linked-association"
        ]
    assert case.events()[-1].verb == "linked-association"

    unlink(world, case)
    with world.sessions.begin() as session:
        assert register.standing(session, conversation.contact) is None
        (ended,) = session.scalars(select(AssociationLink)).all()
        assert (ended.unlinked_by, ended.unlinked_at) == ("Kim", world.now)
    with pytest.raises(NotPossible, match="hör inte till någon förening"):
        unlink(world, case)


def test_a_second_coordinator_overwrites_nothing(world: World) -> None:
    raa, odakra = add(world, "Råå IF"), add(world, "Ödåkra IF")
    case = world.write(sample.OWN)
    link(world, case, raa)
    with pytest.raises(NotPossible, match=r"hör redan till Råå IF \(enligt Kim\)"):
        link(world, case, odakra, by="Robin")
    assert case.conversation.contact.association_id == raa


def test_of_two_who_link_at_once_one_is_told(world: World) -> None:
    both = add(world, "Råå IF"), add(world, "Ödåkra IF")
    case = world.write(sample.OWN)

    def try_to(number: int) -> bool:
        try:
            link(world, case, both[number], by=str(number))
        except NotPossible:
            return False
        return True

    assert sorted(in_threads(2, try_to)) == [False, True]
    with world.sessions.begin() as session:
        (made,) = session.scalars(select(AssociationLink)).all()
        assert session.get_one(Contact, made.contact_id).association_id == made.association_id


def test_earlier_conversations_of_the_contact_and_of_the_association(world: World) -> None:
    raa = add(world, "Råå IF")
    first, second = world.write(sample.OWN), world.write(sample.JOIN)
    colleague = world.write(sample.PREMISES, sender=Address("Bo Prov", "bo@annan.example"))
    stranger = world.write(sample.GARDEN, sender=Address("Eva", "eva@tredje.example"))
    link(world, first, raa)
    link(world, colleague, raa)
    ids = [case.conversation.id for case in (first, second, colleague, stranger)]
    with world.sessions.begin() as session:
        found = register.earlier(session, session.get_one(Conversation, ids[1]))
        assert [one.id for one in found.of_contact] == [ids[0]]
        assert [one.id for one in found.of_association] == [ids[2]]
        assert register.earlier(session, session.get_one(Conversation, ids[3])) == register.Earlier([], ())


# ------------------------------------------------------------------ suggestions


def test_the_signature_is_folded_away_and_read(world: World) -> None:
    add(world, "Eskilsminne IF")
    text = f"{sample.OWN}\n\nVänliga hälsningar\nAnna Prov\nKassör, Eskilminne IF"
    case = world.write(text, new_text=sample.OWN, sender=GMAIL)
    (one,) = suggested(world, case)
    assert (one.name, one.reason) == ("Eskilsminne IF", "Underskriften säger ”Kassör, Eskilminne IF”.")
    assert one.association is not None


def test_the_text_the_sender_and_the_domain_are_read(world: World) -> None:
    add(world, "Råå IF", domain="raaif.se")
    case = world.write("Hej! Vi i Råå IF undrar en sak.", sender=Address("Råå IF kansliet", "kansli@raaif.se"))
    (one,) = suggested(world, case)
    assert one.reason == (
        "Mejladressen slutar på raaif.se. Texten säger ”Vi i Råå IF”. Avsändaren heter ”Råå IF kansliet”."
    )
    assert 0.95 < one.strength < 1


def test_a_colleague_at_the_same_domain_is_a_sign_but_never_at_everybodys(world: World) -> None:
    raa = add(world, "Råå IF")
    for sender in (Address("Bo", "bo@idrott.example"), Address("Bo", "bo@gmail.com")):
        link(world, world.write(sample.OWN, sender=sender), raa)
    case = world.write(sample.JOIN, sender=Address("Eva", "eva@idrott.example"))
    (one,) = suggested(world, case)
    assert (one.name, one.reason) == ("Råå IF", "En annan med adress på idrott.example hör dit.")
    assert suggested(world, world.write(sample.JOIN, sender=GMAIL)) == []


def test_a_domain_where_people_of_many_associations_have_their_mail_is_no_sign(world: World) -> None:
    for number, place in enumerate(("Allerum", "Berga", "Dalhem", "Eneborg", "Gantofta", "Hasslarp")):
        case = world.write(sample.OWN, sender=Address("Bo", f"bo{number}@leverantor.example"))
        link(world, case, add(world, f"{place} IF"))
        found = suggested(world, world.write(sample.JOIN, sender=Address("Eva", f"eva{number}@leverantor.example")))
        assert len(found) == (number + 1 if number < 5 else 0)


def test_an_earlier_link_comes_first(world: World) -> None:
    raa = add(world, "Råå IF")
    add(world, "Ödåkra IF")
    case = world.write("Vi i Ödåkra IF undrar en sak.", sender=GMAIL)
    link(world, case, raa)
    assert suggested(world, case) == [], "it has one"
    unlink(world, case)
    first, second = suggested(world, case)
    assert (first.name, second.name) == ("Råå IF", "Ödåkra IF")
    assert first.reason == "Kontakten hörde till föreningen fram till 2026-03-02 10.30."


def test_one_that_is_not_in_the_register_can_be_added_by_its_name(world: World) -> None:
    case = world.write("Vi i Solrosens odlarförening vill ha en lott.", sender=GMAIL)
    (one,) = suggested(world, case)
    assert (one.association, one.name) == (None, "Solrosens odlarförening")
    assert one.reason == "Texten säger ”Vi i Solrosens odlarförening”. Finns inte i registret."


def test_a_private_person_belongs_to_none(world: World) -> None:
    add(world, "Råå IF")
    case = world.write(f"{sample.GARDEN}\n\nMvh Anna Prov, Råå", new_text=sample.GARDEN, sender=GMAIL)
    assert suggested(world, case) == []


def test_a_name_in_passing_is_a_weak_sign(world: World) -> None:
    add(world, "Eskilsminne IF")
    case = world.write("När spelar Eskilsminne IF nästa gång?", sender=GMAIL)
    (one,) = suggested(world, case)
    assert (one.reason, one.strength) == ("Texten nämner ”Eskilsminne IF”.", 0.5)
