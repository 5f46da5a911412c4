#pragma once

#include <initializer_list>
#include <string_view>

#include "loader/core/error.h"
#include "runtime/job/job.h"

namespace pp {

/// Prepends the place in the job file to a message: the place of the key that
/// the message begins with ("train.freeze: ..."), or else of the first of
/// `keys` that the job sets.
std::string with_place(
    const WrittenJob& written,
    const std::string& message,
    std::initializer_list<std::string_view> keys);

/// with_place() for the keys that say how to cut the model. A message that
/// quotes one of the split points ('layers.2') gets the place of that one.
std::string with_split_place(const Job& job, const std::string& message);

/// Calls `decide` and adds the place in the job file to its Error(Usage).
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
