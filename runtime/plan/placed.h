#pragma once

#include <initializer_list>
#include <string_view>

#include "loader/core/error.h"
#include "runtime/job/job.h"

namespace pp {

/// Returns `message` with a place in the job file in front of it: the place of
/// the key that the message begins with ("train.freeze: ..."), or else the
/// place of the first of `keys` that the job sets.
std::string with_place(
    const WrittenJob& written,
    const std::string& message,
    std::initializer_list<std::string_view> keys);

/// Does what with_place() does, for the keys that say how to cut the model. If
/// the message quotes one of the split points ('layers.2'), the place is that
/// of the split point.
std::string with_split_place(const Job& job, const std::string& message);

/// Calls `decide` and returns its result. If it throws Error(Usage), adds the
/// place in the job file to the message, see with_place().
template <typename Decide>
auto placed(
    const Job& job,
    std::initializer_list<std::string_view> keys,
    const Decide& decide) {
  try {
    return decide();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Usage) {
      throw;
    }
    throw usage_error(with_place(job.written, error.what(), keys));
  }
}

}  // namespace pp
