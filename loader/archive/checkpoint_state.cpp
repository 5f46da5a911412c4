#include "loader/archive/checkpoint_state.h"

#include "loader/archive/atomic_file.h"
#include "loader/core/error.h"
#include "loader/core/json_fields.h"
#include "loader/core/text.h"

namespace pp {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "pp-checkpoint";
constexpr int64_t kVersion = 1;

int64_t count_at(
    const JsonFields& fields, const Json& object, const char* key) {
  const uint64_t value = fields.count_at(object, key);
  if (value > static_cast<uint64_t>(INT64_MAX)) {
    fields.fail_at(object.at(key), "is too large for 64 bits");
  }
  return static_cast<int64_t>(value);
}

CheckpointPart parse_part(const JsonFields& fields, const Json& json) {
  const Json* host = fields.try_at(json, "host");
  CheckpointPart part{
      fields.text_at(json, "file"),
      fields.count_at(json, "num_bytes"),
      fields.text_at(json, "hash"),
      host == nullptr ? "" : fields.text(*host)};
  if (part.file.empty() || part.file.find('/') != std::string::npos ||
      part.file.front() == '.') {
    fields.fail_at(
        json.at("file"), "'" + part.file + "' is not a plain file name");
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
  const JsonFields fields(json, path.string());
  const Json& root = fields.root();
  if (fields.text_at(root, "format") != kFormat) {
    fields.fail(
        "is not a checkpoint's state: 'format' must be '" +
        std::string(kFormat) + "'");
  }
  const int64_t version = count_at(fields, root, "version");
  if (version != kVersion) {
    fields.fail(
        "is version " + std::to_string(version) +
        " of the checkpoint format, but this pp reads version " +
        std::to_string(kVersion) +
        (version > kVersion ? "; use a newer pp" : ""));
  }
  CheckpointContent content;
  content.state.step = count_at(fields, root, "step");
  content.state.epoch = count_at(fields, root, "epoch");
  content.state.data_position = count_at(fields, root, "data_position");
  content.state.seed = fields.count_at(root, "seed");
  for (const auto& [key, value] : fields.object_at(root, "job").items()) {
    content.state.job[key] = fields.text(value);
  }
  for (const Json& part : fields.array_at(root, "parts")) {
    content.parts.push_back(parse_part(fields, part));
  }
  return content;
}

CheckpointContent read_checkpoint(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kStateFile;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    if (error) {
      throw input_error(path.string() + ": " + error.message());
    }
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
        (elsewhere ? "; copy them into this folder from the same folder on "
                     "their host"
                   : ""));
  }
}

}  // namespace pp
