"""The speed of tickets as tables, plots and files."""

from mmlth.report.speed.speed_files import SPEED_FILE, read_speed, speed_text, write_speed_csv
from mmlth.report.speed.speed_plot import plot_speeds
from mmlth.report.speed.speed_table import (
    machine_lines,
    milliseconds_cell,
    print_speed,
    speed_table,
)

__all__ = [
    'SPEED_FILE',
    'machine_lines',
    'milliseconds_cell',
    'plot_speeds',
    'print_speed',
    'read_speed',
    'speed_table',
    'speed_text',
    'write_speed_csv',
]
