"""What single commands print and draw."""

from mmlth.report.commands.connection import (
    connection_table,
    distance_line,
    plot_connection,
    write_connection_csv,
    write_distances_csv,
)
from mmlth.report.commands.density_plot import plot_densities
from mmlth.report.commands.inspection_json import comparison_json, inspection_json, macs_json
from mmlth.report.commands.inspection_tables import print_inspection
from mmlth.report.commands.transfer_table import print_transfer

__all__ = [
    'comparison_json',
    'connection_table',
    'distance_line',
    'inspection_json',
    'macs_json',
    'plot_connection',
    'plot_densities',
    'print_inspection',
    'print_transfer',
    'write_connection_csv',
    'write_distances_csv',
]
