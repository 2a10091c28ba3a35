import pytest
from hypothesis import given
from hypothesis import strategies as st

from largebatch.data.text import text_documents
from largebatch.data.text.text_documents import detect_style, documents, sentences

WRAPPED = (
    "It was a bright cold day in April, and the\nclocks were striking thirteen. Winston\nSmith, "
    "his chin nuzzled into his breast,\nslipped quickly through the glass doors of\nthe Mansions.\n"
) * 3


def found(text, style, blank_lines=1):
    return [sentences for _, sentences in documents(text, style, blank_lines)]


def test_a_blank_line_ends_a_document_and_a_line_is_a_sentence():
    text = "One.\nTwo here\n\nThree.\n   \n\t\nFour.\n\n"
    assert found(text, "sentences") == [["One.", "Two here"], ["Three."], ["Four."]]


def test_two_blank_lines_end_a_document_where_two_are_asked_for():
    text = "A b c.\n\nD e f.\n\n\nG h i.\n \n \n \nJ."
    assert found(text, "free", 2) == [["A b c.", "D e f."], ["G h i."], ["J."]]
    assert found(text, "sentences", 2) == [["A b c.", "D e f."], ["G h i."], ["J."]]


def test_free_text_is_cut_at_ends_of_sentences_and_not_at_abbreviations():
    text = (
        "Mr. Smith met J. R. Ewing at 5 p.m. today. “Is it so?” he asked. It cost 3.50 dollars! "
        "(Indeed.) And e.g. This one stays... and ends."
    )
    assert sentences(text, "free") == [
        "Mr. Smith met J. R. Ewing at 5 p.m. today.",
        "“Is it so?” he asked.",
        "It cost 3.50 dollars!",
        "(Indeed.)",
        "And e.g. This one stays... and ends.",
    ]


def test_wrapped_lines_are_joined_and_a_paragraph_ends_a_sentence():
    text = "A heading\n\nOne sentence over\ntwo lines. Another\none"
    assert sentences(text, "free") == ["A heading", "One sentence over\ntwo lines.", "Another\none"]


def test_chinese_and_japanese_sentences_need_no_space():
    assert sentences("你好。世界！再见", "free") == ["你好。", "世界！", "再见"]


def test_free_text_without_an_end_is_cut_at_a_space():
    parts = sentences("word " * 2000, "free")
    assert len(parts) > 4
    assert max(map(len, parts)) <= text_documents.MAX_SENTENCE
    assert " ".join(parts).split() == ["word"] * 2000


@given(st.text(alphabet="aB .!?\n\t\"'”。é", max_size=300), st.sampled_from(["free", "sentences"]))
def test_no_character_is_lost_but_white_space(text, style):
    kept = "".join(s for _, document in documents(text, style) for s in document)
    assert "".join(kept.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("This is one.\nThis is another one.\nIs it?\n\n“Yes.”\n", "sentences"),
        ("no punctuation at all\nin any line\n", "sentences"),
        ("title\nA sentence .\nanother sentence .\n", "sentences"),
        (WRAPPED, "free"),
        ("First one. Second one. Third.\n\n= Heading =\n\nA paragraph. Of two.\n", "free"),
        ("", "sentences"),
    ],
)
def test_the_style_is_found_from_a_file_s_beginning(text, style):
    assert detect_style(text.encode()) == style


def test_a_beginning_that_is_cut_inside_a_character_is_no_matter():
    text = ("Ein Satz über Größe.\n" * 4000).encode()
    size = text_documents.DETECTED_BYTES
    assert {detect_style(text[shift : shift + size]) for shift in range(22)} == {"sentences"}
