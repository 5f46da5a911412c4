// A tool with which tests in Python drive the splitter:
//   split_tool points MODEL              lists the legal cuts: their first
//   names split_tool split MODEL DIR POINT... split_tool stages MODEL DIR N
//   params|flops|memory split_tool merge DIR MODEL [CHECKPOINT] split_tool
//   inspect PATH text|json|dot
// It prints the message of an error to standard error, and the error's kind is
// the exit code.

#include <iostream>
#include <string>
#include <vector>

#include "loader/core/error.h"
#include "loader/model_loader.h"
#include "splitter/cut/cut.h"
#include "splitter/cut/partition.h"
#include "splitter/files/artifact.h"
#include "splitter/inspect/inspect.h"

namespace {

void write(
    const std::string& model_path,
    const std::string& directory,
    const pp::SplitSpec& spec) {
  const pp::Model model = pp::load_model(model_path);
  pp::Partition parts = pp::partition(model, spec);
  std::cout << pp::summary(parts.manifest);
  pp::write_stages(directory, model, std::move(parts), pp::model_formats());
}

void print_points(const std::string& path) {
  const pp::Model model = pp::load_model(path);
  for (const pp::Cut& cut : pp::legal_cuts(pp::analyse_flow(model.graph))) {
    if (!cut.names.empty()) {
      std::cout << cut.names.front() << "\n";
    }
  }
}

void inspect(const std::string& path, const std::string& format) {
  pp::InspectOptions options;
  options.format = format == "json"  ? pp::InspectFormat::Json
                   : format == "dot" ? pp::InspectFormat::Dot
                                     : pp::InspectFormat::Text;
  std::cout
      << (pp::is_stage_directory(path)
              ? pp::inspect(pp::open_stages(path, pp::model_formats()), options)
              : pp::inspect(pp::load_model(path), options));
}

void run(const std::vector<std::string>& args) {
  if (args.size() < 2) {
    throw pp::usage_error("split_tool COMMAND PATH ...");
  }
  const auto arg = [&](size_t i) { return args.at(i); };
  pp::SplitSpec spec;
  if (arg(0) == "points") {
    print_points(arg(1));
  } else if (arg(0) == "split") {
    for (size_t i = 3; i < args.size(); ++i) {
      spec.at.push_back(pp::parse_split_point(args[i]));
    }
    write(arg(1), arg(2), spec);
  } else if (arg(0) == "stages") {
    spec.num_stages = std::stoi(arg(3));
    spec.balance = pp::try_parse_enum<pp::Balance>(arg(4)).value();
    write(arg(1), arg(2), spec);
  } else if (arg(0) == "merge") {
    std::optional<std::filesystem::path> checkpoint;
    if (args.size() > 3) {
      checkpoint = arg(3);
    }
    pp::merge(arg(1), checkpoint, arg(2), pp::model_formats());
  } else if (arg(0) == "inspect") {
    inspect(arg(1), arg(2));
  } else {
    throw pp::usage_error("unknown command '" + arg(0) + "'");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv + 1, argv + argc});
    return 0;
  } catch (const pp::Error& error) {
    std::cerr << error.what() << "\n";
    return static_cast<int>(error.kind());
  }
}
