"""Reports of searches: tables in the terminal, CSVs of every number, plots, and one page.

`mmlth.report.writing` writes and prints them. Nothing is imported here, so that the tables of
tickets in `mmlth.report.inspection` need no MMEngine.
"""
