"""Floors of BERT's two tasks: what counting words scores on the same held-out examples.

A model of language has learned something once it is above them. Legend: n examples, L the sequence
length, P predictions a sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np


def floors(
    train: Iterable[Mapping[str, np.ndarray]], held_out: Mapping[str, np.ndarray], mask_id: int
) -> dict[str, dict[str, float]]:
    """{metric: {floor: score}}, each score the share of right answers on `held_out`.

    The predictors see what a model sees of a held-out sequence, its other masked words replaced:

        masked_lm_accuracy
          unigram          the most frequent word of the training text, always the same
          left_bigram      the most frequent one after the word on the left
          both_neighbours  the most frequent one between the words on both sides
        next_sentence_accuracy
          majority         the more frequent label of the training examples

    A place whose context never occurs in training, or is [MASK] itself, falls back to the left
    bigram, then to the unigram. Counts are of the training sequences before masking, [CLS] and
    [SEP] included as contexts and never as answers, since no prediction asks for one.

    Args:
      train: Blocks of examples, as `RecordReader.read` has them: input_word_ids, input_mask [n, L];
        masked_lm_positions, masked_lm_ids, masked_lm_weights [n, P]; next_sentence_labels [n].
      held_out: The examples that are scored, all in one block.
      mask_id: The number of [MASK].

    Raises:
      ValueError: No training example, or nothing to predict.
    """
    left, right, answers = _places(held_out)
    if not len(answers):
        raise ValueError("the held-out examples have no masked word to predict")
    words = int(max(left.max(), right.max(), answers.max(), held_out["input_word_ids"].max())) + 1
    # A context is one number: the left word, or both words.
    pairs = left.astype(np.int64) << 32 | right
    wanted = {"left_bigram": np.unique(left), "both_neighbours": np.unique(pairs)}
    seen: dict[str, list] = {name: [] for name in wanted}
    single, labels, examples = np.zeros(words, np.int64), np.zeros(2, np.int64), 0
    for block in train:
        before, word, after = _triples(block)
        single += np.bincount(word[word < words], minlength=words)
        contexts = {"left_bigram": before, "both_neighbours": before.astype(np.int64) << 32 | after}
        for name, context in contexts.items():
            place = np.searchsorted(wanted[name], context)
            place[place == len(wanted[name])] = 0
            known = wanted[name][place] == context
            seen[name].append(_counted(place[known], word[known]))
        labels += np.bincount(block["next_sentence_labels"], minlength=2)
        examples += len(block["next_sentence_labels"])
    if not examples:
        raise ValueError("there are no training examples to count words of")
    always = int(single.argmax())
    guess = np.full(len(answers), always)
    scores = {"unigram": float(np.mean(guess == answers))}
    shown = {
        "left_bigram": left != mask_id,
        "both_neighbours": (left != mask_id) & (right != mask_id),
    }
    for name, context in (("left_bigram", left), ("both_neighbours", pairs)):
        best = _most_frequent(seen[name], len(wanted[name]))
        found = best[np.searchsorted(wanted[name], context)]
        guess = np.where((found >= 0) & shown[name], found, guess)
        scores[name] = float(np.mean(guess == answers))
    majority = float(np.mean(held_out["next_sentence_labels"] == labels.argmax()))
    return {"masked_lm_accuracy": scores, "next_sentence_accuracy": {"majority": majority}}


def unmasked(block: Mapping[str, np.ndarray]) -> np.ndarray:
    """int32 [n, L]: the sequences as they were before words were masked."""
    ids = np.array(block["input_word_ids"], np.int32)
    rows, column = np.nonzero(block["masked_lm_weights"])
    ids[rows, block["masked_lm_positions"][rows, column]] = block["masked_lm_ids"][rows, column]
    return ids


def _places(block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(the word on the left as shown, the one on the right, the answer) of every prediction."""
    rows, column = np.nonzero(block["masked_lm_weights"])
    place = block["masked_lm_positions"][rows, column]
    ids = np.asarray(block["input_word_ids"])
    # A prediction is never [CLS] or the last [SEP], so both neighbours exist.
    return ids[rows, place - 1], ids[rows, place + 1], block["masked_lm_ids"][rows, column]


def _triples(block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(left, word, right) of all words of the sequences, but the special ones at both ends."""
    ids, there = unmasked(block), np.asarray(block["input_mask"]) > 0
    inside = there[:, 1:-1] & there[:, 2:]
    return ids[:, :-2][inside], ids[:, 1:-1][inside], ids[:, 2:][inside]


def _counted(context: np.ndarray, word: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(context << 32 | word, how often), each pair once."""
    return np.unique(context.astype(np.int64) << 32 | word, return_counts=True)


def _most_frequent(counted: list, contexts: int) -> np.ndarray:
    """int64 [contexts]: the most frequent word of each, the smaller number of two; -1 of none."""
    keys, place = np.unique(np.concatenate([keys for keys, _ in counted]), return_inverse=True)
    counts = np.bincount(place, np.concatenate([count for _, count in counted]))
    order = np.lexsort((-keys, counts))  # a context's best word comes last and is what stays
    best = np.full(contexts, -1, np.int64)
    best[keys[order] >> 32] = keys[order] & 0xFFFF_FFFF
    return best
