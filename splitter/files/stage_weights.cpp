#include "splitter/files/stage_weights.h"

#include "loader/archive/zip_reader.h"
#include "loader/core/error.h"
#include "splitter/files/checkpoint_tensors.h"
#include "splitter/files/held_records.h"
#include "splitter/files/join_stages.h"
#include "splitter/files/source_archive.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

WeightsFile weights_of_source(
    const StageDirectory& stages, const CheckpointTensors* checkpoint) {
  const ZipReader source(stages.path / stages.manifest.source_file);
  const HeldRecords records(stages);
  WeightsFile out;
  for (const SourceRecord& record : read_source_index(source)) {
    for (const SourceState& state : record.states) {
      if (!state.in_checkpoints) {
        continue;
      }
      if (checkpoint != nullptr) {
        out.add(state.fqn, state.aliases, checkpoint->find(state));
        continue;
      }
      const HeldRecords::Held& held = records.find(record);
      const ZipReader& archive = *held.stage->archive;
      out.add(
          state.fqn,
          state.aliases,
          state.tensor,
          archive.bytes(archive.find(held.record->record)));
    }
  }
  return out;
}

WeightsFile weights_of_joined(const JoinedStages& joined) {
  WeightsFile out;
  for (const ir::State& state : joined.graph.states) {
    if (!state.in_state_dict()) {
      continue;
    }
    const StateRecord& record = joined.source.records.at(state.fqn);
    if (!record.has_values()) {
      throw input_error(joined.source.path + ": " + no_values_text(state.fqn));
    }
    const MappedFile& holder =
        record.file ? *record.file : *joined.source.archive->file();
    out.add(
        state.fqn,
        state.aliases,
        record.tensor,
        holder.bytes().subspan(record.offset, record.num_bytes));
  }
  return out;
}

}  // namespace

void with_weights(
    const StageDirectory& stages,
    const std::optional<fs::path>& checkpoint,
    const ModelFormats& formats,
    CheckpointWeights which,
    const std::function<void(const WeightsFile&)>& use) {
  if (!stages.manifest.is_assembled()) {
    std::optional<CheckpointTensors> weights;
    if (checkpoint) {
      weights.emplace(*checkpoint, which);
    }
    use(weights_of_source(stages, weights ? &*weights : nullptr));
    return;
  }
  JoinedStages joined = join_directory(stages.path, stages.manifest, formats);
  if (checkpoint) {
    bind_checkpoint(joined, *checkpoint, which);
  }
  add_unread_weights(joined);
  use(weights_of_joined(joined));
}

}  // namespace pp
