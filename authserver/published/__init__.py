"""What clients publish about themselves, fetched from hosts that strangers name: CIMD draft -01 §4

From `documents` and `key_sets`, which know what is kept, by `strangers`, which lets few ask, to
`fetch`, the one way out.
"""
