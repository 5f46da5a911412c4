#pragma once

#include <optional>
#include <vector>

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "loader/ir/graph.h"

// Questions about TorchScript types that loading and writing both ask.
namespace pp::ts {

/// The type inside an Optional, or the type itself; `type` may be null.
c10::TypePtr without_optional(const c10::TypePtr& type);

/// The element type of a list type; null for every other type and for null.
c10::TypePtr try_element_type(const c10::TypePtr& type);

bool is_tensor_list(const c10::TypePtr& type);

/// Int, Float or Bool; nothing for every other type.
std::optional<ir::TypeKind> try_number_kind(const c10::TypePtr& type);

/// Makes a list of `values`.
/// type  the list's type; for null or another type, the list may hold anything
c10::IValue list_value(
    const c10::TypePtr& type, std::vector<c10::IValue> values);

}  // namespace pp::ts
