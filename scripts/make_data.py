#!/usr/bin/env python3
"""Makes data sets from files of this machine, without a download.

scripts/make_data.py text -o demo      train.npy, val.npy: bytes of the
                                       Python standard library's sources
scripts/make_data.py digits -o demo    digits_{train,val}_{x,y}.npy: the
                                       images that scikit-learn ships
scripts/make_data.py random -o demo --shape 512 --classes 10
                                       random_x.npy, random_y.npy
scripts/make_data.py masked -o demo    masked_{train,val}_{x,mask,y}.npy:
                                       bytes to fill in, rows padded
scripts/make_data.py pairs -o demo     pairs_{train,val}_{x,mask,y}.npy:
                                       bytes and their reverse
"""

import argparse
import math
import os
import sys
from pathlib import Path

import numpy as np


def make_text(folder: Path, num_bytes: int) -> None:
    """Byte tokens, uint8: `num_bytes` to train on and a tenth of it held out.

    Files are used whole, in sorted order, and every tenth is held out, so that both
    parts have the same kind of text and no file in common.
    """
    library = Path(os.__file__).parent
    sources = sorted(library.glob("*.py")) + sorted(library.glob("*/*.py"))
    sources = [s for s in sources if s.parent.name not in ("test", "site-packages")]
    parts = {
        "train": (s for i, s in enumerate(sources) if i % 10 != 9),
        "val": (s for i, s in enumerate(sources) if i % 10 == 9),
    }
    limits = {"train": num_bytes, "val": num_bytes // 10}
    tokens = {}
    for name, files in parts.items():
        text = b""
        for source in files:
            if len(text) >= limits[name]:
                break
            text += source.read_bytes()
        tokens[name] = np.frombuffer(text[: limits[name]], np.uint8)
        np.save(folder / f"{name}.npy", tokens[name])
    print(
        f"{folder}/train.npy, val.npy: {tokens['train'].size:,} and "
        f"{tokens['val'].size:,} bytes of Python source; cross-entropy of the "
        f"byte-frequency model on val: "
        f"{unigram_loss(tokens['train'], tokens['val']):.4f}"
    )


def unigram_loss(train: np.ndarray, val: np.ndarray) -> float:
    """Loss in nats per byte on `val` of a model of train's byte frequencies."""
    counts = np.bincount(train, minlength=256) + 1.0  # no byte is impossible
    return float(-np.log(counts / counts.sum())[val].mean())


def make_digits(folder: Path) -> None:
    """8x8 digits as float32 [N, 3, 32, 32] in [0, 1], and int64 labels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = (digits.images / 16).astype(np.float32)
    x = x.repeat(4, axis=1).repeat(4, axis=2)
    x = np.ascontiguousarray(np.broadcast_to(x[:, None], (len(x), 3, 32, 32)))
    y = digits.target.astype(np.int64)
    num_train = 1536
    for name, part in ("train", slice(num_train)), ("val", slice(num_train, None)):
        np.save(folder / f"digits_{name}_x.npy", x[part])
        np.save(folder / f"digits_{name}_y.npy", y[part])
    print(
        f"{folder}/digits_*.npy: {num_train} images to train on, "
        f"{len(x) - num_train} held out; uniform guess: {math.log(10):.4f}"
    )


def make_random(folder: Path, rows: int, shape: list[int], classes: int) -> None:
    """Gaussian rows, and labels computed from them by a linear map."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, *shape), dtype=np.float32)
    flat = x.reshape(rows, -1)
    teacher = rng.standard_normal((flat.shape[1], classes), dtype=np.float32)
    np.save(folder / "random_x.npy", x)
    np.save(folder / "random_y.npy", (flat @ teacher).argmax(1))
    print(f"{folder}/random_x.npy, random_y.npy: {rows} rows, {classes} classes")


def byte_rows(num_rows: int, width: int) -> np.ndarray:
    """Windows of the text, [num_rows, width] int64; 0 and 1 don't occur."""
    library = Path(os.__file__).parent
    text = b""
    for source in sorted(library.glob("*.py")):
        if len(text) >= num_rows * width:
            break
        text += source.read_bytes()
    rows = np.frombuffer(text, np.uint8).astype(np.int64)[: num_rows * width]
    return np.maximum(rows.reshape(-1, width), 2)


def with_padding(x: np.ndarray, rng) -> np.ndarray:
    """Fills the ends of rows with zeros; returns the mask, 1 where a row has data."""
    lengths = rng.integers(x.shape[1] // 2, x.shape[1] + 1, len(x))
    mask = (np.arange(x.shape[1]) < lengths[:, None]).astype(np.int64)
    x *= mask
    return mask


def save_parts(folder: Path, name: str, arrays: dict) -> None:
    """Splits the rows: seven eighths to train on, the rest held out."""
    for key, rows in arrays.items():
        cut = len(rows) * 7 // 8
        np.save(folder / f"{name}_train_{key}.npy", rows[:cut])
        np.save(folder / f"{name}_val_{key}.npy", rows[cut:])
    print(f"{folder}/{name}_*.npy: {len(rows)} rows, an eighth of them held out")


def make_masked(folder: Path, num_rows: int) -> None:
    """Padded rows of 64 bytes, a sixth of the bytes replaced by 1: x, mask and y.

    y is the replaced byte, and -100 elsewhere.
    """
    rng = np.random.default_rng(0)
    x = byte_rows(num_rows, 64)
    mask = with_padding(x, rng)
    hidden = (rng.random(x.shape) < 1 / 6) & (mask == 1)
    hidden[:, 0] = True  # every row has a target
    y = np.where(hidden, x, -100)
    save_parts(folder, "masked", {"x": np.where(hidden, 1, x), "mask": mask, "y": y})


def make_pairs(folder: Path, num_rows: int) -> None:
    """Padded rows of 32 bytes: x, mask, and y, the first 16 bytes reversed."""
    x = byte_rows(num_rows, 32)
    mask = with_padding(x, np.random.default_rng(0))
    y = np.ascontiguousarray(x[:, 15::-1])
    save_parts(folder, "pairs", {"x": x, "mask": mask, "y": y})


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=["text", "digits", "random", "masked", "pairs"])
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--bytes", type=int, default=3_000_000, help="text: size of the training part"
    )
    parser.add_argument("--rows", type=int, default=1024, help="random, masked, pairs")
    parser.add_argument("--shape", type=int, nargs="+", default=[512], help="random")
    parser.add_argument("--classes", type=int, default=10, help="random")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)
    if args.kind == "text":
        make_text(args.output, args.bytes)
    elif args.kind == "digits":
        make_digits(args.output)
    elif args.kind == "masked":
        make_masked(args.output, args.rows)
    elif args.kind == "pairs":
        make_pairs(args.output, args.rows)
    else:
        make_random(args.output, args.rows, args.shape, args.classes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
