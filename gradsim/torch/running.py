"""Models made one after another, and each run once forward and back."""

import weakref
from collections.abc import Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

from ..errors import RequestError, shown
from ..model.streams import stream_key
from ..statistics.blocks import blocks_of
from .layers import described, record
from .library import said
from .measuring import Measures, mean_square, measures
from .watching import Watch, first_tensor

WHOLE = Measures(1.0, 1.0, 0.0)  # of whole numbers that go in, tokens for instance: as if each chose a row of ones


class Ends(NamedTuple):
    """What there is once of a model: Measures of its `input`, the loss, and mean squares of the gradients at both ends."""

    input: Measures
    input_gradient: float
    loss: float
    loss_gradient: float


class Models:
    """Models that `make_model` makes, on `inputs`, with a `loss` of what they give, a probe if None (see `observing.observe`).

    When the first one has run, `observed` says what they are, `blocks` where its quantities lie, and `run` how it was run.
    """

    def __init__(self, make_model, inputs, loss, seed):
        if isinstance(make_model, torch.nn.Module):
            given = type(make_model).__name__
            raise RequestError(f"make_model: the {given} is a model, not a function that makes one anew, as lambda: MyModel()")
        self._make, self._inputs, self._loss, self._seed = make_model, inputs, loss, seed
        self._last, self._key = lambda: None, None
        self.observed = self.blocks = self.run = None

    @contextmanager
    def alone(self, threads):
        """A context in which PyTorch has so many threads, and random numbers that leave no trace."""
        before = torch.get_num_threads()
        with torch.random.fork_rng(range(torch.cuda.device_count())), torch.enable_grad():
            torch.set_num_threads(threads)
            try:
                yield
            finally:
                torch.set_num_threads(before)

    def record(self, replica):
        """The record of one replica, float64 (columns,). Raises RequestError."""
        torch.manual_seed(int(stream_key(self._seed, f"torch replica {replica}").view(np.uint64)[0]))
        model = self._model()
        arguments, named, first = self._arguments()
        count = len(first)
        leaf = first.detach().requires_grad_() if first.is_floating_point() else None
        if leaf is not None:  # a copy goes in, which a model may write into
            arguments, named = (_with(part, first, leaf.clone()) for part in (arguments, named))
        watch = Watch(model, count)
        given, output = _run(model, arguments, named)
        watch.over = True
        arrived = []
        if output.requires_grad:
            output.register_hook(arrived.append)
        loss = self._back(given, output, count)
        self._look(model, watch, first, output)
        into = [] if leaf is None or leaf.grad is None else [leaf.grad]
        entered = WHOLE if leaf is None else measures(leaf, count)
        return record(self.blocks, watch, Ends(entered, mean_square(into), loss, mean_square(arrived)))

    def _model(self):
        """One that is new. Raises RequestError."""
        try:
            model = self._make()
        except Exception as error:
            raise RequestError(f"make_model: it fails: {said(error)}") from error
        if not isinstance(model, torch.nn.Module):
            raise RequestError(f"make_model: it gives {shown(model)}, not a torch.nn.Module")
        if model is self._last():
            raise RequestError("make_model: it gives the same model every time; it must make, and draw, a new one")
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise RequestError(f"make_model: {type(model).__name__} has no parameters that get a gradient")
        self._last = weakref.ref(model)
        return model

    def _arguments(self):
        """(arguments, those by name, the first tensor among them) that the model is called with. Raises RequestError."""
        given = self._inputs
        if callable(given):
            try:
                given = given()
            except Exception as error:
                raise RequestError(f"inputs: the function that makes them fails: {said(error)}") from error
        arguments, named = ((), dict(given)) if isinstance(given, Mapping) else (given, {})
        if torch.is_tensor(arguments):
            arguments = (arguments,)
        if not isinstance(arguments, tuple | list):
            raise RequestError(f"inputs: {shown(given)} is not a tensor, a tuple or a dict of arguments, or a function of none")
        first = next((value for value in (*arguments, *named.values()) if torch.is_tensor(value)), None)
        if first is None or not first.dim() or not first.numel():
            raise RequestError(f"inputs: there is no tensor with numbers and an axis for the inputs among {shown(given)}")
        return tuple(arguments), named, first

    def _back(self, given, output, count):
        """The loss as a number, when its gradient has gone back. Raises RequestError."""
        try:
            loss = _probe(output, count) if self._loss is None else self._loss(given)
        except Exception as error:
            raise RequestError(f"loss: it fails on what the model gives: {said(error)}") from error
        if not torch.is_tensor(loss) or loss.numel() != 1:
            raise RequestError(f"loss: {shown(loss)} is not a tensor with one number")
        if not loss.requires_grad:
            raise RequestError("loss: no gradient goes back from it to the model's parameters")
        try:
            loss.backward()
        except Exception as error:
            raise RequestError(f"loss: no gradient comes back from it: {said(error)}") from error
        return loss.item()

    def _look(self, model, watch, first, output):
        """What the first replica says of all; of others whether it is so. Raises RequestError where it is not."""
        key = len(first), tuple(first.shape), watch.key
        if self._key is None:
            width, outputs = (max(1, tensor.numel() // len(first)) for tensor in (first, output))
            self._key, self.observed = key, described(type(model).__name__, watch, width, outputs)
            self.blocks, self.run = blocks_of(self.observed, len(first)), self._described(output, len(first))
        elif key != self._key:
            raise RequestError("make_model: one replica is another network than the first, or gets inputs of another shape")

    def _described(self, output, count):
        """The run as files hold it, but for what `observe` adds."""
        loss = "probe" if self._loss is None else getattr(self._loss, "__name__", type(self._loss).__name__)
        return {
            "inputs": count,
            "engine": "torch",
            "engine_used": f"PyTorch {torch.__version__}",
            "stream": None,
            "input_file": {"name": "given"},
            "loss": loss,
            "arithmetic": str(output.dtype).removeprefix("torch."),
        }


def _run(model, arguments, named):
    """(what the model gives, the first tensor of floats in it). Raises RequestError."""
    try:
        given = model(*arguments, **named)
    except Exception as error:
        shapes = ", ".join(str(tuple(value.shape)) for value in (*arguments, *named.values()) if torch.is_tensor(value))
        raise RequestError(f"make_model: the model fails on inputs of shape {shapes}: {said(error)}") from error
    output = first_tensor(given)
    if output is None:
        raise RequestError(f"make_model: the model gives no tensor of floats, but {shown(given)}")
    return given, output


def _probe(output, count):
    """A Gaussian gradient, independent between inputs, of mean square 1 / n over the n numbers of each."""
    against = torch.randn(output.shape, dtype=output.dtype, device=output.device)
    return (against * output).sum() / (output.numel() / count) ** 0.5


def _with(arguments, old, new):
    """Arguments with one tensor in the place of another."""
    if isinstance(arguments, dict):
        return {name: new if value is old else value for name, value in arguments.items()}
    return tuple(new if value is old else value for value in arguments)
