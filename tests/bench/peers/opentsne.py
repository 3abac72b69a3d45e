#!/usr/bin/env python3
"""Embeds /data of a sample file with openTSNE, for tests/bench/qsne.

usage: opentsne.py IN.h5 OUT.h5 Q PERPLEXITY PCA THREADS SEED

openTSNE's defaults: its neighbour search, PCA start, 250 + 500 iterations, dof = 1/(q-1). PCA is the number of
principal components to project to first, 0 for none. OUT.h5 holds /data and /embedding, in the scale u, in which
`qsne --init embedding --iterations 0` gives its KL. Standard output: seconds of neighbours and affinities, of the
optimisation, and peak memory in MiB. `opentsne.py --version` says whether it can run."""

import resource
import sys
import time

import h5py
import numpy
import openTSNE

if sys.argv[1:] == ["--version"]:
    print("openTSNE", openTSNE.__version__)
    sys.exit()

source, target = sys.argv[1:3]
q, perplexity = map(float, sys.argv[3:5])
components, threads, seed = map(int, sys.argv[5:8])

with h5py.File(source) as file:
    data = file["data"][...].astype(numpy.float32)
data = data.reshape(len(data), -1)

begin = time.perf_counter()
samples = data
if components:
    from sklearn.decomposition import PCA

    samples = PCA(components, random_state=seed).fit_transform(data)
affinities = openTSNE.affinity.PerplexityBasedNN(samples, perplexity=perplexity, n_jobs=threads, random_state=seed)
start = openTSNE.initialization.pca(samples, random_state=seed)
calibrated = time.perf_counter()
tsne = openTSNE.TSNE(dof=1 / (q - 1), n_jobs=threads, random_state=seed)
layout = numpy.asarray(tsne.fit(affinities=affinities, initialization=start), dtype=numpy.float32)
end = time.perf_counter()

with h5py.File(target, "w") as file:
    file["data"] = data
    file["embedding"] = layout
    file["embedding"].attrs["scale"] = "u"
    file["embedding"].attrs["q"] = q
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{calibrated - begin:.3f} {end - calibrated:.3f} {peak:.0f}")
