"""Which parameter of one model is which of another, by their names; all of it is listed."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from mmlth.messages import join_names
from mmlth.ticket.elastic import Depths, check_depths, other_depth
from mmlth.ticket.errors import TicketError, TicketMismatchError

Shape = tuple[int, ...]
BACKBONE = 'backbone.'
TOP = 'roi_head.shared_head.'
SAME_NAMES = 'same names in both models'
PLAIN_BACKBONE = 'a backbone alone, by the names of torchvision or the like'


@dataclass(frozen=True)
class Rule:
    """Names that begin with ``source`` begin with ``target`` in the other model.

    Either may be empty: the beginning of every name.
    """

    source: str
    target: str

    def __str__(self) -> str:
        return f'{self.source}={self.target}'


@dataclass(frozen=True)
class NameMap:
    """What is known of the names of two models.

    Attributes:
        rules: The rules by which names were mapped.
        matched: For each name of the target that the source gives, the source's name. A name of
            the source may be there twice where the target is deeper.
        missing: Names of the target that the source does not give.
        unused: Names of the source that the target lacks.
        left_out: Names of the target that the source gives, but that are not to be transferred.
        mismatched: Names of the target that the source gives in another shape.
        source: Shapes of all that the source has, by its names.
        target: Shapes of all that the target has, by its names.
    """

    rules: tuple[Rule, ...]
    matched: Mapping[str, str]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    left_out: tuple[str, ...]
    mismatched: Mapping[str, str]
    source: Mapping[str, Shape] = field(repr=False)
    target: Mapping[str, Shape] = field(repr=False)

    def shapes(self, name: str) -> str:
        """Returns both shapes of a parameter that differs in them."""
        source = self.mismatched[name]
        return f'{name} {self.source[source]} in the source, {self.target[name]} in the target'


def parse_rules(rules: Iterable[str]) -> tuple[Rule, ...]:
    """Reads ``SOURCE_PREFIX=TARGET_PREFIX``, several of them.

    Raises:
        TicketError: If one is not of that form, or one source prefix has two targets.

    Example:
        >>> parse_rules(['=backbone.'])
        (Rule(source='', target='backbone.'),)
    """
    parsed = []
    for text in rules:
        source, separator, target = text.partition('=')
        if not separator or '=' in target:
            raise TicketError(
                f'{text!r} maps no names; expected SOURCE_PREFIX=TARGET_PREFIX, as in =backbone. '
                'or encoder.=backbone.'
            )
        parsed.append(Rule(source, target))
    sources = [rule.source for rule in parsed]
    for source in sources:
        if sources.count(source) > 1:
            targets = [rule.target for rule in parsed if rule.source == source]
            raise TicketError(
                f'the source prefix {source!r} is mapped more than once, to {targets}; keep one'
            )
    return tuple(parsed)


def recognised_rules(
    source: Iterable[str], target: Collection[str]
) -> tuple[tuple[Rule, ...], str]:
    """Returns the rules for names of a known form, and what the form is.

    Models of OpenMMLab, our own tickets among them, share names; a plain backbone (torchvision,
    MoCo, SimCLR, both papers' tickets) has those of the target's ``backbone.`` Stages of a ResNet
    that a C4 detector has on regions of interest alone, as ``roi_head.shared_head.layer4``, come
    from those of the source's backbone.

    Args:
        source: Names of the source.
        target: Names of the target.

    Raises:
        TicketMismatchError: If neither form fits.
    """
    names = list(source)
    # By number, for a plain backbone may have a classifier that is called as the target's.
    same = sum(name in target for name in names)
    inside = sum(BACKBONE + name in target for name in names)
    if not inside and not same:
        why = 'neither as they are nor under backbone.'
        raise TicketMismatchError(_no_match(names, target, why))
    plain = inside > same
    rule, naming = (Rule('', BACKBONE), PLAIN_BACKBONE) if plain else (Rule('', ''), SAME_NAMES)
    prefix = '' if plain else BACKBONE
    stages = _stages_on_regions(prefix, names, target)
    if stages:
        naming += f'; {", ".join(stages)} of the backbone in the shared head of a C4 detector'
    return (rule, *(Rule(f'{prefix}{s}.', f'{TOP}{s}.') for s in stages)), naming


def map_names(
    source: Mapping[str, Shape],
    target: Mapping[str, Shape],
    rules: tuple[Rule, ...],
    left_out: Collection[str] = (),
    depths: Depths | None = None,
) -> NameMap:
    """Maps the names of one model to those of another.

    Of several rules that fit a name the one with the longest source prefix holds.

    Args:
        source: Shapes by name.
        target: Shapes by name.
        rules: The rules that say which names are which.
        left_out: Names of the target that are not to be transferred.
        depths: How the residual blocks of one depth become those of another; see
            `mmlth.ticket.elastic`.

    Raises:
        TicketMismatchError: If nothing matches, two names of the source fall on one of the target,
            or the models are residual networks of different depths and ``depths`` is not given, or
            of different blocks.
    """
    renamed = _renamed(source, rules)
    wanted = {name: name for name in target}
    if depths is None:
        check_depths(renamed, target)
    else:
        wanted |= other_depth(renamed, target, depths)
    given = {name: renamed[at] for name, at in wanted.items() if at in renamed}
    skipped = tuple(name for name in given if name in left_out)
    given = {name: origin for name, origin in given.items() if name not in left_out}
    matched = {n: origin for n, origin in given.items() if source[origin] == target[n]}
    mismatched = {n: origin for n, origin in given.items() if source[origin] != target[n]}
    used = {renamed[wanted[name]] for name in (*matched, *mismatched, *skipped)}
    result = NameMap(
        rules=rules,
        matched=matched,
        missing=tuple(n for n in target if n not in given and n not in skipped),
        unused=tuple(name for name in source if name not in used),
        left_out=skipped,
        mismatched=mismatched,
        source=source,
        target=target,
    )
    if not matched:
        why = f'by the rules {", ".join(map(str, rules))}'
        if mismatched:
            why += f' (other shapes: {result.shapes(next(iter(mismatched)))})'
        if skipped:
            why += f' (left out as predictors or heads: {join_names(skipped, 1)})'
        raise TicketMismatchError(_no_match(source, target, why))
    return result


def _stages_on_regions(prefix: str, source: Collection[str], target: Collection[str]) -> list[str]:
    """Stages of the source's backbone that the target has in its shared head alone."""

    def stages(before: str, names: Iterable[str]) -> set[str]:
        matches = (re.match(rf'{re.escape(before)}(layer\d+)\.', name) for name in names)
        return {match[1] for match in matches if match}

    theirs = stages(prefix, source) - stages(TOP, source)
    return sorted(theirs & stages(TOP, target) - stages(BACKBONE, target))


def _renamed(source: Iterable[str], rules: tuple[Rule, ...]) -> dict[str, str]:
    """The source's names by what they are called in the target."""
    by_length = sorted(rules, key=lambda rule: -len(rule.source))
    renamed: dict[str, str] = {}
    for name in source:
        rule = next((rule for rule in by_length if name.startswith(rule.source)), None)
        if rule is None:
            continue
        new = rule.target + name.removeprefix(rule.source)
        if new in renamed:
            raise TicketMismatchError(
                f'{renamed[new]!r} and {name!r} of the source would both become {new!r}; change '
                'the rules'
            )
        renamed[new] = name
    return renamed


def _no_match(source: Iterable[str], target: Iterable[str], why: str) -> str:
    return (
        f'no name of the source is one of the target, {why}; the source has '
        f'{join_names(source, 3)}; the target has {join_names(target, 3)}; say which is which by '
        'SOURCE_PREFIX=TARGET_PREFIX'
    )
