"""A network as HTML, for notebooks: what is in it, from the input up."""

from html import escape

MOST = 12  # rows of blocks: networks of a million different ones exist


def card(network):
    """A table: the input, what stands before the blocks, the blocks, and the readout."""
    rows = [("input", f"{network.input_width} wide"), *(("stem", part) for part in network.stem)]
    rows += [(f"{repeat.times:,} ×", ", ".join(map(str, repeat.parts))) for repeat in network.blocks[:MOST]]
    if (more := len(network.blocks) - MOST) > 0:
        rows.append(("…", f"and {more:,} more kinds of blocks"))
    rows += [("readout", part) for part in network.readout]
    lines = "".join(f"<tr><th>{escape(where)}</th><td>{escape(str(what))}</td></tr>" for where, what in rows)
    return f"<table><caption>network of depth {network.depth:,}</caption>{lines}</table>"
