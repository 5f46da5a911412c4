#include "loader/exported_program/payload_writer.h"

#include "loader/core/error.h"

namespace pp::ep {

namespace {

bool is_saved(const ir::State& state) {
  return state.kind == ir::StateKind::Parameter ||
         (state.kind == ir::StateKind::Buffer && state.persistent);
}

}  // namespace

PayloadWriter::PayloadWriter(
    ZipWriter& archive, const Model& source, const Expressions& expressions)
    : archive_(archive), source_(source), expressions_(expressions) {}

void PayloadWriter::add(const ir::State& state) {
  const auto found = source_.records.find(state.fqn);
  check(found != source_.records.end(), "every state has a record");
  const StateRecord& record = found->second;
  if (!record.has_values()) {
    throw input_error(source_.path + ": " + no_values_text(state.fqn));
  }
  Folder& folder = is_saved(state) ? weights_ : constants_;
  const Payload payload{
      record.record, state.kind == ir::StateKind::Parameter, record.tensor};
  add(folder, state.fqn, payload, &record);
  for (const std::string& alias : state.aliases) {
    add(folder, alias, payload, &record);
  }
}

void PayloadWriter::add_unused(const std::string& fqn, const Payload& payload) {
  add(weights_, fqn, payload, nullptr);
}

void PayloadWriter::add(
    Folder& folder,
    const std::string& fqn,
    const Payload& payload,
    const StateRecord* bound) {
  const std::string file = payload.record.substr(payload.record.rfind('/') + 1);
  folder.table[fqn] = {
      {"path_name", file},
      {"is_param", payload.is_parameter},
      {"use_pickle", false},
      {"tensor_meta", tensor_meta_json(payload.tensor, expressions_)}};
  const std::string record = folder.name + file;
  if (!copied_.insert(record).second) {
    return;
  }
  if (bound != nullptr && bound->file) {
    archive_.add(
        record, bound->file->bytes().subspan(bound->offset, bound->num_bytes));
  } else {
    archive_.copy(
        record, *source_.archive, source_.archive->find(payload.record));
  }
}

void PayloadWriter::add_tables() {
  for (const auto& [folder, kind] :
       {std::pair{&weights_, "weights"}, std::pair{&constants_, "constants"}}) {
    const Json document = {{"config", folder->table}};
    archive_.add(
        folder->name + std::string(kWrittenModelName) + "_" + kind +
            "_config.json",
        std::string_view(document.dump()));
  }
}

}  // namespace pp::ep
