"""The plan's groups, and their options: to add one is to add a field here, and to use it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from clipfake.imaging.limits import Limits
from clipfake.plan.option import Affects, option


@dataclass(frozen=True)
class What:
    """Which files are scanned."""

    TITLE: ClassVar[str] = "What is scanned"

    paths: tuple[str, ...] = option(
        (),
        "Files, folders, archives, URLs, manifests (.txt .csv .jsonl .parquet), or - for paths on "
        "stdin.",
        affects=Affects.LISTING,
        argument=True,
    )
    include: tuple[str, ...] = option(
        (), "Take only files that match this glob; repeatable.", affects=Affects.LISTING
    )
    exclude: tuple[str, ...] = option(
        (),
        "Leave out files and folders that match this glob; repeatable.",
        affects=Affects.LISTING,
    )
    hidden: bool = option(False, "Take hidden files too.", affects=Affects.LISTING)
    follow_symlinks: bool = option(
        False, "Follow symbolic links in folders.", affects=Affects.LISTING
    )
    no_archives: bool = option(
        False, "Do not look into zip and tar archives.", affects=Affects.LISTING
    )
    null: bool = option(
        False,
        "Zero bytes end the names on stdin and in .txt lists (git -z).",
        affects=Affects.LISTING,
        flags=("--null", "-0"),
    )
    changed_since: str | None = option(
        None,
        "Scan only what changed since the present branch left this branch, tag or commit (git).",
        affects=Affects.LISTING,
    )
    staged: bool = option(
        False,
        "Scan only what the next commit changes, as it is staged (git).",
        affects=Affects.LISTING,
    )
    ignore: str = option(
        "found",
        "Where .clipfakeignore files count: found (in folders), all (for named files, too) or "
        "none.",
        affects=Affects.LISTING,
    )
    allow_network: bool = option(
        False,
        "Open URLs (s3:// gs:// hf:// https:// ...).",
        affects=Affects.RUNNING,
        outward=True,
    )


@dataclass(frozen=True)
class How:
    """What looks at the files, and where it draws the line."""

    TITLE: ClassVar[str] = "The detector"

    adapter: Path | None = option(
        None, "Adapter file instead of the built-in one.", affects=Affects.MODEL
    )
    backbone: str | None = option(
        None,
        "open_clip image tower that the adapter fits, e.g. ViT-L-14/openai.",
        affects=Affects.MODEL,
    )
    allow_download: bool = option(
        False,
        "Fetch the backbone from its hub when absent.",
        affects=Affects.RUNNING,
        outward=True,
    )
    device: str = option("auto", "auto, cpu, cuda, cuda:1, mps.", affects=Affects.MODEL)
    precision: str = option("auto", "auto, fp32 or bf16.", affects=Affects.MODEL)
    looks: str = option(
        "auto",
        "Looks at a picture: first (its centre square), auto (a second one, at the whole picture, "
        "where the first leaves it open or is about to accuse) or all (both of each, at 5 to 9 "
        "times the cost of scoring); where the adapter has no second look, auto is first.",
        affects=Affects.MODEL,
    )
    fpr: float | None = option(
        None,
        "Operating point: share of real images that may be called AI (0.05, 0.01 or 0.001; "
        "default 0.01).",
        affects=Affects.VERDICT,
    )
    threshold: float | None = option(
        None, "Call AI from this score on, instead of --fpr.", affects=Affects.VERDICT
    )
    no_pixels: bool = option(
        False,
        "Read metadata alone; no score, nothing is decoded.",
        affects=Affects.CONTENT,
    )
    hash_alone: bool = option(
        False,
        "Hash files, and look at nothing else.",
        affects=Affects.CONTENT,
        internal=True,
    )


@dataclass(frozen=True)
class Cost:
    """What one file may cost."""

    TITLE: ClassVar[str] = "Limits of a file"

    max_pixels: int = option(
        Limits.pixels,
        "Largest image that is decoded, pixels.",
        affects=Affects.CONTENT,
        unit="pixels",
        least=1,
    )
    max_bytes: int = option(
        Limits.bytes,
        "Largest file that is read, bytes.",
        affects=Affects.VERDICT,
        unit="bytes",
        least=1,
    )
    timeout_per_file: float = option(
        Limits.seconds,
        "Seconds to decode one file; 0 for no limit.",
        affects=Affects.VERDICT,
        unit="seconds",
        least=0,
    )


@dataclass(frozen=True)
class Metadata:
    """What is read and reported of what files say of themselves."""

    TITLE: ClassVar[str] = "Metadata"

    gps: bool = option(
        False, "Report GPS coordinates, not only their presence.", affects=Affects.CONTENT
    )
    prompts: bool = option(
        False, "Report prompts that files hold, not only their length.", affects=Affects.CONTENT
    )
    c2pa_trust: Path | None = option(
        None,
        "Certificates of C2PA signers to trust, .pem; none are built in.",
        affects=Affects.CONTENT,
    )
    no_metadata: bool = option(
        False, "Score pixels alone; read no metadata.", affects=Affects.CONTENT
    )


@dataclass(frozen=True)
class Outputs:
    """What is written, shown, and failed for."""

    TITLE: ClassVar[str] = "Reports and gates"

    output: tuple[str, ...] = option(
        (),
        "Report: .parquet, .csv, .jsonl or .parts (also a URL); .html or .site to look at; .sarif, "
        ".junit.xml, .codequality.json or .md for pipelines; repeatable.",
        affects=Affects.RUNNING,
        flags=("--output", "-o"),
        place=True,
    )
    custody: bool = option(
        False,
        "Write a statement of custody beside the first report.",
        affects=Affects.RUNNING,
    )
    baseline: Path | None = option(
        None,
        "Findings that were accepted; they are reported as suppressed (clipfake baseline).",
        affects=Affects.RUNNING,
    )
    format: str = option(
        "auto",
        "What is printed beside the summary: plain, or github for annotations and the job summary "
        "(auto: in GitHub Actions).",
        affects=Affects.RUNNING,
    )
    fail_on: str | None = option(
        None,
        "Exit with 1 when any file is: ai, inconclusive, error, unread (comma list); new-ai and "
        "so on for what the baseline does not know.",
        affects=Affects.RUNNING,
    )
    strict: bool = option(
        False,
        "Exit with 1, too, when a file that was named, or is named like an image, was not judged "
        "(--fail-on unread).",
        affects=Affects.RUNNING,
    )
    top: int = option(
        10,
        "How many of the worst files are shown.",
        affects=Affects.RUNNING,
        unit="files",
        least=0,
    )
    explain: int = option(
        0,
        "Draw what drives the scores of so many of the worst files, beside the first report.",
        affects=Affects.RUNNING,
        unit="files",
        least=0,
    )

    @property
    def parts(self) -> str | None:
        """Path or URL of the folder of parts; None where none is asked for."""
        return next((name for name in self.output if is_parts(name)), None)

    @property
    def files(self) -> tuple[Path, ...]:
        """The reports that are written from the first row to the last."""
        return tuple(Path(name) for name in self.output if not is_parts(name))

    @property
    def local(self) -> tuple[Path, ...]:
        """The reports that lie on this machine."""
        from clipfake.sources.remote.urls import is_url  # pyarrow comes with it

        return tuple(Path(name) for name in self.output if not is_url(name))


def is_parts(name: str) -> bool:
    """Whether an output is a folder of parts."""
    return name.rstrip("/").lower().endswith(".parts")


@dataclass(frozen=True)
class Running:
    """How the scan runs."""

    TITLE: ClassVar[str] = "The run"

    workers: int | None = option(
        None,
        "Decoding processes (default: CPUs less one, at most 16).",
        affects=Affects.RUNNING,
        unit="processes",
        least=0,
    )
    batch_size: int | None = option(
        None,
        "Images encoded at once (default: by device).",
        affects=Affects.RUNNING,
        unit="images",
        least=1,
    )
    resume: bool = option(
        True,
        "Go on with an interrupted scan of the same --output, or start anew.",
        affects=Affects.RUNNING,
        flags=("--resume/--no-resume",),
    )
    cache: Path | None = option(
        None,
        "Folder that remembers scores by the sha256 of the bytes.",
        affects=Affects.RUNNING,
    )
    trust_times: bool = option(
        False,
        "With --cache: do not read a file again while its size, times and inode stay.",
        affects=Affects.RUNNING,
    )
    shard: str = option(
        "1/1",
        "Scan one share of the files, i/n; clipfake merge joins them.",
        affects=Affects.LISTING,
    )
    unit: int = option(
        4096,
        "Files of a part of .parts, which is done or begun again whole.",
        affects=Affects.LISTING,
        unit="files",
        least=1,
    )
    engine: str = option(
        "local",
        "What runs the units of .parts: local, or ray for the processes of a machine or cluster.",
        affects=Affects.RUNNING,
    )
    address: str | None = option(
        None,
        "With --engine ray: the cluster, as host:port, or auto for the one that runs here.",
        affects=Affects.RUNNING,
        outward=True,
    )
    actors: int | None = option(
        None,
        "With --engine ray: processes that hold the model (default: one a GPU, else a machine).",
        affects=Affects.RUNNING,
        unit="processes",
        least=1,
    )
    gpus_per_actor: float | None = option(
        None,
        "With --engine ray: share of a GPU for each of them; 0 for CPUs alone (default: 1 where "
        "there are GPUs).",
        affects=Affects.RUNNING,
        unit="GPUs",
        least=0,
    )
    settings: str | None = option(
        None,
        "File, and profile, that gave options which the command line did not.",
        affects=Affects.RUNNING,
        internal=True,
    )
