// Mutates JSON documents so that they stay documents: libFuzzer's own
// mutations, of bytes, rarely get past the parser.
#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "loader/core/json_fields.h"
#include "tests/fuzz/harness.h"

extern "C" {

/// libFuzzer's own mutation of some bytes. Returns their new number.
size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

/// Mutates an input. libFuzzer calls it instead of LLVMFuzzerMutate().
size_t LLVMFuzzerCustomMutator(
    uint8_t* data, size_t size, size_t max_size, unsigned seed);

/// Makes one input from two.
size_t LLVMFuzzerCustomCrossOver(
    const uint8_t* first,
    size_t first_size,
    const uint8_t* second,
    size_t second_size,
    uint8_t* out,
    size_t max_size,
    unsigned seed);
}

namespace pp::fuzz {

namespace {

using Json = nlohmann::json;

/// Every value of a document, outermost first.
void collect(Json& value, std::vector<Json*>& out) {
  out.push_back(&value);
  if (value.is_structured()) {
    for (Json& item : value) {
      collect(item, out);
    }
  }
}

std::string dumped(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Writes a document to `out`. Returns its size; 0 if there is no room.
size_t write(const Json& document, uint8_t* out, size_t max_size) {
  const std::string text = dumped(document);
  if (text.size() > max_size) {
    return 0;
  }
  std::memcpy(out, text.data(), text.size());
  return text.size();
}

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  size_t below(size_t limit) { return random_() % limit; }

  Json& any_in(Json& document) {
    std::vector<Json*> values;
    collect(document, values);
    return *values[below(values.size())];
  }

  /// Changes one value. `depth` counts documents inside strings of documents.
  void mutate(Json& document, int depth = 0) {
    Json& value = any_in(document);
    switch (below(8)) {
      case 0:
        value = constant();
        break;
      case 1:
        value = Json(any_in(document));
        break;
      case 2:
        nest(value);
        break;
      default:
        change(value, depth);
    }
  }

 private:
  Json constant() {
    const std::array<Json, 14> constants = {
        nullptr,
        true,
        0,
        -1,
        INT64_MAX,
        INT64_MIN,
        UINT64_MAX,
        int64_t{1} << 31,
        int64_t{1} << 62,
        1e300,
        0.5,
        "",
        Json::array(),
        Json::object()};
    return constants[below(constants.size())];
  }

  void nest(Json& value) {
    const size_t levels = below(4) == 0 ? 200 : 1;
    for (size_t i = 0; i < levels; ++i) {
      Json outer = Json::array();
      outer.push_back(std::move(value));
      value = std::move(outer);
    }
  }

  void change(Json& value, int depth) {
    if (value.is_string()) {
      change_text(value.get_ref<std::string&>(), depth);
    } else if (value.is_number_integer()) {
      value = value.get<int64_t>() ^ (int64_t{1} << below(63));
    } else if (value.is_boolean()) {
      value = !value.get<bool>();
    } else if (value.is_structured() && !value.empty()) {
      change_items(value);
    } else {
      value = constant();
    }
  }

  /// A text may hold a document, as trees in a program do.
  void change_text(std::string& text, int depth) {
    constexpr size_t kRoom = 16;
    constexpr int kMaxDepth = 3;
    auto inner = depth < kMaxDepth ? try_parse_json(text) : std::nullopt;
    if (inner && inner->is_structured()) {
      mutate(*inner, depth + 1);
      text = dumped(*inner);
      return;
    }
    const size_t size = text.size();
    text.resize(size + kRoom);
    text.resize(LLVMFuzzerMutate(
        reinterpret_cast<uint8_t*>(text.data()), size, text.size()));
  }

  /// Removes, repeats or renames an item of a list or object.
  void change_items(Json& value) {
    const auto at = std::next(
        value.begin(), static_cast<std::ptrdiff_t>(below(value.size())));
    const size_t kind = below(3);
    if (kind == 0) {
      value.erase(at);
    } else if (value.is_array()) {
      value.push_back(Json(*at));
    } else {
      std::string key = at.key();
      Json item = *at;
      if (kind == 1) {
        value.erase(at);
      }
      change_text(key, INT32_MAX);
      value[key] = std::move(item);
    }
  }

  std::minstd_rand random_;
};

}  // namespace

}  // namespace pp::fuzz

size_t LLVMFuzzerCustomMutator(
    uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  using namespace pp;
  fuzz::Mutator mutator(seed);
  auto document = try_parse_json(fuzz::text_of(data, size));
  if (document && mutator.below(8) != 0) {
    mutator.mutate(*document);
    if (const size_t written = fuzz::write(*document, data, max_size)) {
      return written;
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

size_t LLVMFuzzerCustomCrossOver(
    const uint8_t* first,
    size_t first_size,
    const uint8_t* second,
    size_t second_size,
    uint8_t* out,
    size_t max_size,
    unsigned seed) {
  using namespace pp;
  fuzz::Mutator mutator(seed);
  auto into = try_parse_json(fuzz::text_of(first, first_size));
  auto from = try_parse_json(fuzz::text_of(second, second_size));
  if (!into || !from) {
    return 0;
  }
  mutator.any_in(*into) = mutator.any_in(*from);
  return fuzz::write(*into, out, max_size);
}
