"""Linear steps with orthogonal weights and without their matrix, compiled when a network first has one (see `later`)."""

from .compilation import deferred
from .later import FORWARD
from .layout import FRESH, LAYER, SLOT, SOURCE, WIDTH
from .steps.linear_haar import haar_backward, haar_forward
from .views import cotangent, frames_kept, spare, taped
from .windows import row
from .workspace import Draws


@deferred
def haar_step(stage, k, code, key, replica, tape, scratch, record):
    """Vector k from the one that step k reads, or the cotangent of that one from its own."""
    steps, p, draws = code.steps, row(code.parameters, k), Draws(key, code.steps[k, LAYER], replica)
    source = steps[k, SOURCE]
    x, n = taped(source, steps, tape), steps[k, WIDTH]
    z, q = frames_kept(k, steps, tape, x.n, n)
    if stage == FORWARD:
        tape.ranks[k] = haar_forward(p, draws, x, taped(k, steps, tape), z, q, scratch, record)
    else:
        d = cotangent(steps[k, SLOT], n, tape)
        g = cotangent(steps[source, SLOT] if steps[k, FRESH] != 0 else spare(tape), x.n, tape)
        haar_backward(p, draws, x, d, g, z, q, tape.ranks[k], scratch, record)
