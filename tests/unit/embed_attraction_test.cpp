#include <doctest/doctest.h>

#include "base/parallel.h"
#include "embed/attraction.h"
#include "embed/kernel.h"
#include "embed_samples.h"

using namespace espalier;
using namespace espalier::test;

namespace {

/// n rows of up to 40 edges with columns all over [0, n), some empty.
Affinities random_affinities(std::size_t n) {
  const Random random(3, 1);
  std::vector<std::int32_t> indices;
  Affinities p{n, Buffer<std::int64_t>(n + 1), {}, {}};
  for (std::size_t i = 0; i < n; ++i) {
    p.indptr[i] = std::int64_t(indices.size());
    std::vector<std::int32_t> row;
    for (std::size_t e = 0; e < random.below(i, 41); ++e) row.push_back(std::int32_t(random.below(n + i * 64 + e, n)));
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    indices.insert(indices.end(), row.begin(), row.end());
  }
  p.indptr[n] = std::int64_t(indices.size());
  p.indices = Buffer<std::int32_t>(indices.size());
  p.values = Buffer<float>(indices.size());
  for (std::size_t e = 0; e < indices.size(); ++e) {
    p.indices[e] = indices[e];
    p.values[e] = float(std::exp(-8 * random.uniform(e)) / double(indices.size()));
  }
  return p;
}

Buffer<float> random_layout(std::size_t n, int dims, double spread) {
  const Random random(4, 2);
  Buffer<float> u(n * std::size_t(dims));
  for (std::size_t t = 0; t < u.size(); ++t) u[t] = float(spread * random.normal(t));
  return u;
}

double plain_d2(const Buffer<float>& u, std::size_t i, std::size_t j, std::size_t m) {
  double d2 = 0;
  for (std::size_t c = 0; c < m; ++c) d2 += std::pow(double(u[i * m + c]) - u[j * m + c], 2);
  return d2;
}

}  // namespace

TEST_CASE("packed attraction is the plain double sum within the rounding of its weights, in 1, 2 and 3 dimensions") {
  for (std::size_t n : {1000, 200000}) {  // the second has columns further apart than a group spans
    const Affinities p = random_affinities(n);
    for (int dims : {1, 2, 3})
      for (double a : {0.0, 0.1, 1.0, 1.9, 3.0}) {
        const std::size_t m = std::size_t(dims);
        const Buffer<float> u = random_layout(n, dims, 4);
        Buffer<float> force(n * m);
        Attraction(p, a, dims).force(u.data(), 0, n, force.data());
        for (std::size_t i = 0; i < n; i += n / 500)
          for (std::size_t c = 0; c < m; ++c) {
            double sum = 0, size = 0;
            for (std::int64_t e = p.indptr[i]; e < p.indptr[i + 1]; ++e) {
              const std::size_t j = std::size_t(p.indices[e]);
              const double f = p.values[e] * (double(u[i * m + c]) - u[j * m + c]) / (1 + a * plain_d2(u, i, j, m));
              sum += f;
              size += std::fabs(f);
            }
            REQUIRE_LE(std::fabs(force[i * m + c] - sum), 2.6e-4 * size);
          }
      }
  }
}

TEST_CASE("the packed cost is the plain double sum of p * -log w") {
  const std::size_t n = 3000;
  const Affinities p = random_affinities(n);
  for (int dims : {1, 2, 3})
    for (double spread : {1e-4, 5.0})
      for (double a : {0.0, 1e-7, 0.1, 1.0, 1.9, 3.0})
        for (double scale : {1.0, 1.75}) {
          const Buffer<float> u = random_layout(n, dims, spread);
          double sum = 0;
          for (std::size_t i = 0; i < n; ++i)
            for (std::int64_t e = p.indptr[i]; e < p.indptr[i + 1]; ++e)
              sum += p.values[e] *
                     kernel_cost(scale * scale * plain_d2(u, i, std::size_t(p.indices[e]), std::size_t(dims)), a);
          CHECK_EQ(Attraction(p, a, dims).cost(u.data(), scale), doctest::Approx(sum).epsilon(2e-5));
        }
}

TEST_CASE("part of the rows get the same attraction as all of them") {
  const Affinities p = random_affinities(500);
  const Buffer<float> u = random_layout(500, 2, 3);
  const Attraction attraction(p, 1, 2);
  Buffer<float> all(1000), part(200);
  attraction.force(u.data(), 0, 500, all.data());
  attraction.force(u.data(), 150, 250, part.data());
  for (std::size_t t = 0; t < 200; ++t) CHECK_EQ(part[t], all[300 + t]);
}

TEST_CASE("the cost is the same double with 1, 2 and 4 threads") {
  const Affinities p = random_affinities(5000);
  const Buffer<float> u = random_layout(5000, 2, 3);
  const Attraction attraction(p, 0.5, 2);
  const double one = attraction.cost(u.data());
  for (int count : {2, 4}) {
    set_threads(count);
    CHECK_EQ(attraction.cost(u.data()), one);
  }
  set_threads(1);
}
