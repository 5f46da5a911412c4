#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "loader/ir/graph.h"
#include "loader/ir/text_cursor.h"
#include "loader/ir/text_words.h"

// Parts of the text form that name no value: types, sizes, words.
namespace pp::ir::text {

std::optional<ScalarType> try_scalar_type(std::string_view word);

/// What stands in the parentheses that come next.
std::string in_parentheses(Cursor& cursor);
bool boolean(Cursor& cursor);
Device device(Cursor& cursor);
Autocast autocast(Cursor& cursor);
/// `digits` were just taken.
double to_real(const Cursor& cursor, const std::string& digits);
/// Type, tensor metadata or scalar of a value.
void read_type(Cursor& cursor, Value& value);

/// `open`, items with commas between them, `close`.
template <typename Item>
void list(Cursor& cursor, char open, char close, const Item& item) {
  cursor.take(open);
  if (cursor.try_take(close)) {
    return;
  }
  do {
    item();
  } while (cursor.try_take(','));
  cursor.take(close);
}

/// The enumerator whose word stands in parentheses.
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
