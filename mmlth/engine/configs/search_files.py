"""Names in the folder of a search by which others find it; see `SearchPaths` for all of them."""

STATE_FILE = 'search.json'
"""What records the state and the results of a search."""
BRANCHES = 'branches'
"""What the branches of a search are in, each in a folder of its own."""
