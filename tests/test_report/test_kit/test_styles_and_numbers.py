"""How all sections write numbers and tell things apart."""

import pytest

from mmlth.report.kit import COLOURS, bare_percent, percent, percent_removed, signed, style


@pytest.mark.parametrize(
    ('share', 'decimals', 'text'),
    [
        (0, 0, '0'),
        (0, 1, '0.0'),
        (1, 0, '100'),
        (0.123, 0, '12'),
        (0.0123, 0, '1.2'),
        (0.123, 1, '12.3'),
        (0.00123, 1, '0.12'),
    ],
)
def test_small_shares_keep_two_digits(share, decimals, text):
    assert bare_percent(share, decimals) == text


def test_percentages_of_tables_and_axes():
    assert [percent(share) for share in (None, 0, 0.5, 2e-5)] == ['–', '0.00%', '50.00%', '0.002%']
    assert [percent_removed(d) for d in (1, 0.5, 0.1, 0.01, 0.0012)] == [
        *('0', '50.0', '90.0', '99.0'),
        '99.88',
    ]


def test_a_change_that_rounds_to_nothing_is_no_loss():
    assert [signed(c, 3) for c in (-0.0001, 0.0, 0.1234, -0.1234)] == [
        *('+0.000', '+0.000', '+0.123', '-0.123')
    ]


@pytest.mark.parametrize('taken', [0, 1])
def test_things_are_told_apart_in_grey_too(taken):
    styles = [style(number, taken) for number in range(3 * (len(COLOURS) - taken))]
    assert len(set(styles)) == len({(each.marker, each.line) for each in styles}) == len(styles)
    assert len({(each.colour, each.marker) for each in styles}) == len(styles)
    assert {each.colour for each in styles} == set(COLOURS[taken:])
