"""L2T-FMT in plain PyTorch loops, the computation of `evenhand.supervised.L2TFMT`'s defaults.

`multi_task.py` runs it where torch is, as `torch_loops.py DATA.npz EPOCHS THREADS`. It is written
as one would write it first: a loop over batches, over tasks, and over both losses,
autograd for each. Shared trunk 256-128-64 with batch normalisation, a head per task, GradNorm on
the trunk's last layer, a look-ahead of the heads, one step of the teacher an epoch. It does not
validate, so its best scores stay those of the first batch.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

HIDDEN, TEACHER, BATCH = (256, 128, 64), (128, 128, 64), 1024


def student_trunk(num_features: int) -> nn.Sequential:
    """Affine maps with ReLU, each but the last normalised over the batch."""
    layers, sizes = [], (num_features, *HIDDEN)
    for i in range(len(HIDDEN)):
        layers.append(nn.Linear(sizes[i], sizes[i + 1]))
        if i < len(HIDDEN) - 1:
            layers.append(nn.BatchNorm1d(sizes[i + 1]))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def teacher_trunk() -> nn.Sequential:
    """Affine maps with ReLU, the first two normalised over their units."""
    layers, sizes = [], (2 * HIDDEN[-1], *TEACHER)
    for i in range(len(TEACHER)):
        layers.append(nn.Linear(sizes[i], sizes[i + 1]))
        if i < len(TEACHER) - 1:
            layers.append(nn.LayerNorm(sizes[i + 1]))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def losses(logits: torch.Tensor, y: torch.Tensor, s: torch.Tensor) -> list[torch.Tensor]:
    """A task's accuracy loss and worst-group loss."""
    each, worst = cross_entropy(logits, y, reduction="none"), torch.zeros(())
    for label in (0, 1):
        cells = [each[(y == label) & (s == g)] for g in (0, 1)]
        means = [cell.mean() for cell in cells if len(cell)]
        if means:
            worst = worst + torch.stack(means).max()
    return [each.mean(), worst]


def scored(logits: torch.Tensor, y: torch.Tensor, s: torch.Tensor) -> tuple[float, float]:
    """Accuracy and equalised-odds violation."""
    predicted = logits.argmax(1)
    apart = 0.0
    for label in (0, 1):
        cells = [(predicted[(y == label) & (s == g)]).float() for g in (0, 1)]
        if all(len(cell) for cell in cells):
            apart += abs(float(cells[0].mean() - cells[1].mean()))
    return float((predicted == y).float().mean()), apart


def norms_to_weights(
    weights: torch.Tensor, norms: torch.Tensor, relative: torch.Tensor
) -> torch.Tensor:
    """GradNorm's step with the target held constant."""
    G = weights * norms
    sign = torch.sign(G - G.mean() * relative / relative.mean())
    moved = (weights - 1e-3 * sign * norms).clamp_min(1e-6)
    return moved / moved.sum()


def norm(gradients: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The norm of all together."""
    return torch.sqrt(sum((g**2).sum() for g in gradients))


class Run:
    """One training."""

    def __init__(self, data: dict[str, np.ndarray]):
        self.X, self.Y = torch.tensor(data["X"]), torch.tensor(data["Y"]).long()
        self.s = torch.tensor(data["s"]).long()
        M = self.M = self.Y.shape[1]
        self.trunk = student_trunk(self.X.shape[1])
        self.heads = nn.ModuleList(nn.Linear(HIDDEN[-1], 2) for _ in range(M))
        self.last = [layer for layer in self.trunk if isinstance(layer, nn.Linear)][-1]
        self.optimiser = torch.optim.AdamW([*self.trunk.parameters(), *self.heads.parameters()])
        self.q_trunk = teacher_trunk()
        self.q_heads = nn.ModuleList(nn.Linear(TEACHER[-1], 2) for _ in range(M))
        self.q_optimiser = torch.optim.AdamW(
            [*self.q_trunk.parameters(), *self.q_heads.parameters()]
        )
        self.weights = self.q_weights = torch.full((M,), 1 / M)
        self.first: list[list[float]] = []
        self.q_first: torch.Tensor | None = None
        self.best = [(1e-6, 1.0)] * M

    def epoch(self) -> None:
        """All batches, then the teacher."""
        memory = []
        for rows in torch.randperm(len(self.X))[: len(self.X) // BATCH * BATCH].split(BATCH):
            memory.append(self.batch(self.X[rows], self.Y[rows], self.s[rows]))
        self.teach(memory)

    def batch(self, X: torch.Tensor, Y: torch.Tensor, s: torch.Tensor) -> list:
        """A step of the student and what was seen of both choices."""
        states = [head.weight.detach().flatten() for head in self.heads]
        with torch.no_grad():
            choice = [int(self.q(m, states[m]).argmax()) for m in range(self.M)]
        Z = self.trunk(X)
        logits = [head(Z) for head in self.heads]
        both = [losses(logits[m], Y[:, m], s) for m in range(self.M)]
        if not self.first:
            self.first = [[float(loss) for loss in each] for each in both]
            self.best = [scored(logits[m], Y[:, m], s) for m in range(self.M)]
        chosen = [both[m][choice[m]] for m in range(self.M)]
        norms = torch.stack([
            norm(torch.autograd.grad(loss, list(self.last.parameters()), retain_graph=True))
            for loss in chosen
        ])  # fmt: skip
        relative = torch.tensor(
            [float(chosen[m]) / self.first[m][choice[m]] for m in range(self.M)]
        )
        self.weights = norms_to_weights(self.weights, norms, relative)
        self.optimiser.zero_grad()
        for m in range(self.M):
            own = torch.autograd.grad(
                chosen[m], list(self.heads[m].parameters()), retain_graph=True
            )
            for p, g in zip(self.heads[m].parameters(), own, strict=True):
                p.grad = g
        shared = list(self.trunk.parameters())
        total = sum(self.weights[m] * chosen[m] for m in range(self.M))
        for p, g in zip(shared, torch.autograd.grad(total, shared), strict=True):
            p.grad = g
        self.optimiser.step()
        return [self.look_ahead(m, X, Y[:, m], s) for m in range(self.M)]

    def look_ahead(self, m: int, X: torch.Tensor, y: torch.Tensor, s: torch.Tensor) -> tuple:
        """A task's state, next states and rewards; the features are computed once per batch."""
        if m == 0:
            with torch.no_grad():
                self.Z = self.trunk(X)
        head, after, rewards = self.heads[m], [], []
        for a in (0, 1):
            loss = losses(head(self.Z), y, s)[a]
            slopes = torch.autograd.grad(loss, list(head.parameters()))
            with torch.no_grad():
                W, b = (
                    p - 1e-3 * g / (g.abs() + 1e-8)
                    for p, g in zip(head.parameters(), slopes, strict=True)
                )
                accuracy, apart = scored(self.Z @ W.T + b, y, s)
            best, low = self.best[m]
            gains = (accuracy - best) / best, (low - apart) / max(1 - low, 0.05)
            after.append(W.flatten())
            rewards.append(min(gains))
        return head.weight.detach().flatten(), torch.stack(after), torch.tensor(rewards)

    def q(self, m: int, state: torch.Tensor) -> torch.Tensor:
        """Values of both losses."""
        return self.q_heads[m](self.q_trunk(state))

    def teach(self, memory: list) -> None:
        """The teacher's step."""
        errors = []
        for m in range(self.M):
            states, after, rewards = (torch.stack([row[m][k] for row in memory]) for k in range(3))
            with torch.no_grad():
                target = rewards + 0.9 * self.q(m, after).max(-1).values
            errors.append(mse_loss(self.q(m, states), target))
        shared = list(self.q_trunk.parameters())
        by_task = [torch.autograd.grad(error, shared, retain_graph=True) for error in errors]
        values = torch.stack(errors).detach()
        self.q_first = values if self.q_first is None else self.q_first
        norms = torch.stack([norm(each) for each in by_task])
        self.q_weights = norms_to_weights(self.q_weights, norms, values / self.q_first)
        self.q_optimiser.zero_grad()
        for m in range(self.M):
            own = list(self.q_heads[m].parameters())
            for p, g in zip(
                own, torch.autograd.grad(errors[m], own, retain_graph=True), strict=True
            ):
                p.grad = g
        for k, p in enumerate(shared):
            p.grad = sum(self.q_weights[m] * by_task[m][k] for m in range(self.M))
        self.q_optimiser.step()


def main() -> None:
    """Seconds of CPU and of the wall clock of a whole training, as JSON."""
    path, epochs, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    run = Run(dict(np.load(path)))
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(epochs):
        run.epoch()
    print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}))


if __name__ == "__main__":
    main()
