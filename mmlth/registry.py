"""The registries that a user's package extends: hooks, scores, allocations and the like."""

from mmlth.engine.registry import (
    ALLOCATIONS,
    CONTROLS,
    HOOKS,
    METHODS,
    MODELS,
    PATTERNS,
    RUNNERS,
    SCHEDULES,
    SCORES,
)

__all__ = [
    'ALLOCATIONS',
    'CONTROLS',
    'HOOKS',
    'METHODS',
    'MODELS',
    'PATTERNS',
    'RUNNERS',
    'SCHEDULES',
    'SCORES',
]
