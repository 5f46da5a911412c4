#include "splitter/files/source_archive.h"

#include <algorithm>
#include <map>
#include <set>

#include "loader/archive/zip_writer.h"
#include "loader/core/json_fields.h"
#include "loader/ir/walk.h"
#include "splitter/manifest/ordered_json.h"
#include "splitter/manifest/type_text.h"

namespace pp {

namespace {

using Json = JsonFields::Json;

constexpr int64_t kIndexVersion = 2;  // docs/formats.md

std::vector<int64_t> values_of(const std::vector<ir::Dim>& dims) {
  std::vector<int64_t> out;
  for (const ir::Dim& dim : dims) {
    out.push_back(dim.value);
  }
  return out;
}

std::vector<ir::Dim> read_dims(const JsonFields& fields, const Json& json) {
  std::vector<ir::Dim> out;
  for (const Json& value : fields.array(json)) {
    out.push_back({fields.integer(value), {}});
  }
  return out;
}

OrderedJson state_json(const ir::State& state, const ir::TensorMeta& tensor) {
  OrderedJson out;
  out["fqn"] = state.fqn;
  out["aliases"] = state.aliases;
  out["in_checkpoints"] = state.in_state_dict();
  out["dtype"] = ir::name_of(tensor.dtype);
  out["shape"] = values_of(tensor.sizes);
  out["strides"] = values_of(tensor.strides);
  out["offset"] = tensor.storage_offset.value;
  return out;
}

SourceState read_state(const JsonFields& fields, const Json& json) {
  SourceState out;
  out.fqn = fields.text_at(json, "fqn");
  out.aliases = fields.texts_at(json, "aliases");
  out.in_checkpoints = fields.boolean_at(json, "in_checkpoints");
  const Json& dtype = fields.at(json, "dtype");
  if (!parse_dtype(fields.text(dtype), out.tensor.dtype)) {
    fields.fail_at(dtype, "must be an element type such as 'float32'");
  }
  out.tensor.sizes = read_dims(fields, fields.at(json, "shape"));
  out.tensor.strides = read_dims(fields, fields.at(json, "strides"));
  out.tensor.storage_offset.value = fields.integer_at(json, "offset");
  return out;
}

/// Whether all elements of the tensor lie inside the record.
bool fits(const ir::TensorMeta& tensor, uint64_t num_bytes) {
  int64_t last = tensor.storage_offset.value;
  if (tensor.sizes.size() != tensor.strides.size() || last < 0) {
    return false;
  }
  bool empty = false;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    const int64_t size = tensor.sizes[i].value;
    const int64_t stride = tensor.strides[i].value;
    int64_t reach = 0;
    if (size < 0 || stride < 0 ||
        __builtin_mul_overflow(
            std::max<int64_t>(size - 1, 0), stride, &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return false;
    }
    empty = empty || size == 0;
  }
  const auto element = static_cast<uint64_t>(ir::element_size(tensor.dtype));
  return empty || static_cast<uint64_t>(last) < num_bytes / element;
}

/// Returns the list of records. In version 1, the list was the whole document.
const Json& records_of(const JsonFields& fields) {
  const Json& root = fields.root();
  if (root.is_array()) {
    return root;
  }
  const Json& version = fields.at(root, "version");
  if (fields.integer(version) > kIndexVersion) {
    fields.fail_at(
        version,
        "is " + std::to_string(fields.integer(version)) +
            ", but this pp reads versions up to " +
            std::to_string(kIndexVersion) + "; use a newer pp");
  }
  return fields.array_at(root, "records");
}

}  // namespace

void write_source(const std::filesystem::path& path, const Model& model) {
  const ZipReader& archive = *model.archive;
  std::map<std::string, OrderedJson> states;  // by record
  for (const ir::State& state : model.graph.states) {
    const StateRecord& record = model.records.at(state.fqn);
    auto [found, added] =
        states.try_emplace(record.record, OrderedJson::array());
    found->second.push_back(state_json(state, record.tensor));
  }
  ZipWriter writer(path, path.stem().string());
  OrderedJson index = OrderedJson::array();
  for (const ZipRecord& record : archive.records()) {
    OrderedJson entry;
    entry["name"] = record.name;
    entry["num_bytes"] = record.num_bytes;
    if (const auto held = states.find(record.name); held != states.end()) {
      entry["states"] = held->second;
    } else {
      writer.copy(record.name, archive, record);
    }
    index.push_back(std::move(entry));
  }
  OrderedJson document;
  document["version"] = kIndexVersion;
  document["records"] = std::move(index);
  writer.add(kSourceIndexRecord, std::string_view(document.dump()));
  writer.finish();
}

SourceIndex read_source_index(const ZipReader& archive) {
  const JsonFields fields(
      archive.text(kSourceIndexRecord),
      archive.path().string() + ": " + std::string(kSourceIndexRecord));
  SourceIndex out;
  std::set<std::string> names;
  for (const Json& entry : records_of(fields)) {
    SourceRecord& record = out.emplace_back();
    record.name = fields.text_at(entry, "name");
    if (!names.insert(record.name).second) {
      fields.fail_at(entry, "names record '" + record.name + "' twice");
    }
    record.num_bytes = fields.count_at(entry, "num_bytes");
    const Json* states = fields.try_at(entry, "states");
    if (states == nullptr) {
      continue;
    }
    for (const Json& state : fields.array(*states)) {
      record.states.push_back(read_state(fields, state));
      if (!fits(record.states.back().tensor, record.num_bytes)) {
        fields.fail_at(
            state,
            "'" + record.states.back().fqn + "' does not fit into record '" +
                record.name + "'");
      }
    }
  }
  if (out.empty()) {
    fields.fail("lists no records; split the model again");
  }
  return out;
}

}  // namespace pp
