#include <algorithm>
#include <cstring>
#include <system_error>

#include "loader/archive/leftovers.h"
#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "splitter/files/artifact.h"
#include "splitter/files/checkpoint_tensors.h"
#include "splitter/files/held_records.h"
#include "splitter/files/join_stages.h"
#include "splitter/files/merge_folder.h"
#include "splitter/files/merge_target.h"
#include "splitter/files/record_places.h"
#include "splitter/files/source_archive.h"
#include "splitter/files/stage_weights.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

/// Copies the elements of a contiguous tensor into the record, to the places
/// that `meta` describes.
void scatter(
    std::span<const std::byte> from,
    const ir::TensorMeta& meta,
    std::span<std::byte> record) {
  const auto element = static_cast<size_t>(ir::element_size(meta.dtype));
  for_each_place(meta, [&](size_t index, size_t place) {
    std::memcpy(
        record.data() + place * element,
        from.data() + index * element,
        element);
  });
}

/// Whether the elements of a contiguous tensor are where scatter() puts them.
bool has_elements(
    std::span<const std::byte> record,
    const ir::TensorMeta& meta,
    std::span<const std::byte> wanted) {
  const auto element = static_cast<size_t>(ir::element_size(meta.dtype));
  bool same = true;
  for_each_place(meta, [&](size_t index, size_t place) {
    same = same && std::memcmp(
                       record.data() + place * element,
                       wanted.data() + index * element,
                       element) == 0;
  });
  return same;
}

/// Whether the tensor is contiguous and fills its record.
bool is_whole_record(const ir::TensorMeta& meta, uint64_t num_bytes) {
  return is_contiguous(meta) && meta.storage_offset.value == 0 &&
         ir::num_bytes(meta) == num_bytes;
}

class Merger {
 public:
  Merger(const StageDirectory& stages, const CheckpointTensors* checkpoint)
      : held_(stages), checkpoint_(checkpoint) {}

  void write(
      const ZipReader& source,
      const SourceIndex& index,
      const fs::path& output) const {
    ZipWriter writer(output, output.stem().string());
    for (const SourceRecord& record : index) {
      if (record.states.empty()) {
        writer.copy(record.name, source, source.find(record.name));
      } else {
        write_record(record, writer);
      }
    }
    writer.finish();
  }

 private:
  void write_record(const SourceRecord& record, ZipWriter& writer) const {
    const HeldRecords::Held& held = held_.find(record);
    const ZipReader& archive = *held.stage->archive;
    const ZipRecord& bytes = archive.find(held.record->record);
    const bool replaced =
        checkpoint_ != nullptr &&
        std::ranges::any_of(record.states, [&](const SourceState& state) {
          return checkpoint_->replaces(state);
        });
    if (!replaced) {
      writer.copy(record.name, archive, bytes);
      return;
    }
    const SourceState& first = record.states.front();
    if (record.states.size() == 1 &&
        is_whole_record(first.tensor, record.num_bytes)) {
      writer.add(record.name, checkpoint_->find(first).bytes);
      return;
    }
    const auto old = archive.bytes(bytes);
    std::vector<std::byte> payload(old.begin(), old.end());
    for (const SourceState& state : record.states) {
      if (checkpoint_->replaces(state)) {
        scatter(checkpoint_->find(state).bytes, state.tensor, payload);
      }
    }
    for (const SourceState& state : record.states) {
      if (checkpoint_->replaces(state) &&
          !has_elements(
              payload, state.tensor, checkpoint_->find(state).bytes)) {
        throw input_error(
            checkpoint_->path().string() + ": tensor '" + state.fqn +
            "' shares memory with others in the model, but its values differ "
            "from theirs in the checkpoint; name a checkpoint of this model");
      }
    }
    writer.add(record.name, std::span<const std::byte>(payload));
  }

  HeldRecords held_;
  const CheckpointTensors* checkpoint_;
};

/// Merges stages that were exported by hand, which have no source. Returns the
/// conditions on sizes that the file lacks.
std::vector<std::string> merge_assembled(
    const StageDirectory& stages,
    const std::optional<fs::path>& checkpoint,
    const fs::path& output,
    const ModelFormats& formats,
    CheckpointWeights which) {
  JoinedStages joined = join_directory(stages.path, stages.manifest, formats);
  if (checkpoint) {
    bind_checkpoint(joined, *checkpoint, which);
  }
  add_unread_weights(joined);
  remove_leftovers(output, LeftBy::DeadProcesses);
  write_joined(output, joined, formats);
  return std::move(joined.lost_guards);
}

void refuse_stage_directory(
    const fs::path& output, const fs::path& stage_directory) {
  std::error_code ignored;
  if (fs::equivalent(
          output_path(output).parent_path(), stage_directory, ignored)) {
    throw usage_error(
        output.string() +
        " is in the stage directory; name a file outside of " +
        stage_directory.string());
  }
}

}  // namespace

std::vector<std::string> merge(
    const fs::path& stage_directory,
    const std::optional<fs::path>& checkpoint,
    const fs::path& output,
    const ModelFormats& formats,
    CheckpointWeights which) {
  const StageDirectory stages = open_stages(stage_directory, formats);
  refuse_stage_directory(output, stage_directory);
  if (output.extension() == kWeightsExtension) {
    with_weights(
        stages, checkpoint, formats, which, [&](const WeightsFile& weights) {
          remove_leftovers(output, LeftBy::DeadProcesses);
          weights.write(output);
        });
    return {};
  }
  if (stages.manifest.is_assembled()) {
    return merge_assembled(stages, checkpoint, output, formats, which);
  }
  const ZipReader source(stage_directory / stages.manifest.source_file);
  std::optional<CheckpointTensors> weights;
  if (checkpoint) {
    weights.emplace(*checkpoint, which);
  }
  remove_leftovers(output, LeftBy::DeadProcesses);
  const Merger merger(stages, weights ? &*weights : nullptr);
  merger.write(source, read_source_index(source), output);
  return {};
}

void merge_to_folder(
    const fs::path& stage_directory,
    const std::optional<fs::path>& checkpoint,
    const fs::path& output,
    const ModelFolderOptions& options,
    const ModelFormats& formats,
    CheckpointWeights which) {
  const StageDirectory stages = open_stages(stage_directory, formats);
  refuse_stage_directory(output, stage_directory);
  with_weights(
      stages, checkpoint, formats, which, [&](const WeightsFile& weights) {
        write_model_folder(output, weights, options);
      });
}

}  // namespace pp
