"""Few of many cases that have every trait of all between them, for what takes long to try."""


def covering(traits, cheap=lambda case: False):
    """The cases, of {case: set of its traits}; of two that add as much, one that is `cheap`."""
    left, chosen = set().union(*traits.values()), []
    while left:
        chosen.append(max(traits, key=lambda case: (len(traits[case] & left), cheap(case))))
        left -= traits[chosen[-1]]
    return chosen
