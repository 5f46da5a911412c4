#include "splitter/files/held_records.h"

#include "loader/core/error.h"

namespace pp {

namespace {

/// Checks the size that the stage's archive has, whatever its graph says.
void check_held_size(
    const HeldRecords::Held& held, const std::string& fqn, uint64_t num_bytes) {
  if (!held.record->has_values()) {
    throw input_error(held.stage->path + ": " + no_values_text(fqn));
  }
  const ZipRecord& found = held.stage->archive->find(held.record->record);
  if (found.num_bytes != num_bytes) {
    throw input_error(
        held.stage->path + ": record '" + found.name + "' of '" + fqn +
        "' has " + std::to_string(found.num_bytes) +
        " bytes, but the source had " + std::to_string(num_bytes));
  }
}

}  // namespace

HeldRecords::HeldRecords(const StageDirectory& stages) : stages_(stages) {
  for (const Model& stage : stages.stages) {
    for (const auto& [fqn, record] : stage.records) {
      held_.try_emplace(fqn, Held{&stage, &record});
    }
  }
}

const HeldRecords::Held& HeldRecords::find(const SourceRecord& record) const {
  for (const SourceState& state : record.states) {
    if (const auto found = held_.find(state.fqn); found != held_.end()) {
      check_held_size(found->second, state.fqn, record.num_bytes);
      return found->second;
    }
  }
  throw input_error(
      stages_.path.string() + ": no stage holds '" + record.states.front().fqn +
      "'; split the model again");
}

}  // namespace pp
