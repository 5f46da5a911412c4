#pragma once

#include <optional>
#include <string_view>

namespace pp::ts {

/// The function on numbers, such as "_operator.add", that an operator of
/// TorchScript's ("aten::add") is where it works on numbers; empty: none.
std::string_view number_target(std::string_view operator_name);

/// The other way round.
std::string_view number_operator(std::string_view target);

}  // namespace pp::ts
