"""Rewrites exported programs with REWRITE and compares them in torch.

Compared are outputs, state dict, signature, unflattened modules and decompositions.
Then HALVE cuts each program in two; both parts in sequence must give the outputs of
the whole.

usage: compare_rewritten.py REWRITE HALVE FOLDER
"""

import functools
import pathlib
import subprocess
import sys
import tempfile

import export_cases  # noqa: F401  registers its output classes
import torch
import transformers
import transformers.modeling_outputs  # noqa: F401
from torch.utils import _pytree as pytree

# These classes register themselves when the models are imported.
from transformers import GPT2LMHeadModel, LlamaForCausalLM  # noqa: F401


def differences(a, b):
    flat_a, spec_a = pytree.tree_flatten(a)
    flat_b, spec_b = pytree.tree_flatten(b)
    if spec_a != spec_b:
        return f"trees {spec_a} and {spec_b}"
    for x, y in zip(flat_a, flat_b, strict=True):
        same = torch.equal(x, y) if isinstance(x, torch.Tensor) else x == y
        if not same:
            return f"values {x} and {y}"
    return None


def run(module, args, kwargs):
    torch.manual_seed(0)
    out = module(*args, **kwargs)
    tensors = [
        t
        for t in pytree.tree_leaves(out)
        if isinstance(t, torch.Tensor) and t.requires_grad
    ]
    for parameter in module.parameters():
        parameter.grad = None
    if tensors:
        sum(t.float().sum() for t in tensors).backward()
    # A tied parameter may have another of its names.
    grads = {p.data_ptr(): p.grad for p in module.parameters() if p.grad is not None}
    return out, sorted(g.double().sum().item() for g in grads.values())


def module_fqns(program):
    module = torch.export.unflatten(program)
    return {name for name, _ in module.named_modules()}


def persistence(program):
    return {
        spec.target: spec.persistent
        for spec in program.graph_signature.input_specs
        if spec.target is not None and spec.persistent is not None
    }


def compare_decompositions(source, target):
    try:
        target.run_decompositions()
    except Exception as error:
        try:
            source.run_decompositions()
        except Exception:  # torch cannot decompose the source either
            return
        raise AssertionError(f"decompositions: {error}") from error


def compare(name, source, target):
    args, kwargs = source.example_inputs
    problem = differences(source.example_inputs, target.example_inputs)
    assert problem is None, f"sample inputs: {problem}"
    assert set(source.state_dict) == set(target.state_dict), set(
        source.state_dict
    ) ^ set(target.state_dict)
    for fqn, tensor in source.state_dict.items():
        other = target.state_dict[fqn]
        assert torch.equal(tensor, other), fqn
        assert type(tensor) is type(other), fqn
        assert tensor.requires_grad == other.requires_grad, fqn
    assert set(source.constants) == set(target.constants)
    assert persistence(source) == persistence(target)
    assert source.range_constraints == target.range_constraints
    # Torch has no backward for a functional graph that writes its buffers back.
    with torch.set_grad_enabled(not name.endswith("_functional")):
        out, grads = run(source.module(), args, kwargs)
        again, grads_again = run(target.module(), args, kwargs)
    problem = differences(out, again)
    assert problem is None, f"outputs: {problem}"
    assert grads == grads_again, (grads, grads_again)
    buffers = dict(source.module().named_buffers())
    for fqn, tensor in target.module().named_buffers():
        assert torch.equal(tensor, buffers[fqn]), fqn
    fqns = module_fqns(source)
    assert fqns == module_fqns(target), fqns ^ module_fqns(target)
    compare_decompositions(source, target)


def named_inputs(program):
    """Example inputs by name of placeholder."""
    leaves = pytree.tree_leaves(program.example_inputs)
    specs = [
        spec
        for spec in program.graph_signature.input_specs
        if spec.kind == torch.export.graph_signature.InputKind.USER_INPUT
    ]
    return {spec.arg.name: leaf for spec, leaf in zip(specs, leaves, strict=True)}


def compare_halves(name, halve, path, position, scratch):
    first = scratch / "first.pt2"
    second = scratch / "second.pt2"
    subprocess.run(
        [halve, path, str(position), first, second],
        check=True,
        capture_output=True,
        text=True,
    )
    source = torch.export.load(path)
    args, kwargs = source.example_inputs
    examples = named_inputs(source)
    parts = [torch.export.load(first), torch.export.load(second)]
    for part in parts:
        torch.export.unflatten(part)
    with torch.no_grad():
        torch.manual_seed(0)
        expected = source.module()(*args, **kwargs)
        torch.manual_seed(0)
        crossing = parts[0].module()(*args, **kwargs)
        # Keyword inputs of the second part have names of the source's placeholders.
        specs = parts[1].graph_signature.user_inputs
        keywords = parts[1].call_spec.in_spec.children()[1].context
        placeholders = specs[len(crossing) :]
        passed = {k: examples[p] for k, p in zip(keywords, placeholders, strict=False)}
        actual = parts[1].module()(*crossing, **passed)
    problem = differences(expected, actual)
    assert problem is None, f"halves at {position} %: {problem}"


def attempt(name, what, compare_one):
    try:
        compare_one()
        print(f"{name}: {what}: same")
        return True
    except subprocess.CalledProcessError as error:
        print(f"{name}: {what}: {error.stderr}")
    except Exception as error:  # the other cases still run
        print(f"{name}: {what}: {type(error).__name__}: {error}")
    return False


def main():
    rewrite, halve = sys.argv[1:3]
    paths = sorted(pathlib.Path(sys.argv[3]).glob("*.pt2"))
    assert len(paths) > 20, paths
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        for path in paths:
            name = path.stem

            def whole(name=name, path=path):
                target = scratch / f"{name}.pt2"
                subprocess.run(
                    [rewrite, path, target],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                compare(
                    name,
                    torch.export.load(path),
                    torch.export.load(target),
                )

            if not attempt(name, "whole", whole):
                failures.append(name)
            for position in (25, 60):
                compare_two = functools.partial(
                    compare_halves, name, halve, path, position, scratch
                )
                if not attempt(name, f"halves at {position} %", compare_two):
                    failures.append(f"{name} at {position} %")
    if failures:
        sys.exit(f"differ: {', '.join(failures)}")


if __name__ == "__main__":
    main()
