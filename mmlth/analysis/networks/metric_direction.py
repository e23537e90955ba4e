"""Which way a metric is good."""

import re

_LOWER = re.compile(
    r'(?:^|[/_\-])(?:nme|epe|mpjpe|mae|loss|error|abs_rel|sq_rel|rmse|log10|silog)', re.IGNORECASE
)


def lower_is_better(metric: str) -> bool:
    """Whether a metric of this name is an error or a loss, such as MMPose's NME.

    MMSegmentation's of depths are among them: ``rmse`` and the like.
    """
    return _LOWER.search(metric) is not None
