#pragma once
/// A sample file as the network tools see it: labelled images, training and test rows.

#include <cstdint>
#include <vector>

#include "h5/samples.h"
#include "nn/images.h"

namespace espalier {

struct LabelledImages {
  ImageSet images;
  bool labelled = false;                     ///< else all labels are 0
  std::vector<std::int32_t> training, test;  ///< rows by /split; without one all are training rows
  std::uint64_t fingerprint = 0;
};

/// Dense samples of N x C x H x W, N x H x W (one channel), N x C x L (of height 1) or N x d (d channels of one pixel);
/// bytes stay bytes. DataError for samples that are sparse, have NaN, or labels that are missing (where `needed`),
/// unknown or beyond the names.
LabelledImages read_images(const SampleFile&, bool labels_needed);

/// Bytes that read_images will hold at the most.
double bytes_of_images(const SampleFile&);

/// Gives the labels the classes of a network; `names` may be empty. DataError where a label is beyond them, or the file
/// names another number of classes, or the same ones in another order.
void set_classes(LabelledImages&, int classes, const std::vector<std::string>& names, const std::string& file);

}  // namespace espalier
