"""Questions and contexts of SQuAD as BERT's input: overlapping windows of a fixed length.

Wraps tf-models-official's code, which is Google's. Legend: n windows, L the window's length.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import logging
import os
import tempfile

import absl.logging
import numpy as np
from official.nlp.data import squad_lib
from official.nlp.tools import tokenization

from largebatch.data.squad.squad import SquadSet
from largebatch.data.text.wordpiece import MAX_WORD_CHARACTERS, Vocabulary


@dataclasses.dataclass(frozen=True)
class SquadWindows:
    """Windows [CLS] question [SEP] context [SEP], then zeros.

    The masks follow from two numbers a window, so they are not stored. `examples` and `features`
    (of evaluation only, empty for training) are squad_lib's, as `squad_predictions` takes them;
    the features' input lists are emptied, `input_word_ids` has them.
    """

    split: str
    input_word_ids: np.ndarray  # int32 [n, L]
    tokens: np.ndarray  # int32 [n]: how many are not zeros
    context_start: np.ndarray  # int32 [n]: of the first token of the context
    start_positions: np.ndarray  # int32 [n]: 0 ([CLS]) where the window lacks the answer
    end_positions: np.ndarray  # int32 [n], inclusive; training only
    unique_ids: np.ndarray  # int32 [n]
    vocabulary_size: int
    lower_case: bool
    left_out: tuple  # ids of training questions whose answer the official reader does not find
    examples: list = dataclasses.field(repr=False, compare=False)
    features: list = dataclasses.field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.input_word_ids)


def squad_windows(
    squad: SquadSet,
    vocabulary_file: str,
    *,
    lower_case: bool = True,
    sequence_length: int = 384,
    stride: int = 128,
    question_length: int = 64,
) -> SquadWindows:
    """BERT's recipe: a question, cut to `question_length` tokens, in front of each window of its
    context; windows start `stride` tokens apart.

    Raises:
      ValueError: lengths that leave the context no room; a vocabulary that `Vocabulary` refuses; a
        context without a single token, of zero-width characters for example.
    """
    if stride < 1 or question_length < 1 or sequence_length - question_length - 3 < stride:
        raise ValueError(
            f"windows of {sequence_length} tokens with questions of {question_length} leave "
            f"{sequence_length - question_length - 3} for the context, less than the stride "
            f"{stride}, which must be positive: some of it would be in no window"
        )
    training = squad.split == "train"
    tokenizer = _Tokenizer(vocabulary_file, lower_case)
    examples, left_out = _examples(squad, training)
    rows, features, with_window = [], [], set()

    def keep(feature, is_padding=False):
        assert not is_padding  # of an evaluation batch of 1 there is none
        rows.append(
            (
                np.array(feature.input_ids, np.int32),
                len(feature.tokens),
                min(feature.token_to_orig_map),
                feature.start_position,
                feature.end_position,
                feature.unique_id,
            )
        )
        with_window.add(feature.example_index)
        if not training:
            # Some 15 KB a window that nothing reads again.
            feature.input_ids = feature.input_mask = feature.segment_ids = None
            feature.paragraph_mask = None
            features.append(feature)

    with _quiet():
        squad_lib.convert_examples_to_features(
            examples,
            tokenizer,
            max_seq_length=sequence_length,
            doc_stride=stride,
            max_query_length=question_length,
            is_training=training,
            output_fn=keep,
            batch_size=1,
        )
    empty = [one.qas_id for number, one in enumerate(examples) if number not in with_window]
    if empty:
        raise ValueError(
            f"{squad.file}: the context of the question {', '.join(empty[:5])} has not one token: "
            "what looks like its text is of zero width, or control characters"
        )
    word_ids, *numbers = zip(*rows)
    return SquadWindows(  # type: ignore[misc]
        squad.split,
        np.stack(word_ids),
        *(np.array(column, np.int32) for column in numbers),
        vocabulary_size=tokenizer.size,
        lower_case=lower_case,
        left_out=left_out,
        examples=[] if training else examples,
        features=features,
    )


class _Tokenizer(tokenization.FullTokenizer):
    """Google's tokenizer with a memory: a context is tokenized word by word for each question."""

    def __init__(self, vocabulary_file: str, lower_case: bool):
        self.size = len(Vocabulary.read(os.fspath(vocabulary_file)))
        super().__init__(os.fspath(vocabulary_file), do_lower_case=lower_case)
        self.wordpiece_tokenizer.max_input_chars_per_word = MAX_WORD_CHARACTERS
        self.tokenize = functools.lru_cache(1 << 18)(super().tokenize)


def _examples(squad: SquadSet, training: bool) -> tuple[list, tuple]:
    """squad_lib's examples, and the ids of the questions that it leaves out."""
    # Its reader takes a file: one of what `load_squad` left.
    with tempfile.TemporaryDirectory() as folder, _quiet(absl.logging.ERROR):
        file = os.path.join(folder, "squad.json")
        with open(file, "w", encoding="utf-8") as writer:
            json.dump({"version": "1.1", "data": squad.articles}, writer)
        examples = squad_lib.read_squad_examples(
            file, is_training=training, version_2_with_negative=False
        )
    found = {example.qas_id for example in examples}
    left_out = tuple(
        question["id"]
        for article in squad.articles
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
        if question["id"] not in found
    )
    if not examples:
        raise ValueError(f"{squad.file}: the official reader finds no question's answer")
    if left_out:
        logging.warning(
            "%s: the answers of %d of %d questions have white space in their context that the "
            "official reader does not know; they are left out of training: %s",
            squad.file,
            len(left_out),
            squad.questions,
            ", ".join(left_out),
        )
    return examples, left_out


@contextlib.contextmanager
def _quiet(verbosity: int = absl.logging.WARNING):
    """squad_lib logs the first 20 windows in full, and each answer that it leaves out."""
    before = absl.logging.get_verbosity()
    absl.logging.set_verbosity(min(before, verbosity))
    try:
        yield
    finally:
        absl.logging.set_verbosity(before)
