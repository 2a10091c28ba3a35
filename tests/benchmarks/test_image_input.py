import pytest

from largebatch.benchmarks import image_input
from largebatch.data import find_imagenet


@pytest.fixture(scope="module")
def raw_folder(imagenet_folder, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("raw"))
    assert image_input.write_raw(str(imagenet_folder), folder, copies=2) == 2 * (32 + 11)
    return folder


def test_both_splits_hold_all_images(raw_folder):
    files = find_imagenet(raw_folder)
    assert files.num_train == files.num_test == 86


def test_every_contender_makes_batches_of_images_of_one_size(raw_folder):
    import tensorflow as tf

    made = image_input.contenders(raw_folder, 4)
    for name, make in made.items():
        batch = next(iter(make()))
        image = batch["image"] if isinstance(batch, dict) else batch
        image = image[0] if isinstance(image, tuple) else image
        alone = name in (image_input.FLOOR, *image_input.STAGES)
        wanted = (4, 3) if alone else (4, 224, 224, 3)
        assert image.shape == wanted, name
        if "bfloat16" in name:
            assert image.dtype == tf.bfloat16


def test_a_row_holds_the_median_ratios_to_each_peer():
    speeds = {
        image_input.FLOOR: [1000.0, 500.0, 1000.0],
        image_input.PARSER: [500.0, 250.0, 400.0],
        image_input.LEGACY: [800.0, 400.0, 800.0],
        image_input.OURS: [900.0, 450.0, 800.0],
    }
    row = image_input._row(image_input.OURS, speeds)
    assert (row["images_per_cpu_second"], row["of_floor"]) == (800.0, 0.9)
    assert (row["of_parser"], row["of_legacy"]) == (1.8, 1.125)
    assert "1.80" in image_input.table([row])
