"""Which association a conversation may belong to, and why: from earlier links, domain, sender, signature and text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lokbot.conversation import escalation
from lokbot.describing import moment
from lokbot.model import ChannelName
from lokbot.register import names
from lokbot.register.associations import Known, known
from lokbot.register.names import FREEMAIL, Mention, folded, likeness
from lokbot.store.schema import Association, AssociationLink, Contact, Conversation, Message

MOST = 5
"""Suggestions that are given: more is a list to search in."""

# How far each kind of sign goes by itself (0-1), set by judgement: a person decides. Signs for the same one add up.
_LINKED_BEFORE, _DOMAIN, _COLLEAGUES = 0.95, 0.9, 0.8
_SIGNED, _SPEAKS_FOR, _SENDER_NAME, _NAMED = 0.85, 0.8, 0.85, 0.5
# One that is not in the register yet comes after those that are.
_UNKNOWN = 0.4
# A name in a text is one of the register from here on.
_SAME = 0.86
_WITHIN = 0.9
_MESSAGES = 5
_QUOTED = 60  # characters


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An association of the register, or (``association`` is None) a name that can be added to it.

    ``reason`` says why in plain Swedish, with words of the mail in quotation marks; ``strength`` (0-1) ranks.
    """

    association: Association | None
    name: str
    reason: str
    strength: float


def suggest_association(session: Session, conversation: Conversation) -> list[Suggestion]:
    """The likeliest first, each once; none for a private person, or where the contact belongs to one already.

    Reads the whole register: about 50 ms for a thousand associations, so a page should ask for it by itself.
    """
    contact = conversation.contact
    if contact.association_id is not None or conversation.erased_at is not None:
        return []
    signs = [
        *_linked_before(session, contact),
        *_by_domain(session, contact),
        *_by_words(session, conversation),
    ]
    return _ranked(signs)[:MOST]


def _ranked(signs: Sequence[Suggestion]) -> list[Suggestion]:
    together: dict[str, list[Suggestion]] = {}
    for sign in signs:
        together.setdefault(folded(sign.association.name if sign.association else sign.name), []).append(sign)
    found = []
    for each in together.values():
        doubt = 1.0
        reasons = dict.fromkeys(sign.reason for sign in sorted(each, key=lambda sign: -sign.strength))
        for reason in reasons:
            doubt *= 1 - max(sign.strength for sign in each if sign.reason == reason)
        first = each[0]
        found.append(Suggestion(first.association, first.name, " ".join(reasons), round(1 - doubt, 4)))
    return sorted(found, key=lambda one: (one.association is None, -one.strength, folded(one.name)))


def _linked_before(session: Session, contact: Contact) -> Iterator[Suggestion]:
    links = session.scalars(
        select(AssociationLink)
        .where(AssociationLink.contact_id == contact.id, AssociationLink.unlinked_at.is_not(None))
        .order_by(AssociationLink.id.desc())
    )
    for link in links:
        association = session.get_one(Association, link.association_id)
        ended = moment(link.unlinked_at) if link.unlinked_at else ""
        yield Suggestion(
            association, association.name, f"Kontakten hörde till föreningen fram till {ended}.", _LINKED_BEFORE
        )


def _by_domain(session: Session, contact: Contact) -> Iterator[Suggestion]:
    domain = contact.address.lower().rpartition("@")[2]
    if contact.channel is not ChannelName.MAIL or not domain or domain in FREEMAIL:
        return
    parts = domain.split(".")
    above = [".".join(parts[start:]) for start in range(len(parts) - 1)]
    for association in session.scalars(
        select(Association).where(Association.domain.in_(above)).order_by(Association.id)
    ):
        yield Suggestion(association, association.name, f"Mejladressen slutar på {association.domain}.", _DOMAIN)
    suffix = domain.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    colleagues = session.execute(
        select(Contact.association_id, func.count())
        .where(
            Contact.channel == ChannelName.MAIL,
            Contact.id != contact.id,
            Contact.association_id.is_not(None),
            Contact.address.like(f"%@{suffix}", escape="\\"),
        )
        .group_by(Contact.association_id)
        .limit(MOST + 1)
    ).all()
    if len(colleagues) > MOST:
        return  # people of all kinds have their mail there, as at those of FREEMAIL
    for identity, count in colleagues:
        association = session.get_one(Association, identity)
        who = "En annan" if count == 1 else f"{count} andra"
        yield Suggestion(association, association.name, f"{who} med adress på {domain} hör dit.", _COLLEAGUES)


def _by_words(session: Session, conversation: Conversation) -> Iterator[Suggestion]:
    register = known(session)
    theirs = [message for message in conversation.messages if _is_theirs(message)][-_MESSAGES:]
    for message in theirs:
        signature = names.signature_of(message.text, message.new_text)
        mention = names.as_name(message.sender_name)
        yield from _signs(session, [mention] if mention else [], register, "Avsändaren heter", _SENDER_NAME)
        yield from _signs(session, names.in_signature(signature), register, "Underskriften säger", _SIGNED)
        said = f"{message.subject}\n{message.new_text}"
        spoken = list(_signs(session, names.in_text(said), register, "Texten säger", _SPEAKS_FOR))
        yield from spoken
        words, already = folded(said), {sign.name for sign in spoken}
        for one in register:
            # A short alias may be any word.
            if len(one.name) >= 5 and one.owner not in already and names.holds(words, one.folded):
                already.add(one.owner)
                association = session.get_one(Association, one.id)
                yield Suggestion(association, one.owner, f"Texten nämner ”{one.name}”.", _NAMED)


def _is_theirs(message: Message) -> bool:
    return message.automatic_kind is None and message.bounce is None and not escalation.is_from_inside(message)


def _signs(
    session: Session, mentions: Iterable[Mention], register: Sequence[Known], how: str, strength: float
) -> Iterator[Suggestion]:
    for mention in mentions:
        reason = f"{how} ”{_shortened(mention.quote)}”."
        alike, nearest = _nearest(mention, register)
        if nearest is not None and alike >= _SAME:
            yield Suggestion(session.get_one(Association, nearest.id), nearest.owner, reason, strength * alike)
        elif mention.is_kind:
            yield Suggestion(None, mention.name, f"{reason} Finns inte i registret.", strength * _UNKNOWN)


def _nearest(mention: Mention, register: Sequence[Known]) -> tuple[float, Known | None]:
    """The name that a mention most likely means, and how alike they are (0-1); the first of several."""
    near = names.nearest(folded(mention.name), [one.folded for one in register])
    found = [(_alike(mention, register[place].folded), -place) for place in near]
    alike, place = max(found, default=(0.0, 1))
    return alike, register[-place] if place <= 0 else None


def _alike(mention: Mention, name: str) -> float:
    wanted = folded(mention.name)
    if not mention.is_kind:
        # "Råå" is a place first; only what is spelt as the whole name is the association.
        return names.spelt_alike(wanted, name)
    is_within = " " in name and names.holds(wanted, name)  # "Råå IF kansliet"
    return max(likeness(wanted, name), _WITHIN if is_within else 0.0)


def _shortened(quote: str) -> str:
    return quote if len(quote) <= _QUOTED else f"{quote[:_QUOTED].rstrip()} ..."
