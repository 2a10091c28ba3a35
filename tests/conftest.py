"""For every test: four logical CPU devices, no GPU, and no network."""

import gc
import ipaddress
import json
import os
import pathlib
import shutil
import socket
import sys
import zlib

import hypothesis
import pytest

import largebatch  # noqa: F401 -- before any test imports TensorFlow: it chooses tf.keras

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# No test looks for a GPU: the suite gives the same on every machine.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

LOGICAL_DEVICES = 4

# How fast examples are drawn says what else the machine does, and nothing of the code.
hypothesis.settings.register_profile(
    "any_machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any_machine")


def pytest_addoption(parser):
    text = "of the cases of each parametrized test run every Nth, and at least one"
    parser.addoption("--thin", type=int, default=1, metavar="N", help=text)


def thin(items, n):
    """Every nth case of each test. Which is the first depends on the test's name alone, so that
    cases which many tests share, such as the optimizers, are each left in some of them."""
    cases = {}
    for item in items:
        cases.setdefault((item.path, getattr(item, "originalname", item.name)), []).append(item)
    kept = set()
    for (_, name), of_test in cases.items():
        kept.update(of_test[zlib.crc32(name.encode()) % min(n, len(of_test)) :: n])
    return [item for item in items if item in kept]


def pytest_collection_modifyitems(config, items):
    every = list(items)
    items[:] = thin(every, config.getoption("thin"))
    kept = set(items)
    config.hook.pytest_deselected(items=[item for item in every if item not in kept])
    if "faults" not in config.option.markexpr:
        long = pytest.mark.skip(reason="long: `make faults` runs it")
        for item in items:
            if item.get_closest_marker("faults"):
                item.add_marker(long)
    # Files with slow tests first, or with processes to be killed, and of the others the large ones:
    # of several processes none is left alone with one at the end.
    marks = ("slow", "faults")
    slow = {item.path for item in items if any(map(item.get_closest_marker, marks))}
    size = {path: path.stat().st_size for path in {item.path for item in items}}
    items.sort(key=lambda item: (item.path not in slow, -size[item.path]))


def optimize_graphs(on):
    """Whether TensorFlow rewrites a graph (Grappler) before it runs it for the first time."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not on})


@pytest.fixture
def optimized_graphs():
    """Graphs are rewritten as in a real run. Most tests' graphs run once or twice: rewriting them
    is a tenth of the suite's time. Rows of all tasks and all processes started have it."""
    optimize_graphs(True)
    yield
    optimize_graphs(False)


@pytest.hookimpl(hookwrapper=True)
def pytest_collection():
    """The garbage collector never looks through what is imported, all of which stays, and later
    less often: tracing makes many objects, few of them garbage."""
    gc.disable()
    yield
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)
    gc.enable()


def pytest_collection_finish(session):
    """Configures TensorFlow once the tests are known, if any of them has imported it.

    The devices must exist before the first tensor does.
    """
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        (cpu, *_) = tf.config.list_physical_devices("CPU")
        if not tf.config.get_logical_device_configuration(cpu):
            tf.config.set_logical_device_configuration(
                cpu, [tf.config.LogicalDeviceConfiguration()] * LOGICAL_DEVICES
            )
        optimize_graphs(False)


@pytest.fixture(autouse=True)
def process_defaults():
    """What a test sets for the whole process (a run sets a precision policy, and determinism, under
    which unseeded random numbers are an error) ends with the test."""
    yield
    if "tensorflow" in sys.modules:
        import tensorflow as tf
        from tensorflow.python.framework import config

        config.disable_op_determinism()  # TensorFlow offers no public way back
        tf.keras.mixed_precision.set_global_policy(None)  # none: as floatx says
        tf.keras.backend.set_floatx("float32")


def is_local(host):
    if host is None or host in ("", "localhost", b"localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """A look-up of any other machine fails at once, as it does where there is no network."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def local_look_up(host, *arguments, **options):
        if not is_local(host):
            raise socket.gaierror(f"a test looked up {host}: tests use no network")
        return look_up(host, *arguments, **options)

    def local_connect(self, address):
        if isinstance(address, tuple) and not is_local(address[0]):
            raise OSError(f"a test connected to {address}: tests use no network")
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", local_look_up)
        patch.setattr(socket.socket, "connect", local_connect)
        yield


def write_imagenet(root, train=(13, 8, 11), validation=(7, 4)):
    """A folder as TFDS prepares imagenet2012, of small JPEGs; an image's label is its number."""
    import numpy as np
    import tensorflow as tf

    folder = root / "imagenet2012" / "5.1.0"
    folder.mkdir(parents=True)
    random, splits = np.random.RandomState(0), []
    for split, lengths in (("train", train), ("validation", validation)):
        number = 0
        for shard, length in enumerate(lengths):
            name = f"imagenet2012-{split}.tfrecord-{shard:05d}-of-{len(lengths):05d}"
            with tf.io.TFRecordWriter(str(folder / name)) as writer:
                for _ in range(length):
                    pixels = random.randint(0, 255, (2, 3, 3)).astype(np.uint8)
                    height, width = random.randint(8, 24, 2)
                    image = pixels.repeat(height, axis=0).repeat(width, axis=1)
                    features = {
                        "image": tf.io.encode_jpeg(image).numpy(),
                        "file_name": f"n{number:08d}.JPEG".encode(),
                    }
                    writer.write(imagenet_record(label=number, **features))
                    number += 1
        splits.append({"name": split, "shardLengths": [str(length) for length in lengths]})
    info = {"name": "imagenet2012", "version": "5.1.0", "splits": splits}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return root


def imagenet_record(label, label_name="label", **content):
    """A serialised example."""
    import tensorflow as tf

    feature = {k: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v]))
               for k, v in content.items()}  # fmt: skip
    feature[label_name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def write_raw_imagenet(tfds_root, folder, first_label=1):
    """The same records as Google's imagenet_to_gcs.py writes them, in as many files."""
    import tensorflow as tf

    folder.mkdir(parents=True)
    for shard in sorted((tfds_root / "imagenet2012" / "5.1.0").glob("*.tfrecord-*")):
        split, _, part = shard.name[len("imagenet2012-") :].partition(".tfrecord-")
        with tf.io.TFRecordWriter(str(folder / f"{split}-{part}")) as writer:
            for record in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator():
                feature = tf.train.Example.FromString(record).features.feature
                content = {
                    "image/encoded": feature["image"].bytes_list.value[0],
                    "image/filename": feature["file_name"].bytes_list.value[0],
                    "image/format": b"JPEG",
                    "image/colorspace": b"RGB",
                    "image/class/synset": b"n01440764",
                }
                label = feature["label"].int64_list.value[0] + first_label
                writer.write(imagenet_record(label, "image/class/label", **content))
    return folder


@pytest.fixture(scope="session")
def new_raw_imagenet():
    """The function write_raw_imagenet."""
    return write_raw_imagenet


def content_of(folder):
    """{name: bytes} of all files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def folder_content():
    """The function content_of."""
    return content_of


@pytest.fixture(scope="session")
def new_imagenet():
    """The function write_imagenet."""
    return write_imagenet


@pytest.fixture(scope="session")
def new_imagenet_record():
    """The function imagenet_record."""
    return imagenet_record


@pytest.fixture(scope="session")
def imagenet_folder(tmp_path_factory):
    """A small imagenet2012: 32 training images in three shards, 11 validation images in two."""
    folder = write_imagenet(tmp_path_factory.mktemp("tfds"))
    before = content_of(folder)
    yield folder
    assert content_of(folder) == before, "a data folder is only read"


@pytest.fixture(scope="session")
def damaged_imagenet(imagenet_folder, tmp_path_factory):
    """A copy with the fourth image of each split's first shard cut short: image 3 of both."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("damaged") / "tfds"
    shutil.copytree(imagenet_folder, folder)
    for shard in folder.rglob("*.tfrecord-00000-of-*"):
        records = list(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator())
        example = tf.train.Example.FromString(records[3])
        image = example.features.feature["image"].bytes_list
        image.value[0] = image.value[0][:100]
        records[3] = example.SerializeToString()
        with tf.io.TFRecordWriter(str(shard)) as writer:
            for record in records:
                writer.write(record)
    return folder


@pytest.fixture(scope="session")
def imagenet_sample():
    """A TFDS folder with a real part of ImageNet: $IMAGENET_SAMPLE, or beside the checkout."""
    beside = pathlib.Path(__file__).resolve().parents[2] / "shared" / "datasets" / "tfds"
    folder = pathlib.Path(os.environ.get("IMAGENET_SAMPLE", beside))
    if not (folder / "imagenet2012").is_dir():
        pytest.skip("no real images: $IMAGENET_SAMPLE names no TFDS folder with imagenet2012")
    return folder


@pytest.fixture(scope="session", name="thin")
def _thin():
    """The function thin."""
    return thin
