"""WordPiece ids of Google BERT's FullTokenizer, at the speed of the words that differ.

BERT cuts a text at white space before anything else, and what it then does to a word depends on
that word alone. So each different word of a shard is cut once: cleaned, lower-cased and split at
punctuation, as BERT's BasicTokenizer does with Python's own Unicode tables, and cut into the
longest pieces from its beginning on. All other occurrences are a look-up.
"""

from __future__ import annotations

import array
import dataclasses
import functools
import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from largebatch.data.files import storage

PAD, UNK, CLS, SEP, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# As google-research/bert's tokenization.py, where a longer word is [UNK]; tf-models-official's copy
# has 400.
MAX_WORD_CHARACTERS = 200
_KNOWN_TOKENS = 1 << 17  # that are kept: bounds memory where hardly two are the same

# BERT deletes these before it looks for white space; Python's split() takes them for white space.
_DELETED_SPACES = re.compile("[\x0b\x0c\x1c-\x1f\x85]")
_ASCII_SPACE = " \t\n\r\x0b\x0c"
_ASCII_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ASCII_PARTS = re.compile("[A-Za-z0-9]+|[^A-Za-z0-9]")
_CJK = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The pieces of a vocabulary file, one a line; a piece's id is its line, from 0.

    White space around a piece is stripped where it is ASCII's alone: Google's Chinese model has the
    line separator U+2028 as a piece.
    """

    file: str
    sha256: str
    pieces: tuple

    @classmethod
    def read(cls, file: str) -> Vocabulary:
        """Raises ValueError: no such file, not UTF-8, a blank or repeated line, a special token
        missing."""
        content = storage.read_bytes(file, "the vocabulary")
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise ValueError(f"{file}:{line}: the vocabulary is not UTF-8") from error
        pieces = [line.strip(_ASCII_SPACE) for line in text.rstrip(_ASCII_SPACE).split("\n")]
        place = {}
        for line, piece in enumerate(pieces, 1):
            if not piece:
                raise ValueError(f"{file}:{line}: a blank line in the vocabulary")
            if piece in place:
                raise ValueError(f"{file}:{line}: {piece!r} stands on line {place[piece]} already")
            place[piece] = line
        missing = [token for token in SPECIAL_TOKENS if token not in place]
        if missing:
            raise ValueError(
                f"{file}: the vocabulary has no {', '.join(missing)}; BERT needs each of "
                f"{' '.join(SPECIAL_TOKENS)} (largebatch.data.build_vocabulary makes such a file)"
            )
        return cls(file, hashlib.sha256(content).hexdigest(), tuple(pieces))

    def __len__(self) -> int:
        return len(self.pieces)

    def id(self, piece: str) -> int:
        return self.pieces.index(piece)

    def continuations(self) -> np.ndarray:
        """bool [size]: whether the piece continues a word (##…)."""
        return np.array([piece.startswith("##") for piece in self.pieces])


def words(text: str) -> list[str]:
    """The text cut at white space, in BERT's sense of it. Words still hold what BERT deletes."""
    if _DELETED_SPACES.search(text):
        text = _DELETED_SPACES.sub("", text)
    return text.split()


def basic_tokens(word: str, lower_case: bool) -> list[str]:
    """A word cleaned, lower-cased without accents, and split at punctuation and CJK characters."""
    if word.isascii():
        if lower_case:
            word = word.lower()
        if word.isalnum():
            return [word]
        return _ASCII_PARTS.findall(_ASCII_CONTROL.sub("", word))
    spaced = "".join(map(_cleaned, word))
    tokens = []
    for part in spaced.split():
        if lower_case:
            part = unicodedata.normalize("NFD", part.lower())
            part = "".join(c for c in part if unicodedata.category(c) != "Mn")
        tokens += "".join(f" {c} " if _is_punctuation(c) else c for c in part).split()
    return tokens


@functools.cache
def _cleaned(character: str) -> str:
    code = ord(character)
    if code in (0, 0xFFFD) or unicodedata.category(character) in ("Cc", "Cf"):
        return ""
    if any(low <= code <= high for low, high in _CJK):
        return f" {character} "
    return character


@functools.cache
def _is_punctuation(character: str) -> bool:
    if character.isascii():
        return not character.isalnum()
    return unicodedata.category(character).startswith("P")


class _Numbers(dict):
    """word -> number, in the order in which words are first asked for."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


class Tokenizer:
    """Cuts words into the ids of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary, lower_case: bool):
        self.vocabulary = vocabulary
        self.lower_case = lower_case
        self._unknown = (vocabulary.id(UNK),)
        self._beginnings = {piece: number for number, piece in enumerate(vocabulary.pieces)}
        self._continuations = {
            piece[2:]: number
            for number, piece in enumerate(vocabulary.pieces)
            if piece.startswith("##")
        }
        self._longest = max(map(len, vocabulary.pieces))
        self._known: dict[str, tuple[int, ...]] = {}

    def word_ids(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(ids int32 of all words, one after the other; lengths int32: how many each word has)."""
        ids, ends = array.array("i"), array.array("q", [0])
        for word in words:
            for token in basic_tokens(word, self.lower_case):
                pieces = self._known.get(token)
                if pieces is None:
                    pieces = self._pieces(token)
                    if len(self._known) < _KNOWN_TOKENS:
                        self._known[token] = pieces
                ids.extend(pieces)
            ends.append(len(ids))
        return np.array(ids, np.int32), np.diff(np.array(ends, np.int64)).astype(np.int32)

    def _pieces(self, token: str) -> tuple[int, ...]:
        """The longest piece that begins the token, the longest that goes on from there, and so on;
        [UNK] alone where there is none at some place."""
        whole = self._beginnings.get(token)
        length = len(token)
        if length > MAX_WORD_CHARACTERS:
            return self._unknown
        if whole is not None:
            return (whole,)
        found: list[int] = []
        start, pieces = 0, self._beginnings
        while start < length:
            for end in range(min(length, start + self._longest), start, -1):
                piece = pieces.get(token[start:end])
                if piece is not None:
                    break
            else:
                return self._unknown
            found.append(piece)
            start, pieces = end, self._continuations
        return tuple(found)

    def ids(self, text: str) -> list[int]:
        """The ids of one text; `TokenizedText` is the quick way for many."""
        return self.word_ids(words(text))[0].tolist()


class TokenizedText:
    """Sentences of documents, collected word by word and cut all at once.

    After `finish`: tokens int32, all sentences one after the other; sentence_ends int64
    [sentences + 1], from 0; document_ends int64 [documents + 1], in sentences, from 0. Sentences
    and documents without a token are left out, as in BERT.
    """

    def __init__(self) -> None:
        self._numbers = _Numbers()
        self._words = []  # arrays of word numbers, one a document
        self._sentence_words = []  # arrays: words in each sentence
        self._document_sentences = []

    def add(self, sentences: Iterable[str]) -> None:
        """One document."""
        cut = [words(sentence) for sentence in sentences]
        lengths = np.fromiter(map(len, cut), np.int32, len(cut))
        flat = itertools.chain.from_iterable(cut)
        number = self._numbers.__getitem__
        self._words.append(np.fromiter(map(number, flat), np.int32, int(lengths.sum())))
        self._sentence_words.append(lengths)
        self._document_sentences.append(len(cut))

    def finish(self, tokenizer: Tokenizer) -> TokenizedText:
        flat = _concatenated(self._words, np.int32)
        sentence_words = _concatenated(self._sentence_words, np.int32)
        ids, lengths = tokenizer.word_ids(list(self._numbers))
        self._numbers, self._words, self._sentence_words = _Numbers(), [], []

        starts = np.cumsum(lengths, dtype=np.int64) - lengths
        counts = lengths[flat]
        ends = np.cumsum(counts, dtype=np.int64)
        total = int(ends[-1]) if len(ends) else 0
        # Token k of word w is ids[starts[w] + k]: a running index, moved at each word's first.
        source = np.repeat((starts[flat] - (ends - counts)).astype(np.int32), counts)
        source += np.arange(total, dtype=np.int32)
        self.tokens = ids[source].astype(np.int32, copy=False)

        word_ends = np.concatenate([[0], np.cumsum(sentence_words, dtype=np.int64)])
        token_ends = np.concatenate([[0], ends])[word_ends]
        sentence_tokens = np.diff(token_ends)
        document = np.repeat(np.arange(len(self._document_sentences)), self._document_sentences)
        kept = sentence_tokens > 0
        per_document = np.bincount(document[kept], minlength=len(self._document_sentences))
        per_document = per_document[per_document > 0]
        self.sentence_ends = np.concatenate([[0], np.cumsum(sentence_tokens[kept])])
        self.document_ends = np.concatenate([[0], np.cumsum(per_document)]).astype(np.int64)
        self._document_sentences = []
        return self


def _concatenated(arrays: list, dtype: type) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype)
