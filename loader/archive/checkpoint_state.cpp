#include "loader/archive/checkpoint_state.h"

#include <nlohmann/json.hpp>

#include "loader/archive/atomic_file.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "pp-checkpoint";
constexpr int64_t kVersion = 1;

/// Looks up typed keys of one object, with the file in every message.
class Object {
 public:
  Object(const Json& json, const std::filesystem::path& path)
      : json_(json), path_(path) {
    if (!json.is_object()) {
      fail("holds something other than an object");
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw input_error(path_.string() + ": " + what);
  }

  const Json& at(const char* key, Json::value_t type, const char* name) const {
    const auto found = json_.find(key);
    if (found == json_.end()) {
      fail("key '" + std::string(key) + "' is missing");
    }
    // A non-negative number counts as unsigned when it is parsed.
    const bool integer = type == Json::value_t::number_unsigned;
    if (integer ? !found->is_number_unsigned() : found->type() != type) {
      fail("key '" + std::string(key) + "' must be " + name);
    }
    return *found;
  }

  uint64_t count(const char* key) const {
    return at(key, Json::value_t::number_unsigned, "an integer of 0 or more")
        .get<uint64_t>();
  }

  int64_t signed_count(const char* key) const {
    const uint64_t value = count(key);
    if (value > static_cast<uint64_t>(INT64_MAX)) {
      fail("key '" + std::string(key) + "' is too large");
    }
    return static_cast<int64_t>(value);
  }

  std::string text(const char* key) const {
    return at(key, Json::value_t::string, "a string").get<std::string>();
  }

  std::string text_if_any(const char* key) const {
    return json_.contains(key) ? text(key) : "";
  }

 private:
  const Json& json_;
  const std::filesystem::path& path_;
};

CheckpointPart parse_part(const Json& json, const std::filesystem::path& path) {
  const Object object(json, path);
  CheckpointPart part{
      object.text("file"),
      object.count("num_bytes"),
      object.text("hash"),
      object.text_if_any("host")};
  if (part.file.empty() || part.file.find('/') != std::string::npos ||
      part.file.front() == '.') {
    object.fail("part '" + part.file + "' is not a plain file name");
  }
  return part;
}

}  // namespace

std::string part_file(int part) {
  return "part_" + std::to_string(part) + ".safetensors";
}

std::string to_json(const CheckpointContent& content) {
  const CheckpointState& state = content.state;
  Json parts = Json::array();
  for (const CheckpointPart& part : content.parts) {
    Json each = {
        {"file", part.file},
        {"num_bytes", part.num_bytes},
        {"hash", part.hash}};
    if (!part.host.empty()) {
      each["host"] = part.host;
    }
    parts.push_back(std::move(each));
  }
  const Json json = {
      {"format", kFormat},
      {"version", kVersion},
      {"step", state.step},
      {"epoch", state.epoch},
      {"data_position", state.data_position},
      {"seed", state.seed},
      {"job", state.job},
      {"parts", parts}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

CheckpointContent parse_checkpoint(
    std::string_view json, const std::filesystem::path& path) {
  const Json root = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  const Object object(root, path);
  if (object.text("format") != kFormat) {
    object.fail("not the state of a checkpoint");
  }
  const int64_t version = object.signed_count("version");
  if (version != kVersion) {
    object.fail(
        "checkpoint format version " + std::to_string(version) +
        "; this pp reads version " + std::to_string(kVersion));
  }
  CheckpointContent content;
  content.state.step = object.signed_count("step");
  content.state.epoch = object.signed_count("epoch");
  content.state.data_position = object.signed_count("data_position");
  content.state.seed = object.count("seed");
  const Json& job = object.at("job", Json::value_t::object, "an object");
  for (const auto& [key, value] : job.items()) {
    content.state.job[key] = Object(job, path).text(key.c_str());
  }
  const Json& parts = object.at("parts", Json::value_t::array, "an array");
  for (const Json& part : parts) {
    content.parts.push_back(parse_part(part, path));
  }
  return content;
}

CheckpointContent read_checkpoint(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kStateFile;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw input_error(
        folder.string() + ": not a checkpoint: there is no " +
        std::string(kStateFile));
  }
  return parse_checkpoint(read_file(path), path);
}

std::string parts_text(std::span<const CheckpointPart> parts) {
  std::vector<std::string> texts;
  for (const CheckpointPart& part : parts) {
    texts.push_back(
        part.host.empty() ? part.file
                          : part.file + " (saved on host " + part.host + ")");
  }
  return join(texts);
}

void check_parts_are_there(
    const std::filesystem::path& folder, const CheckpointContent& content) {
  std::vector<CheckpointPart> missing;
  bool elsewhere = false;
  for (const CheckpointPart& part : content.parts) {
    std::error_code error;
    if (!std::filesystem::exists(folder / part.file, error)) {
      missing.push_back(part);
      elsewhere = elsewhere || !part.host.empty();
    }
  }
  if (!missing.empty()) {
    throw input_error(
        folder.string() + ": " + (missing.size() == 1 ? "a part" : "parts") +
        " of the checkpoint " + (missing.size() == 1 ? "is" : "are") +
        " missing: " + parts_text(missing) +
        (elsewhere ? "; copy what lies in that folder there into this one"
                   : ""));
  }
}

}  // namespace pp
