#pragma once

#include "loader/model/model.h"

// The graph in text form (loader/ir/text.h), which pp's writer stores next to
// the code. The text has names, sizes and modules that the code lacks. Files
// that other programs wrote have no such record.
namespace pp::ts {

/// The name of the text among LibTorch's extra files.
inline constexpr const char* kGraphFile = "pp_graph.txt";
/// The name of the record that holds the text.
inline constexpr const char* kGraphRecord = "extra/pp_graph.txt";

/// Replaces the model's graph, which was read from the code, by the graph in
/// the stored text.
/// throws  Error(Input): the text can't be parsed, or its graph is not the
///         graph of the code
void use_written_graph(const ZipReader& archive, Model& model);

}  // namespace pp::ts
