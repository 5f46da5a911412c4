#include "loader/torchscript/lower/list_access.h"

#include <algorithm>
#include <utility>

#include "loader/core/count_text.h"
#include "loader/torchscript/lower/hints.h"
#include "loader/torchscript/lower/nodes.h"

namespace pp::ts {

namespace {

/// Remembers the container's contents before the innermost block, a side of a
/// branch, changes them for the first time.
void remember(OuterBlock& block, const std::shared_ptr<Container>& container) {
  const bool is_known = std::ranges::any_of(
      block.before_changes, [&](const ContainerContents& before) {
        return before.container == container;
      });
  if (!is_known) {
    block.before_changes.push_back(
        {container, container->items, container->keys});
  }
}

}  // namespace

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
      refuse(
          call,
          verb + (" " + describe(item)) +
              ", whose number of dimensions is not known before the model "
              "runs");
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
    refuse(
        call,
        verb + (" " + describe(item)) +
            "; its length must be known before the model runs");
  }
  return list->items;
}

void check_changeable(
    const NodeCall& call,
    const std::shared_ptr<Container>& container,
    const char* verb) {
  if (!container->why_fixed.empty()) {
    refuse(call, verb + (" " + container->why_fixed));
  }
  if (container->block_depth >= call.lowering.block_depth()) {
    return;
  }
  OuterBlock& block = call.lowering.outer_blocks.back();
  if (!block.has_branch) {
    const bool is_list = container->kind == Container::Kind::List;
    refuse(
        call,
        verb + std::string(is_list ? " a list" : " a dictionary") +
            " made outside the enclosing loop; its contents would be unknown, "
            "because the number of iterations isn't known before the model "
            "runs; write into a tensor, or trace the model");
  }
  call.lowering.steps.add(
      block.before_changes.size() + container->items.size());
  remember(block, container);
}

Container& changeable_list(const NodeCall& call, const char* verb) {
  Container* list = try_list(call.inputs.at(0));
  if (list == nullptr || list->open_node) {
    refuse(
        call,
        verb + (" " + describe(call.inputs.at(0))) +
            "; only a list of known length can be changed");
  }
  check_changeable(
      call, *call.inputs.at(0).as<std::shared_ptr<Container>>(), verb);
  return *list;
}

size_t list_index(const NodeCall& call, int64_t length) {
  const auto index = try_int(call.inputs.at(1));
  if (!index) {
    refuse(call, "the list index is not known before the model runs");
  }
  if (*index < -length || *index >= length) {
    refuse(
        call,
        "list index " + std::to_string(*index) +
            " is out of range for a list of " +
            count_text(length, "item", "items"));
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
