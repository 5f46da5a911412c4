#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pp::ir::text {

/// Walks over text, token by token; white space, line ends and comments count
/// for nothing. Everything that fails throws Error(Input) with line and column.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) { skip_space(); }

  bool at_end() const { return position_ == text_.size(); }
  /// The character the next token starts with; 0 at the end.
  char peek() const { return at_end() ? '\0' : text_[position_]; }

  /// Takes `symbol` if it comes next.
  bool try_take(char symbol);
  void take(char symbol);
  /// Takes `keyword` if it is the whole of the next word.
  bool try_take_word(std::string_view keyword);
  /// The next word without taking it; empty if there is none.
  std::string_view peek_word() const;
  /// Whether the next word is directly followed by `symbol`.
  bool word_before(char symbol) const;

  /// A bare word or a quoted text.
  std::string name();
  std::string quoted();
  /// An integer, or a number with a point, an exponent, `inf`, `nan`.
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

int64_t to_integer(std::string_view digits, const Cursor& at);

}  // namespace pp::ir::text
