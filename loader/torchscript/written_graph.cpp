#include "loader/torchscript/written_graph.h"

#include <map>
#include <string>
#include <utility>

#include "loader/core/error.h"
#include "loader/ir/lint.h"
#include "loader/ir/text.h"
#include "loader/ir/walk.h"
#include "loader/torchscript/difference.h"

namespace pp::ts {

void use_written_graph(const ZipReader& archive, Model& model) {
  const std::string where = archive.label() + ": " + kGraphRecord;
  ir::Graph written;
  try {
    written = ir::parse_text(archive.text(kGraphRecord));
  } catch (const Error& error) {
    throw input_error(where + ": " + error.what());
  }
  ir::lint(written, where);
  if (const auto difference = try_find_difference(written, model.graph)) {
    throw input_error(
        where + " does not match the code next to it (" + *difference +
        "); split the model again");
  }
  std::map<std::string, StateRecord> records;
  for (const ir::State& state : written.states) {
    const int found = ir::try_find_state(model.graph, state.fqn);
    const ir::State& from = model.graph.states[static_cast<size_t>(found)];
    records.emplace(state.fqn, model.records.at(from.fqn));
  }
  model.graph = std::move(written);
  model.records = std::move(records);
}

}  // namespace pp::ts
