#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "loader/archive/leftovers.h"
#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "loader/model/weights.h"
#include "splitter/files/artifact.h"
#include "splitter/files/checkpoint_tensors.h"
#include "splitter/files/join_stages.h"
#include "splitter/files/merge_target.h"
#include "splitter/files/record_places.h"
#include "splitter/files/source_archive.h"
#include "splitter/files/weights_file.h"

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
      : stages_(stages), checkpoint_(checkpoint) {
    for (const Model& stage : stages.stages) {
      for (const auto& [fqn, record] : stage.records) {
        held_.try_emplace(fqn, Held{&stage, &record});
      }
    }
  }

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

  /// Writes the parameters and persistent buffers alone.
  void write_weights(const SourceIndex& index, const fs::path& output) const {
    WeightsFile file;
    for (const SourceRecord& record : index) {
      for (const SourceState& state : record.states) {
        if (!state.in_checkpoints) {
          continue;
        }
        if (checkpoint_ != nullptr) {
          file.add(state.fqn, state.aliases, checkpoint_->find(state));
          continue;
        }
        const Held& held = find(record);
        const ZipReader& archive = *held.stage->archive;
        file.add(
            state.fqn,
            state.aliases,
            state.tensor,
            archive.bytes(archive.find(held.record->record)));
      }
    }
    file.write(output);
  }

 private:
  struct Held {
    const Model* stage;
    const StateRecord* record;
  };

  /// Checks the size of the record in the stage's archive, whatever the stage's
  /// graph says.
  static void check_size(
      const Held& held, const std::string& fqn, uint64_t num_bytes) {
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

  /// Finds the stage's record that replaces a record of the source.
  const Held& find(const SourceRecord& record) const {
    for (const SourceState& state : record.states) {
      if (const auto found = held_.find(state.fqn); found != held_.end()) {
        check_size(found->second, state.fqn, record.num_bytes);
        return found->second;
      }
    }
    throw input_error(
        stages_.path.string() + ": no stage holds '" +
        record.states.front().fqn + "'; split the model again");
  }

  void write_record(const SourceRecord& record, ZipWriter& writer) const {
    const Held& held = find(record);
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

  const StageDirectory& stages_;
  const CheckpointTensors* checkpoint_;
  std::map<std::string, Held> held_;
};

bool is_for_weights(const fs::path& output) {
  return output.extension() == kWeightsExtension;
}

void write_joined_weights(const JoinedStages& joined, const fs::path& output) {
  WeightsFile file;
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
    file.add(
        state.fqn,
        state.aliases,
        record.tensor,
        holder.bytes().subspan(record.offset, record.num_bytes));
  }
  file.write(output);
}

/// Merges stages that were exported by hand, which have no source. Returns the
/// conditions on sizes that the file lacks.
std::vector<std::string> merge_assembled(
    const Manifest& manifest,
    const fs::path& stage_directory,
    const std::optional<fs::path>& checkpoint,
    const fs::path& output,
    const ModelFormats& formats) {
  std::vector<Model> files;
  for (const StageManifest& stage : manifest.stages) {
    files.push_back(load_model(stage_directory / stage.file, formats));
  }
  JoinedStages joined = join_stages(std::move(files));
  if (checkpoint) {
    std::vector<ir::Input> inputs = std::move(joined.source.graph.inputs);
    joined.source.graph = joined.graph;
    bind_weights({&joined.source, 1}, *checkpoint / "part_*.safetensors");
    joined.graph = joined.source.graph;
    joined.source.graph.inputs = std::move(inputs);
  }
  add_unread_weights(joined);
  remove_leftovers(output, LeftBy::DeadProcesses);
  if (is_for_weights(output)) {
    write_joined_weights(joined, output);
    return {};
  }
  write_joined(output, joined, formats);
  return std::move(joined.lost_guards);
}

}  // namespace

std::vector<std::string> merge(
    const fs::path& stage_directory,
    const std::optional<fs::path>& checkpoint,
    const fs::path& output,
    const ModelFormats& formats,
    CheckpointWeights which) {
  const StageDirectory stages = open_stages(stage_directory, formats);
  std::error_code ignored;
  if (fs::equivalent(
          fs::absolute(output).parent_path(), stage_directory, ignored)) {
    throw usage_error(
        output.string() +
        " is in the stage directory; name a file outside of " +
        stage_directory.string());
  }
  if (stages.manifest.is_assembled()) {
    if (checkpoint) {
      if (which == CheckpointWeights::Averages) {
        throw usage_error(
            "--ema is not yet supported for stages that were exported by "
            "hand");
      }
      const CheckpointTensors checked(
          *checkpoint, which);  // throws if it is not one
    }
    return merge_assembled(
        stages.manifest, stage_directory, checkpoint, output, formats);
  }
  const fs::path source_path = stage_directory / stages.manifest.source_file;
  const ZipReader source(source_path);
  std::optional<CheckpointTensors> weights;
  if (checkpoint) {
    weights.emplace(*checkpoint, which);
  }
  remove_leftovers(output, LeftBy::DeadProcesses);
  const Merger merger(stages, weights ? &*weights : nullptr);
  const SourceIndex index = read_source_index(source);
  if (is_for_weights(output)) {
    merger.write_weights(index, output);
  } else {
    merger.write(source, index, output);
  }
  return {};
}

}  // namespace pp
