// rewrite SOURCE.pt2 TARGET.pt2 [source|tuple]
//
// Loads a program and writes its whole graph. A Python script compares the two.

#include <iostream>
#include <string>

#include "loader/core/error.h"
#include "loader/exported_program/load.h"
#include "loader/model_loader.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "rewrite SOURCE TARGET [source|tuple]\n";
    return 2;
  }
  try {
    const bool tuple = argc > 3 && std::string(argv[3]) == "tuple";
    const pp::Model model = pp::load_model(argv[1]);
    pp::write_exported_program(
        argv[2],
        model.graph,
        model,
        tuple ? pp::OutputTree::Tuple : pp::OutputTree::Source);
  } catch (const pp::Error& error) {
    std::cerr << error.what() << "\n";
    return static_cast<int>(error.kind());
  }
  return 0;
}
