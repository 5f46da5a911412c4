#include "loader/model_loader.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>

#include "loader/core/error.h"
#include "loader/formats/exported_program.h"
#include "loader/formats/schemas.h"
#include "loader/formats/torchscript.h"
#include "loader/ir/lint.h"
#include "loader/load_in_mode.h"

namespace pp {

namespace {

struct Format {
  bool (*matches)(const ZipReader& archive);
  Model (*load)(
      std::shared_ptr<const ZipReader> archive,
      const InputHints& hints,
      std::optional<bool> training);
};

Model load_exported(
    std::shared_ptr<const ZipReader> archive,
    const InputHints& hints,
    std::optional<bool> /*training*/) {
  if (!hints.empty()) {
    throw usage_error(
        archive->label() +
        " says itself what its inputs are like; --input is "
        "for TorchScript");
  }
  return load_exported_program(std::move(archive));
}

// One row a format.
constexpr std::array kFormats{
    Format{is_exported_program, load_exported},
    Format{is_torchscript, load_torchscript},
};

constexpr const char* kHowToExport =
    "export the model: torch.export.save(torch.export.export(model, args), "
    "\"model.pt2\")";

bool has_record_under(const ZipReader& archive, std::string_view prefix) {
  return std::ranges::any_of(archive.records(), [&](const ZipRecord& record) {
    return record.name.starts_with(prefix);
  });
}

/// What an archive that holds no model is.
std::string describe(const ZipReader& archive) {
  if (archive.has("serialized_exported_program.json")) {
    return "an exported program in the layout of torch before 2.8; export it "
           "again with torch 2.11 or newer";
  }
  if (has_record_under(archive, "data/aotinductor/")) {
    return std::string("a compiled AOTInductor package, without a graph; ") +
           kHowToExport;
  }
  if (archive.has("data.pkl")) {
    return std::string(
               "saved by torch.save: pickled Python objects (a state dict or "
               "a module), without a graph; ") +
           kHowToExport;
  }
  return std::string("an archive that holds no model; ") + kHowToExport;
}

/// Refuses what torch.save wrote before it wrote archives.
void refuse_bare_pickle(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  constexpr int kPickleProtocolMark = 0x80;
  if (file.get() == kPickleProtocolMark) {
    throw input_error(
        path.string() +
        ": a Python pickle (torch.save of an old torch), not a model; " +
        kHowToExport);
  }
}

Model load(
    const std::filesystem::path& path,
    const InputHints& hints,
    std::optional<bool> training) {
  refuse_bare_pickle(path);
  const auto archive = std::make_shared<const ZipReader>(path);
  const auto* format = std::ranges::find_if(
      kFormats, [&](const Format& row) { return row.matches(*archive); });
  if (format == kFormats.end()) {
    throw input_error(path.string() + ": " + describe(*archive));
  }
  Model model = format->load(archive, hints, training);
  const std::string where =
      path.string() + (model.details && !model.details->graph_record.empty()
                           ? ": " + model.details->graph_record
                           : "");
  annotate_effects(model.graph, where);
  ir::lint(model.graph, where);
  return model;
}

}  // namespace

Model load_model(const std::filesystem::path& path, const InputHints& hints) {
  return load(path, hints, std::nullopt);
}

Model load_in_mode(const std::filesystem::path& path, bool training) {
  return load(path, {}, training);
}

}  // namespace pp
