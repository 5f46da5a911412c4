#include "loader/torchscript/lower/states.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "loader/core/error.h"
#include "loader/torchscript/lower/limits.h"
#include "loader/torchscript/lower/values.h"

namespace pp::ts {

namespace {

/// Identifies a tensor: whether it is trained, its storage, and the elements
/// that it uses. Tensors with equal identities are one state. A buffer over a
/// parameter's memory is a state of its own, which sees the parameter's
/// updates.
using TensorIdentity = std::tuple<
    bool,
    const void*,
    int64_t,
    std::vector<int64_t>,
    std::vector<int64_t>>;

TensorIdentity identity_of(ir::StateKind kind, const at::Tensor& tensor) {
  const bool learns = kind == ir::StateKind::Parameter;
  if (tensor.layout() != c10::kStrided || tensor.storage().nbytes() == 0) {
    return {learns, tensor.unsafeGetTensorImpl(), 0, tensor.sizes().vec(), {}};
  }
  return {
      learns,
      tensor.storage().data(),
      tensor.storage_offset(),
      tensor.sizes().vec(),
      tensor.strides().vec()};
}

ir::StateKind kind_of_slot(const c10::ClassType& type, size_t slot) {
  if (type.is_parameter(slot)) {
    return ir::StateKind::Parameter;
  }
  return type.is_buffer(slot) ? ir::StateKind::Buffer : ir::StateKind::Constant;
}

/// "p_layers_0_weight": names a parameter's value as torch.export does.
std::string value_name(ir::StateKind kind, const std::string& fqn) {
  const char* letter = kind == ir::StateKind::Parameter ? "p_"
                       : kind == ir::StateKind::Buffer  ? "b_"
                                                        : "c_";
  std::string name = letter + fqn;
  std::ranges::replace(name, '.', '_');
  return name;
}

/// Visits a tree of modules and adds their tensors.
class StateWalk {
 public:
  explicit StateWalk(Lowering& lowering) : lowering_(lowering) {}

  void visit(const c10::ivalue::Object& object, const std::string& prefix) {
    if (++depth_ > kMaxModuleDepth) {
      throw input_error(
          "modules are nested more than " + std::to_string(kMaxModuleDepth) +
          " deep");
    }
    const c10::ClassTypePtr type = object.type();
    num_attributes_ += type->numAttributes();
    if (num_attributes_ > kMaxAttributes) {
      throw input_error(
          "its modules have more than " + std::to_string(kMaxAttributes) +
          " attributes (a module shared by others counts once for each path "
          "to it)");
    }
    for (size_t slot = 0; slot < type->numAttributes(); ++slot) {
      const std::string& name = type->getAttributeName(slot);
      const c10::IValue& value = object.getSlot(slot);
      if (value.isTensor() && value.toTensor().defined()) {
        add(object, slot, prefix + name);
      } else if (value.isObject() && value.toObjectRef().type()->is_module()) {
        visit(value.toObjectRef(), prefix + name + ".");
      }
    }
    --depth_;
  }

 private:
  struct Seen {
    size_t index;  // in graph.states
    GraphValue value;
  };

  void add(
      const c10::ivalue::Object& object, size_t slot, const std::string& fqn) {
    const c10::ClassTypePtr type = object.type();
    const at::Tensor tensor = object.getSlot(slot).toTensor();
    const AttributeKey attribute{&object, type->getAttributeName(slot)};
    const ir::StateKind kind = kind_of_slot(*type, slot);
    const TensorIdentity identity = identity_of(kind, tensor);
    if (const auto found = seen_.find(identity); found != seen_.end()) {
      const Seen& first = found->second;
      lowering_.graph.states[first.index].aliases.push_back(fqn);
      lowering_.attributes.emplace(attribute, first.value);
      return;
    }
    const GraphValue value =
        add_state(lowering_, fqn, kind, tensor, value_name(kind, fqn));
    seen_.emplace(identity, Seen{lowering_.graph.states.size() - 1, value});
    lowering_.attributes.emplace(attribute, value);
  }

  Lowering& lowering_;
  std::map<TensorIdentity, Seen> seen_;
  int depth_ = 0;
  size_t num_attributes_ = 0;
};

}  // namespace

void add_states(Lowering& lowering, const torch::jit::Module& root) {
  StateWalk(lowering).visit(*root._ivalue(), "");
}

std::optional<GraphValue> try_find_state(
    const Lowering& lowering,
    const c10::ivalue::Object& object,
    const std::string& attribute) {
  const auto found = lowering.attributes.find({&object, attribute});
  return found == lowering.attributes.end() ? std::nullopt
                                            : std::optional(found->second);
}

}  // namespace pp::ts
