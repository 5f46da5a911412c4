#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "loader/archive/checkpoint_state.h"
#include "loader/archive/leftovers.h"
#include "loader/archive/safetensors.h"
#include "loader/archive/zip_writer.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/model_loader.h"
#include "loader/weights.h"
#include "splitter/artifact.h"
#include "splitter/join_stages.h"
#include "splitter/source_archive.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

std::vector<int64_t> sizes_of(const ir::TensorMeta& tensor) {
  std::vector<int64_t> out;
  for (const ir::Dim& dim : tensor.sizes) {
    out.push_back(dim.value);
  }
  return out;
}

/// The tensors of a checkpoint folder, whatever part they lie in.
class Checkpoint {
 public:
  explicit Checkpoint(fs::path path) : path_(std::move(path)) {
    if (!fs::is_directory(path_)) {
      throw input_error(
          path_.string() +
          " is no checkpoint: a folder with part_0.safetensors and so on is "
          "wanted");
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path_)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("part_") && name.ends_with(".safetensors")) {
        files.push_back(entry.path());
      }
    }
    std::error_code ignored;
    if (fs::exists(path_ / kStateFile, ignored)) {
      check_parts_are_there(path_, read_checkpoint(path_));
    }
    if (files.empty()) {
      throw input_error(
          path_.string() + " is no checkpoint: it has no part_*.safetensors");
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) {
      parts_.emplace_back(file);
    }
    for (const SafetensorsReader& part : parts_) {
      for (const auto& [name, tensor] : part.tensors()) {
        tensors_.try_emplace(name, &tensor);
      }
    }
  }

  /// The tensor under the state's name or one of its aliases.
  const TensorView& find(const SourceState& state) const {
    const TensorView* found = try_find(state.fqn);
    for (const std::string& alias : state.aliases) {
      found = found != nullptr ? found : try_find(alias);
    }
    if (found == nullptr) {
      std::vector<std::string> names;
      for (const auto& [name, tensor] : tensors_) {
        names.push_back(name);
      }
      throw input_error(
          path_.string() + ": tensor '" + state.fqn + "' is missing" +
          did_you_mean(state.fqn, names));
    }
    if (found->dtype != state.tensor.dtype ||
        found->sizes != sizes_of(state.tensor)) {
      throw input_error(
          path_.string() + ": tensor '" + state.fqn + "' is " +
          ir::name_of(found->dtype) + shape_text(found->sizes) +
          ", and the model has " + ir::name_of(state.tensor.dtype) +
          shape_text(sizes_of(state.tensor)));
    }
    return *found;
  }

 private:
  const TensorView* try_find(const std::string& name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : found->second;
  }

  fs::path path_;
  std::vector<SafetensorsReader> parts_;
  std::map<std::string, const TensorView*> tensors_;
};

/// Lays a contiguous tensor's elements out as `meta` says, in its record.
void scatter(
    std::span<const std::byte> from,
    const ir::TensorMeta& meta,
    std::span<std::byte> record) {
  const auto element = static_cast<size_t>(ir::element_size(meta.dtype));
  const size_t count = from.size() / element;
  std::vector<int64_t> index(meta.sizes.size(), 0);
  for (size_t i = 0; i < count; ++i) {
    int64_t at = meta.storage_offset.value;
    for (size_t d = 0; d < index.size(); ++d) {
      at += index[d] * meta.strides[d].value;
    }
    std::memcpy(
        record.data() + static_cast<size_t>(at) * element,
        from.data() + i * element,
        element);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < meta.sizes[d].value) {
        break;
      }
      index[d] = 0;
    }
  }
}

/// Whether the tensor fills its record from end to end, row by row.
bool is_whole_record(const ir::TensorMeta& meta, uint64_t num_bytes) {
  int64_t stride = 1;
  for (size_t d = meta.sizes.size(); d-- > 0;) {
    if (meta.sizes[d].value != 1 && meta.strides[d].value != stride) {
      return false;
    }
    stride *= meta.sizes[d].value;
  }
  return meta.storage_offset.value == 0 && ir::num_bytes(meta) == num_bytes;
}

class Merger {
 public:
  Merger(const StageDirectory& stages, const Checkpoint* checkpoint)
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
        write_weights(record, writer);
      }
    }
    writer.finish();
  }

 private:
  struct Held {
    const Model* stage;
    const StateRecord* record;
  };

  /// The record of a stage that holds the same bytes as the source's did.
  const Held& find(const SourceRecord& record) const {
    for (const SourceState& state : record.states) {
      if (const auto found = held_.find(state.fqn); found != held_.end()) {
        if (found->second.record->num_bytes != record.num_bytes) {
          throw input_error(
              found->second.stage->path + ": record '" +
              found->second.record->record + "' of '" + state.fqn + "' has " +
              std::to_string(found->second.record->num_bytes) +
              " bytes, and the source had " + std::to_string(record.num_bytes));
        }
        return found->second;
      }
    }
    throw input_error(
        stages_.path.string() + ": no stage holds '" +
        record.states.front().fqn + "'; split the model again");
  }

  void write_weights(const SourceRecord& record, ZipWriter& writer) const {
    const Held& held = find(record);
    const ZipReader& archive = *held.stage->archive;
    const ZipRecord& bytes = archive.find(held.record->record);
    const bool replaced =
        checkpoint_ != nullptr &&
        std::ranges::any_of(record.states, &SourceState::in_checkpoints);
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
      if (state.in_checkpoints) {
        scatter(checkpoint_->find(state).bytes, state.tensor, payload);
      }
    }
    writer.add(record.name, std::span<const std::byte>(payload));
  }

  const StageDirectory& stages_;
  const Checkpoint* checkpoint_;
  std::map<std::string, Held> held_;
};

/// Stages made by hand: there is no source to make again.
void merge_assembled(
    const Manifest& manifest,
    const fs::path& stage_directory,
    const std::optional<fs::path>& checkpoint,
    const fs::path& output) {
  std::vector<Model> files;
  for (const StageManifest& stage : manifest.stages) {
    files.push_back(load_model(stage_directory / stage.file));
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
  write_joined(output, joined);
}

}  // namespace

void merge(
    const fs::path& stage_directory,
    const std::optional<fs::path>& checkpoint,
    const fs::path& output) {
  const StageDirectory stages = open_stages(stage_directory);
  std::error_code ignored;
  if (fs::equivalent(
          fs::absolute(output).parent_path(), stage_directory, ignored)) {
    throw usage_error(
        output.string() + " lies among the stages; name a file outside of " +
        stage_directory.string());
  }
  if (stages.manifest.is_assembled()) {
    if (checkpoint) {
      const Checkpoint is_one(*checkpoint);
    }
    merge_assembled(stages.manifest, stage_directory, checkpoint, output);
    return;
  }
  const fs::path source_path = stage_directory / stages.manifest.source_file;
  const ZipReader source(source_path);
  std::optional<Checkpoint> weights;
  if (checkpoint) {
    weights.emplace(*checkpoint);
  }
  remove_leftovers(output, LeftBy::DeadProcesses);
  Merger(stages, weights ? &*weights : nullptr)
      .write(source, read_source_index(source), output);
}

}  // namespace pp
