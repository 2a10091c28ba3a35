import pytest

from largebatch.tpu.loop.batch_plan import BatchPlan


@pytest.mark.parametrize(
    "batch, replicas, micro", [(64, 1, 64), (64, 4, 8), (96, 3, 16), (8, 8, 1)]
)
def test_passes_times_replicas_times_micro_batch_is_the_global_batch(batch, replicas, micro):
    plan = BatchPlan.make(batch, replicas, micro)
    assert plan.accumulation * plan.replicas * plan.micro_batch == batch


def test_without_a_micro_batch_a_replica_takes_its_share_in_one_pass():
    plan = BatchPlan.make(64, 4)
    assert (plan.micro_batch, plan.accumulation) == (16, 1)


def test_a_batch_that_the_devices_do_not_divide_names_the_nearest_ones():
    with pytest.raises(ValueError, match=r"batch_size=100 .* 3 devices.*99 or 102"):
        BatchPlan.make(100, 3)


def test_a_batch_smaller_than_the_devices_names_only_what_is_possible():
    with pytest.raises(ValueError, match=r"nearest: 8\)"):
        BatchPlan.make(5, 8)


@pytest.mark.parametrize("micro", [5, 0, -1, 33])
def test_a_micro_batch_that_does_not_divide_the_share_names_the_nearest_divisor(micro):
    with pytest.raises(ValueError, match=f"micro_batch={micro} does not divide the 32 .* nearest"):
        BatchPlan.make(64, 2, micro)


@pytest.mark.parametrize("replicas, micro", [(1, 8), (3, 4), (4, None), (3, 1000)])
def test_a_padded_batch_takes_as_many_passes_as_hold_it_and_no_more(replicas, micro):
    plan = BatchPlan.make(101, replicas, micro, pad=True)
    one_pass = plan.replicas * plan.micro_batch
    assert (plan.accumulation - 1) * one_pass < 101 <= plan.accumulation * one_pass
