"""The rows of the scoreboard as data: what each shows, and the runs it needs.

A row has lines, and a line has sources; a source names figures in the report of one
run of a script. Rows share runs, so that nothing is measured twice.
"""

from dataclasses import dataclass

EACH, LIST, RANGE = "a line a figure", "one after the other", "least to largest"
SCHEDULES = (
    "GPipe",
    "1F1B",
    "Interleaved1F1B",
    "InterleavedZeroBubble",
    "ZBVZeroBubble",
)


@dataclass(frozen=True)
class Compared:
    """Ratios of one measure in compare.py's report, one per schedule.

    Aims are in cases.py.
    """

    measure: str
    model: str
    launcher: str = "local"
    mode: str = "train"
    schedules: tuple[str, ...] = ("1F1B",)
    label: str = ""  # instead of the schedule

    @property
    def rival(self) -> str:
        return "unsplit" if "unsplit" in self.measure else "pipelining"

    @property
    def run(self) -> str:
        return f"{self.rival}_{self.model}_{self.mode}"


@dataclass(frozen=True)
class Listed:
    """Figures that a script lists with its aims: one group of them, or all."""

    run: str
    group: str = ""


@dataclass(frozen=True)
class Line:
    title: str
    layout: str
    sources: tuple[Compared | Listed, ...]
    page: str = ""  # a link in Markdown, relative to the root


@dataclass(frozen=True)
class Row:
    number: int
    command: str
    lines: tuple[Line, ...]

    @property
    def sources(self) -> list[Compared | Listed]:
        return [source for line in self.lines for source in line.sources]

    @property
    def runs(self) -> list[str]:
        return list(dict.fromkeys(source.run for source in self.sources))


@dataclass(frozen=True)
class Run:
    """One run of a script; {build} in its command is the build folder."""

    name: str
    command: tuple[str, ...]
    repetitions: int = 1  # multiplies --repetitions; 0: the script has no such option
    targets: tuple[str, ...] = ()  # targets in build/benchmarks
    cores: int = 1


SCRIPTS = (
    Run("bounds", ("bounds.py", "--build", "{build}"), 2, ("schedule_bounds",), 2),
    Run("split", ("split.py", "--pp", "{build}/pp")),
    Run(
        "runtime_costs",
        ("runtime_costs.py", "--build", "{build}"),
        3,
        ("overheads",),
        2,
    ),
    Run("slow_link", ("slow_link.py", "--build", "{build}"), 1, ("simulate_many",), 2),
    Run("growth", ("growth.py", "--pp", "{build}/pp"), 2),
    Run(
        "scaling",
        ("scaling.py", "--build", "{build}"),
        0,
        ("schedule_bounds", "simulate_many"),
        2,
    ),
)


def both(measure: str, launcher: str = "local", mode: str = "train") -> tuple:
    return tuple(
        Compared(measure, model, launcher, mode, label=model)
        for model in ("tiny", "medium")
    )


def steps(measure: str, model: str, launcher: str, schedules=SCHEDULES) -> tuple:
    return (Compared(measure, model, launcher, schedules=schedules),)


def listed(run: str, group: str = "") -> tuple:
    return (Listed(run, group),)


COMPARE = "benchmarks/compare.py"
# The groups are what build/benchmarks/overheads prints.
ACTION = "an action, outside of operators and waits"
OPERATOR = "an operator of a program, beyond a direct call"
HAND_OVER = "4 MiB handed over between thread ranks"
GLOO = "4 MiB through Gloo on the loopback, against bare TCP"

ROWS = (
    Row(
        1,
        COMPARE,
        (
            Line(
                "training step, tiny GPT, threads", EACH, steps("step", "tiny", "local")
            ),
        ),
    ),
    Row(
        2,
        COMPARE,
        (
            Line(
                "the same, `pp` under torchrun too", RANGE, steps("step", "tiny", "env")
            ),
        ),
    ),
    Row(
        3,
        COMPARE,
        (
            Line(
                "training step, medium GPT, threads",
                EACH,
                steps("step", "medium", "local"),
            ),
            Line("`pp` under torchrun too", EACH, steps("step", "medium", "env")),
        ),
    ),
    Row(
        4,
        COMPARE,
        (
            Line(
                "its best schedule against torch's best",
                LIST,
                steps("best step", "medium", "local"),
            ),
        ),
    ),
    Row(5, COMPARE, (Line("inference, a batch", LIST, both("step", mode="infer")),)),
    Row(
        6,
        "benchmarks/bounds.py",
        (
            Line(
                "step over what its schedule allows, medium",
                RANGE,
                listed("bounds"),
                "[all nine schedules](schedules.md)",
            ),
        ),
    ),
    Row(
        7,
        f"{COMPARE} --against unsplit",
        (
            Line(
                "the same job unsplit in one Python process of 2 threads, medium",
                LIST,
                steps("unsplit step", "medium", "local", ("ZBVZeroBubble",)),
            ),
        ),
    ),
    Row(
        8, COMPARE, (Line("launch to the end of the first step", LIST, both("start")),)
    ),
    Row(
        9,
        COMPARE,
        (
            Line("peak memory of a rank in training", LIST, both("memory")),
            Line("`pp` under torchrun too", LIST, both("memory", "env")),
        ),
    ),
    Row(10, "benchmarks/split.py", (Line("splitting", EACH, listed("split")),)),
    Row(
        11,
        "benchmarks/runtime_costs.py",
        (Line("the executor, by action", LIST, listed("runtime_costs", ACTION)),),
    ),
    Row(
        12,
        "benchmarks/runtime_costs.py",
        (
            Line(
                "a program, by operator, over calling it in C++",
                LIST,
                listed("runtime_costs", OPERATOR),
            ),
        ),
    ),
    Row(
        13,
        "benchmarks/runtime_costs.py",
        (
            Line(
                "handing over 4 MiB between threads",
                LIST,
                listed("runtime_costs", HAND_OVER),
            ),
            Line("Gloo over bare TCP", LIST, listed("runtime_costs", GLOO)),
        ),
    ),
    Row(
        14,
        "benchmarks/slow_link.py",
        (
            Line(
                "1 Gbit/s and 5 ms between hosts, step over its simulation",
                LIST,
                listed("slow_link", "step / simulation"),
            ),
            Line("over torch's", LIST, listed("slow_link", "pp / torch")),
        ),
    ),
    Row(
        15,
        "benchmarks/growth.py",
        (
            Line(
                "steadiness of slopes: 8 to 512 microbatches",
                RANGE,
                listed("growth", "microbatches"),
            ),
            Line(
                "2 to 16 stages, a rank each",
                RANGE,
                listed("growth", "stages, a rank each"),
            ),
            Line(
                "2 to 16 stages on two ranks",
                RANGE,
                listed("growth", "stages, 2 ranks"),
            ),
            Line("8 to 96 blocks", RANGE, listed("growth", "blocks")),
        ),
    ),
    Row(
        16,
        "benchmarks/scaling.py",
        (
            Line(
                "bubble and step of many ranks",
                LIST,
                listed("scaling"),
                "[plot](schedules.md#many-ranks)",
            ),
        ),
    ),
)


def runs_of(rows: list[Row]) -> list[Run]:
    """The runs that the rows need, in order; compare.py measures no more than that."""
    scripts = {run.name: run for run in SCRIPTS}
    asked: dict[str, list] = {}
    for row in rows:
        for source in row.sources:
            asked.setdefault(source.run, []).append(source)
    return [scripts.get(name) or compare_run(name, asked[name]) for name in asked]


def compare_run(name: str, sources: list[Compared]) -> Run:
    first = sources[0]
    command = ["compare.py", "--pp", "{build}/pp", "--against", first.rival]
    command += ["--models", first.model, "--modes", first.mode]
    command += [
        "--schedules",
        *dict.fromkeys(s for source in sources for s in source.schedules),
    ]
    command += ["--launchers", *dict.fromkeys(source.launcher for source in sources)]
    return Run(name, tuple(command), cores=2)
