# Spack recipe: put this folder's parent into a repository of yours as packages/espalier, then `spack install espalier`.
from spack.package import *


class Espalier(MakefilePackage):
    """Maps of high-dimensional data with q-SNE, and small convolutional networks: sparsified, pruned, planted."""

    license("BSD-2-Clause")

    # From an archive made by `make dist`: spack install espalier@0.1.0, with the archive in a source mirror.
    version("0.1.0")

    depends_on("cxx", type="build")
    depends_on("gmake", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("eigen@3.3:", type="build")
    depends_on("cxxopts@3:", type="build")
    depends_on("nlohmann-json@3:", type="build")
    depends_on("doctest@2.4:", type="build")
    depends_on("hdf5@1.10:+hl~mpi")
    depends_on("openblas threads=none")
    depends_on("fmt@9:")
    depends_on("cairo@1.16:+png+pdf+svg+ft+fc")
    depends_on("libpng")
    depends_on("jpeg")
    depends_on("zlib-api")
    depends_on("matio")

    conflicts("%gcc@:11", msg="C++20 as g++ 12 has it is needed")

    @property
    def options(self):
        rpaths = " ".join(f"-Wl,-rpath,{d.prefix.lib}" for d in self.spec.dependencies(deptype="link"))
        return ["DEPS=no", "HDF5=hdf5", f"PREFIX={self.prefix}", f"LDFLAGS={rpaths}"]

    def build(self, spec, prefix):
        make(*self.options)

    def install(self, spec, prefix):
        make("install", *self.options)

    def test_map(self):
        """a map of a few samples, scored"""
        with open("t.csv", "w") as table:
            for i in range(60):
                table.write(f"{i % 3},{i % 7},{i * i % 11},c{i % 3}\n")
        Executable(self.prefix.bin.join("tensor-import"))("t.csv", "--label", "last", "-o", "t.h5")
        Executable(self.prefix.bin.qsne)("--perplexity", "5", "t.h5", "-o", "map.h5")
        Executable(self.prefix.bin.join("knn-eval"))("-k", "5", "map.h5")
