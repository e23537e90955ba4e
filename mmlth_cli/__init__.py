"""What can be typed: the arguments of each command, which load nothing but the standard library.

What a command does is in `mmlth.commands`, which is imported when the command runs.
"""
