import dataclasses

from largebatch.benchmarks import checkpoint_cost
from largebatch.experiments.tables import registry


def test_a_save_is_set_against_the_updates_between_two_of_them():
    row = registry.scaled(registry.find("table7/momentum"), "smoke")
    found = checkpoint_cost.measure(row, rounds=2, updates=1)
    assert found["updates_between_saves"] == 1  # of 8 updates
    assert found["megabytes"] > 0.01 and found["seconds_of_a_save"] > 0
    share = found["seconds_of_a_save"] / found["seconds_of_an_update"]  # both rounded
    assert 0.5 < found["share_of_the_time"] / share < 2


def test_text_brings_a_batch_of_its_last_stage():
    row = registry.scaled(registry.find("table1/lamb-65536-32768"), "smoke")
    task, batch = checkpoint_cost.task_and_batch(row)
    stage = task.stages[-1]
    assert batch["input_word_ids"].shape == (stage.batch_size, stage.sequence_length)
    assert batch["weight"].shape == (stage.batch_size,)


def test_imagenet_brings_images_that_have_their_size_already():
    row = registry.find("table5/lamb-512")
    _, batch = checkpoint_cost.task_and_batch(dataclasses.replace(row, batch_size=4, image_size=48))
    assert batch["image"].shape == (4, 48, 48, 3)
