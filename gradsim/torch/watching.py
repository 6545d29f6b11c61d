"""A model of PyTorch as it runs once: hooks on every module note what is called, what it gives, and the gradient of that."""

from collections import Counter

import torch

from .measuring import NOTHING, along_inputs, mean_square, measures, spread

LISTS = (torch.nn.Sequential, torch.nn.ModuleList, torch.nn.ModuleDict)
PASSING = (torch.nn.modules.dropout._DropoutNd, torch.nn.Identity, torch.nn.Flatten, torch.nn.Unflatten)
APART = "parametrizations"  # modules in which PyTorch keeps how weights are made of others


class Stream:
    """A tensor: what goes into the first block, or comes out of one, of this `path`. It has `width` numbers for each input;
    `forward` are their Measures, and `gradient` those of their gradient, when that has come."""

    def __init__(self, tensor, path, inputs):
        self.path, self.inputs, self.gradient = path, inputs, NOTHING
        self.width, self.along = max(1, tensor.numel() // inputs), along_inputs(tensor, inputs)
        self.look(tensor)

    def look(self, tensor):
        self.forward = measures(tensor, self.inputs)
        if tensor.requires_grad:
            tensor.register_hook(self._back)

    def _back(self, gradient):
        self.gradient = measures(gradient, self.inputs)

    @property
    def key(self):
        """What must be the same whenever the model runs."""
        return self.path, self.width, self.along


class Seen(Stream):
    """What a module gave that was called.

    `block` counts the blocks that had been begun, the last of which it is `inside` of or not. `kind`, `module` and `path` are
    as `model.observed.Call` has them, `name` is the path within the block.
    """

    def __init__(self, kind, owner, path, name, block, inside, tensor, inputs):
        self.kind, self.owner, self.module, self.name = kind, owner, type(owner).__name__, name
        self.block, self.inside, self.parameters = block, inside, parameters(owner)
        super().__init__(tensor, path, inputs)

    def look(self, tensor):
        """An activation is on record as what is behind it, where that stands for it: the last look counts."""
        if self.kind == "linear":
            super().look(tensor)
        elif self.kind == "activation":
            self.forward, self.spread = measures(tensor, 1), spread(tensor, self.inputs)

    @property
    def weights(self):
        """How many weights the module has."""
        return sum(parameter.numel() for parameter in self.parameters[0])

    @property
    def key(self):
        return *super().key, self.kind, self.block, self.inside, self.weights


class Watch:
    """The calls of a model from now on, as `seen`, and where it has blocks the `streams` around them, for so many `inputs`.

    When it is `over` no more calls are noted: on the way back a model may call parts of itself again.
    """

    def __init__(self, model, inputs):
        self.seen, self.streams, self.inputs = [], [], inputs
        self._counts, self._begun, self._maps, self._latest = Counter(), [], [], None
        self._inside, self._block, self._nested, self.over = "", 0, 0, False
        blocks = blocks_of(model)
        for path, module in model.named_modules():
            if APART in path.split("."):
                continue
            kind = kind_of(module)
            if module in blocks:
                module.register_forward_pre_hook(self._enter(path), with_kwargs=True)
            if kind == "linear":
                module.register_forward_pre_hook(self._begin)
            if kind is not None:
                module.register_forward_hook(self._note(kind, path))
            if module in blocks:
                module.register_forward_hook(self._leave)

    def _enter(self, path):
        def hook(module, arguments, named):
            self._nested += 1
            if self._nested > 1 or self.over:
                return
            self._block, self._inside = self._block + 1, path
            if self._block == 1 and (tensor := first_tensor((arguments, named))) is not None:
                self.streams.append(Stream(tensor, "", self.inputs))

        return hook

    def _leave(self, module, arguments, output):
        self._nested -= 1
        if self._nested or self.over:
            return
        if (tensor := first_tensor(output)) is not None:
            self._counts["block", self._inside] += 1
            self.streams.append(Stream(tensor, _numbered(self._inside, self._counts["block", self._inside]), self.inputs))

    def _begin(self, module, arguments):
        self._begun.append(len(self._maps))

    def _note(self, kind, path):
        def hook(module, arguments, output):
            if (kind == "linear" and len(self._maps) > self._begun.pop()) or self.over:
                return  # others within it were called, which are on record
            tensor = first_tensor(output)
            if tensor is None or not tensor.dim():
                return
            before = self._latest
            if before is not None and kind in ("activation", "passing") and arguments and arguments[0] is before[1]:
                before[0].look(tensor)
                self._latest = before[0], tensor
            elif kind != "passing":
                self._add(kind, module, path, tensor)

        return hook

    def _add(self, kind, module, path, tensor):
        self._counts[path] += 1
        inside = self._nested > 0
        within = f"{self._inside}."
        name = path.removeprefix(within) if inside and path.startswith(within) else path
        numbered = _numbered(path or type(module).__name__, self._counts[path])
        found = Seen(kind, module, numbered, name or type(module).__name__, self._block, inside, tensor, self.inputs)
        self.seen.append(found)
        if kind in ("linear", "norm"):
            self._maps.append(found)
        self._latest = (found, tensor) if kind == "activation" else None

    @property
    def blocks(self):
        """How many blocks were called."""
        return self._block

    @property
    def key(self):
        """What must be the same of every replica."""
        return tuple(found.key for found in (*self.seen, *self.streams))


def kind_of(module):
    """ "linear" of what has weights, "norm" and "activation"; "passing" of what changes no number but drops some; None of what
    is only there to call others."""
    alone = not any(True for _ in module.children())
    own = any(True for _ in module.parameters(recurse=False)) or hasattr(module, APART)
    if alone and "Norm" in type(module).__name__:
        return "norm" if parameters(module)[0] else None
    if isinstance(module, torch.nn.PReLU):
        return "activation"
    if own:
        return "linear"
    if not alone:
        return None
    return "passing" if isinstance(module, PASSING) else "activation"


def parameters(module):
    """(weights, biases) of a module and what it is made of: lists; what is a bias says so by its name."""
    weights, biases = [], []
    for name, parameter in module.named_parameters():
        (biases if "bias" in name.rpartition(".")[2] or "bias" in name.split(".")[-2:-1] else weights).append(parameter)
    return (weights, biases) if weights else (biases, [])


def gradients(tensors):
    """The mean square of the gradient of some parameters; of those to which none came it is 0."""
    found = [tensor.grad for tensor in tensors if tensor.grad is not None]
    share = sum(g.numel() for g in found) / sum(tensor.numel() for tensor in tensors)
    return mean_square(found) * share


def blocks_of(model):
    """The modules that blocks are: entries of lists that are made of others and no lists, two or more of a class."""
    entries = {child for module in model.modules() if isinstance(module, LISTS) for child in module.children()}
    entries = {entry for entry in entries if not isinstance(entry, LISTS) and any(True for _ in entry.children())}
    counts = Counter(type(entry) for entry in entries)
    return {entry for entry in entries if counts[type(entry)] > 1}


def first_tensor(value):
    """The first tensor of floats in what a module takes or gives; None where there is none."""
    if isinstance(value, torch.Tensor):
        return value if value.is_floating_point() and value.numel() else None
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return None
    return next((found for part in value if (found := first_tensor(part)) is not None), None)


def _numbered(path, count):
    return path if count == 1 else f"{path}#{count}"
