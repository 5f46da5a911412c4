#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/schedule.h"

namespace pp {

/// A generated schedule as CSV, the picture to compare.
inline std::string csv(std::string_view name, const Shape& shape) {
  return to_csv(find_schedule(name).generate(shape));
}

/// Parses a picture.
inline Schedule schedule_of(std::string_view text) {
  return parse_csv(text, "test.csv");
}

/// The message of the error that `action` must throw.
template <typename Action>
std::string message_of(ErrorKind kind, Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace pp
