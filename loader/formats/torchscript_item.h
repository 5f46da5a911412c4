#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <ATen/core/function.h>
#include <ATen/core/ivalue.h>

#include "loader/ir/graph.h"

// What a TorchScript value stands for while a graph is lowered: most of them
// (modules, lists, constants) are gone afterwards.
namespace pp::ts {

struct Item;

/// A number, text, truth value, device or None that is known now.
struct Fixed {
  c10::IValue value;
};

/// A value of the graph that is being made: a tensor or a number.
struct Made {
  ir::ValueId id = ir::kNoValue;
};

/// A tensor without dimensions that holds a number, as traces make of sizes:
/// the number itself, a Fixed or a Made one.
struct Number {
  std::variant<Fixed, Made> number;
};

/// A tensor written into the code. It becomes a state where it is used as one.
struct Literal {
  at::Tensor tensor;
};

struct Instance {
  c10::intrusive_ptr<c10::ivalue::Object> object;
  std::string fqn;
};

/// A list, tuple or dict; shared, since a list that is appended to changes for
/// everyone.
struct Compound {
  enum class Kind { List, Tuple, Dict };
  Kind kind = Kind::List;
  c10::TypePtr type;
  std::vector<Item> items;
  std::vector<std::string> keys;  ///< of a dict
  /// A list of tensors that this node gives, whose length is not known yet.
  std::optional<size_t> open_node;
  size_t block = 0;  ///< how deep in branches and loops it was made
};

/// The sizes of a tensor.
struct Sizes {
  ir::ValueId tensor = ir::kNoValue;
};

/// The length of a list that is not known yet.
struct Length {
  std::shared_ptr<Compound> list;
};

struct Callable {
  torch::jit::Function* function = nullptr;
};

struct Item {
  std::variant<
      Fixed,
      Made,
      Number,
      Literal,
      Instance,
      std::shared_ptr<Compound>,
      Sizes,
      Length,
      Callable>
      held;

  template <class T>
  const T* as() const {
    return std::get_if<T>(&held);
  }
  const Compound* compound() const {
    const auto* pointer = as<std::shared_ptr<Compound>>();
    return pointer == nullptr ? nullptr : pointer->get();
  }
  bool is_none() const {
    const auto* fixed = as<Fixed>();
    return fixed != nullptr && fixed->value.isNone();
  }
};

/// A constant as items: lists, tuples and dicts taken apart.
/// throws Error(Input): an object, a dict whose keys are no texts
Item item_of(const c10::IValue& value);

/// The constant that an item is, if all of it is known and holds no tensor.
std::optional<c10::IValue> try_constant(const Item& item);

/// What to call an item in a message: "a tensor", "a list".
std::string describe(const Item& item);

}  // namespace pp::ts
