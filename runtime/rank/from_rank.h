#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "loader/core/error.h"

namespace pp {

/// Makes the error for an unexpected text that another rank sent or left in the
/// store. `what` completes the message "rank 1 sent an unexpected message
/// instead of ...", for example "its list of checkpoints".
inline Error not_from_rank(int rank, const std::string& what) {
  return runtime_error(
      "rank " + std::to_string(rank) +
      " sent an unexpected message instead of " + what +
      "; does every rank run the same version of pp?");
}

/// Parses JSON that another rank wrote, and returns what `read` makes of it.
/// throws  Error(Runtime), made by not_from_rank(): the text isn't JSON, or
///         `read` doesn't find what it needs
template <typename Read>
auto from_rank(
    const std::string& text, int rank, const std::string& what, Read read) {
  try {
    return read(nlohmann::json::parse(text));
  } catch (const nlohmann::json::exception&) {
    throw not_from_rank(rank, what);
  }
}

/// Parses a number that another rank wrote.
/// throws  Error(Runtime), made by not_from_rank(): the text isn't an integer
///         from `low` to `high`
inline int64_t number_from_rank(
    const std::string& text,
    int rank,
    const std::string& what,
    int64_t low,
    int64_t high) {
  const auto number = from_rank(text, rank, what, [](const auto& json) {
    return json.template get<int64_t>();
  });
  if (number < low || number > high) {
    throw not_from_rank(rank, what);
  }
  return number;
}

}  // namespace pp
