#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pp::ts {

/// The function on numbers, such as "_operator.add", that an operator of
/// TorchScript's ("aten::add") is where it works on numbers; empty: none.
std::string_view number_target(std::string_view operator_name);

/// The other way round.
std::string_view number_operator(std::string_view target);

/// The result of a function on two whole numbers; nothing where it has none, or
/// is not one of + - * // %.
std::optional<int64_t> try_compute(
    std::string_view target, int64_t a, int64_t b);

}  // namespace pp::ts
