"""The plan of a scan: every option once, with its help, its default and what it changes.

Command lines, files of settings, the metadata of reports and what resuming, caches and merging
compare are all made from the fields of the plan. May use: ``report`` (names of findings),
``sources`` (shares), ``imaging`` (limits), ``errors``.
"""

from clipfake.plan.option import Affects
from clipfake.plan.plan import ScanPlan

__all__ = ["Affects", "ScanPlan"]
