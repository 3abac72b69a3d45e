#include "nn/profile.h"

#include <algorithm>

#include "base/parallel.h"
#include "nn/convolution_kernels.h"

namespace espalier {

double measure_peak(const std::function<double()>& clock) {
  constexpr std::size_t kRounds = 400000;
  const auto workers = std::size_t(threads());
  double best = 0;
  for (int repetition = 0; repetition < 8; ++repetition) {
    const double begin = clock();
    const double operations = parallel_sum(workers, [&](std::size_t worker, int) {
      float numbers[16];
      for (int i = 0; i < 16; ++i) numbers[i] = 1e-3f * float(worker + std::size_t(i));
      return net_convolution_kernels().multiply_add(kRounds, numbers);
    });
    const double seconds = clock() - begin;
    if (seconds > 0) best = std::max(best, operations / seconds);
  }
  return best;
}

LayerTimes measure_forward(const Architecture& architecture, Parameters& parameters, std::size_t images, double budget,
                           const std::function<double()>& clock) {
  Executor executor(architecture, parameters, clock);
  const std::vector<float> pixels(images * architecture.input.size(), 0.5f);
  executor.forward(pixels.data(), images);
  executor.take_times();
  LayerTimes times;
  std::vector<double> passes;
  const double start = clock();
  while (passes.size() < 3 || clock() - start < budget) {
    const double begin = clock();
    executor.forward(pixels.data(), images);
    passes.push_back(clock() - begin);
  }
  std::nth_element(passes.begin(), passes.begin() + std::ptrdiff_t(passes.size() / 2), passes.end());
  times.batch = passes[passes.size() / 2];
  times.of_layer = executor.take_times().forward;
  for (double& seconds : times.of_layer) seconds /= double(passes.size());
  return times;
}

}  // namespace espalier
