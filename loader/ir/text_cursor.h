#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pp::ir::text {

/// Walks over a text, token by token. Skips white space, line ends and
/// comments. Members that fail throw Error(Input) with line and column.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) { skip_space(); }

  bool at_end() const { return position_ == text_.size(); }
  /// The first character of the next token; 0 at the end.
  char peek() const { return at_end() ? '\0' : text_[position_]; }

  /// Steps over `symbol` and returns true if it comes next; else returns false.
  bool accept(char symbol);
  void expect(char symbol);
  /// Steps over the next word and returns true if it is `keyword`; else returns
  /// false.
  bool accept_word(std::string_view keyword);
  /// Returns the next word without stepping over it; empty if there is none.
  std::string_view peek_word() const;
  /// Whether `symbol` directly follows the next word.
  bool word_before(char symbol) const;

  /// Reads a name: a bare word or a quoted string.
  std::string name();
  std::string quoted();
  /// Reads a number and returns its characters: an integer, a number with a
  /// point or an exponent, `inf` or `nan`.
  std::string number();
  int64_t integer();

  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_at(size_t position, const std::string& what) const;
  size_t position() const { return position_; }

 private:
  void skip_space();

  std::string_view text_;
  size_t position_ = 0;
};

/// Converts the characters of an integer.
/// throws  Error(Input) naming the position of `at`: `digits` are not an
///         integer
int64_t to_integer(std::string_view digits, const Cursor& at);

}  // namespace pp::ir::text
