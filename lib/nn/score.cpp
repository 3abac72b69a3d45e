#include "nn/score.h"

#include <algorithm>

namespace espalier {

Score score_images(Executor& executor, const ImageSet& images, const Normalization& normalization,
                   std::span<const std::int32_t> rows, std::size_t batch, const Control& control,
                   const std::function<void(std::size_t, const Matrix&)>& each) {
  Score score;
  std::vector<float> pixels(batch * images.image_size());
  std::vector<std::int32_t> labels;
  Loss total;
  for (std::size_t first = 0; first < rows.size(); first += batch) {
    throw_if_stopped(control);
    const auto part = rows.subspan(first, std::min(batch, rows.size() - first));
    load_images(images, normalization, part, pixels.data());
    const Matrix& logits = executor.forward(pixels.data(), part.size());
    if (each) each(first, logits);
    labels.clear();
    for (const std::int32_t row : part) labels.push_back(images.labels[std::size_t(row)]);
    const Loss loss = evaluate_loss(logits, labels, {}, {}, nullptr);
    total.sum += loss.sum;
    total.correct += loss.correct;
    total.among_five += loss.among_five;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const float* const z = logits.row(i);
      score.predictions.push_back(std::int32_t(std::max_element(z, z + logits.cols()) - z));
    }
    control.report("images", double(first + part.size()), double(rows.size()));
  }
  score.images = rows.size();
  const double n = double(std::max<std::size_t>(1, rows.size()));
  score.loss = total.sum / n;
  score.accuracy = double(total.correct) / n;
  score.top5 = double(total.among_five) / n;
  return score;
}

}  // namespace espalier
