"""For every test: four logical CPU devices, no GPU, and no network."""

import ipaddress
import os
import socket
import sys

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# No test looks for a GPU: the suite gives the same on every machine.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

LOGICAL_DEVICES = 4


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


@pytest.fixture(autouse=True)
def keras_defaults():
    """What a test sets for all of Keras (the loop sets a precision policy) ends with the test."""
    yield
    if "tensorflow" in sys.modules:
        import tensorflow as tf

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
