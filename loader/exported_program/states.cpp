#include "loader/exported_program/states.h"

#include <algorithm>
#include <optional>

#include "loader/core/error.h"
#include "loader/exported_program/values.h"

namespace pp::ep {

namespace {

/// Bytes from the record's start to the end of the tensor's last element;
/// nullopt if the number overflows or a size is negative or symbolic.
std::optional<uint64_t> needed_bytes(const ir::TensorMeta& tensor) {
  uint64_t last = 0;
  const auto count = [](const ir::Dim& dim) -> std::optional<uint64_t> {
    return dim.is_fixed() && dim.value >= 0
               ? std::optional(static_cast<uint64_t>(dim.value))
               : std::nullopt;
  };
  const auto offset = count(tensor.storage_offset);
  if (!offset || tensor.sizes.size() != tensor.strides.size()) {
    return std::nullopt;
  }
  bool empty = false;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    const auto size = count(tensor.sizes[i]);
    const auto stride = count(tensor.strides[i]);
    uint64_t span = 0;
    if (!size || !stride ||
        __builtin_mul_overflow(*size == 0 ? 0 : *size - 1, *stride, &span) ||
        __builtin_add_overflow(last, span, &last)) {
      return std::nullopt;
    }
    empty = empty || *size == 0;
  }
  if (empty) {
    return 0;
  }
  uint64_t out = 0;
  const auto element = static_cast<uint64_t>(ir::element_size(tensor.dtype));
  if (__builtin_add_overflow(last, *offset, &out) ||
      __builtin_add_overflow(out, uint64_t{1}, &out) ||
      __builtin_mul_overflow(out, element, &out)) {
    return std::nullopt;
  }
  return out;
}

/// Whether the tensor was exported on the meta device and so has no values.
bool is_meta(const Payload& payload) {
  return payload.tensor.device.type == "meta";
}

void check_record(
    const ZipReader& archive,
    const std::string& fqn,
    const Payload& payload,
    const JsonFields& fields) {
  const ZipRecord* record = archive.try_find(payload.record);
  if (record == nullptr) {
    fields.fail(
        "'" + fqn + "' lies in record '" + payload.record +
        "', which is missing");
  }
  if (payload.tensor.layout != ir::Layout::Strided) {
    fields.fail("'" + fqn + "' is a sparse tensor, which is not supported");
  }
  const auto needed = needed_bytes(payload.tensor);
  if (!needed) {
    fields.fail(
        "'" + fqn + "' has sizes or strides that are negative or too large");
  }
  if (is_meta(payload)) {
    return;
  }
  if (*needed > record->num_bytes) {
    fields.fail(
        "'" + fqn + "' needs " + std::to_string(*needed) +
        " bytes, but record '" + payload.record + "' has " +
        std::to_string(record->num_bytes));
  }
}

std::map<std::string, Payload> read_table(
    const ZipReader& archive,
    const std::string& folder,
    const std::string& model_name,
    const char* what) {
  const std::string record = folder + model_name + "_" + what + "_config.json";
  if (archive.has(folder + model_name + ".pt")) {
    throw input_error(
        archive.path().string() + ": record '" + folder + model_name +
        ".pt' holds pickled tensors, a layout of older torch; export the model "
        "again with torch 2.11 or newer");
  }
  JsonFields fields(
      archive.text(record), archive.path().string() + ": " + record);
  Expressions expressions;
  std::map<std::string, Payload> out;
  const Json& config = fields.object_at(fields.root(), "config");
  for (const auto& [fqn, entry] : config.items()) {
    fields.set_place("'" + fqn + "'");
    if (fields.boolean_at(entry, "use_pickle")) {
      fields.fail(
          "is stored as a Python pickle; only plain tensors are supported");
    }
    Payload payload;
    payload.record = folder + fields.text_at(entry, "path_name");
    payload.is_parameter = fields.boolean_at(entry, "is_param");
    payload.tensor =
        read_tensor_meta(fields.at(entry, "tensor_meta"), fields, expressions);
    fields.set_place("");
    check_record(archive, fqn, payload, fields);
    if (is_meta(payload)) {
      payload.record = folder + fqn;  // all share an empty record
    }
    out.emplace(fqn, std::move(payload));
  }
  return out;
}

bool is_same_tensor(const Payload& a, const Payload& b) {
  return a.record == b.record && a.tensor.dtype == b.tensor.dtype &&
         a.tensor.sizes == b.tensor.sizes &&
         a.tensor.strides == b.tensor.strides &&
         a.tensor.storage_offset == b.tensor.storage_offset;
}

}  // namespace

Payloads read_payloads(
    const ZipReader& archive, const std::string& model_name) {
  return {
      read_table(archive, kWeights, model_name, "weights"),
      read_table(archive, kConstants, model_name, "constants")};
}

StateCollector::StateCollector(const ZipReader& archive, Payloads payloads)
    : archive_(archive), payloads_(std::move(payloads)) {}

std::pair<size_t, bool> StateCollector::add(
    const std::string& fqn,
    ir::StateKind kind,
    bool persistent,
    const JsonFields& fields) {
  const bool in_weights = kind == ir::StateKind::Parameter ||
                          (kind == ir::StateKind::Buffer && persistent);
  const auto& table = in_weights ? payloads_.weights : payloads_.constants;
  const auto entry = table.find(fqn);
  if (entry == table.end()) {
    fields.fail(
        "the signature names '" + fqn + "', which is not in the table of " +
        (in_weights ? "weights" : "constants"));
  }
  auto& sharing_record = by_record_[entry->second.record];
  for (const size_t i : sharing_record) {
    if (states_[i].kind == kind && states_[i].persistent == persistent &&
        is_same_tensor(payloads_of_states_[i], entry->second)) {
      states_[i].aliases.push_back(fqn);
      return {i, false};
    }
  }
  sharing_record.push_back(states_.size());
  states_.push_back({fqn, kind, persistent, ir::kNoValue, {}, {}});
  payloads_of_states_.push_back(entry->second);
  return {states_.size() - 1, true};
}

void StateCollector::finish(Details& details) {
  for (const auto& [fqn, payload] : payloads_.weights) {
    const std::vector<size_t>& sharing_record = by_record_[payload.record];
    bool used = std::ranges::any_of(sharing_record, [&](size_t i) {
      return states_[i].fqn == fqn ||
             std::ranges::count(states_[i].aliases, fqn) > 0;
    });
    for (size_t k = 0; !used && k < sharing_record.size(); ++k) {
      const size_t i = sharing_record[k];
      if (is_same_tensor(payloads_of_states_[i], payload)) {
        states_[i].aliases.push_back(fqn);
        used = true;
      }
    }
    if (!used && !is_meta(payload)) {
      details.unused_weights.emplace(fqn, payload);
    }
  }
}

std::map<std::string, StateRecord> StateCollector::records() const {
  std::map<std::string, StateRecord> out;
  for (size_t i = 0; i < states_.size(); ++i) {
    if (is_meta(payloads_of_states_[i])) {
      out[states_[i].fqn] = {
          payloads_of_states_[i].record,
          0,
          needed_bytes(payloads_of_states_[i].tensor).value_or(0),
          payloads_of_states_[i].tensor,
          nullptr};
      continue;
    }
    const ZipRecord& record = archive_.find(payloads_of_states_[i].record);
    out[states_[i].fqn] = {
        record.name,
        record.offset,
        record.num_bytes,
        payloads_of_states_[i].tensor,
        nullptr};
  }
  return out;
}

}  // namespace pp::ep
