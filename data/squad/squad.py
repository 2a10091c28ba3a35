"""SQuAD v1.1: finding and checking its files. https://rajpurkar.github.io/SQuAD-explorer/"""

from __future__ import annotations

import dataclasses
import functools
import glob
import logging
import os

import tensorflow as tf

from largebatch.data.files import storage

HOMEPAGE = "https://rajpurkar.github.io/SQuAD-explorer/"
SPLITS = ("train", "dev")


@dataclasses.dataclass(frozen=True)
class AnswerMismatch:
    """A training answer that does not stand where it says it does."""

    question_id: str
    found: str  # the context at answer_start, as long as the answer
    wanted: str  # the answer's text

    def __str__(self):
        return f"{self.question_id}: found {self.found!r}, wanted {self.wanted!r}"


@dataclasses.dataclass(frozen=True)
class SquadSet:
    """One file. `articles` is its "data", without the questions that `mismatches` lists."""

    file: str
    split: str
    articles: list = dataclasses.field(repr=False)
    questions: int
    mismatches: tuple = ()


def load_squad(path: str, *, split: str, allow_mismatches: bool = False) -> SquadSet:
    """Reads and checks a file of SQuAD v1.1.

    Args:
      path: The JSON file, or a folder with it: SPLIT-v1.1.json, or the only *SPLIT*.json there is.
      split: "train" or "dev". In a training file each question has one answer, and
        context[answer_start:] starts with it, but for white space.
      allow_mismatches: leave out training questions whose answer does not stand in the context
        where it says, with a warning that counts and lists them, instead of refusing the file.

    Raises:
      ValueError: no such file, or more than one; not JSON; not SQuAD v1.1 (v2.0 has questions
        without answers); no questions; an id twice; training answers that do not match, all listed
        where they are few. The message names the file and the place in it.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r} of SQuAD (known: {', '.join(SPLITS)})")
    file = _find(os.fspath(path), split)
    articles = _read(file)
    questions = _check(file, articles, split)
    mismatches = _mismatches(articles) if split == "train" else []
    if mismatches:
        message = (
            f"{file}: {len(mismatches)} of {questions} answers do not stand in their context at "
            f"answer_start: {_some(mismatches)}"
        )
        if not allow_mismatches:
            raise ValueError(f"{message}. Mend the file, or allow mismatches to leave them out")
        if len(mismatches) == questions:
            raise ValueError(f"{message}. No question is left to train on")
        logging.warning("%s. They are left out of training.", message)
        articles = _without(articles, {mismatch.question_id for mismatch in mismatches})
    return SquadSet(file, split, articles, questions - len(mismatches), tuple(mismatches))


def _find(path: str, split: str) -> str:
    if not tf.io.gfile.exists(path):
        raise ValueError(f"SQuAD's file or folder {path} does not exist; get it from {HOMEPAGE}")
    if not tf.io.gfile.isdir(path):
        return path
    official = f"{split}-v1.1.json"
    if tf.io.gfile.exists(os.path.join(path, official)):
        return os.path.join(path, official)
    found = storage.matching(os.path.join(glob.escape(path), f"*{split}*.json"))
    if len(found) != 1:
        state = f"more than one file: {', '.join(found)}" if found else "no file"
        raise ValueError(
            f"{path} holds {state} for SQuAD's {split} split: looked for {official}, then for the "
            f"only *{split}*.json. Name the file, or get it from {HOMEPAGE}"
        )
    return found[0]


def _read(file: str) -> list:
    content = storage.read_bytes(file, "SQuAD's file")
    try:
        content = storage.parsed_json(content.decode("utf-8"))
    except ValueError as error:  # not UTF-8, or not JSON: both say where
        raise ValueError(f"{file} is not SQuAD's JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("data"), list):
        raise ValueError(f'{file} is not SQuAD v1.1: wanted an object with "data", a list')
    version = content.get("version", "1.1")
    if not str(version).lstrip("v").startswith("1"):
        raise ValueError(f"{file} is SQuAD {version}, wanted v1.1")
    return content["data"]


def _check(file: str, articles: list, split: str) -> int:
    """Holds every part against the schema; returns the number of questions."""
    part = functools.partial(_part, file)
    parts = functools.partial(_parts, file)
    seen = {}
    for number, article in enumerate(articles):
        for paragraph, paragraph_place in parts(article, "paragraphs", f"data[{number}]"):
            if not part(paragraph, "context", str, paragraph_place).strip():
                raise ValueError(f"{file}: {paragraph_place}.context is empty")
            for question, place in parts(paragraph, "qas", paragraph_place):
                identity = part(question, "id", str, place)
                if identity in seen:
                    raise ValueError(f"{file}: {place} has the id {identity} of {seen[identity]}")
                seen[identity] = place
                part(question, "question", str, place)
                _check_answers(file, question, place, split)
    if not seen:
        raise ValueError(f"{file} holds no questions")
    return len(seen)


def _check_answers(file: str, question: dict, place: str, split: str) -> None:
    named = f"{place} (id {question['id']})"
    if "is_impossible" in question:
        raise ValueError(f"{file} is SQuAD v2.0: {named} has is_impossible; wanted v1.1")
    answers = list(_parts(file, question, "answers", place))
    if not answers or (split == "train" and len(answers) != 1):
        wanted = "exactly 1 for training" if split == "train" else "at least 1"
        raise ValueError(f"{file}: {named} has {len(answers)} answers, wanted {wanted}")
    for answer, answer_place in answers:
        if not _part(file, answer, "text", str, answer_place).strip():
            raise ValueError(f"{file}: {answer_place}.text (id {question['id']}) is empty")
        _part(file, answer, "answer_start", int, answer_place)


def _part(file: str, whole, name: str, kind: type, place: str):
    """whole[name], of that type."""
    if not isinstance(whole, dict):
        raise ValueError(f"{file} is not SQuAD v1.1: {place} is no object")
    value = whole.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        found = f"is {type(value).__name__}" if name in whole else "is missing"
        raise ValueError(
            f"{file} is not SQuAD v1.1: {place}.{name} {found}, wanted {kind.__name__}"
        )
    return value


def _parts(file: str, whole, name: str, place: str):
    """(element, its place) of the list whole[name]."""
    for number, value in enumerate(_part(file, whole, name, list, place)):
        yield value, f"{place}.{name}[{number}]"


def _mismatches(articles: list) -> list:
    found = []
    for article in articles:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                answer = question["answers"][0]
                start, text = answer["answer_start"], answer["text"]
                there = paragraph["context"][start : start + len(text)] if start >= 0 else ""
                # As the official reader compares: any run of white space is one space.
                if len(there) < len(text) or there.split() != text.split():
                    found.append(AnswerMismatch(question["id"], there, text))
    return found


def _without(articles: list, identities: set) -> list:
    return [
        {
            **article,
            "paragraphs": [
                {**part, "qas": [qa for qa in part["qas"] if qa["id"] not in identities]}
                for part in article["paragraphs"]
            ],
        }
        for article in articles
    ]


def _some(found: list, most: int = 20) -> str:
    more = f"; and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(str(one) for one in found[:most]) + more
