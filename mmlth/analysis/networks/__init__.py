"""What networks are like beside one another: connectivity, stability, convergence."""

from mmlth.analysis.networks.connectivity import Connection, Metrics, connect
from mmlth.analysis.networks.dense_shares import SHARES, Measurement, epochs_to_shares
from mmlth.analysis.networks.metric_direction import lower_is_better
from mmlth.analysis.networks.stability import WeightDistance, overall, weight_distances

__all__ = [
    'SHARES',
    'Connection',
    'Measurement',
    'Metrics',
    'WeightDistance',
    'connect',
    'epochs_to_shares',
    'lower_is_better',
    'overall',
    'weight_distances',
]
