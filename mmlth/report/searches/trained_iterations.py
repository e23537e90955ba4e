"""What a search costs in training."""

from dataclasses import dataclass

from mmlth.engine.state import first_iteration
from mmlth.report.searches.search import Search
from mmlth.report.searches.searches import Searches


@dataclass(frozen=True)
class TrainingCost:
    """How long the rounds of a search trained.

    Attributes:
        iterations: The iterations of all rounds so far, the dense one included.
        dense: Those of a dense training in full.
    """

    iterations: int
    dense: int

    def __str__(self) -> str:
        """In iterations and in dense trainings."""
        trainings = self.iterations / self.dense
        return f'{self.iterations:,} iterations, as many as {trainings:.2f} dense trainings'


def training_cost(search: Search) -> TrainingCost | None:
    """Adds up the iterations of a search's rounds.

    Args:
        search: The search, or a branch with other settings: its dense round counts, too.

    Returns:
        The cost; None of a control, which is no search, and where rounds do not tell, as those of
        an earlier mmlth.
    """
    rounds = search.rounds
    if not rounds or search.control is not None or any('iter' not in r for r in rounds):
        return None
    first = first_iteration(search.state['rewind'])
    dense, *later = rounds
    trained = [r.get('iterations', r['iter'] - first) for r in later]
    whole = dense.get('iterations', dense['iter'])
    # What prunes while it trains needs no more of the dense round than what it starts from.
    before = first if later and search.state['config']['lottery'].get('method') else whole
    return TrainingCost(before + sum(trained), whole + dense.get('saved_iterations', 0))


def training_costs(searches: Searches) -> list[str]:
    """A sentence on what the searches cost; one for each, where they differ; none where unknown.

    Args:
        searches: The searches of the page.
    """
    costs = [training_cost(search) for search in searches]
    if len(costs) > 1 and costs[0] is not None and len(set(costs)) == 1:
        return [f'Each search trained {costs[0]}.']
    names = searches.names if len(costs) > 1 else ['The search']
    return [f'{name} trained {cost}.' for name, cost in zip(names, costs) if cost is not None]
