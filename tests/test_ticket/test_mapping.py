"""Names of one model as names of another: rules, what they match and what they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmlth.ticket import TicketError, TicketMismatchError
from mmlth.ticket.mapping import SAME_NAMES, Rule, map_names, parse_rules, recognised_rules

SOURCE = {'conv.weight': (2, 1), 'norm.weight': (2,), 'fc.weight': (5, 2), 'fc.bias': (5,)}
TARGET = {
    'backbone.conv.weight': (2, 1),
    'backbone.norm.weight': (2,),
    'neck.weight': (3, 2),
    'head.weight': (4, 2),
    'head.bias': (5,),
}


def test_what_matches_and_what_does_not_is_listed():
    rules = parse_rules(['=backbone.', 'fc.=head.'])
    names = map_names(SOURCE | {'extra': (1,)}, TARGET, rules, left_out=['head.bias'])
    assert names.matched == {
        'backbone.conv.weight': 'conv.weight',
        'backbone.norm.weight': 'norm.weight',
    }
    assert names.missing == ('neck.weight',)
    assert names.unused == ('extra',)
    assert names.left_out == ('head.bias',)
    assert names.mismatched == {'head.weight': 'fc.weight'}
    assert names.shapes('head.weight') == 'head.weight (5, 2) in the source, (4, 2) in the target'


def test_the_longest_source_prefix_holds_whatever_the_order():
    source = {'a.b.w': (1,), 'a.c.w': (1,), 'd.w': (1,)}
    target = {'x.w': (1,), 'y.c.w': (1,), 'd.w': (1,)}
    for rules in (['a.=y.', 'a.b.=x.', '='], ['=', 'a.b.=x.', 'a.=y.']):
        names = map_names(source, target, parse_rules(rules))
        assert names.matched == {'x.w': 'a.b.w', 'y.c.w': 'a.c.w', 'd.w': 'd.w'}


paths = st.lists(st.sampled_from('ab'), min_size=1, max_size=3).map('.'.join)
models = st.dictionaries(paths, st.sampled_from([(1,), (2,)]), min_size=1)


@given(models, models, st.sets(paths))
def test_every_name_is_in_one_list(source, target, left_out):
    try:
        names = map_names(source, target, (Rule('a.', 'b.'), Rule('', '')), left_out)
    except TicketMismatchError:
        return
    groups = [*names.matched, *names.mismatched, *names.missing, *names.left_out]
    assert sorted(groups) == sorted(target)
    used = {*names.matched.values(), *names.mismatched.values()}
    assert not used & set(names.unused)
    assert len(source) == len(used) + len(names.unused) + len(names.left_out)


@pytest.mark.parametrize('rules', [['backbone.'], ['a=b=c'], ['a.=b.', 'a.=c.']])
def test_rules_that_are_none(rules):
    with pytest.raises(TicketError, match=r'SOURCE_PREFIX=TARGET_PREFIX|more than once'):
        parse_rules(rules)


@pytest.mark.parametrize(
    ('rules', 'left_out', 'reason'),
    [
        (['nothing.=backbone.'], (), r'by the rules nothing\.=backbone\.; the source has conv'),
        (['fc.=head.'], ['head.bias'], r'other shapes: head\.weight \(5, 2\) in the source'),
        (['fc.=head.'], ['head.weight', 'head.bias'], 'left out as predictors or heads: head'),
    ],
)
def test_no_match_is_an_error_that_shows_both_sides(rules, left_out, reason):
    with pytest.raises(TicketMismatchError, match=f'no name of the source is one .*{reason}'):
        map_names(SOURCE, TARGET, parse_rules(rules), left_out)


def test_two_names_that_become_one():
    with pytest.raises(TicketMismatchError, match=r"'a\.w' and 'b\.w' .* both become 'c\.w'"):
        map_names({'a.w': (1,), 'b.w': (1,)}, {'c.w': (1,)}, parse_rules(['a.=c.', 'b.=c.']))


def test_known_forms():
    assert recognised_rules(SOURCE, TARGET.keys())[0] == (Rule('', 'backbone.'),)
    classifier = {**TARGET, 'fc.weight': (5, 2)}  # as the source has one, by chance
    assert recognised_rules(SOURCE, classifier.keys())[0] == (Rule('', 'backbone.'),)
    assert recognised_rules(TARGET, TARGET.keys())[0] == (Rule('', ''),)
    with pytest.raises(TicketMismatchError, match=r'neither as they are nor under backbone\.'):
        recognised_rules({'encoder.conv.weight': (2, 1)}, TARGET.keys())


def test_stages_that_a_c4_detector_has_on_regions():
    resnet = ['conv1.weight', 'layer3.0.conv1.weight', 'layer4.0.conv1.weight', 'fc.weight']
    regions = 'roi_head.shared_head.layer4.0.conv1.weight'
    c4 = [f'backbone.{name}' for name in resnet[:2]] + [regions]
    whole = [f'backbone.{name}' for name in resnet[:3]]
    rule = 'layer4.', 'roi_head.shared_head.layer4.'

    rules, naming = recognised_rules(resnet, c4)
    assert rules == (Rule('', 'backbone.'), Rule(*rule))
    assert naming.endswith('; layer4 of the backbone in the shared head of a C4 detector')
    shapes = [dict.fromkeys(names, (1,)) for names in (resnet, c4)]
    assert map_names(*shapes, rules).matched == dict(zip(c4, resnet))

    rules, naming = recognised_rules([*whole, 'head.fc.weight'], c4)  # as mmpretrain's
    assert rules == (Rule('', ''), Rule('backbone.layer4.', rule[1]))
    assert 'layer4' in naming
    # As they are, where both are C4 detectors, or one has the stage in both places.
    for source, target in [(c4, c4), ([*whole, regions], c4), (whole, [*whole, regions])]:
        assert recognised_rules(source, target) == ((Rule('', ''),), SAME_NAMES)
