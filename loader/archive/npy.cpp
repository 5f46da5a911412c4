#include "loader/archive/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "loader/archive/bytes.h"
#include "loader/archive/dense_bytes.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

namespace {

using ir::ScalarType;

constexpr std::string_view kMagic = "\x93NUMPY";

/// NumPy's type letters and sizes, without the leading byte order.
constexpr std::array<std::pair<std::string_view, ScalarType>, 14> kTypes = {{
    {"b1", ScalarType::Bool},
    {"u1", ScalarType::Byte},
    {"i1", ScalarType::Char},
    {"u2", ScalarType::UInt16},
    {"i2", ScalarType::Short},
    {"u4", ScalarType::UInt32},
    {"i4", ScalarType::Int},
    {"u8", ScalarType::UInt64},
    {"i8", ScalarType::Long},
    {"f2", ScalarType::Half},
    {"f4", ScalarType::Float},
    {"f8", ScalarType::Double},
    {"c8", ScalarType::ComplexFloat},
    {"c16", ScalarType::ComplexDouble},
}};

struct Header {
  std::string descr;  ///< empty for a structured type
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

/// Reads the header, a Python dict of three known keys:
/// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  /// Returns nullopt if the text is not such a dict.
  std::optional<Header> parse() {
    Header header;
    int num_keys = 0;
    if (!accept("{")) {
      return std::nullopt;
    }
    while (!accept("}")) {
      const std::optional<std::string> key = string();
      if (!key || !accept(":") || !value(*key, header)) {
        return std::nullopt;
      }
      ++num_keys;
      accept(",");
    }
    skip_space();
    return num_keys == 3 && text_.empty() ? std::optional(header)
                                          : std::nullopt;
  }

 private:
  void skip_space() {
    const size_t begin = text_.find_first_not_of(" \t\n");
    text_.remove_prefix(std::min(begin, text_.size()));
  }

  bool accept(std::string_view token) {
    skip_space();
    if (!text_.starts_with(token)) {
      return false;
    }
    text_.remove_prefix(token.size());
    return true;
  }

  std::optional<std::string> string() {
    const bool single = accept("'");
    if (!single && !accept("\"")) {
      return std::nullopt;
    }
    const char quote = single ? '\'' : '"';
    const size_t end = text_.find(quote);
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    std::string out(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return out;
  }

  std::optional<std::vector<int64_t>> tuple() {
    std::vector<int64_t> out;
    if (!accept("(")) {
      return std::nullopt;
    }
    while (!accept(")")) {
      skip_space();
      int64_t number = 0;
      const auto [end, error] =
          std::from_chars(text_.data(), text_.data() + text_.size(), number);
      if (error != std::errc()) {
        return std::nullopt;
      }
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      accept("L");  // Python 2
      out.push_back(number);
      accept(",");
    }
    return out;
  }

  bool value(const std::string& key, Header& header) {
    if (key == "descr") {
      skip_space();
      if (text_.starts_with(
              '[')) {  // a structured type, which the caller refuses
        const size_t end = text_.rfind(']');
        text_.remove_prefix(end == std::string_view::npos ? 0 : end + 1);
        return end != std::string_view::npos;
      }
      const std::optional<std::string> descr = string();
      header.descr = descr.value_or("");
      return descr.has_value();
    }
    if (key == "fortran_order") {
      header.fortran_order = accept("True");
      return header.fortran_order || accept("False");
    }
    if (key == "shape") {
      std::optional<std::vector<int64_t>> shape = tuple();
      if (shape) {
        header.shape = std::move(*shape);
      }
      return shape.has_value();
    }
    return false;
  }

  std::string_view text_;
};

ScalarType type_of(const std::string& descr, const std::string& label) {
  if (descr.starts_with('>')) {
    throw input_error(
        label + ": is big endian ('" + descr +
        "'); save it as little endian: a.astype(a.dtype.newbyteorder('<'))");
  }
  if (descr.ends_with('O')) {
    throw input_error(
        label + ": holds pickled Python objects; save an array of numbers");
  }
  if (!descr.empty() &&
      std::string_view("<|=").find(descr[0]) == std::string_view::npos) {
    throw input_error(label + ": has a damaged .npy header");
  }
  const std::string_view letters =
      std::string_view(descr).substr(descr.empty() ? 0 : 1);
  for (const auto& [name, type] : kTypes) {
    if (name == letters) {
      return type;
    }
  }
  throw input_error(
      label + ": holds elements of type '" +
      (descr.empty() ? "structured" : descr) +
      "'; only bools, integers, floats and complex numbers are supported");
}

}  // namespace

NpyReader::NpyReader(const std::filesystem::path& path)
    : file_(std::make_shared<MappedFile>(path, MappedFile::Mode::ReadOnly)) {
  const std::string label = path.string();
  const auto bytes = file_->bytes();
  if (!as_text(bytes).starts_with(kMagic)) {
    throw input_error(
        label + ": is not a .npy file, such as numpy.save writes");
  }
  // The header's length follows the magic and two bytes for the version. It
  // takes 2 bytes in version 1, and 4 in later versions.
  const int version = bytes.size() > 6 ? std::to_integer<int>(bytes[6]) : 0;
  const uint64_t begin = version == 1 ? 10 : 12;
  if (bytes.size() < begin) {
    throw input_error(label + ": is truncated in its header");
  }
  if (version < 1 || version > 3) {
    throw input_error(
        label + ": has .npy version " + std::to_string(version) +
        "; 1 to 3 are supported");
  }
  const uint64_t length =
      version == 1 ? load_le<uint16_t>(bytes, 8) : load_le<uint32_t>(bytes, 8);
  if (!fits(begin, length, bytes.size())) {
    throw input_error(label + ": is truncated in its header");
  }
  const std::optional<Header> header =
      HeaderParser(as_text(bytes.subspan(begin, length))).parse();
  if (!header) {
    throw input_error(label + ": has a damaged .npy header");
  }
  tensor_.dtype = type_of(header->descr, label);
  tensor_.sizes = header->shape;
  if (header->fortran_order) {
    throw input_error(
        label + ": is in Fortran order; save numpy.ascontiguousarray(a)");
  }
  const auto data = bytes.subspan(begin + length);
  const auto expected =
      dense_bytes(tensor_.sizes, ir::element_size(tensor_.dtype));
  if (expected != data.size()) {
    throw input_error(
        label + ": an array of shape " + shape_text(tensor_.sizes) + " and " +
        "type " + ir::name_of(tensor_.dtype) + " needs " +
        (expected ? std::to_string(*expected) : "too many") +
        " bytes, but the file has " + std::to_string(data.size()));
  }
  tensor_.bytes = data;
}

}  // namespace pp
