"""What each command does: a thin layer over the Python API; its arguments are in `mmlth_cli`."""
