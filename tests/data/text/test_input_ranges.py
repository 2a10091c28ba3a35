import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from largebatch.data.text import input_ranges
from largebatch.data.text.input_ranges import cut, default_shards, inspect


def files_of(folder, contents, style="sentences"):
    for number, content in enumerate(contents):
        (folder / f"{number}.txt").write_bytes(content)
    return inspect((str(folder / "*.txt"),), style)


def sentences_of(parts):
    return [s for part in parts for piece in part for _, found in piece.documents() for s in found]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.text("ab é中\n", min_size=1, max_size=12), min_size=1, max_size=12),
        min_size=1,
        max_size=3,
    ),
    st.integers(1, 12),
    st.integers(1, 2),
)
def test_parts_are_the_whole_input_in_order_without_overlap(tmp_path_factory, texts, shards, blank):
    contents = ["x" + "\n\n\n".join(documents) for documents in texts]
    folder = tmp_path_factory.mktemp("texts")
    files = files_of(folder, [content.encode() for content in contents])
    parts = cut(files, shards, blank)
    assert 1 <= len(parts) <= shards
    pieces = [(piece.file, piece.start, piece.end) for part in parts for piece in part]
    assert pieces == sorted(pieces)
    joined = {file.file: b"" for file in files}
    for file, start, end in pieces:
        assert start == len(joined[file])
        joined[file] += open(file, "rb").read()[start:end]
    assert list(joined.values()) == [content.encode() for content in contents]
    whole = [line for text in contents for line in text.split("\n") if line and not line.isspace()]
    assert sentences_of(parts) == whole


def test_cuts_fall_between_documents(tmp_path):
    documents = [f"first {n}.\nsecond {n}.\n" for n in range(500)]
    files = files_of(tmp_path, ["\n".join(documents).encode()])
    parts = cut(files, 7, 1)
    assert len(parts) == 7
    found = [s for part in parts for piece in part for _, s in piece.documents()]
    assert found == [[f"first {n}.", f"second {n}."] for n in range(500)]
    sizes = [sum(piece.end - piece.start for piece in part) for part in parts]
    assert max(sizes) - min(sizes) < 100


@pytest.mark.parametrize("space", [b"\n", b" ", b""])
def test_one_huge_document_is_cut_at_a_line_or_a_space_or_between_characters(
    tmp_path, monkeypatch, space
):
    monkeypatch.setattr(input_ranges, "_STEP", 64)
    content = space.join(["wörd中".encode()] * 4000)
    parts = cut(files_of(tmp_path, [content]), 10, 1)
    assert len(parts) == 10
    assert max(piece.end - piece.start for part in parts for piece in part) < len(content) / 9
    text = "".join(sentences_of(parts))
    assert "".join(text.split()) == "wörd中" * 4000


def test_a_part_may_span_files_and_a_file_may_give_several_parts(tmp_path):
    small, large = b"a.\n\n" * 3, b"b.\n\n" * 400
    parts = cut(files_of(tmp_path, [small, small, large]), 4, 1)
    assert [len(part) for part in parts] == [3, 1, 1, 1]


def test_a_file_without_a_last_line_end_does_not_join_the_next_one(tmp_path):
    parts = cut(files_of(tmp_path, [b"one", b"two"]), 1, 1)
    assert [s for piece in parts[0] for _, s in piece.documents()] == [["one"], ["two"]]


def test_text_that_is_not_utf8_is_named_with_file_line_and_byte(tmp_path):
    content = b"good.\n\n" * 400 + "grüße\n".encode("latin-1") + b"\ngood.\n" * 400
    parts = cut(files_of(tmp_path, [content]), 3, 1)
    place = content.index(b"\xfc")
    with pytest.raises(ValueError, match=rf"0\.txt:801: not UTF-8: byte 0xfc at offset {place}"):
        sentences_of(parts)


@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_an_empty_file_is_refused_by_its_name(tmp_path, content):
    with pytest.raises(ValueError, match=r"1\.txt is empty"):
        files_of(tmp_path, [b"text", content])


def test_a_pattern_that_matches_nothing_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(ValueError, match=r"--input=.*none\*.txt matches no file"):
        inspect((str(tmp_path / "a.txt"), str(tmp_path / "none*.txt")), "auto")


def test_inputs_are_in_the_patterns_order_each_sorted_and_once(tmp_path):
    for name in ("b.txt", "a.txt", "c.txt"):
        (tmp_path / name).write_text(name)
    found = inspect((str(tmp_path / "c*"), str(tmp_path / "*.txt")), "free")
    assert [file.file[-5:] for file in found] == ["c.txt", "a.txt", "b.txt"]
    assert {file.text for file in found} == {"free"}


def test_a_small_input_has_up_to_eight_shards_and_a_large_one_a_shard_for_eight_mebibytes():
    sizes = [1, 1 << 20, 3 << 20, 20 << 20, 64 << 20, 100 << 20]
    assert [default_shards(size) for size in sizes] == [1, 1, 3, 8, 8, 13]
