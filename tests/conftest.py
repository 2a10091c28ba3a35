"""Four logical CPU devices for every test: they must exist before the first tensor does."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# No test looks for a GPU: the suite gives the same on every machine.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

LOGICAL_DEVICES = 4


def pytest_collection_finish(session):
    """Configures TensorFlow once the tests are known, if any of them has imported it."""
    import sys

    if "tensorflow" in sys.modules:
        import tensorflow as tf

        (cpu, *_) = tf.config.list_physical_devices("CPU")
        if not tf.config.get_logical_device_configuration(cpu):
            tf.config.set_logical_device_configuration(
                cpu, [tf.config.LogicalDeviceConfiguration()] * LOGICAL_DEVICES
            )
