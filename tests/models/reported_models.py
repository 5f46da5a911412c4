"""Small models of kinds that once went wrong, one for each kind (reported.py)."""

import torch
from parity import Case
from reported_pair import WIDTH, Pair, decomposed, export_with, rows, script
from reported_scripts import SCRIPTS
from torch import nn
from torch._higher_order_ops.associative_scan import associative_scan
from torch.export import Dim
from torch.nn import functional


class EvenColumns(Pair):
    def forward(self, x):
        h = self.a(x)
        return self.b(h.relu() if x.shape[1] % 2 == 0 else h.neg())


class FewRows(Pair):
    def forward(self, x):
        h = self.a(x)
        return self.b(h.relu() if x.shape[0] <= 16 else h.neg())


class AttentionWithoutHeads(Pair):
    def forward(self, x):
        h = self.a(x)
        return self.b(functional.scaled_dot_product_attention(h, h, h))


class ComplexWeight(Pair):
    def __init__(self):
        super().__init__()
        self.turn = nn.Parameter(torch.randn(WIDTH, WIDTH, dtype=torch.complex64))

    def forward(self, x):
        return self.b(torch.matmul(self.a(x).to(torch.complex64), self.turn).real)


class ComplexPhase(Pair):
    """Only functions of complex numbers are between the weights and the result."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(WIDTH // 2 + 1, dtype=torch.complex64))

    def forward(self, x):
        waves = torch.fft.rfft(self.a(x)) * self.scale.conj()
        return self.b(torch.fft.irfft(waves * waves.sgn().detach(), n=WIDTH))


class SlicedWeight(Pair):
    def __init__(self):
        super().__init__()
        wide = torch.randn(WIDTH, 2 * WIDTH)
        self.b.weight = nn.Parameter(wide[:, WIDTH:])


class TransposedTie(Pair):
    def __init__(self):
        super().__init__()
        self.b.weight = nn.Parameter(self.a.weight.t())


class OverlappingRows(Pair):
    def __init__(self):
        super().__init__()
        rows = torch.randn(WIDTH + 2, WIDTH)
        self.a.weight = nn.Parameter(rows[:WIDTH])
        self.b.weight = nn.Parameter(rows[2:])


class OverlappingColumns(Pair):
    """Neither weight is dense in the memory that they share."""

    def __init__(self):
        super().__init__()
        wide = torch.randn(WIDTH, WIDTH + 2)
        self.a.weight = nn.Parameter(wide[:, :WIDTH])
        self.b.weight = nn.Parameter(wide[:, 2:])


class SlicesOfOneStorage(Pair):
    """All parameters lie in one storage, but no two of them share an element."""

    def __init__(self):
        super().__init__()
        wide = torch.randn(WIDTH, 2 * WIDTH + 1)
        self.a.weight = nn.Parameter(wide[:, :WIDTH])
        self.a.bias = nn.Parameter(wide[:, WIDTH])
        self.b.weight = nn.Parameter(wide[:, WIDTH + 1 :])


class BufferOverWeight(Pair):
    """A buffer is a view of a weight, whose updates it sees."""

    def __init__(self):
        super().__init__()
        self.register_buffer("turned", self.a.weight.detach().t())

    def forward(self, x):
        return self.b(torch.relu(self.a(x))) @ self.turned


class BufferIsWeight(Pair):
    """A buffer and a weight are one tensor."""

    def __init__(self):
        super().__init__()
        self.register_buffer("same", self.a.weight.detach())

    def forward(self, x):
        return self.b(torch.relu(self.a(x))) @ self.same


class SparseEmbedding(Pair):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, WIDTH, sparse=True)

    def forward(self, x):
        return super().forward(self.table(x))


class UntakenBranch(Pair):
    def __init__(self):
        super().__init__()
        self.taken = nn.Linear(WIDTH, WIDTH)
        self.untaken = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        h = self.a(x)
        return self.b(
            torch.cond(
                h.sum() > -1e9,
                lambda h: self.taken(h),
                lambda h: self.untaken(h),
                (h,),
            )
        )


class BranchByData(UntakenBranch):
    """Some microbatches run one branch, some the other."""

    def forward(self, x):
        h = self.a(x)
        return self.b(
            torch.cond(
                x.sum() > 0,
                lambda h: self.taken(h),
                lambda h: self.untaken(h),
                (h,),
            )
        )


class SeveringBranch(UntakenBranch):
    """What the branch reads gets no gradient from it, but zeros."""

    def forward(self, x):
        h = self.a(x)
        return self.b(
            torch.cond(
                h.sum() > -1e9,
                lambda h: self.taken(h.detach()),
                lambda h: torch.cond(
                    h.sum() > 0,
                    lambda h: self.untaken(h),
                    lambda h: h + 1,
                    (h,),
                ),
                (h,),
            )
        )


class LoopWithoutGradient(UntakenBranch):
    """A loop reads a weight of which nothing depends that has a gradient."""

    def forward(self, x):
        h = self.a(x)
        count = torch.zeros((), dtype=torch.int64)

        def body(count, h):
            return count + 1, self.taken(h) * (1 + self.untaken.bias.detach())

        _, h = torch.while_loop(lambda count, h: count < 2, body, (count, h))
        return self.b(h)


class UnreadWeights(UntakenBranch):
    """Weights that no gradient reaches stay as they are."""

    def forward(self, x):
        return self.b(self.a(x)) + self.taken(x).detach()


class ScriptedBranch(UntakenBranch):
    """A branch of a script isn't differentiated as a whole: no zeros."""

    def forward(self, x):
        h = self.a(x)
        if bool(h.sum() > -1e9):
            h = self.taken(h)
        else:
            h = self.untaken(h)
        return self.b(h)


class CountsInAClosure(Pair):
    def __init__(self):
        super().__init__()
        seen = torch.zeros(1)
        self.count = lambda: seen.add_(1.0)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)) * self.count())


class MappedRows(Pair):
    """A function of one row, called for all rows."""

    def forward(self, x):
        def scale(row):
            return row.softmax(0) * row.sum()

        return self.b(torch.func.vmap(scale)(self.a(x)))


class AccumulatedColumns(Pair):
    def forward(self, x):
        sums = associative_scan(torch.add, self.a(x), 1, combine_mode="generic")
        return self.b(sums)


class PermutedChunk(nn.Module):
    """The convolution after the cut reads a view whose channels are innermost."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(16, 48)
        self.b = nn.Conv2d(16, 16, 7, padding=3, groups=16)
        self.c = nn.Linear(32, 4)

    def forward(self, x):
        gate, mixed, value = self.a(x).chunk(3, -1)
        mixed = self.b(mixed.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        joined = torch.cat((functional.gelu(gate) * value, mixed), -1)
        return self.c(joined).mean((1, 2))


DECAY = {"momentum": 0.9, "weight_decay": 0.3}


class PlusEquals(Pair):
    """`buffer += x` is an in-place update and then a copy of the buffer to itself."""

    def __init__(self):
        super().__init__()
        self.register_buffer("n", torch.zeros(WIDTH))

    def forward(self, x):
        h = self.a(x)
        self.n += h.detach().mean(0)
        return self.b(h + 0.01 * self.n)


MODELS = {
    "plain": lambda: Case(Pair(), rows(WIDTH)),
    "scripted": lambda: Case(Pair(), rows(WIDTH), export=script),
    "buffer_plus_equals": lambda: Case(PlusEquals(), rows(WIDTH)),
    "scripted_buffer_plus_equals": lambda: Case(
        PlusEquals(), rows(WIDTH), export=script
    ),
    "guard_of_a_size": lambda: Case(
        EvenColumns(),
        {"x": torch.randn(8, 8, WIDTH)},
        data={"x": torch.randn(8, 9, WIDTH)},
        export=export_with(Dim.AUTO, Dim.AUTO),
        refused="(x.size()[1] % 2) == 0",
    ),
    "bound_of_the_batch": lambda: Case(
        FewRows(),
        rows(WIDTH),
        data={"x": torch.randn(17, WIDTH)},
        microbatches=1,
        export=export_with(Dim("rows", max=16)),
        refused="dimension 0 of x is 17, but the model was exported for at most 16",
    ),
    "attention_without_heads": lambda: Case(AttentionWithoutHeads(), rows(5, WIDTH)),
    "complex_weight": lambda: Case(ComplexWeight(), rows(WIDTH)),
    "complex_weight_with_momentum": lambda: Case(
        ComplexWeight(),
        rows(WIDTH),
        optimizer={"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ),
    "complex_phase": lambda: Case(ComplexPhase(), rows(WIDTH)),
    "scripted_complex_weight": lambda: Case(
        ComplexWeight(), rows(WIDTH), export=script
    ),
    "sliced_weight": lambda: Case(SlicedWeight(), rows(WIDTH)),
    "closure_that_counts": lambda: Case(CountsInAClosure(), rows(WIDTH)),
    "transposed_tie": lambda: Case(TransposedTie(), rows(WIDTH)),
    "transposed_tie_with_momentum": lambda: Case(
        TransposedTie(), rows(WIDTH), optimizer=DECAY
    ),
    "scripted_transposed_tie": lambda: Case(
        TransposedTie(), rows(WIDTH), export=script, optimizer=DECAY
    ),
    "overlapping_rows": lambda: Case(OverlappingRows(), rows(WIDTH), optimizer=DECAY),
    "overlapping_columns": lambda: Case(
        OverlappingColumns(), rows(WIDTH), optimizer=DECAY
    ),
    "slices_of_one_storage": lambda: Case(
        SlicesOfOneStorage(), rows(WIDTH), optimizer=DECAY
    ),
    "buffer_over_weight": lambda: Case(BufferOverWeight(), rows(WIDTH)),
    "buffer_is_weight": lambda: Case(BufferIsWeight(), rows(WIDTH)),
    "scripted_buffer_is_weight": lambda: Case(
        BufferIsWeight(), rows(WIDTH), export=script
    ),
    "sparse_embedding": lambda: Case(
        SparseEmbedding(), {"x": torch.randint(0, 10, (8,))}
    ),
    "untaken_branch": lambda: Case(
        UntakenBranch(), rows(WIDTH), optimizer={"weight_decay": 0.3}
    ),
    "branch_by_data": lambda: Case(BranchByData(), rows(WIDTH), optimizer=DECAY),
    "severing_branch": lambda: Case(SeveringBranch(), rows(WIDTH), optimizer=DECAY),
    "loop_without_gradient": lambda: Case(
        LoopWithoutGradient(), rows(WIDTH), optimizer=DECAY
    ),
    "unread_weights": lambda: Case(UnreadWeights(), rows(WIDTH), optimizer=DECAY),
    "scripted_branch": lambda: Case(
        ScriptedBranch(), rows(WIDTH), export=script, optimizer=DECAY
    ),
    "decomposed_vmap": lambda: Case(MappedRows(), rows(WIDTH), export=decomposed),
    "decomposed_scan": lambda: Case(
        AccumulatedColumns(), rows(WIDTH), export=decomposed
    ),
    "permuted_chunk": lambda: Case(PermutedChunk(), rows(8, 8, 16)),
    **SCRIPTS,
}
