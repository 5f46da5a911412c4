#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "loader/archive/pickle_tensors.h"

/// The stack machine inside the restricted pickle reader. A pickle is a program
/// for such a machine, and its objects refer to one another (a list is memoized
/// first and filled later). For that reason, objects are stored in a heap and
/// identified by their index in the heap.
namespace pp::pickle {

using Id = size_t;

struct Sequence {
  bool tuple = false;
  std::vector<Id> items;
};

struct Dict {
  std::vector<std::pair<Id, Id>> items;
};

/// A Python name such as `torch._utils._rebuild_tensor_v2`. It names a function
/// that call() in pickle_torch.h supports, an element type or a storage type.
struct Global {
  std::string name;
};

/// A storage that `torch.save` wrote, located in the archive.
struct Storage {
  std::string record;
  ir::Device device;
  /// The element type; Byte for an untyped storage.
  ir::ScalarType dtype = ir::ScalarType::Byte;
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
/// All objects, by Id. It is a deque, so that references to objects stay valid
/// while others are added.
using Heap = std::deque<Object>;

/// Runs the program in `data.pkl`, adds its objects to `heap` and returns the
/// id of the result.
/// label   names the file in messages
/// throws  Error(Input): the program is damaged or asks for a forbidden global
Id run(
    std::string_view program,
    const ZipReader& archive,
    const std::string& label,
    Heap& heap);

}  // namespace pp::pickle
