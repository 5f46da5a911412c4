#include "loader/ir/text_cursor.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "loader/core/error.h"
#include "loader/ir/text_words.h"

namespace pp::ir::text {

void Cursor::skip_space() {
  while (position_ < text_.size()) {
    if (text_[position_] == '#') {
      position_ = std::min(text_.find('\n', position_), text_.size());
    } else if (
        std::isspace(static_cast<unsigned char>(text_[position_])) != 0) {
      ++position_;
    } else {
      return;
    }
  }
}

bool Cursor::accept(char symbol) {
  if (at_end() || text_[position_] != symbol) {
    return false;
  }
  ++position_;
  skip_space();
  return true;
}

void Cursor::expect(char symbol) {
  if (!accept(symbol)) {
    fail(std::string("expected '") + symbol + "'");
  }
}

std::string_view Cursor::peek_word() const {
  size_t end = position_;
  while (end < text_.size() && is_word_char(text_[end])) {
    ++end;
  }
  // In "%x: float32[2]" the colon is not part of the name.
  while (end > position_ && text_[end - 1] == ':') {
    --end;
  }
  return text_.substr(position_, end - position_);
}

bool Cursor::word_before(char symbol) const {
  const size_t end = position_ + peek_word().size();
  return end > position_ && end < text_.size() && text_[end] == symbol;
}

bool Cursor::accept_word(std::string_view keyword) {
  if (peek_word() != keyword) {
    return false;
  }
  position_ += keyword.size();
  skip_space();
  return true;
}

std::string Cursor::name() {
  if (peek() == '"') {
    return quoted();
  }
  const std::string out(peek_word());
  if (out.empty()) {
    fail("expected a name");
  }
  position_ += out.size();
  skip_space();
  return out;
}

std::string Cursor::quoted() {
  const size_t start = position_;
  if (peek() != '"') {
    fail("expected a quoted string");
  }
  std::string out;
  for (++position_; position_ < text_.size(); ++position_) {
    char c = text_[position_];
    if (c == '"') {
      ++position_;
      skip_space();
      return out;
    }
    if (c == '\\' && position_ + 1 < text_.size()) {
      c = text_[++position_];
      c = c == 'n' ? '\n' : c;
    }
    out += c;
  }
  fail_at(start, "a quoted string has no closing quote");
}

std::string Cursor::number() {
  size_t end = position_;
  const auto next_is_one_of = [&](std::string_view chars) {
    return end < text_.size() &&
           chars.find(text_[end]) != std::string_view::npos;
  };
  if (next_is_one_of("+-")) {
    ++end;
  }
  while (end < text_.size() &&
         (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 ||
          text_[end] == '.' ||
          (text_[end - 1] == 'e' && next_is_one_of("+-")))) {
    ++end;
  }
  std::string out(text_.substr(position_, end - position_));
  if (out.empty()) {
    fail("expected a number");
  }
  position_ = end;
  skip_space();
  return out;
}

int64_t Cursor::integer() {
  const Cursor start = *this;
  return to_integer(number(), start);
}

void Cursor::fail(const std::string& what) const {
  fail_at(position_, what);
}

void Cursor::fail_at(size_t position, const std::string& what) const {
  const std::string_view before = text_.substr(0, position);
  const auto line = 1 + std::ranges::count(before, '\n');
  const size_t column = position - (before.rfind('\n') + 1) + 1;
  throw input_error(
      "graph text, line " + std::to_string(line) + ", column " +
      std::to_string(column) + ": " + what);
}

int64_t to_integer(std::string_view digits, const Cursor& at) {
  int64_t out = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, out);
  if (error != std::errc{} || stop != end) {
    at.fail("expected an integer, found '" + std::string(digits) + "'");
  }
  return out;
}

}  // namespace pp::ir::text
