#include "loader/model/formats.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

#include "loader/archive/bare_pickle.h"
#include "loader/archive/bytes.h"
#include "loader/core/error.h"

namespace pp {

namespace {

constexpr const char* kHowToExport =
    "export the model: torch.export.save(torch.export.export(model, args), "
    "\"model.pt2\")";

bool has_record_under(const ZipReader& archive, std::string_view prefix) {
  return std::ranges::any_of(archive.records(), [&](const ZipRecord& record) {
    return record.name.starts_with(prefix);
  });
}

/// Describes an archive that holds no model, and says what to do instead.
std::string describe_foreign(const ZipReader& archive) {
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

/// Refuses files that torch.save wrote before it used archives (torch 1.6).
void refuse_bare_pickle(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string start(kPickleStart, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<size_t>(file.gcount()));
  if (is_bare_pickle(as_bytes(start))) {
    throw input_error(
        path.string() +
        ": a Python pickle (written by torch.save before torch 1.6), not a "
        "model; " +
        kHowToExport);
  }
}

}  // namespace

Model load_model(
    const std::filesystem::path& path,
    const ModelFormats& formats,
    const LoadOptions& options) {
  refuse_bare_pickle(path);
  const auto archive = std::make_shared<const ZipReader>(path);
  const auto row = std::ranges::find_if(
      formats.rows,
      [&](const FormatRow& each) { return each.matches(*archive); });
  if (row == formats.rows.end()) {
    throw input_error(path.string() + ": " + describe_foreign(*archive));
  }
  return row->load(archive, options, formats.trust);
}

void write_graph(
    const std::filesystem::path& path,
    const ir::Graph& graph,
    const Model& source,
    bool whole_output,
    Sync sync,
    const ModelFormats& formats) {
  const auto row =
      std::ranges::find(formats.rows, source.format, &FormatRow::format);
  check(row != formats.rows.end(), "every format has a row");
  row->write(path, graph, source, whole_output, sync);
}

void write_model(
    const std::filesystem::path& path,
    const Model& model,
    const ModelFormats& formats) {
  write_graph(
      path, model.graph, model, /*whole_output=*/true, Sync::Now, formats);
}

}  // namespace pp
