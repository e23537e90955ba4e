"""The error of everything that a user can mend; it needs neither torch nor MMEngine."""


class LotteryError(ValueError):
    """Bad input; the message says what was given, what was expected, how to mend it."""
