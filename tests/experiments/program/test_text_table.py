"""Tables of text: what a cell holds cannot break its line, its table or its page."""

from __future__ import annotations

from largebatch.experiments.program.text_table import Sheet, aligned, as_prose, piped

ODD = "<script>alert(1)</script>\n| a *b*\x1b[31m &lt;"


def test_markdown_escapes_what_would_be_markup():
    text = piped(Sheet(["file"], [[ODD]]))
    assert len(text.splitlines()) == 3
    assert "<script>" not in text and "&lt;script>alert(1)&lt;/script>" in text
    assert "\\| a \\*b\\*" in text and "&amp;lt;" in text and "\x1b" not in text


def test_what_only_looks_like_markup_is_left_as_it_is():
    assert as_prose("difference < 0, p & q, a -> b, 1 <2") == "difference < 0, p & q, a -> b, 1 <2"
    assert as_prose("<!-- table7 --> <b> <?x") == "&lt;!-- table7 --> &lt;b> &lt;?x"


def test_a_terminal_gets_one_line_a_row():
    text = aligned(Sheet(["file", "why"], [["a\nb", "c\x1b[2J"]]))
    assert len(text.splitlines()) == 3 and "\x1b" not in text and "a b" in text
