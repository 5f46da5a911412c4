#include "loader/ir/size_conditions.h"

#include <charconv>

namespace pp::ir {

namespace {

constexpr std::string_view kBegin = "L['";
constexpr std::string_view kEnd = "']";

}  // namespace

void narrow(Range& both, const Range& other) {
  if (other.min && (!both.min || *both.min < *other.min)) {
    both.min = other.min;
  }
  if (other.max && (!both.max || *both.max > *other.max)) {
    both.max = other.max;
  }
}

std::optional<GuardLeaf> parse_guard_leaf(std::string_view leaf) {
  const size_t end = leaf.find(std::string(kEnd) + ".");
  if (!leaf.starts_with(kBegin) || end == std::string_view::npos) {
    return std::nullopt;
  }
  GuardLeaf out;
  out.input = std::string(leaf.substr(kBegin.size(), end - kBegin.size()));
  std::string_view rest = leaf.substr(end + kEnd.size() + 1);
  const size_t call = rest.find("()");
  if (call == std::string_view::npos) {
    return std::nullopt;
  }
  out.property = rest.substr(0, call);
  rest.remove_prefix(call + 2);
  if (out.property == "storage_offset") {
    return rest.empty() ? std::optional(out) : std::nullopt;
  }
  if ((out.property != "size" && out.property != "stride") ||
      !rest.starts_with('[') || !rest.ends_with(']')) {
    return std::nullopt;
  }
  const char* last = rest.data() + rest.size() - 1;
  const auto [at, error] =
      std::from_chars(rest.data() + 1, last, out.dimension);
  return error == std::errc() && at == last ? std::optional(out) : std::nullopt;
}

std::string size_leaf(const std::string& input, size_t dimension) {
  return std::string(kBegin) + input + std::string(kEnd) + ".size()[" +
         std::to_string(dimension) + "]";
}

std::string rename_inputs(
    const std::string& guard, const std::map<std::string, std::string>& names) {
  std::string out;
  size_t done = 0;
  for (size_t at = guard.find(kBegin); at != std::string::npos;
       at = guard.find(kBegin, done)) {
    const size_t name = at + kBegin.size();
    const size_t end = guard.find(kEnd, name);
    if (end == std::string::npos) {
      break;
    }
    const auto found = names.find(guard.substr(name, end - name));
    out += guard.substr(done, name - done);
    out +=
        found == names.end() ? guard.substr(name, end - name) : found->second;
    done = end;
  }
  return out + guard.substr(done);
}

}  // namespace pp::ir
