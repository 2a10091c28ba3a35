"""Plain text as documents of sentences.

A run of `blank_lines` or more blank lines ends a document (Google's format: one). A file's end
ends one too. Within a document, text is of one of two styles:

  sentences  one sentence a line, kept as it is (Google's format);
  free       prose, one paragraph a line or wrapped at some width: it is cut at ends of sentences.

`detect_style` chooses by a file's beginning: wrapped prose has lines that mostly do not end as a
sentence does, a paragraph a line has ends of sentences inside lines.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

_SENTENCE_END = re.compile("[.!?…][\"'”’)\\]]*\\s+(?=[^a-z\\s])|[。！？][」』”’）]*")
_LINE_END = re.compile("[.!?…:;。！？][\"'”’)\\]」』）*_]*$")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st rev gen col capt lt sgt hon jr sr vs etc no vol pp fig eq al inc ltd co "
    "corp dept est approx cf e.g i.e eg ie u.s u.k messrs mme mlle mt ch sec".split()
)
_WORD_BEFORE = re.compile(r"([^\s(\"'“‘\[]+)$")
MAX_SENTENCE = 2000  # characters; of free text without an end in sight
DETECTED_BYTES = 1 << 16


def document_break(blank_lines: int) -> re.Pattern:
    """What ends a document in a text, as a pattern on str."""
    return re.compile(rf"\n(?:[^\S\n]*\n){{{blank_lines},}}")


def documents(text: str, style: str, blank_lines: int = 1) -> Iterator[tuple[str, list[str]]]:
    """Yields (the document's text, its sentences: list of str), leaving out blank ones."""
    for document in document_break(blank_lines).split(text):
        found = sentences(document, style)
        if found:
            yield document, found


def sentences(document: str, style: str) -> list[str]:
    if style == "sentences":
        return [line for line in document.split("\n") if line and not line.isspace()]
    found = []
    # A blank line inside a document, where two or more end one, ends a paragraph.
    for paragraph in re.split(r"\n[^\S\n]*\n", document):
        found += _split(paragraph)
    return found


def _split(paragraph: str) -> list[str]:
    found, start = [], 0
    for end in _SENTENCE_END.finditer(paragraph):
        if _ends_a_sentence(paragraph, start, end.start()):
            found.append(paragraph[start : end.end()])
            start = end.end()
    found.append(paragraph[start:])
    if len(paragraph) > MAX_SENTENCE:
        found = [part for sentence in found for part in _shortened(sentence)]
    return [sentence for sentence in map(str.strip, found) if sentence]


def _ends_a_sentence(text: str, start: int, stop: int) -> bool:
    """Whether the full stop at `stop` is more than that of an abbreviation or an initial."""
    if text[stop] != ".":
        return True
    word = _WORD_BEFORE.search(text, max(start, stop - 12), stop)
    if word is None:
        return True
    word = word.group(1)
    initial = len(word) == 1 and word.isupper() and word != "I"
    return not initial and word.lower() not in _ABBREVIATIONS


def _shortened(sentence: str):
    """Cuts at white space where a sentence is longer than any should be."""
    while len(sentence) > MAX_SENTENCE:
        cut = sentence.rfind(" ", MAX_SENTENCE // 2, MAX_SENTENCE)
        cut = MAX_SENTENCE if cut < 0 else cut
        yield sentence[:cut]
        sentence = sentence[cut:]
    yield sentence


def is_held_out(text: str, fraction: float) -> bool:
    """Whether a document is of the share that is not trained on: by its words alone, so that copies
    of one document are all on the same side, wherever they stand."""
    if fraction <= 0.0:
        return False  # the usual case, without a look at the words
    words = " ".join(text.split()).encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.blake2b(words, digest_size=8).digest(), "big")
    return number < fraction * 2**64


def detect_style(beginning: bytes) -> str:
    """The style of a file, by its first DETECTED_BYTES.

    free where 30 % of the lines hold an end of a sentence inside, or where there are such ends in
    the text but fewer than 40 % of the lines end in one; sentences otherwise.
    """
    if len(beginning) >= DETECTED_BYTES:  # the last line may be cut off, in a character too
        beginning = beginning[: beginning.rfind(b"\n") + 1] or beginning
    text = beginning.decode("utf-8", "ignore")
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line]
    if not lines:
        return "sentences"
    inside = sum(len(_split(line)) > 1 for line in lines) / len(lines)
    ending = sum(bool(_LINE_END.search(line)) for line in lines) / len(lines)
    if inside > 0.3 or (inside + ending > 0.02 and ending < 0.4):
        return "free"
    return "sentences"
