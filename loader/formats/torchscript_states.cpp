#include "loader/formats/torchscript_states.h"

#include <algorithm>
#include <tuple>

#include "loader/core/error.h"

namespace pp::ts {

namespace {

/// Which elements of which storage: two tensors that agree are one state.
using Identity = std::
    tuple<const void*, int64_t, std::vector<int64_t>, std::vector<int64_t>>;

class Walk {
 public:
  Walk(
      Builder& builder,
      std::map<std::pair<const void*, std::string>, Made>& by_attribute)
      : builder_(builder), by_attribute_(by_attribute) {}

  void visit(const c10::ivalue::Object& object, const std::string& prefix) {
    if (++depth_ > kMostDepth) {
      throw input_error("modules contain one another without end");
    }
    const c10::ClassTypePtr type = object.type();
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
  static constexpr int kMostDepth = 200;

  static ir::StateKind kind_of(const c10::ClassType& type, size_t slot) {
    if (type.is_parameter(slot)) {
      return ir::StateKind::Parameter;
    }
    return type.is_buffer(slot) ? ir::StateKind::Buffer
                                : ir::StateKind::Constant;
  }

  void add(
      const c10::ivalue::Object& object, size_t slot, const std::string& fqn) {
    const c10::ClassTypePtr type = object.type();
    const at::Tensor tensor = object.getSlot(slot).toTensor();
    const ir::StateKind kind = kind_of(*type, slot);
    const std::pair<const void*, std::string> attribute{
        &object, type->getAttributeName(slot)};
    const bool empty =
        tensor.layout() != c10::kStrided || tensor.storage().nbytes() == 0;
    const Identity identity{
        empty ? static_cast<const void*>(tensor.unsafeGetTensorImpl())
              : tensor.storage().data(),
        empty ? 0 : tensor.storage_offset(),
        tensor.sizes().vec(),
        empty ? std::vector<int64_t>() : tensor.strides().vec()};
    if (const auto found = seen_.find(identity); found != seen_.end()) {
      builder_.graph().states[found->second.first].aliases.push_back(fqn);
      by_attribute_.emplace(attribute, found->second.second);
      return;
    }
    const char* letter = kind == ir::StateKind::Parameter ? "p_"
                         : kind == ir::StateKind::Buffer  ? "b_"
                                                          : "c_";
    std::string stem = letter + fqn;
    std::ranges::replace(stem, '.', '_');
    const Made made = builder_.add_state(fqn, kind, tensor, stem);
    seen_.emplace(
        identity, std::pair(builder_.graph().states.size() - 1, made));
    by_attribute_.emplace(attribute, made);
  }

  Builder& builder_;
  std::map<std::pair<const void*, std::string>, Made>& by_attribute_;
  std::map<Identity, std::pair<size_t, Made>> seen_;
  int depth_ = 0;
};

}  // namespace

States::States(const torch::jit::Module& root, Builder& builder) {
  Walk(builder, by_attribute_).visit(*root._ivalue(), "");
}

const Made* States::try_find(
    const c10::ivalue::Object& object, const std::string& name) const {
  const auto found = by_attribute_.find({&object, name});
  return found == by_attribute_.end() ? nullptr : &found->second;
}

}  // namespace pp::ts
