"""Presets against what the frameworks themselves draw, each where it is installed (pip install torch keras flax dm-haiku
transformers timm); a framework that is not is said to be skipped.

A weight matrix of m independent entries has a sample standard deviation within std sqrt((kurtosis + 2) / 4 m) of the law's; a
difference of five of these is one in two million.
"""

import importlib
import math
import os
import warnings

import numpy as np
import pytest

from gradsim.model.presets import preset

SIGMAS = 5.0
MOST = 1 / 50  # of the standard deviation: no matrix here is so small that it could hide a wrong fan
DENSE, CONV = {"n_in": 512, "n_out": 384}, {"c_in": 64, "c_out": 96, "k": 3, "groups": 1}
RNN = {"n_in": 64, "hidden": 128}


def module(name):
    os.environ.setdefault("KERAS_BACKEND", "jax" if importlib.util.find_spec("jax") else "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"{name} is not installed", exc_type=ImportError)


def torch_drawn(parameter, **sizes):
    torch = module("torch")
    torch.manual_seed(0)
    nn, of = torch.nn, sizes.get
    made = {
        "Linear": lambda: nn.Linear(sizes["n_in"], sizes["n_out"]),
        "Conv2d": lambda: nn.Conv2d(sizes["c_in"], sizes["c_out"], sizes["k"], groups=of("groups", 1)),
        "ConvTranspose2d": lambda: nn.ConvTranspose2d(sizes["c_in"], sizes["c_out"], sizes["k"]),
        "LSTM": lambda: nn.LSTM(sizes["n_in"], sizes["hidden"]),
        "Embedding": lambda: nn.Embedding(1000, 64),
        "in_proj_weight": lambda: nn.MultiheadAttention(sizes["d"], 8),
        "out_proj": lambda: nn.MultiheadAttention(sizes["d"], 8),
        "q_proj_weight": lambda: nn.MultiheadAttention(sizes["d"], 8, kdim=sizes["d"] // 2, vdim=sizes["d"]),
        "linear1": lambda: nn.TransformerEncoderLayer(sizes["d"], 8, sizes["d_ff"]),
        "linear2": lambda: nn.TransformerEncoderLayer(sizes["d"], 8, sizes["d_ff"]),
        "self_attn": lambda: nn.TransformerEncoderLayer(sizes["d"], 8),
        "encoder": lambda: nn.Transformer(sizes["d"], 8, 2, 2, of("d_ff", 64), batch_first=True),
    }
    parameter = parameter.partition(" ")[0]
    head = parameter.split(".")[0]
    own = (
        parameter.removeprefix(f"{head}.")
        if head in ("Linear", "Conv2d", "ConvTranspose2d", "LSTM", "Embedding")
        else parameter
    )
    return made[head]().get_parameter(own).detach().numpy()


def keras_drawn(parameter, **sizes):
    keras = module("keras")
    keras.utils.set_random_seed(0)
    layers, of = keras.layers, sizes.get
    if parameter.startswith(("query", "attention_output")):
        made = layers.MultiHeadAttention(sizes["heads"], sizes["d_head"])
        made.build((None, 5, sizes["d"]), (None, 5, sizes["d"]))
        name = f"{parameter.split('.')[0]}/kernel"
    else:
        of_layers = {
            "Dense": lambda: layers.Dense(sizes["n_out"]),
            "Conv2D": lambda: layers.Conv2D(sizes["c_out"], sizes["k"], groups=of("groups", 1)),
            "DepthwiseConv2D": lambda: layers.DepthwiseConv2D(sizes["k"]),
            "LSTM": lambda: layers.LSTM(sizes["hidden"]),
            "Embedding": lambda: layers.Embedding(1000, 64),
        }
        kind, name = parameter.split(".")
        made, images = of_layers[kind](), (None, 8, 8, of("c_in"))
        made.build({"Dense": (None, of("n_in")), "LSTM": (None, 5, of("n_in")), "Embedding": (None,)}.get(kind, images))
    (found,) = [v for v in made.weights if v.path.endswith(name) and not (name == "kernel" and "recurrent" in v.path)]
    return np.asarray(found)


def flax_drawn(parameter, **sizes):
    nn, jax = module("flax.linen"), module("jax")
    key, of = jax.random.key(0), sizes.get
    made = {
        "Dense": lambda: (nn.Dense(sizes["n_out"]), np.zeros((1, sizes["n_in"]))),
        "Conv": lambda: (nn.Conv(sizes["c_out"], (sizes["k"],) * 2), np.zeros((1, 8, 8, of("c_in")))),
        "Embed": lambda: (nn.Embed(1000, sizes["d"]), np.zeros((1,), int)),
        "query": lambda: (nn.MultiHeadDotProductAttention(8), np.zeros((1, 5, sizes["d"]))),
    }
    head, name = parameter.split(".")
    layer, inputs = made[head]()
    found = layer.init(key, inputs)["params"]
    return np.asarray((found["query"] if head == "query" else found)[name])


def haiku_drawn(parameter, **sizes):
    hk, jax = module("haiku"), module("jax")
    made = {
        "Linear": lambda: hk.Linear(sizes["n_out"])(np.zeros((1, sizes["n_in"]), np.float32)),
        "Embed": lambda: hk.Embed(1000, 64)(np.zeros((1,), int)),
    }
    head, name = parameter.split(".")
    (found,) = hk.transform(made[head]).init(jax.random.key(0)).values()
    return np.asarray(found[name])


def transformers_drawn(parameter, **sizes):
    transformers, torch = module("transformers"), module("torch")
    torch.manual_seed(0)
    small = {"vocab_size": 50, "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 512}
    made = {
        "attn": lambda: transformers.GPT2Model(transformers.GPT2Config(vocab_size=50, n_embd=256, n_layer=4, n_head=4)).h[0],
        "mlp": lambda: transformers.GPT2Model(
            transformers.GPT2Config(vocab_size=50, n_embd=256, n_layer=sizes["N"], n_head=4)
        ).h[0],
        "encoder.layer": lambda: transformers.BertModel(transformers.BertConfig(**small)),
        "layers.0.mlp.gate": lambda: transformers.LlamaModel(transformers.LlamaConfig(**small)),
        "layers.0.mlp.dense": lambda: transformers.GPTNeoXModel(transformers.GPTNeoXConfig(**small)),
        "encoder.block": lambda: transformers.T5Model(
            transformers.T5Config(vocab_size=50, d_model=256, d_kv=64, d_ff=512, num_layers=2, num_heads=4)
        ),
    }
    make = next(make for head, make in made.items() if parameter.startswith(head))
    return make().get_parameter(parameter.partition(",")[0]).detach().numpy()


def timm_drawn(parameter, **sizes):
    timm, torch = module("timm"), module("torch")
    torch.manual_seed(0)
    if parameter.startswith("layer1"):
        return timm.create_model("resnet18").get_parameter(parameter).detach().numpy()
    made = timm.models.VisionTransformer(embed_dim=192, depth=2, num_heads=3, weight_init="jax" if "qkv" in parameter else "")
    return made.get_parameter(parameter).detach().numpy()


DRAWN = {
    "torch_default": torch_drawn,
    "torch_attention": torch_drawn,
    "torch_encoder": torch_drawn,
    "torch_transformer": torch_drawn,
    "keras_default": keras_drawn,
    "keras_attention": keras_drawn,
    "keras_attention_3_14": keras_drawn,
    "flax_default": flax_drawn,
    "flax_attention": flax_drawn,
    "haiku_default": haiku_drawn,
    "gpt2": transformers_drawn,
    "bert": transformers_drawn,
    "llama": transformers_drawn,
    "neox": transformers_drawn,
    "t5": transformers_drawn,
    "vit_timm": timm_drawn,
    "vit_timm_jax": timm_drawn,
    "resnet_timm": timm_drawn,
}
LAWS = [(name, law) for name in DRAWN for law in preset(name).laws if law.measured]


def skip_other_version(name):
    """Keras' attention has two laws, and one version is installed."""
    if name.startswith("keras_attention"):
        version = tuple(map(int, module("keras").__version__.split(".")[:2]))
        if (version < (3, 15)) != name.endswith("3_14"):
            pytest.skip(f"keras {'.'.join(map(str, version))} is installed, and this preset is of another one")


def moments(values):
    """(mean, standard deviation, excess kurtosis) of an array."""
    values = np.asarray(values, float).ravel()
    centred = values - values.mean()
    std = math.sqrt(np.mean(centred**2))
    return values.mean(), std, np.mean(centred**4) / std**4 - 3


@pytest.mark.parametrize("name, law", LAWS, ids=[f"{name}: {law.parameter}" for name, law in LAWS])
def test_a_framework_draws_what_its_preset_says(name, law):
    skip_other_version(name)
    sizes = {size: value for size, value in law.measured.items() if size != "std"}
    values = DRAWN[name](law.parameter, **sizes)
    weights = law.weights(**sizes)
    mean, std, kurtosis = moments(values)
    error = math.sqrt((weights.excess_kurtosis + 2) / (4 * values.size))
    print(f"{name}: {law.parameter}: std {std:.4g}")
    assert error * SIGMAS < MOST
    assert abs(mean) < SIGMAS * weights.variance**0.5 / math.sqrt(values.size)
    assert abs(std / law.std(**sizes) - 1) < SIGMAS * error
    assert abs(kurtosis - weights.excess_kurtosis) < 0.25  # a normal is 0, a uniform -1.2, one cut at two deviations -0.63


def test_copied_layers_begin_alike():
    """What the remark of torch_encoder says."""
    torch = module("torch")
    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    copied = torch.nn.TransformerEncoder(layer, 2).layers
    fresh = torch.nn.Transformer(16, 2, 2, 2, 32, batch_first=True).encoder.layers
    assert torch.equal(copied[0].linear1.weight, copied[1].linear1.weight)
    assert not torch.equal(fresh[0].linear1.weight, fresh[1].linear1.weight)
