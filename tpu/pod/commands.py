"""The gcloud commands for a Cloud TPU, as argument lists: nothing here runs one."""

from __future__ import annotations

import dataclasses
import re
import shlex

from largebatch.tpu.pod import scripts
from largebatch.tpu.pod import setup as pod_setup
from largebatch.tpu.pod.accelerators import CLASSIC, Accelerator
from largebatch.tpu.pod.scripts import Run

Command = list  # of str

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_ZONE = re.compile(r"[a-z]+-[a-z]+[0-9]+-[a-z]")
_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")


@dataclasses.dataclass(frozen=True)
class Network:
    """Where a TPU stands in the project's network, and as whom its hosts act; None: default."""

    network: str | None = None
    subnetwork: str | None = None
    internal_ips: bool = False
    service_account: str | None = None
    tags: str | None = None
    labels: str | None = None

    def flags(self) -> list[str]:
        given = dataclasses.asdict(self)
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()
                 if isinstance(value, str)]  # fmt: skip
        return flags + (["--internal-ips"] if self.internal_ips else [])


@dataclasses.dataclass(frozen=True)
class Source:
    """The suite at one commit: copied from here as an archive, or cloned from a repository."""

    commit: str
    archive: str | None = None
    checkout: str | None = None
    repository: str | None = None
    # Classic: of TensorFlow's TPU wheel and of libtpu.so; None: noted, not compared.
    wheel_sha256: str | None = None
    libtpu_sha256: str | None = None


@dataclasses.dataclass(frozen=True)
class Pod:
    """A TPU VM, or one that a queued resource of the same name asks for.

    Project and zone may be None: gcloud's configuration names them.

    Raises:
      ValueError: If gcloud would refuse its name, project or zone.
    """

    name: str
    project: str | None
    zone: str | None
    accelerator: Accelerator
    runtime_version: str
    queued: bool = False
    billing: str = "on_demand"  # or spot, preemptible, reserved
    network: Network = Network()
    stack: str = CLASSIC

    def __post_init__(self):
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"--name={self.name}: gcloud takes lower-case letters, digits and hyphens, at most "
                f"63, a letter first and no hyphen last{_nearest_name(self.name)}"
            )
        if self.project is not None and not _PROJECT.fullmatch(self.project):
            raise ValueError(
                f"--project={self.project}: want a project's id (6 to 30 lower-case letters, "
                "digits, hyphens); `gcloud projects list` prints yours"
            )
        if self.zone is not None and not _ZONE.fullmatch(self.zone):
            raise ValueError(
                f"--zone={self.zone}: want a zone such as europe-west4-a; `gcloud compute tpus "
                "locations list` prints them"
            )
        if self.queued and self.billing == "preemptible":
            raise ValueError("--preemptible with --queued: a queued resource takes --spot instead")

    def create(self) -> Command:
        how = [] if self.billing == "on_demand" else [f"--{self.billing}"]
        kind, version = "tpu-vm", "--version"
        if self.queued:
            kind, version = "queued-resources", "--runtime-version"
            how.insert(0, f"--node-id={self.name}")
        return self._gcloud(
            kind,
            "create",
            self.name,
            f"--accelerator-type={self.accelerator.name}",
            f"{version}={self.runtime_version}",
            *how,
            *self.network.flags(),
        )

    def delete(self) -> Command:
        """Deletes the TPU; of a queued resource, the request and what it got."""
        if self.queued:
            return self._gcloud("queued-resources", "delete", self.name, "--force", "--quiet")
        return self._gcloud("tpu-vm", "delete", self.name, "--quiet")

    def describe(self) -> Command:
        """Prints the TPU's state, for example READY."""
        return self._gcloud("tpu-vm", "describe", self.name, "--format=value(state)")

    def describe_request(self) -> Command:
        """Prints the queued resource's state, for example WAITING_FOR_RESOURCES."""
        return self._gcloud("queued-resources", "describe", self.name,
                            "--format=value(state.state)")  # fmt: skip

    def setup(self, source: Source, worker: str = "all") -> list[Command]:
        """Installs the suite, by default on all hosts."""
        if source.repository is not None:
            fetched = [self.ssh(pod_setup.clone(source.repository, source.commit), worker)]
        else:
            name = f"largebatch-{source.commit[:12]}.tar.gz"
            pack = ["git", "-C", source.checkout, "archive", "--format=tar.gz",
                    f"--output={source.archive}", source.commit]  # fmt: skip
            copy = self._gcloud(
                "tpu-vm",
                "scp",
                source.archive,
                f"{self.name}:{name}",
                f"--worker={worker}",
                "--quiet",
                *self._inside(),
            )
            fetched = [pack, copy, self.ssh(pod_setup.unpack(name), worker)]
        return [*fetched, self.ssh(self._install(source), worker)]

    def _install(self, source: Source) -> str:
        checksums = (source.wheel_sha256, source.libtpu_sha256)
        return pod_setup.install(source.commit, self.stack, *checksums)

    def run(self, run: Run) -> Command:
        """Starts a row on all cores of all hosts, from worker 0.

        TensorFlow 2 drives a pod from one program: it connects to the TensorFlow worker that the
        image runs on each host. A second copy of the program would take the cores from the first.
        """
        return self.ssh(scripts.start(self.accelerator, self.name, run, self.stack), "0")

    def progress(self, run: Run, commit: str) -> Command:
        script = scripts.progress(self.accelerator, self.name, run, commit, self.stack)
        return self.ssh(script, "0")

    def logs(self, worker: str = "0", lines: int = 100, follow: bool = False) -> Command:
        return self.ssh(scripts.tail(lines, follow), worker)

    def ssh(self, script: str, worker: str) -> Command:
        return self._gcloud(
            "tpu-vm",
            "ssh",
            self.name,
            f"--worker={worker}",
            "--quiet",
            *self._inside(),
            f"--command={script}",
        )

    def _inside(self) -> list[str]:
        return ["--internal-ip"] if self.network.internal_ips else []

    def _gcloud(self, kind: str, verb: str, *arguments: str) -> Command:
        given = {"project": self.project, "zone": self.zone}
        where = [f"--{name}={value}" for name, value in given.items() if value is not None]
        positional = [a for a in arguments if not a.startswith("--")]
        flags = [a for a in arguments if a.startswith("--")]
        return ["gcloud", "compute", "tpus", kind, verb, *positional, *where, *flags]


def printed(command: Command) -> str:
    """The command for a shell, one flag a line if it is long."""
    quoted = [_quoted(argument) for argument in command]
    line = " ".join(quoted)
    if len(line) <= 100 and "\n" not in line:
        return line
    first = next((i for i, argument in enumerate(command) if argument.startswith("--")), None)
    if first is None:
        return line
    return " \\\n    ".join([" ".join(quoted[:first]), *quoted[first:]])


def _quoted(argument: str) -> str:
    """Quoted for a shell; of --flag=value, the value alone."""
    flag, equals, value = argument.partition("=")
    if equals and value and re.fullmatch(r"--[a-z-]+", flag):
        return f"{flag}={shlex.quote(value)}"
    return shlex.quote(argument)


def _nearest_name(name: str) -> str:
    near = re.sub(r"[^a-z0-9]+", "-", name.lower())
    near = re.sub(r"^[^a-z]+", "", near)[:63].strip("-")
    return f", for example {near}" if near else ""
