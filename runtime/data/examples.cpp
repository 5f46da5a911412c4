#include "runtime/data/examples.h"

#include "runtime/data/source.h"

namespace pp {

InputHints examples_of(const DataConfig& data, int64_t num_rows) {
  InputHints out;
  for (const auto& [name, config] : data.inputs) {
    const bool is_mask = !config.mask.empty();
    const Source source(
        name, is_mask ? data.inputs.at(config.mask) : config, 0);
    ir::TensorMeta& meta = out[name];
    meta.dtype = is_mask ? ir::ScalarType::Long : source.dtype();
    for (const int64_t size : source.sizes()) {
      meta.sizes.push_back({size, {}});
    }
    if (source.has_rows()) {
      meta.sizes[static_cast<size_t>(source.split_dim())].value = num_rows;
    }
  }
  return out;
}

}  // namespace pp
