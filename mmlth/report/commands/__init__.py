"""What single commands print and draw."""

from mmlth.report.commands.connection import (
    connection_table,
    distance_line,
    plot_connection,
    write_connection_csv,
    write_distances_csv,
)
from mmlth.report.commands.transfer_table import print_transfer

__all__ = [
    'connection_table',
    'distance_line',
    'plot_connection',
    'print_transfer',
    'write_connection_csv',
    'write_distances_csv',
]
