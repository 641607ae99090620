"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

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
