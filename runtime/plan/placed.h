#pragma once

#include <initializer_list>
#include <string_view>

#include "loader/core/error.h"
#include "runtime/job/job.h"

namespace pp {

/// Returns the message with the place in the job file before it: that of the
/// key that it begins with ("train.freeze: ..."), else of the first of `keys`
/// that was written.
std::string with_place(
    const WrittenJob& written,
    const std::string& message,
    std::initializer_list<std::string_view> keys);

/// with_place() for the keys that say how to cut the model. A message that
/// quotes one of the split points ('layers.2') has that one's place.
std::string with_split_place(const Job& job, const std::string& message);

/// Runs a decision of the plan. Its Error(Usage), which knows only what is
/// wrong, gets the place in the job file.
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
