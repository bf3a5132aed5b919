"""The small words of each language: what gives a language away, and what carries no matter of its own.

For Swedish and English the lists also serve as stop words in matching, so they hold question words and
polite phrases too ("undrar", "please"), and the short spellings of chat ("ngn", "oxå", "e", "va").
The other lists hold the commonest words of the language in lower case, with the accent-less spellings
that people type on a Swedish keyboard. Written for lokbot.

``LIGHT_WORDS`` carry a matter only together with others ("Vad kostar det?", "Kan vi söka?"): common verbs and nouns
of any office letter. A word that the knowledge lacks is usually a matter that it lacks; these are the exceptions.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION_WORDS: dict[str, frozenset[str]] = {
    "sv": _words(
        """
        jag ja mig mej min mitt mina du dig dej din ditt dina han honom hans hon henne hennes den det de dem dom
        deras dess vi oss vår vårt våra ni er ert era sig sej sin sitt sina man en ett ens nån någon något nåt
        några ngn ngt nån ingen inget inga alla allt all annan annat andra samma själv själva båda
        och o å i på till te för från av med me utan om hos under över mellan genom enligt kring mot vid åt efter
        före innan sedan sen inom utanför ut upp ner in att som än eller men utan så för då när om eftersom medan
        ifall samt både varken dessutom också oxå även bara endast redan ännu fortfarande igen ju väl nog kanske
        här hit där dit var vart varför vad va vem vems vilken vilket vilka hur när hurdan huruvida hursa
        är e va var vara varit blir bli blev blivit har ha hade haft kan kunna kunde kunnat ska skall skulle vill
        vilja ville får få fick fått måste bör borde brukar gör göra gjorde gjort finns finnas fanns går gick
        tar ta ger ge kommer komma kom inte ej aldrig alltid ofta ibland mycket mer mest många fler flera flest
        lite mindre minst nu idag igår imorgon snart tyvärr gärna väldigt ganska ungefär ca cirka
        denna detta dessa sådan sådant sådana sån sånt såna varje vars
        hej hejsan hallå tjena tja tack tackar mvh vänligen snälla hälsning hälsningar vänliga bästa god
        undrar undra undrade fråga frågor frågan vet veta vänder säga säger någonstans hjälp hjälpa
        nej jo japp okej ok e me å oss mej dej nåt nånting någonting
        göra finnas kunna heter kallas gäller betyder innebär behöver behöva
        """
    ),
    "en": _words(
        """
        i me my mine you your yours he him his she her it its we us our ours they them their theirs this that these
        those who whom whose which what where when why how a an the and or but if because as until while of at by
        for with about against between into through during before after above below to from up down in out on off
        over under again further then once here there all any both each few more most other some such no nor not
        only own same so than too very can could will would shall should may might must do does did done doing have
        has had having be is are was were been being am get gets got need needs want wants like please thanks thank
        hello hi hey dear regards yes ok okay im we're i'm don't dont isn't isnt cant can't whats what's there's
        also just still yet ever never always often maybe much many anyone someone something anything one ones
        know tell ask question questions mean means wonder wondering help let make use
        speak talk english sir madam kind best sincerely
        """
    ),
    "da": _words(
        """
        jeg ikke hvordan hvad hvem hvor hvornår hvorfor af og til noget nogen kender blive meget gerne være får
        også eller skal kunne vores jeres fra bliver har ved gøre gør hvis mig dig sig der den det jer
        """
    ),
    "no": _words(
        """
        jeg ikke hvordan hva hvem hvor når hvorfor av og til noe noen kjenner bli mye gjerne være får også eller
        skal kunne vår vårt våre deres fra blir har ved gjøre gjør hvis meg deg seg
        """
    ),
    "de": _words(
        """
        ich du er sie es wir ihr mich dich uns euch mein dein sein unser der die das den dem des ein eine einen
        einem einer und oder aber nicht kein keine mit von zu zum zur für fur auf aus bei nach im am ist sind war
        haben hat habe hatte werden wird kann können konnen möchte möchten mochte mochten muss wie was wer wo wann
        warum welche guten tag danke bitte hallo gibt auch noch nur sehr schon vielen dank
        """
    ),
    "es": _words(
        """
        yo tú él ella nosotros nosotras ustedes ellos me te se nos mi su nuestra nuestro el la los las un una unos
        unas y o pero no con de del en por para a al que qué quien quién cómo como cuándo cuando cuánto cuanto
        dónde donde es son somos está están esta hay tiene tenemos puede podemos quiero queremos hola gracias
        buenos días dias ayuda favor señor hacer ser sobre muy más mas si sí
        """
    ),
    "fr": _words(
        """
        je tu il elle nous vous ils elles me te se mon ma mes notre votre le la les un une des du de et ou mais ne
        pas avec pour par sur dans en au aux que qui quoi comment quand combien où est sont sommes avons avez peut
        pouvons voulons veux bonjour merci cherchons quel quelle ce cette il y a être avoir
        """
    ),
    "pl": _words(
        """
        ja ty on ona my wy oni mnie nas was się sie i oraz lub ale nie tak z ze w we na do od po za przez dla o u
        jak kto co gdzie kiedy ile czy jest są sa jesteśmy jestesmy mamy ma możemy mozemy może moze można mozna
        chcemy chcę chce chciałbym dziękuję dziekuje dzień dzien dobry proszę prosze to ten ta te nasze nasza
        """
    ),
    "fi": _words(
        """
        minä sinä hän me te he mina sina meidän teidän minun ja tai mutta ei en emme että etta kuka mikä mika mitä
        mita missä missa milloin miten paljonko kuinka on ovat olemme olen voi voimme voiko saa saamme haluan
        haluamme haemme hakea kiitos hei moi se tämä tama nyt myös myos kun jos
        """
    ),
    "bs": _words(
        """
        ja ti on ona mi vi oni nas vas me te se i ili ali ne da u na za od do iz sa s kako ko tko šta sta što sto
        gdje gde kada koliko je su smo ste ima imamo može moze možemo mozemo želimo zelimo želim zelim hoću hocu
        htio htjela bih bismo hvala dobar dan zdravo molim naše nase naša nasa li to ovo
        """
    ),
    "so": _words(
        """
        waxaan waxaa waxay sideen sidee yaa maxaa maxay ma iyo ku ka u la waa wax aan aad ayaa ayay baa kara karaa
        karnaa heli kartaa nahay ahay tahay mahadsanid fadlan imisa goorma halkee xaggee rabaa rabnaa inaan soo si
        haa maya ee oo uu
        """
    ),
    "ru": _words(
        """
        я ты он она мы вы они мне нам вас нас не и или но в на с к по из за для от до как что кто где когда сколько
        это есть можно может можем хотим хочу наш наша здравствуйте привет спасибо пожалуйста да нет ли у то так
        """
    ),
    "uk": _words(
        """
        я ти він вона ми ви вони мені нам вас нас не і й та або але в у на з до по за для від як що хто де коли
        скільки це є чи можна може можемо хочемо хочу наш наша добрий доброго день вітаю дякую прошу так ні
        """
    ),
    "tr": _words(
        """
        ben sen biz siz onlar ve veya ama bir bu şu ne nasıl nasil kim nerede ne zaman kaç için icin ile var yok mı
        mi mu değil degil istiyoruz istiyorum merhaba teşekkürler tesekkurler lütfen lutfen olarak daha çok
        """
    ),
}

LIGHT_WORDS = _words(
    """
    menas mena menar betyda betytt kosta kostar kostade söka söker sökt ansöka ansöker hitta hittar hittas hittade börja
    börjar börjat stämmer stämma sida sidan kvar rätt rätta ut tänka tänker tänkt väga vaga ändrats ändrat händer hända
    hänt hände gälla gäller arbetar arbeta jobbar jobba göras fungerar funkar fungera sker skett betala betalar betalt
    anmäla anmäler skicka skickar skickas skickat lämna lämnar vända vänder svar svara svarar svaret möjligt möjlighet
    tid tider dag dagar dags lång långe länge långt stort stor stora olika exakt praktiken praktiskt behövs krävs räcker
    räcka köra fixa fixar ordna ordnar tips råd sätt satt sak saker grej grejer del delar skillnad skillnaden bra dåligt
    gjort exempel avgör avgöra bestämmer bestämma fråga frågar frågade frågan sysslar syssla egentligen riktigt riktig
    samma stan staden kommun kommunen kommunens stad stadens ens sist typ asså alltså liksom istället verkligen just
    faktiskt precis beskriva beskriv förklara förklarar förstå förstår förstod berättade sa sade sagt hört hörde läst
    läser läsa sett ser se titta kolla kollar dära därtill te di nä nånstans någonstans nånting tag reda önskar önska
    information info uppgift uppgifter hela helt vidare tillbaka kontakta kontakt hör höra tillhör hålla håller hållit
    ligger ligga står stå stod sitter sitta ställa ställer ställt använda använder använd prata pratar snacka tala
    talar träffa träffas mötas både ifrån runt per vecka veckan månad månaden nästa förra senaste länge nyss tidigare
    idag nuvarande ny nytt nya liten litet små litet lilla stort många tre två fyra fem tio hundra alldeles ungefär
    vanlig vanliga vanligt särskild särskilda särskilt speciell speciella viss vissa direkt redan själva ihop
    tillsammans glad glada tacksam tacksamma trevlig svårt lätt enkelt snabbt fort sent tidigt problem
    gång gånger åter nyligen kollega vän väninna kompis mamma mammor pappa folk
    apply applies applied application find finding found start begin begins different difference possible way thing
    things time long send sent work works happen happens cost costs come comes came look looking read see seen said
    say says told heard turn page right kind type new small big large first last next really actually exactly simple
    """
)

# Everyday English of letters to an office. They carry matter, so they are no stop words; in a line without
# small words ("phone number", "opening hours?") they are all there is to tell English by. Words that are also
# Swedish ("support", "status", "information", "person") are left out on purpose.
ENGLISH_EVERYDAY_WORDS = _words(
    """
    about account address agreement allowed amount answer answered appeal application applications apply approved
    association associations available bank board booking business card change children city club clubs complaint
    conference contact cost costs council culture cultural date day days deadline decision delete different
    document documents email enter error event events fee fees file find food form forms foundation free fund
    funding funds grant grants group groups hall hire hours human if join joined joining kids large language last
    law letter list local look lost mail make making manager meeting meetings member members membership message
    minutes missing money month months municipality music name names new next non number numbers office online
    open opening order organisation organisations organization organizations other page pay payment people permit
    permits phone place places play police possible premises price private problem process project projects public
    receive received registered registration rent report reports request require required requirements response
    room rooms rule rules school search see sell send sent service services sign small social sports start
    starting submit summer support swedish talk team telephone terms time today town umbrella understand update
    use valid visit visitors volunteer volunteers wait waiting week weeks where women work working write wrong
    year years young youth
    """
)
