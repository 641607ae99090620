"""Scores by a pandas UDF: for archives that Spark lists, with Spark's own retries.

    paths = spark.read.parquet("s3://archive/listing.parquet").select("path")
    found = paths.withColumn("found", pandas_udf(judge, SCHEMA)("path"))

Each Python process of Spark loads the model once. Rows are those of ``clipfake.scan``; no folder of
parts is written, and nothing is resumed but what Spark itself resumes.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from clipfake import scan
from clipfake.plan import ScanPlan
from clipfake.scanning.parts import load_detector

if TYPE_CHECKING:
    from clipfake import Detector

SCHEMA = "score float, verdict string, error_code string"
PLAN = ScanPlan.of(workers=0, allow_network=True)


@cache
def detector() -> "Detector":
    """The model, once a process."""
    return load_detector(PLAN)


def judge(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
    """Score, verdict and error code of each path or URL, in order.

    Args:
        batches: of paths; Spark hands them over as Arrow has them.
    """
    for paths in batches:
        # each name by itself: a folder or an archive would give more rows than one
        records = [
            next(iter(scan(PLAN.replaced(paths=[path]), detector=detector())), None)
            for path in paths
        ]
        yield pd.DataFrame(
            {
                "score": [record and record.score for record in records],
                "verdict": [record and record.verdict.value for record in records],
                "error_code": [
                    record and record.error_code and record.error_code.value for record in records
                ],
            },
            index=paths.index,
        )
