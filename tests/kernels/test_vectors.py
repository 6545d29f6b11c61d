import numpy as np
import pytest

from gradsim.kernels import vectors
from gradsim.kernels.compilation import for_python

normalise = for_python(vectors.normalise)


@pytest.mark.parametrize("value", [1e-44, 1e-38, 0.3, 1.0, 3e38])
def test_normalise_is_exact_even_for_subnormal_vectors(value):
    v = np.full(16, value, np.float32)
    expected = v.astype(float)
    exponent = normalise(v, 16, 0)
    assert 1 / 16 <= v[0] < 16 and np.array_equal(np.ldexp(v.astype(float), exponent), expected)
