#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "loader/archive/pickle_tensors.h"

/// The machine inside the restricted pickle reader. A pickle is a program for a
/// stack machine whose objects refer to one another (a list is memoized first
/// and filled later). So objects lie in a heap and are named by their index in
/// it.
namespace pp::pickle {

using Id = size_t;

struct Sequence {
  bool tuple = false;
  std::vector<Id> items;
};

struct Dict {
  std::vector<std::pair<Id, Id>> items;
};

/// A Python name such as `torch._utils._rebuild_tensor_v2`: a function that
/// call() in pickle_torch.h supports, an element type or a storage type.
struct Global {
  std::string name;
};

/// A `torch.save` storage, found in the archive.
struct Storage {
  std::string record;
  ir::Device device;
  ir::ScalarType dtype = ir::ScalarType::Byte;  ///< Byte if untyped
  uint64_t num_bytes = 0;
};

using Object = std::variant<
    std::monostate,
    bool,
    int64_t,
    double,
    std::string,
    Sequence,
    Dict,
    Global,
    Storage,
    PickledTensor>;
/// A deque, so that objects stay in place while others are added.
using Heap = std::deque<Object>;

/// Runs the program in `data.pkl` and returns the id of its result in `heap`.
/// label   names the file in messages
/// throws  Error(Input): the program is damaged or asks for a forbidden global
Id run(
    std::string_view program,
    const ZipReader& archive,
    const std::string& label,
    Heap& heap);

}  // namespace pp::pickle
