"""How one run is executed: what the command line says beside the row.

What is computed depends on `seed`, `init_checkpoint`, `lower_case`, `skip_corrupt` and what the
data folders hold, and on `micro_batch` and `num_devices` where a pass's examples share batch
statistics or a seed of dropout. Nothing else here changes it, but for rounding.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from largebatch.experiments.program.errors import UserError, nearest

DEVICES = ("auto", "tpu", "gpu", "cpu")


_COUNTS = (
    *("num_devices", "micro_batch", "steps_per_loop", "checkpoint_every", "threads"),
    *("max_steps", "keep_checkpoints", "profile"),
)


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """None means: chosen by the run."""

    output_dir: str
    data_dir: str | None = None  # a TFDS folder or the official files; None: TFDS's default
    squad_dir: str | None = None  # SQuAD v1.1's files; None: pre-training alone
    init_checkpoint: str | None = None  # a released BERT, in place of pre-training
    lower_case: bool | None = None  # its text; None: as its files say
    seed: int = 0
    device: str = "auto"
    tpu: str | None = None  # name or address of a Cloud TPU
    num_devices: int | None = None  # logical ones on a CPU
    deterministic: bool = False
    # Examples of one replica in one forward pass; None: its whole share, or what fits (BERT).
    micro_batch: int | None = None
    steps_per_loop: int | None = None
    checkpoint_every: int | None = None  # updates
    skip_corrupt: bool = False  # images that cannot be decoded: left out and counted
    image_cache: str | None = None  # a local folder for copies of ImageNet's files; None: no copies
    threads: int | None = None  # of TensorFlow, on the CPU
    max_steps: int | None = None  # end after so many updates, to be continued
    eval_only: bool = False  # evaluate the folder's newest checkpoint, and train nothing
    keep_checkpoints: int = 2  # the newest ones
    profile: int | None = None  # updates that TensorBoard's profiler looks at
    tags: Sequence[str] = ()  # words for the record
    wandb: bool = False  # records also go to Weights & Biases
    quiet: bool = False  # no progress
    mlperf_log: str | None = None  # a file to write MLPerf's log to; BERT and ResNet-50
    # Several hosts: host:port of each, which of them this is, seconds to wait for the others.
    workers: Sequence[str] | None = None  # None: those of TF_CONFIG, if it is set
    worker_index: int | None = None
    peer_timeout: float = 300.0

    def __post_init__(self):
        if self.device not in DEVICES:
            hint = nearest(self.device, DEVICES)
            raise UserError(f"--device={self.device}: want one of {', '.join(DEVICES)}{hint}")
        if not 0 <= self.seed < 2**32:
            raise UserError(f"--seed={self.seed}: want 0 or more, and less than 2^32")
        object.__setattr__(self, "tags", tuple(self.tags))
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"--{name}={value}: want 1 or more")
        if not self.peer_timeout > 0:
            raise UserError(f"--peer_timeout={self.peer_timeout}: want more than 0 seconds")
        if self.tpu is not None and self.device not in ("auto", "tpu"):
            raise UserError(f"--tpu={self.tpu} and --device={self.device} contradict each other")
        if self.eval_only and (self.max_steps or self.profile):
            raise UserError("--eval_only trains nothing: leave --max_steps and --profile out")
