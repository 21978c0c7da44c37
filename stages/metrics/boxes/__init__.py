"""What is counted of boxes, and how sure the count is; every number with a 95 % interval."""

from stages.metrics.boxes.average_precision import ap50, average_precisions
from stages.metrics.boxes.matching import Matches, matches, overlaps

__all__ = ["Matches", "ap50", "average_precisions", "matches", "overlaps"]
