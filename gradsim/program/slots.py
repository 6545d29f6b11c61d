"""Where cotangents live while a program goes back: a slot each, from the last step that reads a vector to its maker."""


def assign_slots(sources):
    """(slot of each step, which uses are the first going back, slots in all) for the `sources` of each step.

    `fresh[k][e]` says that step k is the first, going back, that gives to its source e; what comes later is added, from a
    slot to spare, which is then the last one. A sum hands its own slot on to the first of what it adds, if nothing was
    given to that yet: its cotangent is the same. A chain takes two slots, a residual network three and the spare one.
    """
    slot, fresh, free, used, adds = {len(sources) - 1: 0}, [()] * len(sources), [], 1, False
    for k in range(len(sources) - 1, 0, -1):
        own, handed_on = slot[k], False
        fresh[k] = tuple(source not in slot for source in sources[k])
        adds = adds or not all(fresh[k])
        for edge, source in enumerate(sources[k]):
            if source in slot:
                continue
            if edge == 0 and len(sources[k]) > 1:
                slot[source], handed_on = own, True
            elif free:
                slot[source] = free.pop()
            else:
                slot[source], used = used, used + 1
        if not handed_on:
            free.append(own)
    return [slot[k] for k in range(len(sources))], fresh, used + adds


def own_slots(sources):
    """(slot of each step, slots in all) where none is used again: what a cotangent is in the end stays to be read.

    Only a sum and the first of what it adds share one, as in `assign_slots`; the one to spare is the last.
    """
    slot, used = {len(sources) - 1: 0}, 1
    for k in range(len(sources) - 1, 0, -1):
        for edge, source in enumerate(sources[k]):
            if source not in slot:
                handed_on = edge == 0 and len(sources[k]) > 1
                slot[source] = slot[k] if handed_on else used
                used += not handed_on
    return [slot[k] for k in range(len(sources))], used + 1
