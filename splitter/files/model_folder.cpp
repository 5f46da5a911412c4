#include "splitter/files/model_folder.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "loader/archive/atomic_file.h"
#include "loader/archive/folders.h"
#include "loader/archive/leftovers.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/model/weight_files.h"
#include "loader/model/weight_folder.h"
#include "splitter/files/folder_config.h"
#include "splitter/files/replace_folder.h"
#include "splitter/files/weight_shards.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "config.json";

/// Files that `save_pretrained` of models, tokenizers and processors writes,
/// and the code of models that `transformers` doesn't have.
constexpr std::array<std::string_view, 14> kCopied = {
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "normalizer.json",
    "vocab*",
    "merges.txt",
    "bpe.codes",
    "*.model",
    "*.tiktoken",
    "chat_template*",
    "*preprocessor_config.json",
    "processor_config.json",
    "*.py"};

bool is_copied(const fs::path& file) {
  const std::string name = file.filename().string();
  std::error_code ignored;
  return fs::is_regular_file(file, ignored) &&
         std::ranges::any_of(kCopied, [&](std::string_view pattern) {
           return matches_glob(name, pattern);
         });
}

/// Whether `pp merge` wrote the weights in a folder.
bool is_our_folder(const fs::path& folder) {
  if (!has_weights(folder)) {
    return false;
  }
  try {
    return std::ranges::all_of(
        read_weight_folder(folder).files, is_weights_file);
  } catch (const Error&) {
    return false;
  }
}

void check_sizes(
    const std::string& name,
    const TensorView& ours,
    const TensorView& theirs,
    const fs::path& source) {
  if (ours.sizes != theirs.sizes) {
    throw input_error(
        source.string() + ": '" + name + "' is " + shape_text(theirs.sizes) +
        " there, but " + shape_text(ours.sizes) +
        " in the stages; name the folder of the same model");
  }
}

/// The weights under the names that they have in the source's files; nothing if
/// the files lack one of them.
std::map<std::string, TensorView> try_source_names(
    const WeightsFile& weights, const fs::path& source) {
  WeightFiles files(source);
  std::set<std::string> wanted;
  std::map<std::string, std::vector<std::string>> names;
  for (const auto& [name, tensor] : weights.tensors()) {
    names[name].push_back(name);
    wanted.insert(name);
  }
  for (const auto& [alias, name] : weights.aliases()) {
    names[name].push_back(alias);
    wanted.insert(alias);
  }
  files.fit_prefix(wanted);
  std::map<std::string, TensorView> out;
  for (const auto& [name, tensor] : weights.tensors()) {
    const auto found =
        std::ranges::find_if(names.at(name), [&](const std::string& each) {
          return files.try_find(each).tensor != nullptr;
        });
    if (found == names.at(name).end()) {
      return {};
    }
    check_sizes(*found, tensor, *files.try_find(*found).tensor, source);
    out.emplace(files.name_in_file(*found), tensor);
  }
  return out;
}

std::map<std::string, TensorView> named_weights(
    const WeightsFile& weights, const fs::path& source) {
  std::map<std::string, TensorView> out;
  if (has_weights(source)) {
    out = try_source_names(weights, source);
  }
  return out.empty() ? weights.tensors() : out;
}

}  // namespace

void check_model_folder(
    const fs::path& target, const fs::path& source, bool force) {
  std::error_code error;
  if (!fs::exists(source / kConfig, error)) {
    throw input_error(
        source.string() +
        ": the folder has no config.json; name the folder of a model of "
        "transformers");
  }
  if (fs::equivalent(target, source, error)) {
    throw usage_error(
        "-o " + target.string() +
        " is the folder that --hf names; name another one");
  }
  if (!fs::exists(target, error)) {
    return;
  }
  if (!fs::is_directory(target, error)) {
    throw usage_error(
        "-o " + target.string() +
        " is a file; with --hf, name a folder that doesn't exist yet");
  }
  if (!force && !fs::is_empty(target, error) && !is_our_folder(target)) {
    throw usage_error(
        "-o " + target.string() +
        " exists and was not written by pp merge; name another folder, or "
        "replace it with --force");
  }
}

void write_model_folder(
    const fs::path& target,
    const WeightsFile& weights,
    const ModelFolderOptions& options) {
  const auto named = named_weights(weights, options.source);
  const std::string config = config_with_dtype(
      options.source / kConfig, weights_dtype(named, options.dtype));
  replace_folder(target, [&](const fs::path& folder) {
    write_shards(folder, named, options.dtype, options.shard_bytes);
    for (const fs::path& file : entries_of(options.source)) {
      if (is_copied(file)) {
        fs::copy_file(file, folder / file.filename());
      }
    }
    write_file(folder / kConfig, config);
  });
}

}  // namespace pp
