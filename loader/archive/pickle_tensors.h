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
  ir::TensorMeta tensor;  ///< sizes, strides, storage offset
  std::string record;     ///< the storage's record in the archive
};

/// A value from the restricted pickle reader: numbers, strings, tensors, lists,
/// tuples and dicts. Nothing is executed; any other object is refused by name.
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
/// throws  Error(Input): an unknown global, a damaged stream
PickleValue read_pickle(const ZipReader& archive);

}  // namespace pp
