"""The sections of the report, a file each, from the answer down."""
