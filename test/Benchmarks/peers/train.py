#!/usr/bin/env python3
"""Times training steps of small networks in PyTorch on the processor; a line of input is one measurement.

    python3 train.py        needs torch

Reads lines "NETWORK THREADS STEPS" (lenet, resnet8 or wide; batches of 128 images of 28x28) and answers each with the median milliseconds of a step:
forward, back, stochastic gradient descent with momentum, on random images that lie in memory. Each network lives through the whole run.
"""
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

BATCH, WARM = 128, 3


def normalized(inputs, outputs, kernel, stride=1, pad=0):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = normalized(inputs, outputs, 3, stride, 1)
        self.second = normalized(outputs, outputs, 3, 1, 1)
        self.shortcut = nn.Identity() if inputs == outputs and stride == 1 else normalized(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


def lenet():
    return nn.Sequential(
        normalized(1, 6, 5, pad=2), nn.ReLU(), nn.MaxPool2d(2), normalized(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def resnet8():
    return nn.Sequential(
        normalized(1, 16, 3, pad=1), nn.ReLU(), Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(64, 10))


def wide():
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10))


class Trained:
    def __init__(self, make):
        torch.manual_seed(1)
        self.model = make().train()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.001, momentum=0.9)
        self.images, self.labels = torch.rand(BATCH, 1, 28, 28), torch.randint(0, 10, (BATCH,))

    def step(self):
        begin = time.perf_counter()
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(self.images), self.labels).backward()
        self.optimizer.step()
        return (time.perf_counter() - begin) * 1000


networks = {make.__name__: Trained(make) for make in (lenet, resnet8, wide)}
print(f"PyTorch {torch.__version__}", flush=True)
for line in sys.stdin:
    name, threads, steps = line.split()
    torch.set_num_threads(int(threads))
    times = [networks[name].step() for _ in range(WARM + int(steps))]
    print(statistics.median(times[WARM:]), flush=True)
