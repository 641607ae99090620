"""The actor: a process that loads the model once, and does one unit after another."""

import os
import pickle  # nosec B403
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clipfake.errors import ClipfakeError, UsageError
from clipfake.plan import ScanPlan
from clipfake.report.baseline import Baseline
from clipfake.scanning.engines.work import Work
from clipfake.scanning.provenance import made_by
from clipfake.scanning.scanner import Scanner
from clipfake.scanning.stages import Stages
from clipfake.scanning.units import Parts, Unit
from clipfake.version import __version__


@dataclass(frozen=True)
class Job:
    """What an actor is given; it can be pickled.

    Attributes:
        plan: of the scan.
        parts: where rows go.
        about: what makes the scan, for the metadata of parts.
        baseline: marks rows that it knows; None without one.
        folder: in which the scan was started, and relative paths begin.
        version: of the driver's clipfake.
        environment: variables that decide how torch computes, as the driver has them.
        given: a pickled detector and transform, where the driver was given them.
        threads: of the given detector's matrix products; 0 for what suits the machine.
    """

    plan: ScanPlan
    parts: Parts
    about: Mapping[str, Any]
    baseline: Baseline | None
    folder: str
    version: str = __version__
    environment: Mapping[str, str | None] = field(default_factory=dict)
    given: bytes | None = None
    threads: int = 0


@dataclass(frozen=True)
class Here:
    """Where an actor runs: name of the machine, process, and how it computes."""

    host: str
    process: int
    arithmetic: Mapping[str, Any]


VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY")


def environment() -> dict[str, str | None]:
    """What decides how torch computes; a cluster sets threads for its workers."""
    return {name: os.environ.get(name) for name in VARIABLES}


class Actor:
    """Does units in one process."""

    def __init__(self, job: Job) -> None:
        """Load what the plan asks for.

        Raises:
            UsageError: this machine cannot do it: another version, no such folder.
            ClipfakeError: the detector cannot be loaded.
        """
        if job.version != __version__:
            raise UsageError(
                f"{socket.gethostname()}: has clipfake {__version__}, the scan was started by "
                f"{job.version}; install the same everywhere"
            )
        for name, value in job.environment.items():  # before torch is imported
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        self._has_folder = True
        try:
            os.chdir(job.folder)
        except OSError:
            self._has_folder = False
        self._folder = job.folder
        if job.threads:
            import torch

            torch.set_num_threads(job.threads)
        detector, transform = pickle.loads(job.given) if job.given else (None, None)  # noqa: S301 # nosec B301
        scanner = Scanner.of(job.plan, transform)
        scanner.load(detector)
        about = {**job.about, **made_by(scanner.detector)}
        self._work = Work(scanner, job.parts, about, job.baseline)

    def here(self) -> Here:
        """Where this is."""
        detector = self._work.scanner.detector
        arithmetic = detector.arithmetic.to_json() if detector else {}
        return Here(socket.gethostname() or platform.node(), os.getpid(), arithmetic)

    def do(self, unit: Unit, alone: bool) -> Stages:
        """Do a unit: its part is whole when this returns.

        Args:
            unit: to be done.
            alone: read each item in a process of its own.

        Returns:
            Counts of what was done.

        Raises:
            ClipfakeError: it cannot be done here.
        """
        scanner = self._work.scanner
        scanner.stages = Stages()
        if not self._has_folder:
            for item in self._work.parts.items(unit):
                if item.content is None and not Path(item.path).is_absolute():
                    raise UsageError(
                        f"{socket.gethostname()}: has no folder {self._folder}, where "
                        f"{item.text} is to be; scan URLs, or a folder that all machines have"
                    )
        if self._work.parts.done(unit) is None:  # another actor, thought dead, may have done it
            for _ in self._work.rows(replace(unit, held=None), alone=alone):
                pass
        return scanner.stages


def failure_text(error: BaseException) -> str:
    """An error as a line, whichever process it comes from."""
    if isinstance(error, ClipfakeError):
        return str(error)
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:400]
