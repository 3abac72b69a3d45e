#!/usr/bin/env python3
"""Embeds /data of a sample file with umap-learn, for tests/bench/qsne: the time of another program, whose map has no KL.

usage: umap.py [--whole] IN.h5 OUT.h5 Q PERPLEXITY PCA THREADS SEED

umap-learn's defaults (15 neighbours, 2 dimensions), which Q and PERPLEXITY do not change; without its random_state, which
would keep it to one thread. A first run on few samples compiles it, but not with --whole, which is for whoever
times the whole program from outside. Output and `--version` as opentsne.py, the second number standing for all after
PCA."""

import os
import resource
import sys
import time

sys.path.pop(0)  # this folder, where "umap" would be this file

import h5py
import numpy
import umap

if sys.argv[1:] == ["--version"]:
    print("umap-learn", umap.__version__)
    sys.exit()

whole = sys.argv[1] == "--whole"
arguments = sys.argv[1 + whole :]
source, target = arguments[:2]
components, threads, seed = map(int, arguments[4:7])

with h5py.File(source) as file:
    data = file["data"][...].astype(numpy.float32)
data = data.reshape(len(data), -1)
if not whole:
    umap.UMAP(n_jobs=threads).fit(numpy.random.default_rng(0).random((5000, 10), dtype=numpy.float32))

begin = time.perf_counter()
samples = data
if components:
    from sklearn.decomposition import PCA

    samples = PCA(components, random_state=seed).fit_transform(data)
projected = time.perf_counter()
layout = umap.UMAP(n_jobs=threads).fit_transform(samples).astype(numpy.float32)
end = time.perf_counter()

with h5py.File(target, "w") as file:
    file["data"] = data
    file["embedding"] = layout
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{projected - begin:.3f} {end - projected:.3f} {peak:.0f}")
