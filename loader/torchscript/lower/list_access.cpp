#include "loader/torchscript/lower/list_access.h"

#include <utility>

#include "loader/torchscript/lower/hints.h"
#include "loader/torchscript/lower/nodes.h"

namespace pp::ts {

Container* try_list(const Item& item) {
  const auto* pointer = item.as<std::shared_ptr<Container>>();
  return pointer != nullptr && (*pointer)->kind == Container::Kind::List
             ? pointer->get()
             : nullptr;
}

std::optional<Items> try_list_items(
    const NodeCall& call, const Item& item, const char* verb) {
  if (const auto* sizes = item.as<TensorSizes>()) {
    const auto hint = try_tensor_hint(call.lowering, sizes->tensor);
    if (!hint) {
      refuse(call, verb + (" " + describe(item)));
    }
    Items out;
    for (int64_t dim = 0; dim < hint->dim(); ++dim) {
      out.push_back({add_size(call.lowering, sizes->tensor, dim)});
    }
    return out;
  }
  const Container* list = try_list(item);
  if (list == nullptr) {
    return std::nullopt;
  }
  if (list->open_node) {
    refuse(call, verb + (" " + describe(item)));
  }
  return list->items;
}

void check_changeable(
    const NodeCall& call, const Container& container, const char* verb) {
  if (!container.why_fixed.empty()) {
    refuse(call, verb + (" " + container.why_fixed));
  }
  if (container.block_depth < call.lowering.block_depth()) {
    const bool is_list = container.kind == Container::Kind::List;
    refuse(
        call,
        verb + std::string(is_list ? " a list" : " a dictionary") +
            " made outside the enclosing branch or loop, which depends on "
            "computed values, so its contents would be unknown; write into a "
            "tensor, or trace the model");
  }
}

Container& changeable_list(const NodeCall& call, const char* verb) {
  Container* list = try_list(call.inputs.at(0));
  if (list == nullptr || list->open_node) {
    refuse(call, verb + (" " + describe(call.inputs.at(0))));
  }
  check_changeable(call, *list, verb);
  return *list;
}

size_t list_index(const NodeCall& call, int64_t length) {
  const auto index = try_int(call.inputs.at(1));
  if (!index || *index < -length || *index >= length) {
    refuse(call, "list index is out of range or unknown");
  }
  return static_cast<size_t>(*index < 0 ? *index + length : *index);
}

Item new_list(const NodeCall& call, Items items) {
  call.lowering.steps.add(items.size());
  return container_item(
      {.kind = Container::Kind::List,
       .type = call.node.output()->type(),
       .items = std::move(items),
       .keys = {},
       .open_node = {},
       .block_depth = call.lowering.block_depth()});
}

}  // namespace pp::ts
