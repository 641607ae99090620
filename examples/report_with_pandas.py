"""Which folders, cameras and months a report's findings are from, with pandas.

pip install pandas
clipfake scan ./folder -o report.parquet
python examples/report_with_pandas.py report.parquet
"""

import sys
from pathlib import PurePath

import pandas as pd

TOP = 10


def main() -> None:
    """Run the command."""
    [name] = sys.argv[1:]
    report = pd.read_parquet(name)
    judged = report[report["error_code"].isna()].copy()
    judged["folder"] = [str(PurePath(path).parent) for path in judged["path"]]
    judged["camera"] = judged["exif_make"].fillna("") + " " + judged["exif_model"].fillna("")
    judged["month"] = judged["exif_datetime_original"].dt.strftime("%Y-%m")
    for group in ("folder", "camera", "month", "format"):
        table = judged.groupby(group, dropna=False).agg(
            images=("path", "size"),
            ai=("verdict", lambda verdicts: (verdicts == "ai").sum()),
            conflicts=("verdict_basis", lambda bases: (bases == "conflict").sum()),
            score=("score", "mean"),
        )
        print(table.sort_values(["ai", "images"], ascending=False).head(TOP).round(3), "\n")
    # each row has its facts, with the place where the file says so
    facts = judged.explode("evidence").dropna(subset="evidence")
    claims = pd.json_normalize(facts["evidence"].tolist()).dropna(subset="claim")
    print(claims.groupby(["claim", "key", "strength"]).size().rename("facts"))


if __name__ == "__main__":
    main()
