"""What every step of a search has at hand."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mmengine.runner import Runner
from torch import nn

from mmlth.engine.configs import result_affecting_config
from mmlth.engine.display import Display
from mmlth.engine.machine import Preemption
from mmlth.engine.masking import Pruner, TargetChoice
from mmlth.engine.models import bare_model
from mmlth.engine.settings import Settings
from mmlth.engine.state.paths import SearchPaths
from mmlth.engine.state.state import SearchState, load_state
from mmlth.pruning import Target


@dataclass
class Search:
    """A search while it runs.

    Attributes:
        runner: The user's Runner, from whose config the Runner of each round is built.
        settings: The ``lottery`` key.
        paths: The files of the search.
        preemption: Tells whether a signal asks for the end.
        display: What the terminal shows of it.
        choice: The weights that may be pruned; looked for as the search is accepted.
        state: What search.json records; there once the search is accepted.
    """

    runner: Runner
    settings: Settings
    paths: SearchPaths
    preemption: Preemption
    display: Display = field(default_factory=Display)
    choice: TargetChoice = field(init=False)
    state: SearchState = field(init=False)

    @property
    def model(self) -> nn.Module:
        """The user's model, without a wrapper."""
        return bare_model(self.runner)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The settings that decide the result; see `result_affecting_config`."""
        return result_affecting_config(self.runner.cfg, self.settings.to_dict())

    @property
    def targets(self) -> list[Target]:
        """The weights that are pruned."""
        return self.choice.targets

    @cached_property
    def parent(self) -> SearchState | None:
        """The search that this one branches off from, as it was at the start; None: no branch.

        Raises:
            LotteryError: If its search.json cannot be read.
        """
        above = self.paths.parent_search
        return None if above is None else load_state(SearchPaths(above))

    @property
    def is_control(self) -> bool:
        """Whether this is a branch that changes one thing about tickets of its parent search."""
        return bool(self.settings.branch and self.settings.branch.control)

    @property
    def pruner(self) -> Pruner:
        """Prunes the user's model as ``lottery`` says."""
        return Pruner(self.settings, self.model, self.state.seed, self.state.costs)
