"""Checks the pages against the files, keys, commands and names that they mention.

pages_test.py links           links and anchors resolve
pages_test.py paths           files and folders that pages name exist
pages_test.py keys            job keys that pages name are in docs/job-file.md
pages_test.py options PP      commands and options that pages name, by --help
pages_test.py adding          files and tables of "Adding one thing" exist
pages_test.py rooms           docs/architecture.md lists every library
pages_test.py torch           docs/from-torch.md has torch's public names
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]

# Options of other programs that the pages mention.
FOREIGN = {"--no-python", "--standalone", "--nproc-per-node", "--fast"}
FOREIGN |= {"--nnodes", "--node-rank", "--master-addr", "--master-port", "--hostfile"}
FOREIGN |= {"--max-restarts", "--rdzv-backend", "--rdzv-endpoint", "--rdzv-id"}
FOREIGN |= {"--nodes", "--ntasks-per-node", "--cpus-per-task", "--requeue", "--signal"}
FOREIGN |= {"--cases", "--kills"}
# Endings of files whose names look like keys: "model.safetensors".
FILES = (".json", ".safetensors")
# Names in the pages of files that a reader makes.
MADE_UP = re.compile(r"\bmine\b|setup_mine|NAME|ROOM|DIR|MODEL")
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
SPAN = re.compile(r"`([^`\n]+)`")
INDENTED = re.compile(r"^ {4,}(?![*\-|]).+$", re.M)


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def spans(page: Path) -> list[str]:
    """Texts between single backquotes."""
    return [s.replace("\\|", "|") for s in SPAN.findall(prose(page))]


def code_lines(page: Path) -> list[str]:
    """Lines of code: spans, fenced and indented blocks, without comments."""
    text = page.read_text()
    blocks = [line for fence in FENCE.findall(text) for line in fence.splitlines()]
    blocks += INDENTED.findall(prose(page))
    return [line.split(" #")[0] for line in blocks] + spans(page)


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", ""))
    return kept.replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(h) for h in re.findall(r"^#+ (.+)$", prose(page), re.M)}


def links(_) -> list[str]:
    wrong = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists():
                wrong.append(f"{page.name}: no such file: {target}")
            elif anchor and anchor not in anchors(file):
                wrong.append(f"{page.name}: no such heading: {target}")
    return wrong


def paths(_) -> list[str]:
    rooms = "loader|splitter|runtime|cli|tests|scripts|configs|benchmarks|docs|cmake"
    named = re.compile(rf"(?:{rooms})/[\w./{{}},-]*$")
    wrong = []
    for page in PAGES:
        for span in " ".join(code_lines(page)).split():
            if not named.match(span) or MADE_UP.search(span):
                continue
            stem, _, ends = span.partition("{")
            files = [stem + end for end in ends.rstrip("}").split(",")]
            for file in files:
                if not (ROOT / file).exists():
                    wrong.append(f"{page.name}: no such file: {span}")
    return wrong


def keys(_) -> list[str]:
    tables = "model|split|pipeline|parallel|data|train|eval|output"
    key = re.compile(rf"((?:{tables})\.[a-z_]+(?:\.[A-Za-z_<>]+)*)(?: = .*)?$")
    known = set(
        re.findall(r"^\| `([^`]+)`", (ROOT / "docs/job-file.md").read_text(), re.M)
    )
    prefixes = {k[:i] for k in known for i, c in enumerate(k) if c == "."} | known
    wrong = []
    for page in PAGES:
        for span in spans(page):
            match = key.match(span)
            name = match and match[1].replace("NAME", "<name>")
            is_file = name and (name.endswith(FILES) or (ROOT / name).exists())
            if not name or name in prefixes or is_file:
                continue
            if not name.startswith("eval.data.inputs."):
                wrong.append(f"{page.name}: no such job key: {name}")
    return wrong


def known_options(pp: str, command: str) -> set[str]:
    arguments = [pp, command, "--help"] if command else [pp, "--help"]
    text = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    # Reads the column that declares options, not the examples.
    heads = re.findall(r"^  (-\S+)", text, re.M)
    return {option for head in heads for option in head.split(",")}


def options(arguments: list[str]) -> list[str]:
    pp = arguments[0]
    text = subprocess.run([pp, "--help"], capture_output=True, text=True).stdout
    commands = re.findall(r"^  ([a-z]+) {3,}", text.partition("Subcommands:")[2], re.M)
    by_command = {c: known_options(pp, c) for c in ["", *commands]}
    anywhere = set().union(*by_command.values()) | FOREIGN
    option = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-[a-z])\b")
    call = re.compile(r"(?:^|[ /])pp ([a-z]+|--?[a-z]+)(.*)$")
    wrong = []
    for page in PAGES:
        for line in code_lines(page):
            match = call.search(line)
            if "pp COMMAND" in line:
                continue
            if match and match[1] in by_command:
                known, rest, where = by_command[match[1]], match[2], f"pp {match[1]}"
            elif match and match[1].startswith("-"):
                known, rest, where = by_command[""], match[1], "pp"
            elif (match and "/pp " in line) or line.startswith("pp "):
                wrong.append(f"{page.name}: no such command: {line.strip()}")
                continue
            elif line.startswith("--"):
                known, rest, where = anywhere, line, "any command"
            else:
                continue
            for name in option.findall(rest):
                if name not in known:
                    wrong.append(f"{page.name}: {where} has no {name}: {line.strip()}")
    if not commands:
        wrong.append("pp --help lists no commands")
    return wrong


def adding(_) -> list[str]:
    """Each row of "Adding one thing" names files by their whole path, and the tables
    in them as `kTable` in `file`."""
    text = (ROOT / "docs/architecture.md").read_text()
    section = text.partition("## Adding one thing")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    wrong = [] if len(rows) >= 8 else ["the table of things to add has lost rows"]
    for row in rows:
        thing = row.split("|")[1].strip()
        for file in SPAN.findall(row):
            is_path = re.fullmatch(r"[\w/{},.]+\.(cpp|h|py|txt|md|sh)", file)
            if is_path and not MADE_UP.search(file) and not (ROOT / file).is_file():
                wrong.append(f"{thing}: no such file: {file}")
        for table, file in re.findall(r"`(k\w+)` (?:in|of) `([^`]+)`", row):
            path = ROOT / file
            if path.is_file() and not re.search(rf"\b{table}\b", path.read_text()):
                wrong.append(f"{thing}: {file} has no {table}")
    return wrong


def rooms(_) -> list[str]:
    sys.path.insert(0, str(ROOT / "scripts"))
    from check_includes import read_libraries

    folders, reach = read_libraries()
    text = (ROOT / "docs/architecture.md").read_text()
    wrong = []
    for name, folder in sorted(folders.items()):
        row = re.search(rf"^\| `{folder}/` \| `{name}` \|.*\| (\w+) \|$", text, re.M)
        if folder == "cli":
            continue
        if row is None:
            wrong.append(f"architecture.md has no row `{folder}/` | `{name}`")
        elif (row[1] == "yes") != ("LibTorch::cpu" in reach[name]):
            wrong.append(f"architecture.md is wrong about LibTorch in {folder}")
    return wrong


def torch_names(_) -> list[str]:
    import torch.distributed.pipelining as pipelining

    further = ["TensorChunkSpec", "merge_chunks", "split_args_kwargs_into_chunks"]
    further += ["get_schedule_class", "TORCH_LOGS"]
    page = (ROOT / "docs/from-torch.md").read_text()
    return [
        f"from-torch.md: '{name}' is missing"
        for name in [*pipelining.__all__, *further]
        if not re.search(rf"\b{name}\b", page)
    ]


CHECKS = {
    "links": links,
    "paths": paths,
    "keys": keys,
    "options": options,
    "adding": adding,
    "rooms": rooms,
    "torch": torch_names,
}


def main(argv: list[str]) -> int:
    wrong = CHECKS[argv[0]](argv[1:])
    print("\n".join(wrong) if wrong else f"{argv[0]}: {len(PAGES)} pages are right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
