"""The formats that the size of a ticket is given in, beside its file."""

FORMATS = {
    'dense': 'dense checkpoint',
    'index_value': 'index + value',
    'bitmask': 'bitmask',
    'entropy': 'entropy bound',
}
"""What tables and plots call the format, by field of `Sizes`."""

FORMAT_LEGEND = """\
index + value: an int32 and the number for each kept weight of a masked tensor
bitmask: a bit a weight and the numbers kept
entropy bound: the same with the mask at the entropy of independent bits of its density"""
