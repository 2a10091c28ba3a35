import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from largebatch.data import PretrainingFiles, ShardFile
from largebatch.data.streams.shard_order import ShardOrder, cut


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=12),
    st.integers(1, 40),
    st.integers(1, 100),
)
def test_runs_hold_each_record_once_and_are_enough_for_all_hosts(counts, hosts, most):
    if sum(counts) < hosts:
        with pytest.raises(ValueError, match=f"cannot be shared by {hosts} hosts"):
            cut(counts, hosts, most)
        return
    runs = cut(counts, hosts, most)
    assert len(runs) >= hosts
    assert all(1 <= run.count <= most for run in runs)
    covered = [
        (run.shard, record) for run in runs for record in range(run.first, run.first + run.count)
    ]
    assert covered == [
        (shard, record) for shard, size in enumerate(counts) for record in range(size)
    ]


def test_shards_that_fit_are_not_cut():
    assert [(run.first, run.count) for run in cut([10, 7, 12], 3, 12)] == [(0, 10), (0, 7), (0, 12)]


def order(counts, hosts=1, host=0, block=20, seed=5):
    shards = tuple(ShardFile(f"s{number}", count, 0) for number, count in enumerate(counts))
    files = PretrainingFiles(16, 3, 10, "", "", True, "", shards, (), {})
    return ShardOrder(files.train, seed, hosts, host, block)


def blocks(shard_order, consumed, most):
    return list(shard_order.blocks(consumed).take(most).as_numpy_iterator())


COUNTS = [10, 7, 12, 9, 11, 10, 3, 8]


def test_blocks_are_bounded_and_make_up_the_epoch():
    whole = order(COUNTS)
    epoch, size = [], 0
    for block in blocks(whole, 0, 12):
        assert block["count"] == block["run_count"].sum() <= 20 + max(COUNTS)
        assert sorted(block["order"]) == list(range(block["count"]))
        epoch += list(block["run_path"])
        size += block["count"]
        if size == sum(COUNTS):
            break
    assert sorted(epoch) == [f"s{number}".encode() for number in range(8)]


@pytest.mark.parametrize("consumed", [0, 1, 19, 69, 70, 71, 200])
def test_starting_later_leaves_out_what_is_gone(consumed):
    whole = order(COUNTS)

    def listed(first, most):
        return [
            (tuple(block["run_path"]), number)
            for block in blocks(whole, first, most)
            for number in block["order"]
        ]

    reference = listed(0, 20)
    later = listed(consumed, 2)
    assert later == reference[consumed : consumed + len(later)]


def test_hosts_have_disjoint_shards_in_every_epoch_and_all_of_them_together():
    hosts = [order(COUNTS, 3, host) for host in range(3)]
    for epoch in range(4):
        runs = [one._runs(tf.constant(epoch, tf.int64)).numpy() for one in hosts]
        assert [len(part) for part in runs] == [3, 3, 2]
        assert sorted(np.concatenate(runs)[:, 0]) == list(range(8))


def test_a_hosts_position_counts_its_own_examples():
    host = order(COUNTS, 3, 1)
    lengths = [int(host._runs(tf.constant(e, tf.int64))[:, 2].numpy().sum()) for e in range(5)]
    assert host.position(0) == (0, 0)
    assert host.position(sum(lengths[:3])) == (3, 0)
    assert host.position(sum(lengths[:3]) - 1) == (2, lengths[2] - 1)
    assert order(COUNTS).position(2 * 70 + 3) == (2, 3)
