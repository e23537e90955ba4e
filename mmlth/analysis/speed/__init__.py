"""How fast the network of a ticket is, beside dense ones and in other runtimes."""

from mmlth.analysis.speed.contenders import CONTENDERS, OWN, Contender, Lane
from mmlth.analysis.speed.interleaving import Samples, interleave, timed
from mmlth.analysis.speed.machine import Machine, load_average, this_machine
from mmlth.analysis.speed.measuring import Timing, absent, measure
from mmlth.analysis.speed.medians import Median, median, speed_up
from mmlth.analysis.speed.speed import Speed, fingerprint, from_json, to_json
from mmlth.analysis.speed.subject import Subject, subject_of
from mmlth.analysis.speed.tickets import ticket_speed

__all__ = [
    'CONTENDERS',
    'OWN',
    'Contender',
    'Lane',
    'Machine',
    'Median',
    'Samples',
    'Speed',
    'Subject',
    'Timing',
    'absent',
    'fingerprint',
    'from_json',
    'interleave',
    'load_average',
    'measure',
    'median',
    'speed_up',
    'subject_of',
    'this_machine',
    'ticket_speed',
    'timed',
    'to_json',
]
