"""Turns the HTML of a mail into text that reads well, and marks where the mail program says that history begins.

Links keep their address, table rows stay on one line, hidden text is dropped, quotes get "> ".

One pass over the tags with a stack of open elements, instead of an HTML5 tree: tree building takes quadratic
time on nesting (measured: lexbor 41 s for 100,000 nested <div>, 0.5 MB) and multiplies unclosed formatting
elements without limit; html.parser needs 1.2 s for 3 MB. This takes linear time on anything.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class HtmlText:
    """``history_at`` is the offset in ``text`` where the program put the earlier mail; None if it did not say.

    ``is_cut`` says that the end was left out, as there was too much of it.
    """

    text: str
    history_at: int | None = None
    is_cut: bool = False


# Characters that are read; a person's mail with all its history stays far below.
LIMIT = 4_000_000
# Tags whose meaning is read (Word writes them into 2 MB); of what follows only the words are kept, a row a line.
MOST_TAGS = 50_000
_MOST_SIGNS = 400_000  # "<", whether a tag or not; what comes after is left out
_MOST_LINES_IN_PRE = 20_000
_MOST_ENTITIES = 200_000

# Comments, and elements whose content is no text and holds no tags.
_NO_TEXT = re.compile(
    r"<(?=[!sStTxXoO])(?:!--.*?(?:-->|\Z)"
    r"|(script|style|title|xml|textarea|template|svg|object)\b(?![^<>]*/>)[^<>]*>.*?(?:</\1\b[^>]*(?:>|\Z)|\Z))",
    re.DOTALL | re.IGNORECASE,
)
_TAG = re.compile(
    r"""<(?=[a-zA-Z/!?])(?:[!?][^>]*      # doctype, <![if ...]>
      | (/?)([a-zA-Z][^\s/>]*)          # 1 slash, 2 name
        ((?:[^>"']+|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))*)   # 3 attributes
      )(?:>|\Z)""",
    re.VERBOSE,
)
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr o:p".split())
_CELL = frozenset(("td", "th"))
# A start tag closes an open element of the same kind (the cases of HTML's implied end tags that mail holds).
_CLOSES_SAME = frozenset("p li td th tr option dt dd".split())
# Line breaks before and after; two leave an empty line.
_BREAKS = {
    **dict.fromkeys("address article aside body center dd div dl dt fieldset figure footer form header hr".split(), 1),
    **dict.fromkeys("html li main nav section tbody tfoot thead tr caption".split(), 1),
    **dict.fromkeys("p h1 h2 h3 h4 h5 h6 ul ol table pre blockquote".split(), 2),
}
_LAID_OUT = frozenset(("br", "td", "th", "tr", "li"))
_WITH_EFFECT = frozenset(("pre", "a", "blockquote"))

_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?:^|\s)hidden(?=[\s=/]|$)|max-height\s*:\s*0(?:px)?\s*[;\"']"
    r"|opacity\s*:\s*0\s*[;\"']",
    re.IGNORECASE,
)
# How programs mark what they quote: Outlook puts history after the marked element, the others inside it.
_HISTORY_AFTER = re.compile(r"divRplyFwdMsg|OutlookMessageHeader")
_HISTORY_INSIDE = re.compile(
    r"OLK_SRC_BODY_SECTION|mail-editor-reference-message-container|yahoo_quoted|protonmail_quote|tutanota_quote"
    r"|moz-forward-container|__QUOTED_TEXT__|__HEADERS__|zmail_extra"
)
_SIGNATURE = re.compile(
    r"gmail_signature(?!_prefix)|moz-signature|AppleMailSignature|ms-outlook-mobile-signature"
    r"|protonmail_signature_block(?!-empty)|\bid=[\"']?(?:x_)*Signature\b"
)
# An indent button makes a blockquote too (a margin and no border); these are the quotes.
_QUOTE = re.compile(r"\bcite\b|quote(?!d-printable)|\bmoz|border-left(?!\s*:\s*(?:none|0))|\bqt\b", re.IGNORECASE)
_MARKED = re.compile(
    r"none|hidden|max-height|opacity|divRply|Outlook|outlook|OLK_|mail-editor|yahoo_q|protonmail_|tutanota_|moz-"
    r"|__[QH]|zmail_|gmail_s|AppleMailS|Signature"
)
_WHITE = re.compile(r"[ \t\r\n\f\u00a0]+")


@dataclass(slots=True)
class _Element:
    name: str
    is_hidden: bool = False
    is_quote: bool = False
    is_pre: bool = False
    href: str = ""
    text_from: tuple[int, int] = (0, 0)  # line and piece where the link's text begins

    @property
    def has_effect(self) -> bool:
        return self.is_hidden or self.is_quote or self.is_pre or bool(self.href)


@dataclass(slots=True)
class _Page:
    """The text as it grows. Breaks are owed and paid by the next text, so that nothing doubles them."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    line_depth: int = 0
    depth: int = 0
    owed: int = 0
    is_new_cell: bool = False
    is_history_next: bool = False
    history_line: int | None = None
    entities: int = 0

    def write(self, text: str) -> None:
        if self.is_new_cell:
            self.is_new_cell = False
            while self.line and self.line[-1].isspace():
                self.line.pop()
            if self.line:
                self.owed = 0
                self.line.append(" | ")
        if self.owed:
            self.pay()
        if not self.line:
            self.line_depth = self.depth
            if self.is_history_next and self.history_line is None:
                self.history_line = len(self.lines)
        self.line.append(text)

    def pay(self) -> None:
        """Ends the line and leaves the empty lines that are owed; never two."""
        if self.line:
            self.lines.append((self.line_depth, "".join(self.line).rstrip()))
            self.line.clear()
        if self.owed > 1 and self.lines and self.lines[-1][1]:
            self.lines.append((min(self.depth, self.lines[-1][0]), ""))
        self.owed = 0

    def owe(self, breaks: int) -> None:
        self.owed = max(self.owed, breaks)

    @property
    def ends_in_space(self) -> bool:
        return self.owed > 0 or not self.line or self.line[-1].endswith(" ")


def render(source: str, *, most_tags: int = MOST_TAGS) -> HtmlText:
    """The text of an HTML document or fragment. Takes linear time and raises nothing."""
    length = len(source)
    if (signs := source.count("<")) > _MOST_SIGNS:
        source = source[: length * _MOST_SIGNS // signs]
    is_cut = min(len(source), LIMIT) < length
    source = _NO_TEXT.sub(" ", source[:LIMIT])
    pieces = _TAG.split(source, most_tags) if most_tags > 0 else ["", "", "", "", source]
    rest = pieces.pop() if len(pieces) > 4 * most_tags else ""
    page = _Page()
    tree = _OpenElements()
    is_marked: dict[str, bool] = {}
    _write(page, pieces[0], is_pre=False)
    for slash, written_name, attributes, text in zip(
        pieces[1::4], pieces[2::4], pieces[3::4], [*pieces[4::4], ""], strict=False
    ):
        if written_name:
            name = written_name.lower()
            breaks = _BREAKS.get(name, 0)
            if slash:
                if name in tree.names:
                    tree.close(name, page)
                if name in _CELL:
                    # A paragraph in a cell leaves no empty line in the table.
                    page.owed = 1 if page.owed else 0
                elif breaks > page.owed and not tree.hidden:
                    page.owed = breaks
            elif "@" in name:
                # "<anna@example.org>" written without escaping: an address, not a tag.
                _write(page, f"<{written_name}{attributes}>", is_pre=False)
            else:
                if name in tree.names and name in _CLOSES_SAME and tree.stack[-1].name == name:
                    tree.close(name, page)
                marked: bool | None = False
                if attributes and (marked := is_marked.get(attributes)) is None:
                    marked = is_marked[attributes] = _MARKED.search(attributes) is not None
                element = None
                if not tree.hidden:
                    if name in _LAID_OUT:
                        _lay_out(page, name)
                    elif breaks > page.owed and not page.is_new_cell:
                        page.owed = breaks
                    if marked or name in _WITH_EFFECT:
                        element = _enter(page, name, attributes, is_marked=bool(marked))
                if (element or name in tree.names) and name not in _VOID and not attributes.endswith("/"):
                    tree.open(element or _Element(name))
        if text and not tree.hidden:
            _write(page, text, is_pre=tree.pre > 0)
    if rest and not tree.hidden:
        page.owe(1)
        page.write(_words_of(rest, page))
    page.owed = 1
    page.pay()
    return replace(_assembled(page), is_cut=is_cut)


_ROW = re.compile(r"<(?:/?(?:p|div|table|ul|ol|h[1-6])|br|tr|li)(?![a-zA-Z0-9:])[^<>]*>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")


def _words_of(source: str, page: _Page) -> str:
    """The words of HTML whose tags are too many to be read."""
    words = _ANY_TAG.sub(" ", _ROW.sub("\n", source.replace("\n", " ")))
    return re.sub(r" ?\n[ \n]*", "\n", re.sub(r"[ \t\r\f\u00a0]+", " ", _unescaped(words, page))).strip()


# An end tag without its start is ignored; looking for the start goes this far up, to stay linear.
_REACH = 200


class _OpenElements:
    """The open elements that change how text is read, and those of the same name inside them."""

    def __init__(self) -> None:
        self.stack: list[_Element] = []
        self.names: dict[str, int] = {}
        self.hidden = 0
        self.pre = 0

    def open(self, element: _Element) -> None:
        if element.has_effect or self.names.get(element.name):
            self.stack.append(element)
            self.names[element.name] = self.names.get(element.name, 0) + 1
            self.hidden += element.is_hidden
            self.pre += element.is_pre

    def close(self, name: str, page: _Page) -> None:
        for index in range(len(self.stack) - 1, max(-1, len(self.stack) - 1 - _REACH), -1):
            if self.stack[index].name == name:
                break
        else:
            return
        while len(self.stack) > index:
            element = self.stack.pop()
            self.names[element.name] -= 1
            if not self.names[element.name]:
                del self.names[element.name]
            self.hidden -= element.is_hidden
            self.pre -= element.is_pre
            _leave(page, element)


def _lay_out(page: _Page, name: str) -> None:
    if name == "br":
        page.owed = min(page.owed + 1, 2) if page.line or page.owed else 0
    elif name == "tr":
        page.is_new_cell = False
        page.owe(1)
        page.pay()
    elif name == "li" and page.line != ["- "]:
        page.owe(1)
        page.write("- ")
    elif name in _CELL:
        page.is_new_cell = True


def _enter(page: _Page, name: str, attributes: str, *, is_marked: bool) -> _Element:
    element = _Element(name)
    if name == "pre":
        element.is_pre = True
    elif name == "a" and (href := _HREF.search(attributes)):
        element.href = html.unescape(href[1] or href[2] or href[3] or "").strip()
        element.text_from = (len(page.lines), len(page.line))
    elif name == "blockquote":
        element.is_quote = bool(_QUOTE.search(attributes)) or _introduces_quote(page)
    if is_marked:
        element.is_hidden = name != "body" and _HIDDEN.search(attributes) is not None
        if not element.is_hidden:
            _mark(page, element, attributes)
    if element.is_quote:
        page.owe(2)
        page.depth += 1
    return element


def _mark(page: _Page, element: _Element, attributes: str) -> None:
    if _HISTORY_AFTER.search(attributes):
        page.owe(1)
        page.is_history_next = True
    elif _HISTORY_INSIDE.search(attributes):
        element.is_quote = True
    elif _SIGNATURE.search(attributes) and element.name not in _VOID:
        page.owe(1)
        page.pay()
        if not page.lines or page.lines[-1][1] not in ("--", "-- "):
            page.lines.append((page.depth, "-- "))


def _introduces_quote(page: _Page) -> bool:
    """Whether the last line reads "... wrote:", so that a bare blockquote after it is a quote."""
    last = "".join(page.line).strip() or next((line for _, line in reversed(page.lines[-3:]) if line), "")
    return last.endswith(":") and ("@" in last or bool(re.search(r"\d[.:]\d\d", last)))


_IS_LINK = re.compile(r"https?://|mailto:|www\.", re.IGNORECASE)
_SCHEME = re.compile(r"^(?:https?://|mailto:|tel:)?(?:www\.)?", re.IGNORECASE)
# A link around more than this is a clickable block, not words with an address.
_LINK_PIECES = 20


def _leave(page: _Page, element: _Element) -> None:
    if element.is_quote:
        page.owe(2)
        page.depth -= 1
    if element.href and not element.is_hidden:
        line, piece = element.text_from
        if line != len(page.lines) or not 0 < len(page.line) - piece <= _LINK_PIECES:
            return
        text = "".join(page.line[piece:]).strip()
        target = element.href
        if not text or not _IS_LINK.match(target):
            return
        bare = _SCHEME.sub("", target).rstrip("/").lower()
        if _SCHEME.sub("", text).rstrip("/").lower() not in (bare, bare.partition("?")[0]):
            page.write(f" <{target.removeprefix('mailto:')}>")


def _unescaped(text: str, page: _Page) -> str:
    page.entities += text.count("&")
    return html.unescape(text) if page.entities < _MOST_ENTITIES else text


def _write(page: _Page, text: str, *, is_pre: bool) -> None:
    if "&" in text:
        text = _unescaped(text, page)
    if is_pre:
        first, *others = text.split("\n", max(0, _MOST_LINES_IN_PRE - len(page.lines)))
        if first:
            page.write(first)
        for line in others:
            page.owed = min(page.owed + 1, 2)
            if line.strip():
                page.write(line)
        return
    if text.isspace():
        if not page.ends_in_space:
            page.line.append(" ")
        return
    # Most runs of text hold single spaces only, and looking is ten times faster than replacing.
    if "  " in text or "\n" in text or "\u00a0" in text or "\t" in text or "\r" in text:
        text = _WHITE.sub(" ", text)
    if text[:1] == " " and page.ends_in_space:
        text = text[1:]
    if text:
        page.write(text)


def _assembled(page: _Page) -> HtmlText:
    history_at = None
    out: list[str] = []
    length = 0
    for number, (depth, line) in enumerate(page.lines):
        if number == page.history_line:
            history_at = length
        text = f"{'> ' * min(depth, 10)}{line}" if depth else line
        out.append(text)
        length += len(text) + 1
    return HtmlText("\n".join(out), history_at)
