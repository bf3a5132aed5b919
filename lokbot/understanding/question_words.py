"""What asks for each kind of fact in the languages that articles have wordings in but no answers.

By the name of the kind (``kinds.Kind``), in cleaned and folded words: accents are gone, "ß" is "ss", Persian words are
joined. Nothing here is a word of Swedish or English, whose questions are compared with all of it. Written for lokbot.
"""

from __future__ import annotations

from collections.abc import Mapping

QUESTION_WORDS: Mapping[str, tuple[str, ...]] = {
    "amount": (
        r"كم (?:مبلغ|المبلغ|يكلف|تكلف|تكلفة|سعر|ثمن)|رسوم|تكلفة|(?:ال)?مبلغ|سعر",
        r"چقدر(?! طول)|هزینه|مبلغ",
        r"скільки (?:коштує|коштів|грошей|крон)|суму?|сума|вартість|ціна",
        r"сколько (?:стоит|денег|крон)|сумм[ау]|стоимость|цена",
        r"koliko (?:kosta|novca|para|kruna|kuna)|taksa|cijena|cena|iznos\w*",
        r"kolik[aoi] (?:je|iznosi|su) (?:taksa|cijena|cena|naknada|clanarina|iznos)",
        r"колико (?:кошта|новца|пара|круна)|колика је|такса|цена|износ\w*",
        r"paljonko (?:maksaa|rahaa|kruunua|se)|kuinka paljon|hinta|maksaako|mita maksaa",
        r"wie ?viel (?:geld|kostet|bekommt|bekommen|kronen)|was kostet|gebuhr\w*|preis|betrag",
        r"ile (?:kosztuje|pieniedzy|koron|wynosi)|oplata|oplaty|kwot\w*",
        r"(?<!cada )cuanto (?:cuesta|dinero|hay que pagar)|precio|tarifa|importe",
        r"immisa (?:lacag|kun|kroon)\w*|qiimah\w*|kharash\w*",
        r"ne kadar|kac kron|ucret\w*|fiyat\w*",
        r"combien (?:coute|d ?argent)|coute|prix|tarif|hvor meget|hvad koster|gebyr",
    ),
    "count": (
        r"كم (?:عدد|شخص|عضو|جمعية)\w*|عدد|چند (?:نفر|عضو|انجمن)|تعداد",
        r"скільки (?:членів|людей|осіб|асоціацій|організацій)|сколько (?:членов|людей|человек|организаций)",
        r"koliko (?:clanova|ljudi|udruzenja|osoba)|колико (?:чланова|људи|удружења)",
        r"montako|kuinka mon\w+|wie ?viele|anzahl|ile (?:osob|stowarzyszen)|ilu (?:czlonkow|osob|ludzi)|liczba",
        r"cuant[ao]s (?:personas|socios|miembros|asociaciones)|immisa (?:qof|xubn|urur)\w*|tirada",
        r"kac (?:kisi|uye|dernek)|combien de (?:membres|personnes|associations)|hvor mange",
    ),
    "duration": (
        r"كم (?:يوم|يوما|اسبوع|شهر|شهرا|مدة|من الوقت)|المدة|چند (?:هفته|روز|روزه|ماه|سال)|چه مدت|چقدر طول",
        r"скільки (?:тижнів|днів|часу|місяців|років)|як довго",
        r"сколько (?:недель|дней|времени|месяцев|лет)|как долго",
        r"koliko (?:dugo|dana|sedmica|tjedana|mjeseci|vremena)|колико (?:дуго|дана|недеља|месеци|времена)",
        r"kuinka (?:kauan|pian|nopeasti)|wie (?:lange|schnell|alt)|jak (?:dlugo|szybko)",
        r"ile (?:czasu|tygodni|dni|miesiecy|lat)|ilu lat|cuanto tiempo|cuantos (?:dias|meses|anos)|que edad",
        r"immisa (?:maalmood|usbuuc|toddobaad|bilood|sano)\w*|kac (?:gun|hafta|ay|yas)\w*|ne kadar sur\w*",
        r"combien de (?:temps|jours|semaines)|hvor (?:lange|lang tid|hurtigt)",
    ),
    "date": (
        r"^متى|في اي (?:يوم|تاريخ)|تاريخ|اخر موعد|چه (?:زمانی|وقت|تاریخی|روزی)|تاریخ",
        r"^коли|до якого (?:числа|дня)|який день|якого числа|дат[аиу]|^когда|до какого числа|какого числа",
        r"^kada|do kada|koji datum|rok za|^када|до када|рок за|датум\w*|datum\w*",
        r"^milloin|mihin menn\w+|paivamaara\w*|wann|frist|welche[ns]? (?:tag|datum)",
        r"^kiedy|do kiedy|(?:jaki|ostateczny|welche[rn]?) termin|jaki dzien|que (?:fecha|dia)|fecha|goorma|taariikh\w*",
        r"ne zaman|hangi (?:gun|tarih)|son (?:tarih|gun)\w*",
        r"^quand|quelle date|date limite|hvornar|hvilken (?:dag|dato)",
    ),
    "now": (
        r"(?:هذا|هذه) (?:العام|السنة)|امسال|цього року|в этом году|ove godine|ове године",
        r"tana vuonna|dieses jahr|w tym roku|este ano|sanadkan|bu (?:yil|sene)|cette annee",
    ),
    "person": (
        r"(?:ما|شو) (?:اسم|هو اسم)|من (?:هو|هي) (?:رئيس|المسؤول)|نام (?:مسئول|رئیس|کارمند)|اسم (?:مسئول|رئیس)",
        r"хто (?:є )?(?:голова|керівник|очолює)|як звати|кто (?:председатель|руководит|возглавляет)|как зовут",
        r"[kt]?ko je (?:trenutno )?(?:predsjednik|predsednik|sef|voda)|kako se zove (?!kad)",
        r"ко је (?:тренутно )?(?:председник|шеф)|како се зове",
        r"kuka on|mika on \w+ nimi|wer ist|wie heisst (?!das)|kto jest (?!w)|jak (?:sie )?nazywa",
        r"quien (?:es|preside|dirige)|como se llama|magaca|kimdir|adi ne",
        r"qui (?:est|preside|dirige)|comment s ?appelle|hvem (?:er|leder)",
    ),
    "reason": (
        r"لماذا|ليش|چرا|(?<!на )чому|почему|zasto|зашто|miksi|warum|wieso|dlaczego|por que|sababta",
        r"neden|nicin|pourquoi|hvorfor",
    ),
}
