#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <ATen/core/function.h>
#include <ATen/core/ivalue.h>

#include "loader/ir/graph.h"
#include "loader/torchscript/lower/step_counter.h"

// While TorchScript code is lowered, each of its values stands for an
// item. Most items (modules, lists, constants) don't exist in the lowered
// graph.
namespace pp::ts {

struct Item;
using Items = std::vector<Item>;

/// A number, string, bool, device or None that is known at load time.
struct Constant {
  c10::IValue value;
};

/// A value of the graph: a tensor or a number.
struct GraphValue {
  ir::ValueId id = ir::kNoValue;
};

/// A tensor without dimensions that holds a number. Traces store sizes in such
/// tensors; the graph has the number instead of the tensor.
struct NumberTensor {
  std::variant<Constant, GraphValue> number;
};

/// A tensor constant in the code. It becomes a state when it is used as a
/// tensor.
struct Literal {
  at::Tensor tensor;
};

/// An object, usually a module.
struct Instance {
  c10::intrusive_ptr<c10::ivalue::Object> object;
  /// The module's FQN; empty for the root.
  std::string fqn;
};

/// A list, tuple or dict. Items that stand for the same list share one
/// container, so that an append to the list is visible through all of them.
struct Container {
  enum class Kind { List, Tuple, Dict };
  Kind kind = Kind::List;
  c10::TypePtr type;
  Items items;
  std::vector<std::string> keys;  ///< one per item; only for a dict
  /// If the length of this list of tensors is still unknown: the position in
  /// graph.nodes of the node that returns the list. nullopt: the length is
  /// known.
  std::optional<size_t> open_node;
  /// Number of branches and loops around the code that made the container.
  size_t block_depth = 0;
  /// If code must not change the container: its description for messages, such
  /// as "a list that attribute 'a' holds". Empty: the code may change it.
  std::string why_fixed = {};
};

/// The list of all sizes of a tensor, as aten::size returns it.
struct TensorSizes {
  ir::ValueId tensor = ir::kNoValue;
};

/// The length of a list of tensors, while that length is unknown.
struct ListLength {
  std::shared_ptr<Container> list;
};

/// A function of the model's code.
struct Callable {
  torch::jit::Function* function = nullptr;
};

/// A string that is not known before the model runs. Only messages may use it.
struct Text {};

/// The object of a `torch.no_grad()` block.
struct NoGrad {};

struct Item {
  std::variant<
      Constant,
      GraphValue,
      NumberTensor,
      Literal,
      Instance,
      std::shared_ptr<Container>,
      TensorSizes,
      ListLength,
      Callable,
      Text,
      NoGrad>
      held;

  template <class T>
  const T* as() const {
    return std::get_if<T>(&held);
  }
  const Container* container() const {
    const auto* pointer = as<std::shared_ptr<Container>>();
    return pointer == nullptr ? nullptr : pointer->get();
  }
  bool is_none() const {
    const auto* constant = as<Constant>();
    return constant != nullptr && constant->value.isNone();
  }
};

/// Wraps a container in an item.
Item container_item(Container container);

/// Wraps a constant in an item. A list stays one constant, unlike in item_of().
Item constant_item(c10::IValue value);

/// Converts a constant to an item. Lists, tuples and dicts become containers,
/// whose items count as steps.
/// throws  Error(Input): the constant contains an object or a dict whose keys
///         are not strings, or there are too many steps
Item item_of(const c10::IValue& value, StepCounter& steps);

/// Adds the number of items in a container, nested ones included, to `steps`.
/// Call this before code that reads them all. A container that several others
/// share counts once for each of them.
void count_items(const Item& item, StepCounter& steps);

/// Forbids the model's code to change the containers in an item, at any depth.
/// why  describes the container in messages, see Container::why_fixed
void fix_containers(const Item& item, const std::string& why);

/// Returns the number in a number tensor, as an item.
Item number_in(const NumberTensor& tensor);

/// Converts an item to a constant; nullopt if a part of it is unknown or it
/// contains a tensor. If the item may be a container, call count_items() first.
std::optional<c10::IValue> try_constant(const Item& item);
/// Converts an item to an integer; nullopt if it is not a known integer.
std::optional<int64_t> try_int(const Item& item);

/// Whether both items are known and equal constants.
bool is_same_constant(const Item& a, const Item& b);

/// Whether both items are equal constants, the same value of the graph or the
/// same container.
bool is_same_item(const Item& a, const Item& b);

/// Describes an item for messages: "a tensor or number", "a list of unknown
/// length".
std::string describe(const Item& item);

}  // namespace pp::ts
