#include "splitter/source_archive.h"

#include <algorithm>
#include <map>

#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "splitter/ordered_json.h"
#include "splitter/type_text.h"

namespace pp {

namespace {

std::vector<int64_t> values_of(const std::vector<ir::Dim>& dims) {
  std::vector<int64_t> out;
  for (const ir::Dim& dim : dims) {
    out.push_back(dim.value);
  }
  return out;
}

std::vector<ir::Dim> to_dims(const std::vector<int64_t>& values) {
  std::vector<ir::Dim> out;
  for (const int64_t value : values) {
    out.push_back({value, {}});
  }
  return out;
}

OrderedJson state_json(const ir::State& state, const ir::TensorMeta& tensor) {
  OrderedJson out;
  out["fqn"] = state.fqn;
  out["aliases"] = state.aliases;
  out["in_checkpoints"] =
      state.kind == ir::StateKind::Parameter ||
      (state.kind == ir::StateKind::Buffer && state.persistent);
  out["dtype"] = ir::name_of(tensor.dtype);
  out["shape"] = values_of(tensor.sizes);
  out["strides"] = values_of(tensor.strides);
  out["offset"] = tensor.storage_offset.value;
  return out;
}

SourceState read_state(const OrderedJson& json) {
  SourceState out;
  out.fqn = json.at("fqn").get<std::string>();
  out.aliases = json.at("aliases").get<std::vector<std::string>>();
  out.in_checkpoints = json.at("in_checkpoints").get<bool>();
  if (!parse_dtype(json.at("dtype").get<std::string>(), out.tensor.dtype)) {
    throw input_error("'" + out.fqn + "' has an unknown dtype");
  }
  out.tensor.sizes = to_dims(json.at("shape").get<std::vector<int64_t>>());
  out.tensor.strides = to_dims(json.at("strides").get<std::vector<int64_t>>());
  out.tensor.storage_offset.value = json.at("offset").get<int64_t>();
  return out;
}

/// Whether all elements lie inside the record.
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
  writer.add(kSourceIndexRecord, std::string_view(index.dump()));
  writer.finish();
}

SourceIndex read_source_index(const ZipReader& archive) {
  const std::string where =
      archive.path().string() + ": " + std::string(kSourceIndexRecord) + ": ";
  const OrderedJson json =
      OrderedJson::parse(archive.text(kSourceIndexRecord), nullptr, false);
  SourceIndex out;
  try {
    for (const OrderedJson& entry : json) {
      SourceRecord& record = out.emplace_back();
      record.name = entry.at("name").get<std::string>();
      record.num_bytes = entry.at("num_bytes").get<uint64_t>();
      for (const OrderedJson& state :
           entry.value("states", OrderedJson::array())) {
        record.states.push_back(read_state(state));
        if (!fits(record.states.back().tensor, record.num_bytes)) {
          throw input_error(
              "'" + record.states.back().fqn + "' does not fit into record '" +
              record.name + "'");
        }
      }
    }
  } catch (const OrderedJson::exception&) {
    throw input_error(where + "is not what pp writes; split the model again");
  } catch (const Error& error) {
    throw input_error(where + error.what());
  }
  if (out.empty()) {
    throw input_error(where + "names no record; split the model again");
  }
  return out;
}

}  // namespace pp
