import random
from bisect import bisect_left

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from largebatch.data.pretraining.make.segment_pairs import Pairs, _truncated, draw_pairs


def make(documents, length=32, copies=3, seed=0, short=0.1):
    """Pairs of documents given as lists of sentence lengths."""
    flat = [size for document in documents for size in document]
    return draw_pairs(
        np.concatenate([[0], np.cumsum(flat)]),
        np.concatenate([[0], np.cumsum([len(d) for d in documents])]).astype(np.int64),
        sequence_length=length,
        short_sequence_probability=short,
        copies=copies,
        generator=np.random.Generator(np.random.PCG64(seed)),
    )


def documents_of(places, documents):
    ends = np.cumsum([sum(document) for document in documents])
    return np.searchsorted(ends, places, side="right")


corpora = st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=8), min_size=1, max_size=6)


@settings(max_examples=80, deadline=None)
@given(corpora, st.integers(8, 64), st.integers(0, 5))
def test_pairs_fit_and_lie_inside_one_document_each(documents, length, seed):
    pairs = make(documents, length, seed=seed)
    assert (pairs.lengths <= length).all()
    assert (pairs.a_length > 0).all() and (pairs.b_length > 0).all()
    for start, size in ((pairs.a_start, pairs.a_length), (pairs.b_start, pairs.b_length)):
        first, last = documents_of(start, documents), documents_of(start + size - 1, documents)
        np.testing.assert_array_equal(first, last)
    a, b = documents_of(pairs.a_start, documents), documents_of(pairs.b_start, documents)
    np.testing.assert_array_equal(pairs.is_random == 1, a != b)
    actual = (pairs.is_random == 0) & (pairs.own == 0)
    np.testing.assert_array_equal(a[actual], b[actual])
    assert (pairs.a_start + pairs.a_length <= pairs.b_start)[actual].all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(5, 40))
def test_truncation_leaves_the_lengths_that_googles_loop_leaves(a, b, longest):
    wanted_a, wanted_b = a, b
    while wanted_a + wanted_b > longest:
        if wanted_a > wanted_b:
            wanted_a -= 1
        else:
            wanted_b -= 1
    one = np.array([1], np.int32)
    pairs = Pairs(0 * one, a * one, 100 * one, b * one, one, 0 * one)
    found = _truncated(pairs, longest, np.random.Generator(np.random.PCG64(0)))
    assert (found.a_length[0], found.b_length[0]) == (wanted_a, wanted_b)
    assert 0 <= found.a_start[0] and found.a_start[0] + wanted_a <= a
    assert 100 <= found.b_start[0] and found.b_start[0] + wanted_b <= 100 + b


def test_both_ends_lose_tokens_equally_often():
    many = np.ones(4000, np.int32)
    pairs = Pairs(0 * many, 50 * many, 0 * many, 10 * many, many, 0 * many)
    found = _truncated(pairs, 40, np.random.Generator(np.random.PCG64(0)))
    assert found.a_start.mean() == pytest.approx(10, abs=0.2)  # half of the 20 that go


def test_the_same_seed_gives_the_same_pairs_and_another_one_others():
    documents = [[5, 6, 7] * 5, [9, 3] * 8, [4]]
    one, two, other = make(documents, seed=1), make(documents, seed=1), make(documents, seed=2)
    np.testing.assert_array_equal(np.array(one), np.array(two))
    assert np.array(one).shape != np.array(other).shape or (np.array(one) != np.array(other)).any()


def test_a_random_next_segment_is_from_another_document_where_there_is_one():
    documents = [[6] * 10] * 20
    pairs = make(documents, copies=20)
    chosen = pairs.is_random == 1
    a, b = documents_of(pairs.a_start, documents), documents_of(pairs.b_start, documents)
    assert (a[chosen] != b[chosen]).all()
    assert set(b[chosen].tolist()) == set(range(20))
    assert not pairs.own.any()


def test_of_an_only_document_no_next_segment_is_labelled_random():
    """As google-research/bert: `if random_document_index == document_index: is_random_next =
    False`. As many pairs as before are drawn for the other label."""
    pairs = make([[6] * 200], copies=20)
    assert not pairs.is_random.any()
    assert pairs.own.mean() == pytest.approx(0.5, abs=0.1)


def test_no_sentence_of_an_actual_next_is_lost_and_unused_ones_come_back():
    """Without short sequences and truncation the segments A and the actual B tile a document."""
    documents = [[4] * 30]
    pairs = make(documents, length=43, copies=1, short=0.0)
    covered = np.zeros(120, int)
    for a, n, b, m, _, own in zip(*pairs):
        covered[a : a + n] += 1
        if not own:
            covered[b : b + m] += 1
    assert covered.min() == covered.max() == 1


def test_pairs_are_as_many_as_googles_and_as_often_random_and_as_long(tmp_path):
    """Against tf-models-official's own function on the same sentences."""
    from official.nlp.data import create_pretraining_data as official

    toss = random.Random(0)
    documents = [[toss.randint(3, 25) for _ in range(toss.randint(1, 20))] for _ in range(150)]
    words = [[["a"] * size for size in document] for document in documents]
    rng = random.Random(1)
    instances = [
        instance
        for _ in range(4)
        for number in range(len(words))
        for instance in official.create_instances_from_document(
            words, number, 64, 0.1, 0.15, 10, ["a"], rng
        )
    ]
    pairs = make(documents, length=64, copies=4)
    lengths = np.array([len(instance.tokens) for instance in instances])
    firsts = np.array([instance.segment_ids.index(1) - 2 for instance in instances])
    assert len(pairs.lengths) == pytest.approx(len(instances), rel=0.04)
    assert pairs.is_random.mean() == pytest.approx(
        np.mean([instance.is_random_next for instance in instances]), abs=0.03
    )
    assert pairs.lengths.mean() == pytest.approx(lengths.mean(), rel=0.02)
    assert (pairs.lengths == 64).mean() == pytest.approx((lengths == 64).mean(), abs=0.04)
    assert pairs.a_length.mean() == pytest.approx(firsts.mean(), rel=0.04)


def test_no_documents_give_no_pairs():
    assert len(make([]).a_start) == 0


def one_by_one(ends, documents, longest, short, copies, uniform):
    """The pairs before they are shuffled and cut, each looked up as it is drawn."""
    for document in list(range(len(documents) - 1)) * copies:
        first, last = documents[document], documents[document + 1]
        target = longest
        if uniform() < short:
            target = 2 + int(uniform() * (longest - 1))
        while first < last:
            begin = ends[first]
            stop = min(bisect_left(ends, begin + target, first + 1, last), last)
            alone = stop - first == 1
            a_stop = stop if alone else first + 1 + int(uniform() * (stop - first - 1))
            a_length = ends[a_stop] - begin
            b_first, b_stop, foreign, own = a_stop, stop, 0, 0
            if alone or uniform() < 0.5:
                for _ in range(10):
                    other = int(uniform() * (len(documents) - 1))
                    if other != document:
                        break
                low, high = documents[other], documents[other + 1]
                b_first = low + int(uniform() * (high - low))
                b_stop = bisect_left(ends, ends[b_first] + target - a_length, b_first + 1, high)
                foreign, own = other != document, other == document
            yield begin, a_length, ends[b_first], ends[b_stop] - ends[b_first], foreign, own
            first = a_stop if foreign or own else stop


@settings(max_examples=60, deadline=None)
@given(corpora, st.integers(8, 64), st.integers(0, 5), st.sampled_from([0.0, 0.1, 0.9]))
def test_pairs_are_those_that_are_looked_up_one_by_one(documents, length, seed, short):
    found = make(documents, length, copies=2, seed=seed, short=short)
    generator = np.random.Generator(np.random.PCG64(seed))
    uniform = random.Random(int(generator.integers(2**63))).random
    ends = [0, *np.cumsum([size for document in documents for size in document]).tolist()]
    places = [0, *np.cumsum([len(document) for document in documents]).tolist()]
    rows = np.array(list(one_by_one(ends, places, length - 3, short, 2, uniform)), np.int32)
    shuffled = Pairs(*rows[generator.permutation(len(rows))].T)
    wanted = _truncated(shuffled, length - 3, generator)
    for name, column in found._asdict().items():
        np.testing.assert_array_equal(column, getattr(wanted, name), name)
