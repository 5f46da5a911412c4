#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "loader/archive/zip_reader.h"
#include "loader/ir/types.h"

namespace pp {

/// A tensor inside a `torch.save` file.
struct PickledTensor {
  ir::TensorMeta tensor;  ///< dtype, sizes, strides, storage offset
  std::string record;     ///< the storage's record in the archive
};

/// A value from the restricted pickle reader: None (std::monostate), a number,
/// string, tensor, list, tuple or dict. The reader executes no code; it refuses
/// any other object and names it.
struct PickleValue {
  struct Sequence {
    bool tuple = false;
    std::vector<PickleValue> items;
  };
  struct Entry;
  struct Mapping {
    std::vector<Entry> items;
  };
  std::variant<
      std::monostate,
      bool,
      int64_t,
      double,
      std::string,
      PickledTensor,
      Sequence,
      Mapping>
      value;
};

/// One entry of a dict.
struct PickleValue::Entry {
  PickleValue key;
  PickleValue value;
};

/// Reads `data.pkl` of an archive made by `torch.save`.
///
/// throws  Error(Input): the pickle names an unknown global or is damaged
PickleValue read_pickle(const ZipReader& archive);

}  // namespace pp
