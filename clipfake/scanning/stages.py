"""What each stage of a scan has done so far: counters that the stages keep, and rates of them."""

from collections import deque
from dataclasses import astuple, dataclass

WINDOW_SECONDS = 15.0  # over which rates are taken: files come in bursts of a batch
_STEP_SECONDS = 0.5


@dataclass
class Stages:
    """Counts as the scan goes on.

    Attributes:
        read: files that were read, decoded and described, or found in the cache.
        cached: those of them that the cache knew.
        scored: images whose pixels went through the encoder.
        waiting: seconds in which the encoder waited for files.
        scoring: seconds in which it worked.
    """

    read: int = 0
    cached: int = 0
    scored: int = 0
    waiting: float = 0.0
    scoring: float = 0.0

    def add(self, more: "Stages") -> None:
        """Count what was done elsewhere."""
        self.read += more.read
        self.cached += more.cached
        self.scored += more.scored
        self.waiting += more.waiting
        self.scoring += more.scoring


@dataclass(frozen=True)
class Pace:
    """What the stages do at present.

    Attributes:
        read: files a second.
        scored: images a second.
        limit: what the rest waits for: ``reading`` (nothing is scored), ``decoding`` or
            ``encoder``; empty where no time was spent.
    """

    read: float
    scored: float
    limit: str


class Rates:
    """Takes rates of stages over the last ``WINDOW_SECONDS``."""

    def __init__(self, stages: Stages, now: float) -> None:
        """Begin.

        Args:
            stages: that go on by themselves.
            now: seconds of a clock that only goes forward.
        """
        self._stages = stages
        self._seen: deque[tuple[float, Stages]] = deque([(now, Stages(*astuple(stages)))])

    def at(self, now: float) -> Pace:
        """The pace at a time, which is none before that of the last call."""
        stages = self._stages
        if now - self._seen[-1][0] >= _STEP_SECONDS:
            self._seen.append((now, Stages(*astuple(stages))))
        while len(self._seen) > 1 and now - self._seen[1][0] >= WINDOW_SECONDS:
            self._seen.popleft()
        then, before = self._seen[0]
        seconds = max(now - then, 1e-9)
        scored = stages.scored - before.scored
        waiting, scoring = stages.waiting - before.waiting, stages.scoring - before.scoring
        limit = ""
        if waiting + scoring > 0.0:
            limit = "encoder" if scoring > waiting else "decoding" if scored else "reading"
        return Pace((stages.read - before.read) / seconds, scored / seconds, limit)
