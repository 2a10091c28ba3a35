"""ImageNet's input beside tf-models-official's two, in images per second of processor time.

    python -m largebatch.benchmarks.image_input --data_dir=TFDS \\
        [--rounds=5] [--batch=64] [--copies=4] [--output=FILE.json]

The images of a TFDS folder's imagenet2012, training and validation together, are written to
temporary raw TFRecord files, those of a small sample several times (885 images four times, so that
largebatch's blocks are about as large as ImageNet's), and all read these: 224 x 224 pixels, float32
unless said. The contenders take turns in one process. Each turn is one pass over the images, from a
rest to the next rest, so that what is prefetched is counted where it is made. Processor time does
not count what else the machine does, though a busy machine's caches slow all of them; read the
ratios, each the median over the rounds.

decode_and_crop alone is the floor of every pipeline: parse, draw the box, decode it, throw it away.
The stages add to it what largebatch's training does with an image, one after the other; what
largebatch itself takes beyond the last of them is the shuffling, the check for corrupt images and
the batch.
"""

from __future__ import annotations

import functools
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable

from largebatch import cli
from largebatch.experiments.program.text_table import Sheet, aligned
from largebatch.stack import quiet_tensorflow

SIZE, SHARDS = 224, 4
FLOOR = "decode_and_crop alone"
PARSER = "tf-models-official's parser"
LEGACY = "tf-models-official's legacy ResNet"
OURS = "largebatch"
STAGES = (f"{FLOOR}, resized", "… and flipped or not", "… and normalised")
EVALUATION = ", evaluation"

FLAGS = cli.new_flags()
define = cli.Define(FLAGS)
define.path("data_dir", None, "A TFDS folder with imagenet2012; a sample is enough.")
define.integer("rounds", 5, "Passes of each; medians are reported.", lower_bound=1)
define.integer("batch", 64, "Images of a batch.", lower_bound=1)
define.integer("copies", 4, "How often an image is in the files.", lower_bound=1)
define.output_file("output", None, "Write the measurements to this JSON file.")


def write_raw(data_dir: str, folder: str, copies: int) -> int:
    """Writes a TFDS imagenet2012's images as both splits of raw files; returns how many."""
    import tensorflow as tf

    from largebatch.data import find_imagenet
    from largebatch.data.imagenet import counts

    files = find_imagenet(data_dir)
    layout = files.layout
    examples = []
    for shard in (*files.train, *files.validation):
        for record in tf.data.TFRecordDataset(shard.path).as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            examples.append(
                _raw_example(
                    feature[layout.image].bytes_list.value[0],
                    feature[layout.label].int64_list.value[0] - layout.first_label + 1,
                    feature[layout.file_name].bytes_list.value[0],
                )
            )
    examples *= copies
    for split in counts.SPLITS:
        for shard in range(SHARDS):
            name = os.path.join(folder, f"{split}-{shard:05d}-of-{SHARDS:05d}")
            with tf.io.TFRecordWriter(name) as writer:
                for example in examples[shard::SHARDS]:
                    writer.write(example)
    counts.count(folder, 1)
    return len(examples)


def _raw_example(image: bytes, label: int, file_name: bytes) -> bytes:
    import tensorflow as tf

    texts = {"image/encoded": image, "image/filename": file_name, "image/format": b"JPEG"}
    feature = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))
        for name, text in texts.items()
    }
    feature["image/class/label"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def contenders(folder: str, batch: int) -> dict[str, Callable]:
    """{name: what makes its data set}, of endless batches."""
    import tensorflow as tf
    from official.legacy.image_classification.resnet import imagenet_preprocessing
    from official.vision.dataloaders import classification_input

    from largebatch import data
    from largebatch.data.imagenet import crop
    from largebatch.data.imagenet.batches import image_normaliser
    from largebatch.tpu.loop.inputs import untuned

    files = data.find_imagenet(folder, SIZE)
    context = tf.distribute.InputContext(1, 0, 1)
    cores = len(os.sched_getaffinity(0))

    def records(split):
        return tf.data.TFRecordDataset([shard.path for shard in getattr(files, split)])

    def mapped(dataset, function):
        return dataset.map(function, num_parallel_calls=cores).batch(batch).prefetch(2)

    normalise = image_normaliser(files, tf.float32)
    stages = [
        lambda image: tf.image.resize(tf.cast(image, tf.float32), [SIZE, SIZE]),
        lambda image: crop.flipped(image, tf.random.uniform([], maxval=2, dtype=tf.int32)),
        normalise,
    ]

    def floor(*stages):
        return mapped(records("train").repeat(), functools.partial(_decoded, stages=stages))

    def parser(split):
        decoder = classification_input.Decoder()
        parse = classification_input.Parser([SIZE, SIZE], 1000).parse_fn(split == "train")
        dataset = records(split)
        dataset = dataset.shuffle(1000) if split == "train" else dataset
        return mapped(dataset.repeat(), lambda record: parse(decoder.decode(record)))

    def legacy(split):
        return imagenet_preprocessing.process_record_dataset(
            records(split) if split == "train" else records(split).repeat(),
            is_training=split == "train",
            batch_size=batch,
            shuffle_buffer=1000,
            parse_record_fn=imagenet_preprocessing.get_parse_record_fn(),
        )

    def train(dtype):
        updates = data.Updates(batch, batch, context, seed=0, first_step=0, steps=1_000_000)
        return untuned(data.imagenet_train_dataset(files, updates, dtype=dtype))

    def evaluation(dtype):
        dataset = data.imagenet_eval_dataset(files, batch=batch, context=context, dtype=dtype)
        return untuned(dataset.repeat())  # a set's 50,000 images make little of how a pass begins

    return {
        FLOOR: floor,
        **{
            name: functools.partial(floor, *stages[: number + 1])
            for number, name in enumerate(STAGES)
        },
        PARSER: lambda: parser("train"),
        LEGACY: lambda: legacy("train"),
        OURS: lambda: train(tf.float32),
        f"{OURS}, bfloat16": lambda: train(tf.bfloat16),
        PARSER + EVALUATION: lambda: parser("validation"),
        LEGACY + EVALUATION: lambda: legacy("validation"),
        OURS + EVALUATION: lambda: evaluation(tf.float32),
        f"{OURS}, bfloat16{EVALUATION}": lambda: evaluation(tf.bfloat16),
    }


def _decoded(record, stages):
    """A pixel of the record's random box, after `stages`: functions of an image."""
    import tensorflow as tf

    features = {"image/encoded": tf.io.FixedLenFeature([], tf.string)}
    jpeg = tf.io.parse_single_example(record, features)["image/encoded"]
    begin, extent, _ = tf.image.sample_distorted_bounding_box(
        tf.image.extract_jpeg_shape(jpeg),
        tf.zeros([1, 0, 4]),
        min_object_covered=0.0,
        aspect_ratio_range=(3 / 4, 4 / 3),
        area_range=(0.08, 1.0),
        max_attempts=10,
        use_image_if_no_bounding_boxes=True,
    )
    box = tf.concat([begin[:2], extent[:2]], 0)
    image = tf.image.decode_and_crop_jpeg(jpeg, box, channels=3)
    for stage in stages:
        image = stage(image)
    return image[0, 0]


def measure(folder: str, images: int, batch: int, rounds: int, report=print) -> list[dict]:
    """A row a contender: its images per second of processor time, round by round."""
    made = {name: iter(make()) for name, make in contenders(folder, batch).items()}
    speeds = {name: [] for name in made}
    for number in range(rounds + 1):
        for name, batches in made.items():
            at_rest()
            start = time.process_time()
            count = -(-images // batch)  # an evaluation's pass ends with a batch filled up
            for _ in range(count):
                next(batches)
            at_rest()
            seen = images if name.endswith(EVALUATION) else count * batch
            speed = seen / (time.process_time() - start)
            if number:  # the first pass builds the graphs and fills the buffers
                speeds[name].append(speed)
                report(f"round {number}: {name}: {speed:.0f}")
    return [_row(name, speeds) for name in made]


def at_rest() -> None:
    """Waits until the pipelines' buffers are full, and their threads idle."""
    before = time.process_time()
    while True:
        time.sleep(0.2)
        now = time.process_time()
        if now - before < 0.005:
            return
        before = now


def _row(name: str, speeds: dict[str, list[float]]) -> dict:
    row = {
        "pipeline": name,
        "rounds": [round(speed, 1) for speed in speeds[name]],
        "images_per_cpu_second": round(statistics.median(speeds[name]), 1),
    }
    kind = EVALUATION if name.endswith(EVALUATION) else ""
    for key, other in (("floor", FLOOR), ("parser", PARSER + kind), ("legacy", LEGACY + kind)):
        ratios = [mine / theirs for mine, theirs in zip(speeds[name], speeds[other])]
        row[f"of_{key}"] = round(statistics.median(ratios), 3)
    return row


def table(rows: list[dict]) -> str:
    lines = [
        [row["pipeline"], f"{row['images_per_cpu_second']:,.0f}",
         *(f"{row[of]:.2f}" for of in ("of_floor", "of_parser", "of_legacy"))]
        for row in rows
    ]  # fmt: skip
    head = ["pipeline", "images/CPU-s", "of the floor", "x parser", "x legacy"]
    return aligned(Sheet(head, lines), "")


def main() -> int:
    cli.require(FLAGS, "data_dir")
    quiet_tensorflow(gpus=False)
    with tempfile.TemporaryDirectory() as folder:
        images = write_raw(FLAGS.data_dir, folder, FLAGS.copies)
        rows = measure(folder, images, FLAGS.batch, FLAGS.rounds)
    print(table(rows))
    result = {
        "images": images,
        "batch": FLAGS.batch,
        "size": SIZE,
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "rows": rows,
    }
    cli.write_json(result, FLAGS.output)
    return 0


program, console = cli.entry(main, FLAGS, __doc__)


if __name__ == "__main__":
    console()
