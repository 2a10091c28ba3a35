"""Rows of the ImageNet tables, run: small, and on JPEGs."""

from __future__ import annotations

import shutil

import pytest

from largebatch.experiments.program.errors import UserError
from largebatch.experiments.rows.overrides import apply_overrides
from largebatch.experiments.tables import registry

# What makes a row of the paper fit a small folder: everything else stays the row's.
SMALL = {
    **{"model": "lenet5", "model_width": "0.5", "image_size": "32"},
    **{"batch_size": "8", "epochs": "0.5", "warmup_epochs": "0.25", "eval_every_epochs": "0.5"},
}


@pytest.fixture
def run(launch_row, small_network):
    def run(name, scale="paper", overrides=None, **settings):
        return launch_row(name, scale=scale, overrides=overrides, **settings)

    return run


def test_the_whole_recipe_is_refused_on_a_part_of_imagenet(run, imagenet_folder):
    with pytest.raises(UserError, match="32 training examples and the recipe 1281167.*examples=32"):
        run("table5/lamb-512", data_dir=str(imagenet_folder))


def test_real_jpegs_are_trained_on(run, imagenet_sample):
    from largebatch.data import find_imagenet

    files = find_imagenet(str(imagenet_sample))
    overrides = {**SMALL, "examples": str(files.num_train), "epochs": str(40 / files.num_train)}
    overrides["warmup_epochs"] = str(8 / files.num_train)
    code, result = run("table3/momentum", overrides=overrides, data_dir=str(imagenet_sample))
    assert code in (0, 3) and result["last_step"] > 0


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"dataset": "mnist"}, "augment 'inception_crop' is not for mnist; want none, crop_flip"),
        ({"augment": "none"}, "augment 'none' is not for imagenet2012; want inception_crop"),
        ({"image_size": "none"}, "image_size is None with imagenet2012; want pixels"),
        ({"dataset": "mnist", "augment": "none"}, "image_size is 224 with mnist; want none"),
        ({"exclude_from_weight_decay": "resnet"}, "unknown exclude_.*did you mean resnet50"),
        ({"examples": "0"}, "examples is 0, want a value above 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(overrides, message):
    with pytest.raises(UserError, match=message):
        apply_overrides(registry.find("table5/lamb-512"), overrides)


def test_a_corrupt_image_ends_a_run_with_its_name(run, damaged_imagenet):
    with pytest.raises(
        UserError, match=r"tfrecord-00000.*: record 3 \(n00000003.JPEG\) is corrupt"
    ):
        run("table5/lamb-512", overrides={**SMALL, "examples": "32", "epochs": "1"},
            data_dir=str(damaged_imagenet))  # fmt: skip


def test_a_part_of_imagenet_is_trained_on_and_skipped_images_are_counted_and_named(
    run, damaged_imagenet, capsys
):
    """Without skipping: test_smoke_rows."""
    overrides = {**SMALL, "examples": "32", "epochs": "1"}
    _, result = run("table5/lamb-512", overrides=overrides, data_dir=str(damaged_imagenet),
                    skip_corrupt=True)  # fmt: skip
    assert (result["status"], result["steps"], result["last_step"]) == ("finished", 4, 4)
    assert result["overrides"]["examples"] == 32 and result["precision"] == "bfloat16"
    assert result["data"]["train_examples"] == 32 and result["data"]["version"] == "5.1.0"
    assert {"top1", "top5"} <= set(result["metrics"])
    # Evaluation counts all but the one that it leaves out.
    assert (result["metrics"]["examples"], result["metrics"]["left_out"]) == (10, 1)
    assert len(result["skipped_images"]) == 2
    for place, split in zip(result["skipped_images"], ("train", "validation")):
        assert f"imagenet2012-{split}" in place and "record 3 (n00000003.JPEG)" in place
    assert "2 corrupt images were left out" in capsys.readouterr().out


@pytest.fixture
def rewritten(imagenet_folder, tmp_path):
    """A copy of ImageNet whose training images are what a function makes of an example."""
    import tensorflow as tf

    def rewrite(change):
        folder = tmp_path / "tfds"
        shutil.copytree(imagenet_folder, folder)
        for shard in folder.rglob("*-train.tfrecord-*"):
            records = list(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator())
            with tf.io.TFRecordWriter(str(shard)) as writer:
                for record in records:
                    example = tf.train.Example.FromString(record)
                    change(example.features.feature)
                    writer.write(example.SerializeToString())
        return str(folder)

    return rewrite


def test_an_update_of_which_no_image_decodes_is_an_error_that_says_how_many(run, rewritten):
    def cut(feature):
        feature["image"].bytes_list.value[0] = feature["image"].bytes_list.value[0][:100]

    overrides = {**SMALL, "examples": "32", "epochs": "1"}
    with pytest.raises(
        UserError,
        match=r"no example of update 1 could be used.*left \d+ images out, the first is .*copy the",
    ):
        run("table5/lamb-512", overrides=overrides, data_dir=rewritten(cut), skip_corrupt=True)


@pytest.mark.parametrize("setting", [{"skip_corrupt": True}, {"image_cache": "x"}])
def test_images_in_memory_take_no_setting_of_image_files(run, setting):
    (flag,) = setting
    with pytest.raises(UserError, match=f"--{flag}: table7/lamb works on .*, not on image files"):
        run("table7/lamb", "smoke", **setting)
