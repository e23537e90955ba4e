"""What a search shows on the terminal: where it is, and of all else only what a user can act on."""

from mmlth.engine.display.display import Display
from mmlth.engine.display.showing import showing
from mmlth.engine.display.silence import only_in_log
from mmlth.engine.display.standing import Standing, metrics_text
from mmlth.engine.display.streams import forgiving

__all__ = ['Display', 'Standing', 'forgiving', 'metrics_text', 'only_in_log', 'showing']
