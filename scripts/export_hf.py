#!/usr/bin/env python3
"""Exports a model folder of `transformers` to a file that `pp` reads.

    pp export DIR -o model.pt2
    scripts/export_hf.py DIR -o model.pt2
    scripts/export_hf.py DIR -o model.pt2 --empty

`pp export` runs this text with `python -c`; its messages then are those of `pp`.

DIR holds a config.json and may hold weights (*.safetensors); without them the
weights are random (--seed). With --empty the file has no weights, whatever the size
of the model: `pp split --weights` or `model.weights` read them from DIR. It has the
buffers that such files lack, like the frequencies of rotary embeddings. The class is
that of --class, or the one that the config names, or the one that transformers chooses
for a language model. Batch and sequence are left free where torch can export that; a
dimension that can't be left free is reported and fixed to the example's size (--batch,
--seq). Nothing is downloaded.
"""

import argparse
import contextlib
import inspect
import sys
from pathlib import Path
from typing import NoReturn

IN_PP = sys.argv[0] == "-c"
# Exit codes of `pp`.
WRONG_COMMAND, WRONG_FILE = 2, 3


def fail(message: str, code: int = WRONG_COMMAND) -> NoReturn:
    print(f"{'pp: error' if IN_PP else 'export_hf.py'}: {message}", file=sys.stderr)
    sys.exit(code)


if IN_PP and sys.path[0] == "":
    del sys.path[0]  # the current folder may hold modules of any name
try:
    import torch
    import transformers
    from torch.export import Dim
except ImportError as missing:
    fail(
        f"{sys.executable} lacks a module: {missing}; install torch and transformers "
        "there, or name another Python with --python"
    )


@contextlib.contextmanager
def parameters_on_meta():
    """Modules that are made here have parameters without values."""
    register = torch.nn.Module.register_parameter

    def register_on_meta(module, name, param):
        if param is not None and param.device.type != "meta":
            param = torch.nn.Parameter(param.to("meta"), param.requires_grad)
        register(module, name, param)

    torch.nn.Module.register_parameter = register_on_meta
    try:
        yield
    finally:
        torch.nn.Module.register_parameter = register


def move_buffers_to_meta(module) -> dict[str, torch.Tensor]:
    """Returns the values of all buffers by FQN."""
    values = dict(module.named_buffers(remove_duplicate=False))
    for child in module.modules():
        for name, buffer in child.named_buffers(recurse=False, remove_duplicate=False):
            child._buffers[name] = buffer.to("meta")
    return values


def put_back(program, values: dict[str, torch.Tensor]) -> None:
    """Gives the buffers of a program that was exported on the meta device values."""
    for tensors in (program.state_dict, program.constants):
        for name in tensors:
            if name in values:
                tensors[name] = values[name]


def load(
    folder: Path, class_name: str | None, seed: int, empty: bool
) -> torch.nn.Module:
    """The model in `folder`, in evaluation mode; empty: without values of weights."""
    transformers.utils.logging.disable_progress_bar()
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    if hasattr(config, "use_cache"):
        config.use_cache = False
    torch.manual_seed(seed)
    if class_name is None:
        class_name = (getattr(config, "architectures", None) or [None])[0]
    if class_name is None:
        kind = (
            transformers.AutoModelForSeq2SeqLM
            if config.is_encoder_decoder
            else transformers.AutoModelForCausalLM
        )
    elif not hasattr(transformers, class_name):
        fail(f"transformers has no class {class_name}")
    else:
        kind = getattr(transformers, class_name)
    if any(folder.glob("*.safetensors")) and not empty:
        return kind.from_pretrained(
            folder, config=config, local_files_only=True, use_safetensors=True
        )
    if any(folder.glob("pytorch_model*.bin")) and not empty:
        raise ValueError(
            "the weights are pickles (pytorch_model*.bin), which are not opened; load "
            "and save the model with save_pretrained, or export it with --empty"
        )
    build = getattr(kind, "from_config", kind)
    with parameters_on_meta() if empty else contextlib.nullcontext():
        return build(config)


def example_inputs(module, batch: int, seq: int) -> dict[str, torch.Tensor]:
    """Inputs by name that forward takes: tokens, or images."""
    arguments = inspect.signature(module.forward).parameters
    config = module.config
    if "pixel_values" in arguments and "input_ids" not in arguments:
        side = getattr(config, "image_size", 224)
        height, width = side if isinstance(side, (list, tuple)) else (side, side)
        channels = getattr(config, "num_channels", 3)
        return {"pixel_values": torch.randn(batch, channels, height, width)}
    if "input_ids" not in arguments:
        fail(
            f"{type(module).__name__} accepts neither input_ids nor pixel_values, only "
            f"{', '.join(arguments)}; export it with your own script and torch.export"
        )
    vocab = config.get_text_config().vocab_size
    inputs = {"input_ids": torch.randint(0, vocab, (batch, seq))}
    if "attention_mask" in arguments and not _is_causal(module):
        mask = torch.ones_like(inputs["input_ids"])
        mask[1:, 3 * seq // 4 :] = 0
        inputs["attention_mask"] = mask
    if "decoder_input_ids" in arguments:
        inputs["decoder_input_ids"] = torch.randint(0, vocab, (batch, seq - 1))
    return inputs


def _is_causal(module) -> bool:
    """Windows of text have no padding to mask."""
    return type(module).__name__.endswith(("ForCausalLM", "LMHeadModel"))


def free_sizes(inputs: dict[str, torch.Tensor], names: set[str]) -> dict:
    """The dimensions that vary, of "batch" and "sequence" those in `names`."""
    auto = Dim.AUTO
    shapes = {}
    for key, value in inputs.items():
        shapes[key] = {}
        if "batch" in names:
            shapes[key][0] = auto
        if "sequence" in names and value.dim() == 2:
            shapes[key][1] = auto
    return shapes


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def is_free(program, inputs: dict[str, torch.Tensor], dim: int) -> bool:
    """Whether AUTO left this dimension free in every input that has it."""
    tensors = {
        node.name: node.meta["val"]
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in inputs
    }
    return all(
        not isinstance(value.shape[dim], int)
        for name, value in tensors.items()
        if inputs[name].dim() == 2 or dim == 0
    )


def export(module, inputs: dict[str, torch.Tensor]):
    """Returns the program and its free dimensions: as many as torch can export."""
    words = any(value.dim() == 2 for value in inputs.values())
    tries = [{"batch", "sequence"}] if words else []
    tries += [{"batch"}, set()]
    reason = None
    for names in tries:
        try:
            program = torch.export.export(
                module,
                (),
                inputs,
                dynamic_shapes=free_sizes(inputs, names) if names else None,
                strict=False,
            )
        except Exception as error:  # torch raises many kinds
            reason = reason or error
            if not names:
                raise
            continue
        free = [
            n
            for n, d in (("batch", 0), ("sequence", 1))
            if n in names and is_free(program, inputs, d)
        ]
        return program, free, reason
    raise AssertionError("the last try raises")


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="default: DIR's name, .pt2"
    )
    parser.add_argument("--class", dest="class_name", metavar="NAME")
    parser.add_argument("--batch", type=int, default=2, metavar="N")
    parser.add_argument("--seq", type=int, default=16, metavar="N")
    parser.add_argument(
        "--train",
        action="store_true",
        help="export with dropout on; pp's model.mode can also set it later",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--empty",
        action="store_true",
        help="export without weights; pp reads them from DIR",
    )
    args = parser.parse_args(argv)
    if not (args.folder / "config.json").is_file():
        fail(f"{args.folder} has no config.json", WRONG_FILE)
    if args.batch < 2 or args.seq < 4:
        fail("a size of 1 can't be left free: --batch 2, --seq 4 or more")
    args.output = args.output or Path(f"{args.folder.resolve().name}.pt2")
    return args


def main(argv: list[str]) -> int:
    args = parse(argv)
    try:
        module = load(args.folder, args.class_name, args.seed, args.empty)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        fail(f"{args.folder}: {first_line(error)}", WRONG_FILE)
    module.train(args.train)
    inputs = example_inputs(module, args.batch, args.seq)
    buffers = {}
    if args.empty:
        buffers = move_buffers_to_meta(module)
        inputs = {key: value.to("meta") for key, value in inputs.items()}
    try:
        program, free, reason = export(module, inputs)
    except Exception as error:  # torch raises many kinds
        fail(
            f"{args.folder}: torch can't export {type(module).__name__}: "
            f"{first_line(error)}",
            WRONG_FILE,
        )
    put_back(program, buffers)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    torch.export.save(program, args.output)
    fixed = [
        n
        for n in ("batch", "sequence")
        if n not in free and (n == "batch" or "input_ids" in inputs)
    ]
    count = sum(p.numel() for p in module.parameters())
    print(
        f"{args.output}: {type(module).__name__}, {count:,} parameters, "
        f"inputs {', '.join(inputs)}; free: {', '.join(free) or 'nothing'}"
    )
    for name in fixed:
        why = f" ({first_line(reason)})" if reason else ""
        print(f"{name} is fixed: torch could not leave it free{why}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
