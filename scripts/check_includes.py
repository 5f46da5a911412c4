#!/usr/bin/env python3
"""Checks that includes follow the import order; prints those that do not.

- loader -> splitter -> runtime -> cli: a room includes itself and what stands
  to its left.
- Within that, a library includes its own folder and those of the libraries it
  links, directly or not (`pp_library(... DEPENDS ...)` of its CMakeLists.txt);
  a header without a .cpp of its name holds nothing to link, and is free.
- Only runtime/, loader/operators and loader/torchscript include LibTorch's
  headers, never the catch-all ones. Libraries in the folders of TORCH_FREE do
  not even link it, directly or not.
- Only loader/core/log.cpp includes spdlog.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ["loader", "splitter", "runtime", "cli"]
TORCH = re.compile(r"(ATen|c10|torch)/")
TORCH_ALLOWED = ("loader/operators/", "loader/torchscript/", "runtime/")
TORCH_FREE = (
    "loader/core/",
    "loader/ir/",
    "loader/archive/",
    "loader/model/",
    "loader/effects/",
    "loader/exported_program/",
    "splitter/manifest/",
    "splitter/cut/",
    "splitter/chain/",
    "splitter/files/",
    "splitter/inspect/",
    "runtime/job/",
    "runtime/options/",
    "runtime/python/",
    "runtime/schedule/",
)
CATCH_ALL = {"torch/torch.h", "torch/extension.h", "torch/all.h", "ATen/ATen.h"}
LIBRARY = re.compile(r"pp_(?:library|program)\(\s*(\w+)([^)]*)\)")


def read_libraries() -> tuple[dict[str, str], dict[str, set[str]]]:
    """(folder of each library, all targets that each links, directly or not)."""
    folder, direct = {}, {}
    for room in ROOMS:
        for lists in (ROOT / room).rglob("CMakeLists.txt"):
            for name, body in LIBRARY.findall(lists.read_text()):
                folder[name] = lists.parent.relative_to(ROOT).as_posix()
                _, _, depends = body.partition("DEPENDS")
                direct[name] = set(re.findall(r"[\w:]+", depends))
    reach: dict[str, set[str]] = {}

    def closure(name: str) -> set[str]:
        if name not in reach:
            reach[name] = {name}
            for dependency in direct.get(name, ()):
                reach[name] |= closure(dependency)
        return reach[name]

    return folder, {name: closure(name) for name in direct}


def torch_links(folder: dict, reach: dict) -> list[str]:
    """Libraries that link LibTorch although they must not."""
    return [
        f"{folder[name]}: {name} may not link LibTorch, but reaches LibTorch::cpu"
        for name in sorted(reach)
        if f"{folder[name]}/".startswith(TORCH_FREE) and "LibTorch::cpu" in reach[name]
    ]


def complaints(path: str, folder: dict, reach: dict) -> list[str]:
    """Faults of the includes of the file at `path`, as lines."""
    room = path.split("/")[0]
    home = path.rpartition("/")[0]
    own = [name for name, at in folder.items() if at == home]
    seen = set().union(*(reach[name] for name in own)) if own else None
    visible = {folder[name] for name in seen if name in folder} if own else None
    found = []
    text = (ROOT / path).read_text()
    for line, (quote, target) in enumerate_includes(text):
        where = f"{path}:{line}: "
        if quote == '"':
            other = target.split("/")[0]
            if not (ROOT / target).is_file():
                if not (ROOT / home / target).is_file():
                    found.append(where + f"{target} is not in the tree")
                else:
                    found.append(where + f"write {home}/{target}, from the root")
            elif other not in ROOMS or ROOMS.index(other) > ROOMS.index(room):
                found.append(where + f"{room} may not include {target}")
            elif visible is not None:
                at = target.rpartition("/")[0]
                links = (ROOT / target).with_suffix(".cpp").is_file()
                if links and at in folder.values() and at not in visible | {home}:
                    found.append(
                        where + f"{target}: {own[0]} does not link the library of {at}"
                    )
        elif TORCH.match(target):
            if target in CATCH_ALL:
                found.append(where + f"<{target}> is a catch-all header")
            if not path.startswith(TORCH_ALLOWED) or path.startswith(TORCH_FREE):
                found.append(where + f"no LibTorch here: <{target}>")
        elif target.startswith("spdlog/") and path != "loader/core/log.cpp":
            found.append(where + "spdlog belongs to loader/core/log.cpp")
    return found


def enumerate_includes(text: str):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.groups()


def main() -> int:
    folder, reach = read_libraries()
    files = sorted(
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.suffix in (".h", ".cpp") and "headers" not in path.parts
    )
    found = torch_links(folder, reach)
    found += [c for path in files for c in complaints(path, folder, reach)]
    print("\n".join(found) if found else f"includes of {len(files)} files are in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
