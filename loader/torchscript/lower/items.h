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

// Items: the things that values of TorchScript code stand for while the code is
// lowered. Most of them (modules, lists, constants) are gone afterwards.
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
/// tensors; the graph keeps the number itself.
struct NumberTensor {
  std::variant<Constant, GraphValue> number;
};

/// A tensor constant in the code. It becomes a state where it is used as a
/// tensor.
struct Literal {
  at::Tensor tensor;
};

/// An object, usually a module.
struct Instance {
  c10::intrusive_ptr<c10::ivalue::Object> object;
  std::string fqn;
};

/// A list, tuple or dict. Items share one container, because everyone who holds
/// a list sees what is appended to it.
struct Container {
  enum class Kind { List, Tuple, Dict };
  Kind kind = Kind::List;
  c10::TypePtr type;
  Items items;
  std::vector<std::string> keys;  ///< only for a dict
  /// Position of the node that returns this list of tensors, as long as the
  /// list's length is unknown.
  std::optional<size_t> open_node;
  size_t block_depth = 0;  ///< number of branches and loops around its maker
  /// Names the container in a message if the code may not change it, as "a list
  /// that attribute 'a' holds"; "" if it may.
  std::string why_fixed = {};
};

/// The list of all sizes of a tensor.
struct TensorSizes {
  ir::ValueId tensor = ir::kNoValue;
};

/// The length of a list whose length is unknown so far.
struct ListLength {
  std::shared_ptr<Container> list;
};

/// A function of the model's code.
struct Callable {
  torch::jit::Function* function = nullptr;
};

/// A text that is not known before the model runs. Only messages may use it.
struct Text {};

/// A `torch.no_grad()` object.
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

/// Wraps a constant in an item without looking into it.
Item constant_item(c10::IValue value);

/// Converts a constant to items; lists, tuples and dicts become containers,
/// whose items are counted as steps.
/// throws Error(Input): an object, or a dict whose keys are not strings
Item item_of(const c10::IValue& value, StepCounter& steps);

/// Counts the items of a container and of those in it, before something reads
/// them all. A container that is in several others is counted once for each.
void count_items(const Item& item, StepCounter& steps);

/// Forbids the code to change the containers in an item, with the reason that
/// Container::why_fixed describes.
void fix_containers(const Item& item, const std::string& why);

/// The number that a number tensor holds, as an item.
Item number_in(const NumberTensor& tensor);

/// The item as a constant, if all of it is known and it holds no tensor. If it
/// may be a container, call count_items() first.
std::optional<c10::IValue> try_constant(const Item& item);
std::optional<int64_t> try_int(const Item& item);

/// Whether both items are the same known constant.
bool is_same_constant(const Item& a, const Item& b);

/// Whether both items are the same constant, value of the graph or container.
bool is_same_item(const Item& a, const Item& b);

/// Names an item in a message: "a tensor or number", "a list of unknown
/// length".
std::string describe(const Item& item);

}  // namespace pp::ts
