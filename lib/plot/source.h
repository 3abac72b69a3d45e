#pragma once
/// What a sample file holds for a picture: its maps, and what colours and illustrates them.

#include <string>
#include <vector>

#include "h5/samples.h"
#include "plot/scatter.h"

namespace espalier {

struct MapSelection {
  SampleSelection samples;  ///< where images and labels are
  std::string embedding;    ///< path of the map; empty: /embedding, obsm/X_qsne*, or samples of up to 3 dimensions.
                            ///< In AnnData also X_umap, or umap, for obsm/X_umap
  std::string values;       ///< path of N numbers that colour the points instead of the labels; empty: none. In AnnData
                            ///< also n_genes for obs/n_genes
  bool images = false;      ///< samples are shown as images
  bool ids = false;         ///< samples are shown by name
};

class MapSource {
 public:
  /// Notes which labels an AnnData file has, where none were named, and maps of more than 3 columns. Throws DataError
  /// where the file holds no map, values of another length, or samples that are no images (N x H x W, N x 1 x H x W or
  /// N x 3 x H x W) but are to be shown as such; SystemError (71) where the maps are more than what is free.
  MapSource(const std::string& path, const MapSelection&, const Control& = {});
  MapSource(const MapSource&) = delete;

  /// A view of this object. Panels are titled by q and the cost, where they are known.
  ScatterInput input() const;

 private:
  void read_values(const std::string& path);
  void find_images();
  void read_ids();

  SampleFile file_;
  std::vector<Embedding> maps_;
  Labels labels_;
  std::vector<float> values_;
  std::string value_name_;
  std::optional<ImageSource> images_;
  std::vector<std::string> ids_;
};

}  // namespace espalier
