"""What can be wrong with a ticket file; each is one line that says what to do."""


class TicketError(ValueError):
    """A file that cannot be read as what it should be."""


class NotATicketError(TicketError):
    """The file is something else."""


class TicketVersionError(TicketError):
    """The file's version of the format is not one that this mmlth reads."""


class DamagedTicketError(TicketError):
    """The file contradicts itself: truncated, overwritten, or not written by mmlth."""


class TicketTooLargeError(TicketError):
    """The file would take more memory than allowed once read."""


class TicketMismatchError(TicketError):
    """A ticket and a model, or a mask and its weights, do not belong together."""
