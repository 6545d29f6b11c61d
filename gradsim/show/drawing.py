"""The matplotlib Figure that pictures are: one that a notebook shows."""

import io

from matplotlib.figure import Figure

DPI = 100  # in a notebook


class Drawing(Figure):
    """A Figure as any other to programs."""

    def _repr_png_(self):
        """For IPython, which knows by itself only figures of pyplot."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()
