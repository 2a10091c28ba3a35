"""The automatic micro-batch: what fits, and divides."""

import dataclasses
import os
import re

import pytest

from largebatch.experiments.costs import micro_batch as memory
from largebatch.experiments.costs.compiled_batches import LARGEST, largest_compiled
from largebatch.experiments.costs.micro_batch import (
    automatic_micro_batch,
    device_memory,
    passes,
    shortage,
)
from largebatch.experiments.program.errors import UserError
from largebatch.experiments.tables import registry
from largebatch.experiments.tables.registry import scaled

ROW = registry.find("table1/lamb-32768")
GIB = 2**30


def chosen(stage, replicas=1, memory=32 * GIB, row=ROW):
    return automatic_micro_batch(row, row.stages[stage], replicas, memory)


def test_it_divides_a_replicas_share_of_the_rows_batch():
    for stage in (0, 1):
        for replicas in (1, 8, 64):
            share = 32768 // replicas
            micro_batch = chosen(stage, replicas)
            assert 1 <= micro_batch < share and share % micro_batch == 0


def test_longer_sequences_larger_models_and_less_memory_get_smaller_pieces():
    assert chosen(1) < chosen(0)
    assert chosen(0, memory=12 * GIB) < chosen(0)
    base = dataclasses.replace(ROW, model="bert_base")
    assert chosen(0) < chosen(0, row=base)
    wide = dataclasses.replace(ROW, precision="float32")
    assert chosen(0, row=wide) <= chosen(0)


def test_a_share_that_fits_is_left_whole():
    assert chosen(0, replicas=2048) is None


def test_one_sequence_at_least():
    assert chosen(1, memory=1 * GIB) == 1


def test_a_batch_that_the_devices_do_not_divide_is_left_to_the_loop():
    assert chosen(0, replicas=3) is None


def test_the_memory_of_a_device_is_of_the_machine_and_not_of_what_is_free():
    """A resumed run cuts its batches as before, whatever else is running by then."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert device_memory("cpu", 1) == installed // 2 > GIB // 4
    assert device_memory("tpu", 1) == device_memory("tpu", 4) == 8 * GIB


def test_what_a_compiler_found_room_for_is_believed_before_the_estimate():
    second = ROW.stages[1]
    assert automatic_micro_batch(ROW, second, 512, 16 * GIB) < 16  # 64 a replica
    assert automatic_micro_batch(ROW, second, 512, 16 * GIB, compiled=16) == 16
    assert automatic_micro_batch(ROW, second, 512, 16 * GIB, compiled=24) == 16  # divides 64
    assert automatic_micro_batch(ROW, second, 2048, 16 * GIB, compiled=16) is None  # in one pass


def test_the_compilers_figures_are_for_what_was_compiled():
    sizes = LARGEST["bert_large", 512, "bfloat16"]
    for generation, size in sizes.items():
        assert largest_compiled(ROW, ROW.stages[1], generation) == size
    assert largest_compiled(ROW, ROW.stages[1], None) is None
    float32 = dataclasses.replace(ROW, precision="float32")
    assert largest_compiled(float32, ROW.stages[1], "v3") is None
    resnet = registry.find("table5/lamb-16384")
    assert largest_compiled(resnet, resnet.stages[0], "v3") >= 128
    narrow = dataclasses.replace(resnet, model_width=8)
    assert largest_compiled(narrow, narrow.stages[0], "v3") is None


def test_a_generation_that_was_not_compiled_for_takes_what_a_smaller_one_did(monkeypatch):
    monkeypatch.setitem(LARGEST, ("bert_large", 512, "bfloat16"), {"v2": 3, "v3": 16})
    second = ROW.stages[1]
    assert largest_compiled(ROW, second, "v5e") == largest_compiled(ROW, second, "v6e") == 16
    monkeypatch.setitem(LARGEST, ("bert_large", 512, "bfloat16"), {"v3": 16})
    assert largest_compiled(ROW, second, "v2") is None


def test_logical_cpu_devices_share_the_machines_memory():
    assert device_memory("cpu", 4) == pytest.approx(device_memory("cpu", 1) / 4, rel=1e-6)


def test_resnet_50_is_split_by_its_images_and_small_models_are_not():
    row = registry.find("table5/lamb-16384")
    h100 = chosen(0, memory=80 * GIB, row=row)
    assert 128 <= h100 <= 1024 and 16384 % h100 == 0
    assert chosen(0, replicas=256, memory=80 * GIB, row=row) is None
    wide = dataclasses.replace(row, precision="float32")
    assert chosen(0, memory=80 * GIB, row=wide) == h100 // 2
    assert chosen(0, memory=80 * GIB, row=dataclasses.replace(row, image_size=448)) == h100 // 4
    assert chosen(0, row=registry.find("table7/lamb")) is None


def test_a_full_batch_of_mnist_is_split_where_memory_is_small():
    row = scaled(registry.find("limit/lamb-1281167"), "laptop")
    assert chosen(0, memory=24 * GIB, row=row) is None
    piece = chosen(0, memory=GIB, row=row)
    assert piece < 60_000
    assert passes(row, row.stages[0], 1, piece) == (
        f"a batch of 60,000 is {-(-60_000 // piece)} passes of {piece:,} on 1 device, their "
        "gradients summed before one update"
    )
    assert passes(row, row.stages[0], 1, 60_000) is passes(row, row.stages[0], 1, None) is None


def test_a_padded_batch_takes_whatever_fits():
    row = registry.find("limit/lamb-1281167")
    assert 1281167 % chosen(0, row=row) != 0


def grouped(**settings):
    return dataclasses.replace(registry.find("table6/lamb"), **settings)


def test_a_pass_is_a_whole_number_of_the_groups_of_images_that_share_statistics_or_a_clip():
    row = grouped(norm_batch=64)
    stage = row.stages[0]  # 512 images
    for fits, wanted in ((100, 64), (64, 64), (300, 256), (1, 64)):
        assert automatic_micro_batch(row, stage, 1, 0, compiled=fits) == wanted
    assert automatic_micro_batch(row, stage, 1, 0, compiled=512) is None
    clipped = grouped(norm_batch=64, clip_batch=128, clip_norm=1.0)
    assert automatic_micro_batch(clipped, stage, 1, 0, compiled=100) == 128
    memory.check_groups(clipped, stage, 4, None)
    memory.check_groups(row, stage, 1, 128)


@pytest.mark.parametrize(
    ("settings", "replicas", "micro_batch", "words"),
    [
        ({"norm_batch": 64}, 1, 32, "norm_batch=64 .* the 32 examples .* use --micro_batch=64"),
        ({"norm_batch": 64}, 2, 96, "norm_batch=64 .* the 96 examples .* use --micro_batch=64"),
        ({"norm_batch": 64}, 16, None, "the 32 examples .* other --num_devices.* divides 32"),
        (
            {"clip_batch": 128, "clip_norm": 1.0, "norm_batch": 64},
            *(1, 64, "clip_batch=128 .* the 64 examples .* use --micro_batch=128"),
        ),
    ],
)
def test_a_pass_that_cuts_a_group_is_refused_in_one_line(settings, replicas, micro_batch, words):
    row = grouped(**settings)
    with pytest.raises(UserError, match=f"table6/lamb: .*{words}") as error:
        memory.check_groups(row, row.stages[0], replicas, micro_batch)
    assert "\n" not in str(error.value)


def test_a_machine_on_which_not_one_example_fits_is_told_with_the_numbers():
    assert shortage(ROW, ROW.stages[1], 32 * GIB) is None
    assert re.fullmatch(
        r"one example of bert_large in a pass takes about \d\.\d GiB beside 6\.\d GiB of weights, "
        r"gradients and slots, and a device has 4\.0 GiB for it",
        shortage(ROW, ROW.stages[1], 4 * GIB),
    )
