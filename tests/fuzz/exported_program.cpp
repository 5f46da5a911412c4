// A program of torch.export: model.json and the tables beside it. A program
// that is read is also described, and cut into stages, as `pp inspect` and `pp
// split` do.
//
// An input is one JSON document with the records `program`, `weights`,
// `constants` and `names`. A record that is a string stands for itself, so it
// may be no JSON.
#include <array>

#include "loader/core/json_fields.h"
#include "loader/exported_program/load.h"
#include "loader/ir/lint.h"
#include "loader/ir/text.h"
#include "loader/model/shared_memory.h"
#include "loader/operators/schemas.h"
#include "splitter/cut/partition.h"
#include "splitter/inspect/inspect.h"
#include "tests/archive/temp_folder.h"
#include "tests/fuzz/archive_file.h"
#include "tests/fuzz/harness.h"

namespace pp::fuzz {

namespace {

using Records = std::vector<std::pair<std::string, std::string>>;

/// The records of an archive with this program; its weights are small.
Records records_of(const nlohmann::json& document) {
  constexpr std::array kRecords = {
      std::pair("program", "models/model.json"),
      std::pair("weights", "data/weights/model_weights_config.json"),
      std::pair("constants", "data/constants/model_constants_config.json"),
      std::pair("names", "extra/pp_names.json")};
  Records records;
  for (const auto& [key, name] : kRecords) {
    const auto found = document.find(key);
    if (found != document.end()) {
      records.emplace_back(
          name, found->is_string() ? found->get<std::string>() : found->dump());
    }
  }
  for (int i = 0; i < 9; ++i) {
    const std::string number = std::to_string(i);
    const std::string payload(256, '\0');
    records.emplace_back("data/weights/weight_" + number, payload);
    records.emplace_back("data/constants/tensor_" + number, payload);
  }
  return records;
}

Model load(const ArchiveFile& archive) {
  Model model = load_exported_program(archive.shared());
  annotate_effects(model.graph, "fuzz");
  mark_shared_memory(model);
  check_operators(model.graph, AllowedOperators(), "fuzz");
  ir::lint(model.graph, "fuzz");
  return model;
}

/// Writes the stages to files, which must read back.
void write(const Partition& parts, const Model& model) {
  static const test::TempFolder folder;
  const auto path = folder / "stage.pt2";
  for (const ir::Graph& stage : parts.stages) {
    const bool written = accepts([&] {
      write_exported_program(
          path, stage, model, OutputTree::Tuple, Sync::Later);
    });
    if (written) {
      load_exported_program(std::make_shared<ZipReader>(path));
    }
  }
}

void use(const Model& model) {
  ir::to_text(model.graph);
  for (const auto format :
       {InspectFormat::Text, InspectFormat::Json, InspectFormat::Dot}) {
    accepts([&] { inspect(model, {.depth = {}, .format = format}); });
  }
  for (const Balance balance :
       {Balance::Params, Balance::Flops, Balance::Memory}) {
    Partition parts;
    const bool cut = accepts([&] {
      parts = partition(model, {.num_stages = 2, .balance = balance});
    });
    if (cut) {
      to_json(parts.manifest);
      write(parts, model);
    }
  }
}

}  // namespace

}  // namespace pp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  const auto document = try_parse_json(fuzz::text_of(data, size));
  if (!document || !document->is_object()) {
    return 0;
  }
  const fuzz::ArchiveFile archive(fuzz::records_of(*document));
  Model model;
  const bool accepted = is_exported_program(archive.reader()) &&
                        fuzz::accepts([&] { model = fuzz::load(archive); });
  if (accepted) {
    fuzz::use(model);
  }
  return 0;
}
