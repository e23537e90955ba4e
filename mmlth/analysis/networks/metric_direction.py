"""Which way a metric is good."""

import re

_LOWER = re.compile(r'(?:^|[/_\-])(?:nme|epe|mpjpe|mae|loss|error)', re.IGNORECASE)


def lower_is_better(metric: str) -> bool:
    """Whether a metric of this name is an error or a loss, such as MMPose's NME."""
    return _LOWER.search(metric) is not None
