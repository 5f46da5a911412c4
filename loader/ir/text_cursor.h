#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pp::ir::text {

/// Walks over text, token by token. White space, line ends and comments are
/// skipped. Members that fail throw Error(Input) with line and column.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) { skip_space(); }

  bool at_end() const { return position_ == text_.size(); }
  /// First character of the next token; 0 at the end.
  char peek() const { return at_end() ? '\0' : text_[position_]; }

  /// Steps over `symbol` if it comes next.
  bool accept(char symbol);
  void expect(char symbol);
  /// Steps over the next word if it is `keyword`.
  bool accept_word(std::string_view keyword);
  /// Returns the next word without stepping over it; empty if there is none.
  std::string_view peek_word() const;
  /// Whether `symbol` directly follows the next word.
  bool word_before(char symbol) const;

  /// Reads a bare word or a quoted text.
  std::string name();
  std::string quoted();
  /// Reads the text of an integer, of a number with a point or an exponent,
  /// `inf` or `nan`.
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

/// throws Error(Input) at the cursor if `digits` are not an integer
int64_t to_integer(std::string_view digits, const Cursor& at);

}  // namespace pp::ir::text
