"""A network of PyTorch on two moons, trained with momentum on squares, and its kernel on the way.

python docs/recordings/torch_mlp.py     # needs `pip install torch`
"""

import torch
from sklearn.datasets import make_moons

import engine as kd

TRAINED, HELD_OUT = 48, 48


def main(steps: int = 200):
    """The recording (`engine.recording.result.RecordedRun`)."""
    torch.manual_seed(0)
    points, classes = make_moons(TRAINED + HELD_OUT, noise=0.1, random_state=0)
    x, y = torch.tensor(points, dtype=torch.float32), torch.tensor(2.0 * classes[:, None] - 1)
    layers = torch.nn.Linear(2, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1)
    module = torch.nn.Sequential(*layers)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    with kd.watch("moons, torch", module, points, y.numpy(), held_out=HELD_OUT, loss="mean") as watch:
        for step in range(steps):
            loss = torch.mean((module(x[:TRAINED]) - y[:TRAINED]) ** 2)
            watch(step, loss=loss.item())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        watch(steps)  # a module is read as it stands: this is the state that the last step left
    return watch.result


if __name__ == "__main__":
    print(main().numbers())
