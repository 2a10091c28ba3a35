"""SQuAD's paragraphs split anew; the program is `data.split_squad`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from largebatch.data.files import storage
from largebatch.data.squad.squad import SPLITS, SquadSet, load_squad
from largebatch.data.text.text_documents import is_held_out


def write(sets: Sequence[SquadSet], dev_fraction: float, folder: str) -> list[SquadSet]:
    """Writes the training and the dev file of all paragraphs of `sets`; returns both, read again.

    A paragraph is a dev one where the hash of its words, a number in [0, 1), is below
    `dev_fraction`: paragraphs of the same text are on one side, wherever they stand.

    Raises:
      ValueError: a fraction that leaves one side without questions, files that are there already.
    """
    if not 0 < dev_fraction < 1:
        raise ValueError(f"--dev_fraction={dev_fraction}: want more than 0 and less than 1")
    articles: dict[str, list] = {split: [] for split in SPLITS}
    for article in (article for one in sets for article in one.articles):
        for split, kept in articles.items():
            paragraphs = [
                _trained(paragraph) if split == "train" else paragraph
                for paragraph in article["paragraphs"]
                if paragraph["qas"]
                and is_held_out(paragraph["context"], dev_fraction) == (split == "dev")
            ]
            if paragraphs:
                kept.append({**article, "paragraphs": paragraphs})
    for split, kept in articles.items():
        if not kept:
            raise ValueError(f"--dev_fraction={dev_fraction} leaves no paragraph for {split}")
    files = {split: os.path.join(folder, f"{split}-v1.1.json") for split in SPLITS}
    for file in files.values():
        if storage.size(file) is not None:
            raise ValueError(f"{file} is there already; give another --output_dir")
    storage.make_folder(os.path.join(folder, ""))
    for split, file in files.items():
        content = json.dumps({"version": "1.1", "data": articles[split]}, ensure_ascii=False)
        storage.write_bytes(file, content.encode("utf-8", "surrogatepass"))
    return [load_squad(file, split=split) for split, file in files.items()]


def _trained(paragraph: dict) -> dict:
    """As a training paragraph: one answer a question."""
    asked = [{**question, "answers": question["answers"][:1]} for question in paragraph["qas"]]
    return {**paragraph, "qas": asked}
