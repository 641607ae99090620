"""The parts of a scan that its plan asks for."""

from typing import TYPE_CHECKING

from clipfake.imaging.limits import Limits
from clipfake.metadata.read import MetadataOptions
from clipfake.metadata.trust import read_trust
from clipfake.plan import Affects, ScanPlan
from clipfake.report.baseline import Baseline, read_baseline
from clipfake.scanning.cache import Cache
from clipfake.sources import ArchiveLimits, Changes, Ignoring, Selection

if TYPE_CHECKING:  # torch takes seconds to import, and a scan of metadata does without
    from clipfake.detector.detector import Detector


def selection_of(plan: ScanPlan) -> Selection:
    """Which files of folders and archives are taken."""
    what = plan.what
    return Selection(
        what.include,
        what.exclude,
        what.hidden,
        what.follow_symlinks,
        archives=None if what.no_archives else ArchiveLimits(member_bytes=plan.cost.max_bytes),
        network=what.allow_network,
        ignoring=Ignoring(what.ignore),
    )


def changes_of(plan: ScanPlan) -> Changes | None:
    """What git is asked for; None where it is not asked."""
    what = plan.what
    if not what.staged and what.changed_since is None:
        return None
    return Changes(what.changed_since, what.staged)


def baseline_of(plan: ScanPlan) -> Baseline | None:
    """The findings that were accepted; None without a baseline.

    Raises:
        UsageError: it cannot be read.
    """
    path = plan.outputs.baseline
    return None if path is None else read_baseline(path)


def limits_of(plan: ScanPlan) -> Limits:
    """What one file may cost."""
    cost = plan.cost
    return Limits(cost.max_pixels, cost.max_bytes, cost.timeout_per_file)


def metadata_of(plan: ScanPlan) -> MetadataOptions | None:
    """What is read of the files' metadata; None leaves it unread.

    Raises:
        UsageError: the list of trusted signers cannot be read.
    """
    asked = plan.metadata
    trusted = read_trust(asked.c2pa_trust)
    if asked.no_metadata or plan.how.hash_alone:
        return None
    return MetadataOptions(asked.gps, asked.prompts, trusted)


def cache_of(plan: ScanPlan, metadata: MetadataOptions | None) -> Cache | None:
    """The cache, open for what this scan reads; None without one.

    Raises:
        UsageError: it cannot be used.
    """
    if plan.run.cache is None:
        return None
    content = plan.identity(Affects.CONTENT)
    content["c2pa_trust"] = metadata.anchors if metadata else ""  # the list itself, not its name
    return Cache(plan.run.cache, trust_times=plan.run.trust_times, content=content)


def load_detector(plan: ScanPlan) -> "Detector":
    """The detector, loaded as the plan has it.

    Raises:
        AdapterError: the adapter cannot be read, or fits another backbone.
        BackboneError: the backbone is unknown or absent.
        UsageError: the device, precision or looks are not available.
    """
    from clipfake.detector.detector import Detector

    how = plan.how
    return Detector.load(
        how.adapter,
        backbone=how.backbone,
        device=how.device,
        precision=how.precision,
        batch_size=plan.run.batch_size,
        looks=how.looks,
        allow_download=how.allow_download,
    )
