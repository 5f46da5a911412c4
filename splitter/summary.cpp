#include <cstdio>

#include "loader/core/text.h"
#include "splitter/inspect.h"
#include "splitter/table.h"

namespace pp {

namespace {

/// The first few modules, and how many more there are.
std::string modules_text(const std::vector<std::string>& modules) {
  constexpr size_t kMost = 4;
  if (modules.size() <= kMost) {
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
  std::string out = table.text();
  for (size_t i = 0; i < manifest.stages.size(); ++i) {
    for (const std::string& note : manifest.stages[i].notes) {
      out += "stage " + std::to_string(i) + " " + note + "\n";
    }
  }
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
  return "measured, ms forward with what crosses: " + join(times) + "\n";
}

}  // namespace pp
