"""adamw_test.py FOLDER

Checks that the rule of adamw.py accepts a training of Python's own whose sums have
another order, and finds every fault: trainings that are wrong in one way each.
"""

import sys
import tempfile
import unittest
from pathlib import Path

import adamw
import torch
import training

FOLDER = Path(sys.argv.pop())
LR, STEPS = 1e-3, 3
TIED, HEAD = "transformer.wte.weight", "lm_head.weight"
MATRIX = "transformer.h.1.mlp.c_fc.weight"
KEY_BIAS = "transformer.h.1.attn.c_attn.bias"  # a third has no gradient but noise


def untie(module):
    """Makes the embedding read a weight of its own, which gets its gradient."""
    embedding = next(n for n in module.graph.nodes if "embedding" in str(n.target))
    own = torch.nn.Parameter(module.get_parameter(HEAD).detach().clone())
    module.register_parameter("own_embedding", own)
    with module.graph.inserting_before(embedding):
        embedding.replace_input_with(
            embedding.args[0], module.graph.get_attr("own_embedding")
        )
    module.recompile()


class Training(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.task = training.Task("gpt2", FOLDER)
        cls.gradients = training.Gradients(cls.task)

    def states(self, *, edit=lambda gradients, step: None, untied=False, **options):
        """Three states of a training whose gradients `edit` changes."""
        task = self.task
        module = torch.export.load(task.path).module()
        if untied:
            untie(module)
        parameters = dict(module.named_parameters())
        trained = [p for n, p in parameters.items() if n != "own_embedding"]
        optimizer = torch.optim.AdamW(trained, **{"lr": LR, "fused": True} | options)
        # Microbatches in reverse order: the same gradients with other rounding.
        reverse = training.Task.__new__(training.Task)
        reverse.__dict__.update(task.__dict__)
        reverse.data, reverse.target = task.data.flip(0), task.target.flip(0)
        states = []
        for step in range(1, STEPS + 1):
            optimizer.zero_grad()
            reverse.backward(module)
            with torch.no_grad():
                edit({n: p.grad for n, p in parameters.items()}, step)
            optimizer.step()
            if untied:
                parameters["own_embedding"].data.copy_(parameters[HEAD].data)
            held = {n: p for n, p in parameters.items() if p in optimizer.state}
            states.append(
                adamw.State(
                    {n: p.detach().clone() for n, p in held.items()},
                    *(
                        {n: optimizer.state[p][kind].clone() for n, p in held.items()}
                        for kind in ("exp_avg", "exp_avg_sq")
                    ),
                )
            )
        return states

    def faults(self, states):
        initial = dict(self.task.program.state_dict)
        return adamw.compare_steps("", initial, states, self.gradients, LR)

    def expect(self, text, states):
        faults = self.faults(states)
        self.assertTrue(any(text in fault for fault in faults), faults)

    def test_another_order_of_sums_is_accepted(self):
        self.assertEqual(self.faults(self.states()), [])

    def test_a_scaled_gradient_is_found(self):
        def edit(gradients, step):
            gradients[MATRIX].mul_(1.001)

        self.expect(f"{MATRIX}: exp_avg:", self.states(edit=edit))

    def test_a_gradient_of_one_entry_is_found(self):
        def edit(gradients, step):
            largest = gradients[MATRIX].abs().max()
            gradients[MATRIX][3, 5] += 1e-5 * largest

        self.expect(f"{MATRIX}: exp_avg:", self.states(edit=edit))

    def test_half_the_gradient_of_a_tied_weight_is_found(self):
        self.expect(f"{HEAD}: exp_avg", self.states(untied=True))

    def test_a_gradient_left_over_from_the_step_before_is_found(self):
        kept = {}

        def edit(gradients, step):
            if step > 1:
                gradients[MATRIX].add_(kept["gradient"])
            kept["gradient"] = gradients[MATRIX].clone()

        self.expect(f"step 2: {MATRIX}: exp_avg", self.states(edit=edit))

    def test_options_of_another_optimizer_are_found(self):
        for text, options in (
            ("update", {"weight_decay": 0.0}),
            ("update", {"lr": 1.001 * LR}),
            ("update", {"eps": 1e-7}),
            ("exp_avg:", {"betas": (0.8, 0.999)}),
            ("exp_avg_sq", {"betas": (0.9, 0.99)}),
        ):
            with self.subTest(**options):
                self.expect(text, self.states(**options))

    def test_a_wrong_update_of_noise_is_found(self):
        states = self.states()
        width = states[0].weights[KEY_BIAS].numel() // 3
        states[1].weights[KEY_BIAS][width] += LR  # a bias of a key
        self.expect(f"step 2: {KEY_BIAS}: update", states)

    def test_few_entries_are_noise(self):
        states = self.states()
        single, double = self.gradients(states[-1].weights)
        num_noise = num_entries = 0
        step = adamw.Step(STEPS, LR)
        for fqn, exp_avg_sq in states[-1].exp_avg_sq.items():
            bound = adamw.error_bound(single[fqn], double[fqn])
            moved = LR * bound / step.denominator(exp_avg_sq.double())
            scale = states[-1].weights[fqn].abs().max()
            num_noise += (adamw.SAFETY * moved > adamw.TOLERANCE * scale).sum().item()
            num_entries += exp_avg_sq.numel()
        self.assertLess(num_noise / num_entries, 0.03)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        FOLDER = Path(folder)
        unittest.main()
