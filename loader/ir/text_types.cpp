#include "loader/ir/text_types.h"

#include <charconv>
#include <vector>

namespace pp::ir::text {

std::optional<ScalarType> try_scalar_type(std::string_view word) {
  // The enumerators are listed because their numbers have gaps.
  using enum ScalarType;
  for (const ScalarType type :
       {Byte,           Char,           Short,    Int,         Long,
        Half,           Float,          Double,   ComplexHalf, ComplexFloat,
        ComplexDouble,  Bool,           BFloat16, Float8E5M2,  Float8E4M3FN,
        Float8E5M2FNUZ, Float8E4M3FNUZ, UInt16,   UInt32,      UInt64,
        Float8E8M0FNU}) {
    if (name_of(type) == word) {
      return type;
    }
  }
  return std::nullopt;
}

std::string in_parentheses(Cursor& cursor) {
  cursor.expect('(');
  std::string out = cursor.name();
  cursor.expect(')');
  return out;
}

bool boolean(Cursor& cursor) {
  if (cursor.accept_word("true")) {
    return true;
  }
  if (!cursor.accept_word("false")) {
    cursor.fail("expected true or false");
  }
  return false;
}

Device device(Cursor& cursor) {
  const Cursor start = cursor;
  const std::string name = in_parentheses(cursor);
  const size_t colon = name.find(':');
  if (colon == std::string::npos) {
    return {name, -1};
  }
  return {
      name.substr(0, colon),
      static_cast<int>(to_integer(name.substr(colon + 1), start))};
}

Autocast autocast(Cursor& cursor) {
  Autocast out;
  cursor.expect('(');
  out.device_type = cursor.name();
  cursor.expect(',');
  const Cursor start = cursor;
  const auto dtype = try_scalar_type(cursor.name());
  if (!dtype) {
    start.fail("expected a dtype");
  }
  out.dtype = *dtype;
  cursor.expect(',');
  out.enabled = boolean(cursor);
  cursor.expect(',');
  out.cache_enabled = boolean(cursor);
  cursor.expect(')');
  return out;
}

double to_real(const Cursor& cursor, const std::string& digits) {
  double out = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, out);
  if (error != std::errc{} || stop != end) {
    cursor.fail(
        "expected a number before this position, found '" + digits + "'");
  }
  return out;
}

namespace {

Dim dim(Cursor& cursor) {
  const Cursor start = cursor;
  const std::string word = cursor.name();
  if (cursor.accept('=')) {
    return {cursor.integer(), word};
  }
  return {to_integer(word, start), {}};
}

std::vector<Dim> dims(Cursor& cursor, char open, char close) {
  std::vector<Dim> out;
  list(cursor, open, close, [&] { out.push_back(dim(cursor)); });
  return out;
}

Type plain_type(Cursor& cursor) {
  const Cursor start = cursor;
  const std::string word = cursor.name();
  if (word == "list" || word == "tuple") {
    Type out{word == "list" ? TypeKind::List : TypeKind::Tuple, {}};
    list(cursor, '[', ']', [&] { out.elements.push_back(plain_type(cursor)); });
    return out;
  }
  const auto* kind = try_value_of(kPlainTypes, word);
  if (kind == nullptr) {
    start.fail("unknown type '" + word + "'");
  }
  return {*kind, {}};
}

TensorMeta tensor(Cursor& cursor, ScalarType dtype) {
  TensorMeta out;
  out.dtype = dtype;
  out.sizes = dims(cursor, '[', ']');
  out.strides = contiguous_strides(out.sizes);
  while (true) {
    if (cursor.accept_word("strides")) {
      out.strides = dims(cursor, '(', ')');
    } else if (cursor.accept_word("offset")) {
      const Cursor start = cursor;
      const std::vector<Dim> offset = dims(cursor, '(', ')');
      if (offset.size() != 1) {
        start.fail("expected one number in parentheses");
      }
      out.storage_offset = offset.front();
    } else if (cursor.accept_word("device")) {
      out.device = device(cursor);
    } else if (cursor.accept_word("layout")) {
      out.layout = enumerator(cursor, kLayouts);
    } else if (cursor.accept_word("grad")) {
      out.requires_grad = true;
    } else {
      return out;
    }
  }
}

}  // namespace

void read_type(Cursor& cursor, Value& value) {
  const std::string word(cursor.peek_word());
  const auto dtype = try_scalar_type(word);
  // "bool" is both a type and a dtype; a dtype has brackets.
  if (dtype && cursor.word_before('[')) {
    cursor.name();
    value.tensor = tensor(cursor, *dtype);
    return;
  }
  value.type = plain_type(cursor);
  if (value.type.kind == TypeKind::Tensor) {
    value.tensor.emplace().known = false;
  }
  if (cursor.accept('(')) {
    value.scalar = dim(cursor);
    cursor.expect(')');
  }
}

}  // namespace pp::ir::text
