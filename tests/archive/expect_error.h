#pragma once

#include <string>

#include <gtest/gtest.h>

#include "loader/core/error.h"

namespace pp::test {

/// Expects that `action` throws an Error of this kind with `text` in its
/// one-line message.
template <class Action>
void expect_error(ErrorKind kind, const std::string& text, Action action) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown; expected: " << text;
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.kind(), kind) << message;
    EXPECT_NE(message.find(text), std::string::npos)
        << "message: " << message << "\nexpected in it: " << text;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

template <class Action>
void expect_input_error(const std::string& text, Action action) {
  expect_error(ErrorKind::Input, text, action);
}

}  // namespace pp::test
