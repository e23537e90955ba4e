"""The section on how fast tickets learn."""

from mmlth.report.convergence.section import convergence_section

__all__ = [
    'convergence_section',
]
