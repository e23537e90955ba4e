"""What ``mmlth inspect`` prints, writes and draws of tickets; it needs no MMEngine."""

from mmlth.report.inspection.density_plot import plot_densities
from mmlth.report.inspection.inspection_json import comparison_json, inspection_json, macs_json
from mmlth.report.inspection.inspection_tables import print_inspection

__all__ = [
    'comparison_json',
    'inspection_json',
    'macs_json',
    'plot_densities',
    'print_inspection',
]
