#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "loader/ir/graph.h"
#include "loader/ir/text_cursor.h"
#include "loader/ir/text_words.h"

// Parsers of types, sizes and words.
namespace pp::ir::text {

std::optional<ScalarType> try_scalar_type(std::string_view word);

/// Reads a parenthesised name and returns the name.
std::string in_parentheses(Cursor& cursor);
bool boolean(Cursor& cursor);
Device device(Cursor& cursor);
Autocast autocast(Cursor& cursor);
/// Converts the characters of a number that was just read from the cursor.
double to_real(const Cursor& cursor, const std::string& digits);
/// Reads the type of a value, with its tensor metadata or scalar, into `value`.
void read_type(Cursor& cursor, Value& value);

/// Reads a list: `open`, items separated by commas, `close`. Calls item() to
/// read each item.
template <typename Item>
void list(Cursor& cursor, char open, char close, const Item& item) {
  cursor.expect(open);
  if (cursor.accept(close)) {
    return;
  }
  do {
    item();
  } while (cursor.accept(','));
  cursor.expect(close);
}

/// Reads a parenthesised word and returns the enumerator that it stands for in
/// `table`.
template <typename Table>
auto enumerator(Cursor& cursor, const Table& table) {
  const Cursor start = cursor;
  const std::string word = in_parentheses(cursor);
  const auto* value = try_value_of(table, word);
  if (value == nullptr) {
    start.fail("unknown word '" + word + "'");
  }
  return *value;
}

}  // namespace pp::ir::text
