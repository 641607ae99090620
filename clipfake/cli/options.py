"""Options that several commands have."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from clipfake.errors import UsageError

AdapterFile = Annotated[Path | None, typer.Option(help="Adapter file instead of the built-in one.")]
LocalBackbone = Annotated[
    str | None, typer.Option(help="Local open_clip tower that the adapter fits.")
]
AdapterOut = Annotated[Path, typer.Option("--out", "-o", help="Adapter to write, .safetensors.")]
AdapterName = Annotated[str | None, typer.Option(help="What reports call the adapter.")]
Fpr = Annotated[
    float | None,
    typer.Option(
        help="Operating point: share of real images that may be called AI "
        "(0.05, 0.01 or 0.001; default 0.01)."
    ),
]
Threshold = Annotated[
    float | None, typer.Option(help="Call AI from this score on, instead of --fpr.")
]
ScanBatch = Annotated[
    int | None, typer.Option(min=1, help="Images encoded at once (default: by device).")
]
Workers = Annotated[
    int | None,
    typer.Option(min=0, help="Decoding processes (default: CPUs less one, at most 16)."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Precision = Annotated[str, typer.Option(help="auto, fp32 or bf16.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
Gps = Annotated[
    bool, typer.Option("--gps", help="Report GPS coordinates, not only their presence.")
]
Prompts = Annotated[
    bool, typer.Option("--prompts", help="Report prompts that files hold, not only their length.")
]
Trust = Annotated[
    Path | None,
    typer.Option(help="Certificates of C2PA signers to trust, .pem; none are built in."),
]


def read_trust(path: Path | None) -> str:
    """PEM text of a trust list; empty for none.

    Raises:
        UsageError: the file cannot be read, or holds no certificate, or what reads manifests is
            not installed.
    """
    if path is None:
        return ""
    if find_spec("c2pa") is None:
        raise UsageError("--c2pa-trust needs the extra c2pa: pip install 'clipfake[c2pa]'")
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as PEM; give a file of certificates") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise UsageError(f"{path}: holds no certificate; give PEM")
    return text
