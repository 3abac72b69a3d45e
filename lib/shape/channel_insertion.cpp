#include "shape/channel_insertion.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace espalier {

namespace {

constexpr std::uint64_t kStream = 0x504c;  // apart from the streams of initial_parameters

/// What a new entry of a tensor is: weights of new outputs are drawn, weights for new inputs are 0, norms as they
/// begin.
class NewEntries {
 public:
  NewEntries(const Parameter& fresh, std::size_t inputs, std::uint64_t seed, std::size_t stream)
      : fresh_(fresh), random_(seed, kStream + (stream << 16)) {
    const std::size_t kernel =
        fresh.info.shape.size() > 1 ? fresh.info.size() / (fresh.info.shape[0] * fresh.info.shape[1]) : 1;
    deviation_ = std::sqrt(2.0 / double(inputs * kernel));
  }
  float at(std::size_t i, bool new_input) const {
    if (fresh_.info.shape.size() == 1) return fresh_.values[i];
    return new_input ? 0.0f : float(deviation_ * random_.normal(i));
  }

 private:
  const Parameter& fresh_;
  Random random_;
  double deviation_;
};

}  // namespace

Architecture widen_space(const Architecture& architecture, const ChannelLayout& layout, std::size_t space, int count) {
  if (space >= layout.spaces.size() || count < 1) throw BugError("{} new channels in space {}", count, space);
  Architecture result = architecture;
  for (const int l : layout.spaces[space].layers) {
    Layer& layer = result.layers[std::size_t(l)];
    const int features = count * layout.features[std::size_t(l)];
    if (layer.channels > 0) layer.channels += features;
    if (layer.kind == LayerKind::shortcut) layer.map.insert(layer.map.end(), std::size_t(features), -1);
  }
  return result;
}

GrownNetwork insert_channels(const Architecture& architecture, const Parameters& parameters,
                             const ChannelLayout& layout, std::size_t space, int count, std::uint64_t seed) {
  GrownNetwork grown;
  Architecture& wide = grown.network.architecture = widen_space(architecture, layout, space, count);
  grown.network.parameters = Parameters(wide);  // norms as they begin
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    Parameter& to = grown.network.parameters[p];
    const Parameter& from = parameters[p];
    const std::size_t outs = from.info.shape[0], ins = from.info.shape.size() > 1 ? from.info.shape[1] : 1;
    const std::size_t wide_outs = to.info.shape[0], wide_ins = to.info.shape.size() > 1 ? to.info.shape[1] : 1;
    const std::size_t kernel = to.info.size() / (wide_outs * wide_ins);
    std::vector<bool>& is_new = grown.is_new.emplace_back(to.info.size(), false);
    const NewEntries entries(to, ins, seed, p);
    for (std::size_t o = 0, at = 0; o < wide_outs; ++o)
      for (std::size_t i = 0; i < wide_ins; ++i)
        for (std::size_t k = 0; k < kernel; ++k, ++at) {
          is_new[at] = o >= outs || i >= ins;
          to.values[at] = is_new[at] ? entries.at(at, i >= ins) : from.values[(o * ins + i) * kernel + k];
        }
  }
  return grown;
}

}  // namespace espalier
