"""What a transfer gives."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mmlth.ticket import ImageInput, NameMap, Ticket, Transplant


@dataclass(frozen=True)
class Transfer:
    """What came of a transfer, for a program and for a table.

    Attributes:
        ticket: The ticket of the target model.
        names: Which parameter is which.
        parameters: The target's parameters, without buffers, by name.
        transplant: Which masks were transferred.
        form: The form of the source file.
        naming: By which known form the names were mapped.
        values: ``'trained'``, ``'initial'`` or ``'target'``.
        source_input: What images the source was trained on, if that is known.
        target_input: What images the target is shown, if that is known.
        source_path: The file.
    """

    ticket: Ticket
    names: NameMap
    parameters: tuple[str, ...]
    transplant: Transplant
    form: str
    naming: str
    values: str
    source_input: ImageInput | None
    target_input: ImageInput | None
    source_path: Path

    def weights(self, names: Iterable[str]) -> int:
        """Number of weights of these parameters of the target."""
        known = set(self.parameters)
        return sum(math.prod(self.names.target[name]) for name in names if name in known)

    def input_problem(self) -> str | None:
        """Why the inputs of source and target may not be the same; None if they are."""
        source, target = self.source_input, self.target_input
        go_on = 'or go on all the same by any_input=True (--any-input)'
        if source is None:
            return (
                f'nothing tells what images {self.source_path} was trained on; say so by input '
                '(--input torchvision, or ORDER:MEAN:STD) or by the config that it was trained '
                f'with (--source-config), {go_on}'
            )
        if target is None:
            return (
                "the target's config does not tell order of colours, mean and standard deviation "
                f'in a data_preprocessor, so they cannot be compared with the {source} of the '
                f'source; give it one, {go_on}'
            )
        if source.same(target):
            return None
        swap = source.order == 'rgb'
        return (
            f'the source was trained on {source} (order:mean:std), the target is shown {target}; '
            'give the target that input by cfg_options (--cfg-options) '
            f'model.data_preprocessor.mean="{list(source.mean)}" '
            f'model.data_preprocessor.std="{list(source.std)}" '
            f'model.data_preprocessor.bgr_to_rgb={swap}, here and in training, {go_on}'
        )
