"""Released encoders of any size, before anything is trained: what is taken, what is refused."""

import json

import pytest

from largebatch import stack
from largebatch.data.text.wordpiece import SPECIAL_TOKENS
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.records.row_record import row_record
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.rows.validation import validate
from largebatch.experiments.tables import registry
from largebatch.experiments.tasks import encoders
from largebatch.experiments.tasks.span_prediction import build_span_model
from largebatch.models import bert_span_model, write_google_checkpoint
from largebatch.models.bert_sizes import BertSize

SIZE = BertSize(1, 8, 2, 20)
WORDS = ["the", "cat", "##s", "\u2028"]


@pytest.fixture(scope="module")
def model():
    return bert_span_model(SIZE, len(SPECIAL_TOKENS) + len(WORDS), 384, activation="exact_gelu")


@pytest.fixture
def release(model, tmp_path):
    """Writes a release with these pieces; returns its folder."""

    def write(words=WORDS, name="some_bert", config=None):
        folder = tmp_path / name
        write_google_checkpoint(model, str(folder))
        (folder / "vocab.txt").write_bytes("\n".join([*SPECIAL_TOKENS, *words, ""]).encode())
        if config:
            path = folder / "bert_config.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
        return folder

    return write


@pytest.fixture
def row():
    return registry.find("table1/baseline")


def test_the_encoder_s_size_is_the_checkpoint_s_and_marks_the_run(release, row, model):
    changed, encoder = encoders.released(row, str(release()))
    assert (changed.model, changed.vocabulary_size) == ("bert_L-1_H-8_A-2_F-20", 9)
    assert changed.overrides == {"model": "bert_L-1_H-8_A-2_F-20", "vocabulary_size": 9}
    validate(changed)
    assert row_record(changed)["overrides"] == changed.overrides
    found = build_span_model(changed, encoder.shape)
    encoder.load(found)
    for mine, wanted in zip(found.weights, model.weights):  # SQuAD's head as well
        assert (mine.numpy() == wanted.numpy()).all()
    assert found.encoder.activation == "exact_gelu"
    said = encoders.record(encoder)
    assert said["encoder"] == {"max_positions": 384, "types": 2, "activation": "exact_gelu"}
    assert said["vocabulary_file"].endswith("some_bert/vocab.txt") and said["lower_case"] is True


@pytest.mark.parametrize("rest", ["", "bert_model.ckpt", "bert_model.ckpt.index"])
def test_a_folder_or_a_prefix_names_the_release(release, row, rest):
    _, encoder = encoders.released(row, str(release() / rest))
    assert encoder.origin == "released: some_bert"


def test_an_encoder_of_the_row_s_own_size_changes_nothing(release, row):
    own = apply_overrides(row, {"model": "bert_L-1_H-8_A-2_F-20", "vocabulary_size": "9"})
    assert encoders.released(own, str(release()))[0] == own
    other = apply_overrides(row, {"model": "bert_tiny"})
    with pytest.raises(UserError, match="--set model=bert_tiny: .* says bert_L-1_H-8_A-2_F-20"):
        encoders.released(other, str(release()))


@pytest.mark.parametrize(
    ("name", "words", "config", "asked", "lower", "why"),
    [
        # The folder's name says nothing: SciBERT's cased release, and one of upper case letters.
        ("scibert_scivocab_cased", WORDS, None, None, True, "no piece of the vocabulary has a cap"),
        ("uncased_L-1", ["the", "The", "cat", "Cat"], None, None, False, "vocabulary has 'The'"),
        ("b", ["the", "The", "cat", "x"], {"do_lower_case": True}, None, True, "do_lower_case of"),
        ("b", WORDS, {"do_lower_case": False}, None, False, "do_lower_case of its config"),
        ("b", WORDS, {"do_lower_case": False}, True, True, "(--lower_case)"),
        ("b", ["the", "The", "cat", "x"], None, True, True, "(--lower_case)"),
        ("b", ["[A]", "[unused1]", "cat", "x"], None, None, True, "no piece of the vocabulary"),
    ],
)
def test_cased_or_not_is_the_flag_s_the_config_s_or_the_vocabulary_s_word(
    release, row, name, words, config, asked, lower, why, monkeypatch
):
    said = []
    monkeypatch.setattr(stack, "say", said.append)
    _, encoder = encoders.released(row, str(release(words, name, config)), asked)
    assert encoder.lower_case is lower
    assert why in said[0] and f"text is {'' if lower else 'not '}lower-cased" in said[0]


def test_a_vocabulary_of_another_size_is_refused_with_both_sizes(release, row):
    for words, size in ((WORDS[:-1], 8), ([*WORDS, "dog"], 10)):
        with pytest.raises(UserError, match=f"has {size} pieces and .*a vocab_size of 9"):
            encoders.released(row, str(release(words)))


def test_a_release_that_lacks_something_is_refused(release, row):
    folder = release()
    long = apply_overrides(row, {"squad_sequence_length": "400"})
    with pytest.raises(UserError, match="has 384 positions and the row windows of 400"):
        encoders.released(long, str(folder))
    (folder / "vocab.txt").rename(folder / "words.txt")
    with pytest.raises(UserError, match="no vocab.txt in .*some_bert"):
        encoders.released(row, str(folder))
    (folder / "bert_config.json").unlink()
    with pytest.raises(ValueError, match="no bert_config.json and no config.json in"):
        encoders.released(row, str(folder))
    with pytest.raises(ValueError, match="no checkpoint at .*/nowhere"):
        encoders.released(row, str(folder / "nowhere"))
