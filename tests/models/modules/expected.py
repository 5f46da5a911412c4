"""What Python's own loaded archive computes in a step."""

import parity
import torch

measure = parity.measure


class Step:
    """Outputs, loss, gradients and states of one step of an archive.

    eager  what computes instead of the archive: the model before its export
    """

    def __init__(self, path, parts, eager=None):
        with torch.no_grad():
            like = torch.cat([parity.load(path)(part) for part in parts])
        generator = torch.Generator().manual_seed(6)
        self.target = torch.randn(like.shape, generator=generator, dtype=like.dtype)
        module = eager or parity.load(path)
        self.outputs, self.loss = [], 0.0
        wanted = self.target.split(len(parts[0]))
        for part, target in zip(parts, wanted, strict=True):
            output = module(part)
            loss = torch.nn.functional.mse_loss(output, target) / len(parts)
            loss.backward()
            self.outputs.append(output.detach())
            self.loss += loss.item()
        self.states = parity.state_of(path, module)
        weights = dict(module.named_parameters(remove_duplicate=False))
        self.one_memory = {}  # by name: the first name of the same memory
        first = {}
        for name, weight in weights.items():
            memory = weight.data_ptr() or id(weight)
            self.one_memory[name] = first.setdefault(memory, name)
        self.gradients = {}  # by the first name
        for weight in {id(w): w for w in weights.values()}.values():
            if weight.grad is not None:
                name = first[weight.data_ptr() or id(weight)]
                gradient = weight.grad.to_dense()
                self.gradients[name] = self.gradients.get(name, 0) + gradient

    def compare(self, got, tolerance):
        """Returns the largest error, and the first value that is wrong or None."""
        largest, wrong = 0.0, []

        def close(what, actual, value, scale):
            nonlocal largest
            if actual.shape != value.shape or actual.dtype != value.dtype:
                wrong.append(f"{what} has another shape or type")
            elif torch.equal(actual, value):
                pass  # also where entries are infinite
            else:
                error = measure.error_of(actual, value, scale)
                largest = max(largest, error)
                if not error <= tolerance:
                    wrong.append(f"{what} differs by {error:.3g}")

        by_kind = {"outputs": {}, "gradients": {}, "states": {}}
        for key, value in got.items():
            kind, _, name = key.partition(".")
            by_kind.get(kind, {})[name] = value
        for number, output in enumerate(self.outputs):
            actual = next(
                (v for k, v in by_kind["outputs"].items() if k.endswith(f".{number}")),
                output.new_zeros(0),
            )
            close(f"output {number}", actual, output, measure.largest(output))
        loss = torch.tensor(self.loss, dtype=torch.float64)
        close("the loss", got["loss"], loss, 0.0)
        scale = max([0.0, *map(measure.largest, self.gradients.values())])
        for name in self.missing(by_kind["gradients"], self.gradients):
            wrong.append(f"the gradient of {name} is missing")
        for name, value in by_kind["gradients"].items():
            wanted = self.gradients.get(self.one_memory.get(name, name))
            if wanted is not None:
                close(f"gradient {name}", value, wanted, scale)
            elif measure.largest(value):
                wrong.append(f"{name} has a gradient")
        for name in self.missing(by_kind["states"], self.states):
            wrong.append(f"{name} is missing")
        for name, value in by_kind["states"].items():
            if name in self.states:
                close(name, value, self.states[name], 0.0)
        return largest, wrong[0] if wrong else None

    def missing(self, got, wanted):
        """The names of `wanted` that `got` has under no name at all."""
        held = {self.one_memory.get(name, name) for name in got}
        return [k for k in wanted if self.one_memory.get(k, k) not in held]
