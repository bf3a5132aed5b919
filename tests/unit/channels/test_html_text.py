"""HTML to text: what a person sees, links kept, tables legible, quotes marked, nothing hidden."""

from __future__ import annotations

import pytest

from lokbot.channels.html_text import render


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Hej</p><p>då</p>", "Hej\n\ndå"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("  a \n\n b&nbsp;c &amp; d ", "a b c & d"),
        ("<ul><li>ett<li>två</ul>", "- ett\n- två"),
        ("<table><tr><th>A<th>B<tr><td><p>1</p><td>2</table>", "A | B\n1 | 2"),
        (
            "<table>\n<tr>\n <td>A</td>\n <td> </td>\n <td>\n  <p>B</p>\n </td>\n</tr>\n<tr><td>C</td></tr></table>",
            "A | B\nC",
        ),
        ('<a href="https://example.org/x">här</a>', "här <https://example.org/x>"),
        ('<a href="https://www.example.org/">www.example.org</a>', "www.example.org"),
        ("<a href='mailto:a@example.org'>a@example.org</a>", "a@example.org"),
        ("<a href=mailto:a@example.org>Anna</a>", "Anna <a@example.org>"),
        ('<a href="javascript:x()">x</a><a href="#y">y</a>', "xy"),
        ("<style>p{}</style><script>if(a<b)</script><title>t</title>x", "x"),
        ("<!-- <p>dolt --><![if !mso]>x<![endif]><!--[if mso]>dolt<![endif]-->", "x"),
        ('<div style="display: none">dolt<div>inne</div></div>x', "x"),
        ("<span hidden>dolt</span>x", "x"),
        ("<p style='mso-hide:all'>syns</p>", "syns"),
        ("<pre>a\n  b\n\nc</pre>", "a\n  b\n\nc"),
        ("Anna <anna@example.org> skrev", "Anna <anna@example.org> skrev"),
        ("1 < 2 och 3 > 2", "1 < 2 och 3 > 2"),
        ("<p>öppen", "öppen"),
        ('<a title="a>b" href="https://x.example">z</a>', "z <https://x.example>"),
        ("", ""),
    ],
)
def test_text(source: str, text: str) -> None:
    assert render(source).text == text


def test_quotes_are_marked_and_an_indent_is_none() -> None:
    assert render("<blockquote type=cite>a<br>b</blockquote>c").text == "> a\n> b\n\nc"
    assert render('<blockquote style="margin:0 0 0 40px;border:none">eget</blockquote>').text == "eget"
    assert render("<div>Den 3 feb. kl. 10:15 skrev X:</div><blockquote>a</blockquote>").text.endswith("\n> a")
    assert render('<div class="yahoo_quoted"><div>a</div></div>b').text == "> a\n\nb"


def test_outlook_says_where_history_begins() -> None:
    read = render('<div>nytt</div><hr><div id="x_divRplyFwdMsg"><b>Från:</b> X</div><div>gammalt</div>')
    assert read.history_at is not None
    assert read.text[: read.history_at] == "nytt\n"
    assert read.text[read.history_at :] == "Från: X\ngammalt"
    assert render("<p>nytt</p>").history_at is None


def test_a_signature_container_gets_a_delimiter() -> None:
    assert render('<div>a</div><div id="Signature">Anna</div>').text == "a\n-- \nAnna"
    assert render('<span>-- </span><br><div class="gmail_signature">Anna</div>').text == "--\nAnna"
