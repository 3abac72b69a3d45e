#!/usr/bin/env python3
"""Finds neighbours with other programs, for tests/bench/neighbors.

usage: neighbors.py FILE.h5 METRIC THREADS [PROGRAM...]

FILE holds /data and the exact graph, /neighbors/indices. Programs: sgemm (all products, nothing selected), faiss-flat
(exact), faiss-hnsw, hnswlib, pynndescent; by default all. Each is run with growing effort until its recall is .95; standard output: a line for
each run, program, settings, seconds with the building, recall, and the GF/s that all products would need in that time."""

import sys
import time

import h5py
import numpy

source, metric, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
programs = sys.argv[4:] or ["sgemm", "faiss-flat", "faiss-hnsw", "hnswlib", "pynndescent"]
with h5py.File(source) as file:
    data = file["data"][...].astype(numpy.float32)
    true = file["neighbors/indices"][...]
data = numpy.ascontiguousarray(data.reshape(len(data), -1))
if metric == "cosine":
    data /= numpy.maximum(numpy.linalg.norm(data, axis=1, keepdims=True), 1e-30)
n, k = true.shape
rows = numpy.random.default_rng(0).choice(n, min(n, 2000), replace=False)


def recall(found):
    """Share of the true neighbours among those found, which may hold the sample itself."""
    return float(numpy.mean([numpy.isin(true[i], found[i]).mean() for i in rows]))


def sgemm(effort):
    for begin in range(0, n, 1024):
        data[begin : begin + 1024] @ data.T


def faiss_flat(effort):
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatL2(data.shape[1])
    index.add(data)
    return index.search(data, k + 1)[1]


def faiss_hnsw(effort):
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexHNSWFlat(data.shape[1], 16)
    index.hnsw.efConstruction = 100
    index.add(data)
    index.hnsw.efSearch = effort * (k + 1)
    return index.search(data, k + 1)[1]


def hnswlib(effort):
    import hnswlib

    index = hnswlib.Index("l2", data.shape[1])
    index.init_index(n, ef_construction=100, M=16)
    index.add_items(data, num_threads=threads)
    index.set_ef(effort * (k + 1))
    return index.knn_query(data, k + 1, num_threads=threads)[0]


def pynndescent(effort):
    import pynndescent

    return pynndescent.NNDescent(data, n_neighbors=int(k * (1 + effort / 4)), n_jobs=threads, random_state=0).neighbor_graph[0]


for name in programs:
    find = globals()[name.replace("-", "_")]
    if name == "pynndescent":  # compiled at its first run
        import pynndescent as package

        package.NNDescent(data[:3000], n_neighbors=10, n_jobs=threads).neighbor_graph
    for effort in (1, 2, 4):
        begin = time.perf_counter()
        found = find(effort)
        seconds = time.perf_counter() - begin
        reached = recall(found) if found is not None else 0
        rate = 2 * n * n * data.shape[1] / seconds / 1e9
        print(f"{name}\t{effort}\t{seconds:.2f}\t{reached:.4f}\t{rate:.0f}", flush=True)
        if reached >= 0.95 or name in ("sgemm", "faiss-flat"):
            break
