import dataclasses

import pytest

from largebatch.benchmarks import bare_update, train_step
from largebatch.benchmarks.train_step import Seconds
from largebatch.experiments.tables import registry


@pytest.fixture(autouse=True)
def parsed_flags():
    train_step.FLAGS(["test", "--steps=4"])


def test_a_run_is_timed_between_its_first_loop_and_its_end():
    import tensorflow as tf

    row = registry.scaled(registry.find("table7/lamb"), "smoke")
    task = train_step.short_task(row)
    assert [stage.steps for stage in task.stages] == [6]
    make = lambda: tf.keras.optimizers.SGD(0.1)  # noqa: E731
    seconds = train_step.time_loop(task, row, make, 4)
    step = train_step.bare_step(task, row, make)
    assert float(step()) > 0
    assert 0 < seconds.clock < 10 and 0 < seconds.processor < 10


def test_random_images_have_the_rows_shape_and_a_bound_on_memory():
    row = registry.find("table5/lamb-512")
    images = bare_update.random_images(dataclasses.replace(row, image_size=64))
    assert images.train_images.shape[1:] == (64, 64, 3) and images.num_classes == 1000
    assert images.train_images.nbytes <= bare_update.MOST_BYTES


def test_each_loop_is_set_against_the_bare_steps_around_it():
    bare = [Seconds(1, 2), Seconds(3, 2), Seconds(8, 2), Seconds(8, 2)]
    found = train_step.figures(16, bare, [Seconds(2, 4), Seconds(16, 4)])
    assert found["loop_over_bare"] == 0.75  # the median of 2 / 2 and 8 / 16
    assert found["loop_over_bare_by_processor_time"] == 0.5
    assert found["loop_images_per_second"] == pytest.approx(16 / 9, abs=0.05)
    assert found["bare_images_per_processor_second"] == 8
