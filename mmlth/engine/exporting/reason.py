"""Why foreign code failed, in one line."""


def reason(error: Exception) -> str:
    """The kind of an error and the first line that it says, cut after 200 characters."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f'{type(error).__name__}: {lines[0].strip():.200}' if lines else type(error).__name__
