"""Losses and gradients of torch, and scikit-learn's metrics."""

import math

import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, log_loss, top_k_accuracy_score


def loss_inputs(generator):
    """By case: the loss, output, target, and the function of torch."""

    def scores(*shape):
        return torch.randn(shape, generator=generator)

    def classes(count, *shape):
        return torch.randint(0, count, shape, generator=generator)

    def some_ignored(target):
        target = target.clone()
        target.view(-1)[::3] = -100
        return target

    def by_last(output, target):
        """Cross entropy whose classes are the last dimension."""
        return ce(output.reshape(-1, output.shape[-1]), target.reshape(-1))

    def long(output, target):
        return ce(output, target.long())

    ce, nll = F.cross_entropy, F.nll_loss
    images = scores(2, 7, 5, 3)
    rows = scores(9, 11)
    text = scores(2, 13, 37)
    square = scores(3, 5, 5)
    same = scores(6, 5), scores(6, 5)
    # The order of the draws decides the values.
    return {
        "ce_rows": ("cross_entropy", rows, classes(11, 9), ce),
        "ce_text": ("cross_entropy", text, classes(37, 2, 13), by_last),
        "ce_text_ignored": (
            *("cross_entropy", text),
            *(some_ignored(classes(37, 2, 13)), by_last),
        ),
        "ce_images": ("cross_entropy", images, classes(7, 2, 5, 3), ce),
        "ce_images_ignored": (
            *("cross_entropy", images),
            *(some_ignored(classes(7, 2, 5, 3)), ce),
        ),
        "ce_last_wins": ("cross_entropy", square, classes(5, 3, 5), by_last),
        "ce_int32": ("cross_entropy", rows, classes(11, 9).to(torch.int32), long),
        "ce_uint8": ("cross_entropy", rows, classes(11, 9).to(torch.uint8), long),
        "nll_rows": ("nll", F.log_softmax(rows, 1), classes(11, 9), nll),
        "nll_images_ignored": (
            *("nll", F.log_softmax(images, 1)),
            *(some_ignored(classes(7, 2, 5, 3)), nll),
        ),
        "mse": ("mse", *same, F.mse_loss),
        "l1": ("l1", *same, F.l1_loss),
        "l1_complex": (
            "l1",
            torch.complex(*same),
            torch.complex(*same[::-1]),
            F.l1_loss,
        ),
        "bce": (
            *("bce_with_logits", same[0], torch.rand(6, 5, generator=generator)),
            F.binary_cross_entropy_with_logits,
        ),
    }


def class_loss_inputs(generator):
    """By case: the loss, output, target, class weights, label smoothing; weights that
    some classes have not, since torch multiplies by them."""

    def some_ignored(target):
        target = target.clone()
        target.view(-1)[::3] = -100
        return target

    rows = torch.randn(24, 11, generator=generator)
    images = torch.randn(2, 7, 5, 3, generator=generator)
    text = torch.randn(2, 13, 37, generator=generator)
    row_target = torch.randint(0, 11, (24,), generator=generator)
    image_target = torch.randint(0, 7, (2, 5, 3), generator=generator)
    text_target = torch.randint(0, 37, (2, 13), generator=generator)
    weights = {n: torch.rand(n, generator=generator) + 0.25 for n in (7, 11, 37)}
    some_zero = weights[11].clone()
    some_zero[::2] = 0
    ce = "cross_entropy"
    return {
        "smooth_rows": (ce, rows, row_target, None, 0.1),
        "smooth_text_ignored": (ce, text, some_ignored(text_target), None, 0.2),
        "smooth_images": (ce, images, image_target, None, 1.0),
        "weighted_rows": (ce, rows, row_target, weights[11], 0.0),
        "weighted_text_ignored": (ce, text, some_ignored(text_target), weights[37], 0),
        "weighted_some_zero": (ce, rows, row_target, some_zero, 0.0),
        "both_rows": (ce, rows, row_target, weights[11], 0.1),
        "both_images_ignored": (
            *(ce, images, some_ignored(image_target), weights[7], 0.3),
        ),
        "both_some_zero": (ce, rows, row_target, some_zero, 0.1),
        "nll_weighted": ("nll", F.log_softmax(rows, 1), row_target, weights[11], 0.0),
    }


def class_loss(name, output, target, weights, smoothing):
    if target.shape == output.shape[:-1]:
        output, target = output.reshape(-1, output.shape[-1]), target.reshape(-1)
    if name == "nll":
        return F.nll_loss(output, target, weight=weights)
    return F.cross_entropy(output, target, weight=weights, label_smoothing=smoothing)


def loss_cases(generator):
    out, names = {}, {}

    def add(case, name, output, target, function):
        output = output.detach().clone().requires_grad_()
        loss = function(output, target)
        loss.backward()
        out[f"{case}.output"] = output.detach()
        out[f"{case}.target"] = target.clone()
        out[f"{case}.loss"] = loss.detach()
        out[f"{case}.grad"] = output.grad
        names[case] = name

    for case, (name, output, target, function) in loss_inputs(generator).items():
        add(case, name, output, target, function)
    for case, inputs in class_loss_inputs(generator).items():
        name, output, target, weights, smoothing = inputs
        add(
            *(case, name, output, target),
            lambda o, t, n=name, w=weights, s=smoothing: class_loss(n, o, t, w, s),
        )
        out[f"{case}.smoothing"] = torch.tensor(smoothing, dtype=torch.float64)
        if weights is not None:
            out[f"{case}.weights"] = weights.double()
    return out, names


def metric_cases(generator):
    out, names = {}, {}
    logits = 2 * torch.randn(3, 40, 9, generator=generator)
    target = torch.randint(0, 9, (3, 40), generator=generator)
    images = torch.randn(2, 7, 5, 6, generator=generator)
    ignored = torch.randint(0, 7, (2, 5, 6), generator=generator)
    ignored.view(-1)[::4] = -100
    for case, (name, output, classes, dim) in {
        "text": ("cross_entropy", logits, target, -1),
        "images": ("cross_entropy", images, ignored, 1),
        "nll": ("nll", F.log_softmax(logits, -1), target, -1),
        "half": ("cross_entropy", logits.bfloat16(), target, -1),
    }.items():
        scores = output.movedim(dim, -1).reshape(-1, output.shape[dim])
        flat = classes.reshape(-1)
        scores, flat = scores[flat != -100].double(), flat[flat != -100]
        labels = list(range(scores.shape[1]))
        # If classes have equal scores, the first wins; in scikit-learn the last does.
        ranked = scores - 1e-9 * torch.arange(scores.shape[1])
        values = [
            accuracy_score(flat, scores.argmax(1)),
            top_k_accuracy_score(flat, ranked, k=5, labels=labels),
            math.exp(log_loss(flat, scores.softmax(1), labels=labels)),
        ]
        out[f"{case}.output"], out[f"{case}.target"] = output, classes.clone()
        out[f"{case}.values"] = torch.tensor(values, dtype=torch.float64)
        names[case] = name
    return {key: value.contiguous() for key, value in out.items()}, names
