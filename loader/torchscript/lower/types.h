#pragma once

#include <optional>
#include <vector>

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "loader/ir/graph.h"

// Functions on TorchScript types that both loading and writing use.
namespace pp::ts {

/// Returns the type inside an Optional, or `type` itself if it is no Optional.
/// `type` may be null.
c10::TypePtr without_optional(const c10::TypePtr& type);

/// Returns the element type of a list type; null for every other type and for
/// null.
c10::TypePtr try_element_type(const c10::TypePtr& type);

bool is_tensor_list(const c10::TypePtr& type);

/// Returns Int, Float or Bool for a type of numbers; nullopt for every other
/// type.
std::optional<ir::TypeKind> try_number_kind(const c10::TypePtr& type);

/// Creates a list of `values`.
/// type  the type of the list; if it is null or no list type, the list may hold
///       anything
c10::IValue list_value(
    const c10::TypePtr& type, std::vector<c10::IValue> values);

}  // namespace pp::ts
