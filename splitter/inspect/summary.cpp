#include <cstdio>

#include "loader/core/text.h"
#include "splitter/inspect/text.h"

namespace pp {

namespace {

/// Lists all modules if they are few; else the first two, the last, and a
/// count.
std::string modules_text(const std::vector<std::string>& modules) {
  constexpr size_t kMostListed = 4;
  if (modules.size() <= kMostListed) {
    return join(modules);
  }
  return modules[0] + ", " + modules[1] + ", ... " + modules.back() + " (" +
         std::to_string(modules.size()) + " modules)";
}

}  // namespace

std::string summary(const Manifest& manifest) {
  using enum Table::Align;
  Table table({Right, Right, Right, Right, Right, Right, Left});
  table.add(
      {"stage",
       "parameters",
       "bytes",
       "FLOPs",
       "bytes in",
       "bytes out",
       "modules"});
  for (size_t i = 0; i < manifest.stages.size(); ++i) {
    const StageManifest& stage = manifest.stages[i];
    table.add(
        {std::to_string(i),
         human_count(stage.num_parameters),
         human_bytes(stage.parameter_bytes),
         human_count(stage.flops),
         human_bytes(stage.bytes_in),
         human_bytes(stage.bytes_out),
         modules_text(stage.modules)});
  }
  return table.text() + notes_text(manifest) + tied_text(manifest);
}

std::string notes_text(const Manifest& manifest) {
  std::string out;
  for (size_t i = 0; i < manifest.stages.size(); ++i) {
    for (const std::string& note : manifest.stages[i].notes) {
      out += "stage " + std::to_string(i) + " " + note + "\n";
    }
  }
  return out;
}

std::string tied_text(const Manifest& manifest) {
  std::string out;
  for (const TiedParameter& tied : manifest.tied) {
    std::vector<std::string> holders;
    for (const int stage : tied.stages) {
      holders.push_back(std::to_string(stage));
    }
    out += "tied: " + tied.fqn + ", one parameter held by stages " +
           join(holders) + "\n";
  }
  return out;
}

std::string times_text(const std::vector<uint64_t>& ns) {
  std::vector<std::string> times;
  for (const uint64_t each : ns) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.3f", static_cast<double>(each) * 1e-6);
    times.emplace_back(text);
  }
  return "predicted forward time with transfers, ms: " + join(times) + "\n";
}

}  // namespace pp
