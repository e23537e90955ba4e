"""What is raised where a network cannot be made faster, or a faster one is used as it cannot be."""


class AccelerationError(ValueError):
    """Bad input to `accelerate`, or to the sparse layers that it makes.

    The message says what was given, what was expected, how to mend it.
    """


class NoCompilerError(AccelerationError):
    """The machine has no compiler that can build the kernel."""
