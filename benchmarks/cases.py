"""The cases that are compared, and the ratios aimed at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """A model of scripts/export.py, exported with a fixed batch of 1.

    With a free batch torch's stages would have to pass on a size, which torch
    refuses ("All stage args must be tensors").
    """

    name: str  # in the report
    export: str  # scripts/export.py NAME
    blocks: int
    window: int  # tokens per row
    vocab: int
    width: int
    train_steps: int  # per run
    infer_steps: int

    @property
    def activation_bytes(self) -> int:
        """Bytes of one row's activation between two blocks."""
        return self.window * self.width * 4


@dataclass(frozen=True)
class Schedule:
    name: str
    stages_per_rank: int = 1


@dataclass(frozen=True)
class Case:
    model: Model
    mode: str  # "train" or "infer"
    schedule: Schedule
    microbatches: int = 8  # one row each
    ranks: int = 2
    device: str = "cpu"  # or "cuda"
    cuda_graphs: bool = False  # of pp

    @property
    def cuts(self) -> list[str]:
        """Modules that begin a stage, for equal numbers of blocks."""
        stages = self.ranks * self.schedule.stages_per_rank
        return [f"layers.{self.model.blocks * i // stages}" for i in range(1, stages)]


MODELS = {
    "tiny": Model("tiny", "tiny-gpt", 8, 16, 256, 64, train_steps=60, infer_steps=200),
    "medium": Model(
        "medium", "medium-gpt", 8, 256, 4096, 512, train_steps=5, infer_steps=8
    ),
}

SCHEDULES = {
    s.name: s
    for s in (
        Schedule("GPipe"),
        Schedule("1F1B"),
        Schedule("Interleaved1F1B", 2),
        Schedule("LoopedBFS", 2),
        Schedule("InterleavedZeroBubble", 2),
        Schedule("ZBVZeroBubble", 2),
        Schedule("DualPipeV", 2),
    )
}

LAUNCHERS = ("local", "env")

# Upper limit of pp / torch, by (measure, model, mode, launcher); a case without an
# entry has no limit.
AIMS = {
    ("step", "tiny", "train", "local"): 0.20,
    ("step", "tiny", "train", "env"): 0.25,
    ("step", "medium", "train", "local"): 0.80,
    ("step", "medium", "train", "env"): 0.88,
    ("step", "tiny", "infer", "local"): 0.15,
    ("step", "medium", "infer", "local"): 0.85,
    ("start", "tiny", "train", "local"): 0.08,
    ("start", "medium", "train", "local"): 0.08,
    ("memory", "tiny", "train", "local"): 0.30,
    ("memory", "medium", "train", "local"): 0.60,
    ("memory", "tiny", "train", "env"): 0.30,
    ("memory", "medium", "train", "env"): 0.60,
    ("best step", "medium", "train", "local"): 0.70,
    ("unsplit step", "medium", "train", "local"): 0.80,
    ("best unsplit step", "medium", "train", "local"): 0.80,
}
