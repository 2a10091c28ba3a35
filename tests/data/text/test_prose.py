"""Documents of novels and of articles."""

import pytest

from largebatch.data.text import prose

LONG = "It was the best of times, it was the worst of times. " * 8
BOOK = (
    "Produced by a volunteer\r\n\r\n*** START OF THIS PROJECT GUTENBERG EBOOK A TALE ***\r\n"
    f"\r\n\r\nCONTENTS\r\n\r\n\r\n\r\nI\r\n\r\n{LONG}\r\n\r\nA second paragraph.\r\n\r\n\r\n\r\n"
    f"II\r\n\r\nSecond. {LONG}\r\n\r\n\r\n*** END OF THIS PROJECT GUTENBERG EBOOK A TALE ***\r\n"
    f"The licence.\r\n\r\n\r\n{LONG}"
)
ARTICLES = (
    f" \n = Lobster = \n \n Lobsters are <unk> animals . {LONG}\n \n = = Anatomy = = \n \n"
    f" It grows to 0 @.@ 7 kg , a well @-@ known size . {LONG}\n \n = Crab = \n \n"
    f" Crabs . {LONG}\n"
)


def test_a_novels_documents_are_its_chapters_without_header_licence_and_contents():
    first, second = prose.documents(BOOK)
    assert first.startswith("I\n\nIt was") and first.endswith("A second paragraph.")
    assert second.startswith("II\n\nSecond.")
    assert not any("licence" in text or "CONTENTS" in text for text in (first, second))


def test_an_article_is_a_document_without_headings_and_marks():
    lobster, crab = prose.documents(ARTICLES)
    assert lobster.startswith("Lobsters are animals .") and crab.startswith("Crabs .")
    assert "0.7 kg" in lobster and "well-known" in lobster
    assert not any(mark in ARTICLES and mark in lobster for mark in ("= =", "<unk>", "@", "Crab"))
    assert "\n\n" in lobster  # paragraphs, not one line


def test_other_text_is_cut_at_two_blank_lines_and_short_pieces_are_left_out():
    assert prose.documents(f"{LONG}\n\nmore\n\n\n{LONG}\n\n\nToo short.") == [
        f"{LONG}\n\nmore",
        LONG.strip(),
    ]


def test_the_order_of_documents_depends_on_their_text_alone(tmp_path):
    for names in (("a", "b"), ("b", "a")):
        folder = tmp_path / names[0]
        folder.mkdir()
        for name, text in zip(names, (BOOK, ARTICLES)):
            (folder / f"{name}.txt").write_bytes(text.encode())
    once, again = (prose.collect(str(tmp_path / name)) for name in ("a", "b"))
    assert once == again and len(once) == 4
    (tmp_path / "a" / "copy.txt").write_bytes(BOOK.encode())
    assert prose.collect(str(tmp_path / "a")) == once  # each document once


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "holds no .txt files"), (b"short", "no document of 300"), (b"\xff" * 999, "not UTF-8")],
)
def test_a_folder_without_documents_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "text.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        prose.collect(str(tmp_path))
