// A graph as text: parsed, checked, printed, and cut wherever that is legal.
#include "loader/ir/lint.h"
#include "loader/ir/text.h"
#include "splitter/cut/partition.h"
#include "tests/fuzz/harness.h"

namespace pp::fuzz {

namespace {

void cut(const ir::Graph& graph) {
  constexpr size_t kMaxCuts = 8;
  const SplitFlow flow(graph);
  std::vector<Cut> cuts = legal_cuts(flow.for_cuts());
  cuts.resize(std::min(cuts.size(), kMaxCuts));
  accepts([&] { partition_graph(flow.for_stages(), cuts); });
  for (const Cut& one : cuts) {
    accepts([&] { partition_graph(flow.for_stages(), {one}, true); });
  }
}

}  // namespace

}  // namespace pp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  ir::Graph graph;
  const bool accepted = fuzz::accepts([&] {
    graph = ir::parse_text(fuzz::text_of(data, size));
    ir::lint(graph, "fuzz");
  });
  if (!accepted) {
    return 0;
  }
  const std::string printed = ir::to_text(graph);
  fuzz::require(
      ir::to_text(ir::parse_text(printed)) == printed,
      "a printed graph reads back as it was");
  fuzz::accepts([&] { fuzz::cut(graph); });
  return 0;
}
