"""What is raised where weights cannot be pruned as asked."""


class PruningError(ValueError):
    """Bad input to a score, an allocation, a pattern, a schedule or a control.

    The message is a whole sentence for the user. An error of any other class is one in the code
    that raised it, such as a score of the user's own.
    """


class FloorError(PruningError):
    """The floor asks for more weights than are to be kept.

    Args:
        message: What the user sees.
        needed: The number of weights that it asks for.
    """

    def __init__(self, message: str, needed: int) -> None:
        super().__init__(message)
        self.needed = needed
