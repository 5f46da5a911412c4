#include "splitter/files/folder_config.h"

#include "loader/archive/atomic_file.h"
#include "loader/core/json_fields.h"
#include "splitter/manifest/ordered_json.h"

namespace pp {

namespace {

/// Sets the keys that name a type. Returns whether anything changed.
bool set_dtype(OrderedJson& config, const std::string& dtype) {
  bool changed = false;
  for (const char* key : {"dtype", "torch_dtype"}) {
    const auto found = config.find(key);
    if (found != config.end() && found->is_string() && *found != dtype) {
      *found = dtype;
      changed = true;
    }
  }
  return changed;
}

}  // namespace

std::string config_with_dtype(
    const std::filesystem::path& config, std::optional<ir::ScalarType> dtype) {
  std::string text = read_file(config);
  const JsonFields checked(text, config.string());
  checked.object(checked.root());
  if (!dtype) {
    return text;
  }
  OrderedJson json = OrderedJson::parse(text);
  const std::string name = ir::name_of(*dtype);
  bool changed = set_dtype(json, name);
  // A model that is made of several has a config for each.
  for (auto& [key, part] : json.items()) {
    changed = (part.is_object() && set_dtype(part, name)) || changed;
  }
  return changed ? json.dump(2) + "\n" : text;
}

}  // namespace pp
