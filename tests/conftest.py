"""Which files are no tests."""

# What processes of their own register; doctests are looked for in all other modules, and these
# would register it in the tests' process, too.
collect_ignore = ['dice.py']
