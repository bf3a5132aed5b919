"""What only a person may answer, said in other languages: caught by rule in each of them, in more ways than one."""

from __future__ import annotations

from functools import cache

import pytest

from lokbot import config
from lokbot.knowledge import loading
from lokbot.model import IntentAction, Knowledge
from lokbot.understanding.normalize import words
from lokbot.understanding.rules import Rules

URGENT, OWN, HAND_IN, PERSON = (
    IntentAction.URGENT,
    IntentAction.OWN_MATTER,
    IntentAction.HAND_IN,
    IntentAction.PERSON,
)

# By language: distress, threat, violence, appeal, complaint, public documents, own matter, hand-in, a person wanted.
SAID = {
    "ar": [
        (URGENT, "صديقتي قالت إنها لا تريد أن تعيش بعد اليوم، ماذا نفعل؟"),
        (URGENT, "أفكر في الانتحار"),
        (URGENT, "هناك رجل يهددنا في كل اجتماع"),
        (URGENT, "أحد المدربين تحرش بفتاة صغيرة"),
        (URGENT, "كيف نعترض على قرار رفض المنحة؟"),
        (URGENT, "أريد أن أقدم شكوى على موظف"),
        (URGENT, "نريد نسخة من القرار والمراسلات"),
        (OWN, "لم نتلق أي رد على طلبنا منذ شهرين"),
        (HAND_IN, "مرفق محضر الاجتماع"),
        (PERSON, "أريد التحدث مع شخص حقيقي"),
    ],
    "uk": [
        (URGENT, "Жінка щойно написала, що не хоче більше жити."),
        (URGENT, "Хлопець у нашій групі каже, що хоче померти"),
        (URGENT, "Нам погрожують, сказали, що підпалять приміщення"),
        (URGENT, "Тренер домагався дівчинки"),
        (URGENT, "Як оскаржити рішення?"),
        (URGENT, "Хочу подати скаргу на вашого працівника"),
        (URGENT, "Надішліть нам копію рішення та листування"),
        (OWN, "Ми досі не отримали відповіді на нашу заявку"),
        (HAND_IN, "Додаю протокол нашого правління"),
        (PERSON, "Хочу поговорити з живою людиною"),
    ],
    "ru": [
        (URGENT, "Я больше не хочу жить"),
        (URGENT, "Девочка из группы говорит о самоубийстве"),
        (URGENT, "Вы ещё пожалеете об этом"),
        (URGENT, "Муж избивает нашу участницу"),
        (URGENT, "Хотим обжаловать отказ"),
        (URGENT, "Это жалоба на вашу сотрудницу"),
        (URGENT, "Прошу копии решений и переписку"),
        (OWN, "Что с нашей заявкой? Подали её в марте"),
        (HAND_IN, "Во вложении протокол"),
        (PERSON, "Позвоните мне, пожалуйста"),
    ],
    "sr": [
        (URGENT, "Devojka iz grupe kaže da više ne želi da živi"),
        (URGENT, "Momak je pričao o samoubistvu"),
        (URGENT, "Prijete nam i kažu da će zapaliti prostorije"),
        (URGENT, "Trener zlostavlja decu"),
        (URGENT, "Kako da uložimo žalbu na odluku?"),
        (URGENT, "Imam pritužbu na vašeg službenika"),
        (URGENT, "Tražimo uvid u dokumente i prepisku"),
        (OWN, "Šta je s našim zahtjevom? Još nismo dobili odgovor"),
        (HAND_IN, "U prilogu šaljem zapisnik"),
        (PERSON, "Želim razgovarati s čovjekom"),
    ],
    "sr-Cyrl": [
        (URGENT, "Чланица каже да не жели више да живи"),
        (URGENT, "Говори о самоубиству"),
        (URGENT, "Добили смо претње"),
        (URGENT, "Како да уложимо жалбу?"),
        (URGENT, "Тражимо копију одлуке"),
        (OWN, "Нисмо добили одговор на нашу пријаву"),
        (HAND_IN, "У прилогу је записник"),
        (PERSON, "Желим да разговарам са човеком"),
    ],
    "fi": [
        (URGENT, "En jaksa enää elää"),
        (URGENT, "Eräs jäsen puhuu itsemurhasta"),
        (URGENT, "Meitä uhkaillaan"),
        (URGENT, "Valmentaja on ahdistellut tyttöä"),
        (URGENT, "Miten päätöksestä valitetaan? Haluamme valittaa"),
        (URGENT, "Teen tästä kantelun"),
        (URGENT, "Haluamme nähdä julkiset asiakirjat"),
        (OWN, "Emme ole saaneet vastausta hakemukseemme"),
        (HAND_IN, "Liitteenä pöytäkirja"),
        (PERSON, "Haluan puhua ihmisen kanssa"),
    ],
    "de": [
        (URGENT, "Ein Mitglied will nicht mehr leben"),
        (URGENT, "Er spricht von Selbstmord"),
        (URGENT, "Wir werden bedroht"),
        (URGENT, "Der Trainer hat ein Mädchen belästigt"),
        (URGENT, "Wir wollen Widerspruch einlegen"),
        (URGENT, "Ich möchte mich beschweren"),
        (URGENT, "Wir beantragen Akteneinsicht"),
        (OWN, "Wir haben noch keine Antwort auf unseren Antrag bekommen"),
        (HAND_IN, "Im Anhang unser Protokoll"),
        (PERSON, "Ich möchte mit einem Menschen sprechen"),
    ],
    "pl": [
        (URGENT, "Koleżanka mówi, że nie chce już żyć"),
        (URGENT, "Chłopak z drużyny próbował popełnić samobójstwo"),
        (URGENT, "Grożą nam pobiciem"),
        (URGENT, "Mąż ją bije, to przemoc domowa"),
        (URGENT, "Jak złożyć odwołanie od decyzji?"),
        (URGENT, "Chcę złożyć skargę na urzędnika"),
        (URGENT, "Prosimy o dostęp do informacji publicznej"),
        (OWN, "Co z naszym wnioskiem? Nie dostaliśmy odpowiedzi"),
        (HAND_IN, "W załączniku przesyłam protokół"),
        (PERSON, "Chcę porozmawiać z człowiekiem"),
    ],
    "es": [
        (URGENT, "Una socia dice que ya no quiere vivir"),
        (URGENT, "Quiero morirme"),
        (URGENT, "Un hombre nos amenaza"),
        (URGENT, "El entrenador abusó de una niña"),
        (URGENT, "Queremos recurrir la decisión"),
        (URGENT, "Quiero poner una queja"),
        (URGENT, "Solicito copia de la decisión y los correos entre ustedes"),
        (OWN, "¿Qué pasa con nuestra solicitud? Todavía no hemos recibido respuesta"),
        (HAND_IN, "Adjunto el acta de la junta"),
        (PERSON, "Quiero hablar con una persona"),
    ],
    "fa": [
        (URGENT, "یکی از اعضا گفته دیگر نمی‌خواهد زنده بماند"),
        (URGENT, "به خودکشی فکر می‌کنم"),
        (URGENT, "ما را تهدید می‌کنند"),
        (URGENT, "مربی به یک دختر تجاوز کرده"),
        (URGENT, "چطور به تصمیم اعتراض کنیم؟"),
        (URGENT, "می‌خواهم شکایت کنم"),
        (URGENT, "دسترسی به اسناد عمومی می‌خواهیم"),
        (OWN, "هنوز جواب درخواست ما را نداده‌اید"),
        (HAND_IN, "صورتجلسه را پیوست کردم"),
        (PERSON, "می‌خواهم با یک انسان صحبت کنم"),
    ],
    "so": [
        (URGENT, "Gabadh ka mid ah ururka waxay tiri ma rabto inay noolaato"),
        (URGENT, "Waxaan ka fikirayaa inaan is dilo"),
        (URGENT, "Nin baa noo hanjabaya"),
        (URGENT, "Macallinka ayaa gabadh kufsaday"),
        (URGENT, "Sidee rafcaan uga qaadan karnaa go'aanka?"),
        (URGENT, "Waxaan rabaa inaan cabasho gudbiyo"),
        (URGENT, "Waxaan rabnaa nuqulka go'aanka"),
        (OWN, "Weli jawaab kama helin codsigayaga"),
        (HAND_IN, "Waxaan halkan ku soo lifaaqay hadal qoraalka"),
        (PERSON, "Waxaan rabaa inaan qof la hadlo"),
    ],
    "tr": [
        (URGENT, "Bir üyemiz artık yaşamak istemiyor"),
        (URGENT, "İntihar etmeyi düşünüyorum"),
        (URGENT, "Bizi tehdit ediyorlar"),
        (URGENT, "Antrenör bir kızı taciz etti"),
        (URGENT, "Karara nasıl itiraz ederiz?"),
        (URGENT, "Şikayette bulunmak istiyorum"),
        (URGENT, "Resmi belgelere erişim istiyoruz"),
        (OWN, "Başvurumuza hâlâ cevap gelmedi"),
        (HAND_IN, "Ekte tutanağı gönderiyorum"),
        (PERSON, "Bir insanla konuşmak istiyorum"),
    ],
    "da": [
        (URGENT, "Et medlem vil ikke leve længere"),
        (URGENT, "Hun taler om selvmord"),
        (URGENT, "Vi bliver truet"),
        (URGENT, "Træneren har krænket en pige"),
        (URGENT, "Hvordan klager vi over afgørelsen?"),
        (URGENT, "Vi søger om aktindsigt"),
        (OWN, "Vi har ikke fået svar på vores ansøgning"),
        (HAND_IN, "Vedhæftet er vores referat"),
        (PERSON, "Jeg vil gerne tale med et menneske"),
    ],
    "no": [
        (URGENT, "Hun sier at hun ikke vil leve lenger"),
        (URGENT, "En gutt snakker om selvmord"),
        (URGENT, "Vi har fått trusler"),
        (URGENT, "Han slår barna"),
        (URGENT, "Vi vil klage på vedtaket"),
        (URGENT, "Vi ber om innsyn i saken"),
        (OWN, "Hva skjer med søknaden vår?"),
        (HAND_IN, "Vedlagt følger protokollen"),
        (PERSON, "Jeg vil snakke med et menneske"),
    ],
}

# What associations ask in the same words without any of that.
NOTHING = [
    "كيف يمكن لجمعيتنا الانضمام إلى الاتفاقية المحلية؟",
    "أين نقدم طلب الدعم المالي للجمعية؟",
    "Де можна подати заявку на грант для громадської організації?",
    "Чи є у вас приміщення для зустрічей?",
    "Скажите, пожалуйста, куда обращаться за финансовой поддержкой?",
    "Где наше объединение может жить и работать?",
    "Kako se naše udruženje može pridružiti sporazumu?",
    "Где можемо да тражимо новац за наше удружење?",
    "Mistä haemme avustusta suomalaisseuran toimintaan?",
    "Wie kann unser Verein der Vereinbarung beitreten?",
    "Jak nasze stowarzyszenie może przystąpić do porozumienia?",
    "¿Cómo puede nuestra asociación unirse al acuerdo local?",
    "buscamos ayuda económica para una asociación latina",
    "برای گرفتن کمک مالی به کجا مراجعه کنیم؟",
    "Xaggee ayaan ka codsan karnaa taageero dhaqaale?",
    "Derneğimiz yerel anlaşmaya nasıl katılabilir?",
    "Hvordan bliver vores forening en del af aftalen?",
    "Hvor kan vi søke om støtte?",
]


@cache
def knowledge() -> Knowledge:
    settings = config.load(environ={})
    return loading.load(settings.knowledge_dir, settings.intents_dir)


@cache
def rules() -> Rules:
    return Rules(knowledge().intents)


def actions(text: str) -> set[IntentAction]:
    return {hit.intent.action for hit in rules().hits(text)}


@pytest.mark.parametrize("language", SAID)
def test_what_only_a_person_may_answer_is_caught_in_each_language(language: str) -> None:
    assert [text for action, text in SAID[language] if action not in actions(text)] == []


def test_who_is_in_danger_is_told_whom_to_call_in_each_language() -> None:
    dangers = [said[0][1] for said in SAID.values()]
    assert [text for text in dangers if "emergency" not in {hit.intent.phrase for hit in rules().hits(text)}] == []


@pytest.mark.parametrize("text", NOTHING)
def test_an_ordinary_question_is_none_of_these(text: str) -> None:
    assert actions(text).isdisjoint({URGENT, OWN, HAND_IN, PERSON})


def test_no_swedish_or_english_question_of_an_article_is_caught_by_words_of_another_language() -> None:
    foreign = {intent.id for intent in knowledge().intents if intent.id.endswith("-andra-sprak")}
    assert len(foreign) >= 7
    for article in knowledge().articles.values():
        for text in article.texts.values():
            for question in text.questions:
                assert foreign.isdisjoint(hit.intent.id for hit in rules().hits(question)), question


def test_letters_are_read_however_they_are_put_together() -> None:
    assert words("İntihar") == ("intihar",)  # a capital İ is an i and a dot in lower case
    assert words("الاِنْتِحار") == words("الانتحار")  # short vowels are marks, and rarely written
    assert words("انتحـــار") == words("انتحار")  # drawn out
