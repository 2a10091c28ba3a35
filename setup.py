"""Packaging of largebatch: each top-level folder is a subpackage of `largebatch`."""

import setuptools

ROOMS = ("optimizers", "models", "data", "tpu", "experiments", "benchmarks")

setuptools.setup(
    name="largebatch",
    version="0.1.0",
    python_requires=">=3.9,<3.12",
    package_dir={"largebatch": ".", **{f"largebatch.{room}": room for room in ROOMS}},
    packages=["largebatch", *(f"largebatch.{room}" for room in ROOMS)],
)
