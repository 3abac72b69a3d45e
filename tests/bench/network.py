#!/usr/bin/env python3
"""Times PyTorch on the networks of tests/bench/network: training steps and inference.

usage: network.py THREADS BATCH NETWORK[:WIDTHS]...    (or --version)

A network is resnet20, resnet56, vgg16-bn or resnet18 (64 x 64 images); WIDTHS are those of the three stages, as in
resnet20:13-27-50. Standard output: network, what, how, images a second, peak memory in MiB. How: PyTorch's two memory
formats, and torch.compile of the second, where it works; compiling is not timed."""

import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional

if sys.argv[1] == "--version":
    print(f"PyTorch {torch.__version__}")
    sys.exit()
threads, batch = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, projection):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.more = stride, outputs - inputs
        self.shortcut = None
        if projection and (stride != 1 or self.more):
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.shortcut is not None:
            x = self.shortcut(x)
        elif self.stride != 1 or self.more:
            before = self.more // 2
            x = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.more - before))
        return functional.relu(y + x)


def residual(widths, blocks, projection, classes):
    layers = [nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
    inputs = widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            layers.append(Block(inputs, width, 2 if stage and not block else 1, projection))
            inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def vgg16():
    layers, inputs = [], 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if width:
            layers += [nn.Conv2d(inputs, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            inputs = width
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))


def build(name):
    kind, _, widths = name.partition(":")
    widths = [int(w) for w in widths.split("-")] if widths else [16, 32, 64]
    if kind == "vgg16-bn":
        return vgg16(), 32
    if kind == "resnet18":
        return residual([64, 128, 256, 512], 2, True, 10), 64
    return residual(widths, (int(kind[6:]) - 2) // 6, False, 10), 32


def measure(step, seconds=4):
    step(), step()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds or len(times) < 3:
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return batch / sorted(times)[len(times) // 2]


for name in sys.argv[3:]:
    for layout in ("default", "channels_last", "compiled"):
        torch.manual_seed(0)
        model, side = build(name)
        images, labels = torch.rand(batch, 3, side, side), torch.randint(10, (batch,))
        if layout != "default":
            model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
        if layout == "compiled":
            model = torch.compile(model)
        update = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)

        def train():
            update.zero_grad()
            functional.cross_entropy(model(images), labels).backward()
            update.step()

        def infer():
            with torch.no_grad():
                model(images)

        try:
            training = measure(train)
        except Exception as error:  # torch.compile wants a compiler of C++
            print(f"{name}: {layout}: {type(error).__name__}", file=sys.stderr)
            continue
        model.eval()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        for what, rate in (("training", training), ("inference", measure(infer))):
            print(f"{name}\t{what}\t{layout}\t{rate:.1f}\t{peak:.0f}", flush=True)
