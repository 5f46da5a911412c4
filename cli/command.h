#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "loader/core/log.h"

namespace pp {
struct RankContext;
}

namespace pp::cli {

/// What every command is given.
struct Invocation {
  std::vector<std::string> argv;  ///< as `pp` was started
  std::function<const char*(const char*)> getenv;
  /// RunOptions::on_rank of `pp run`: for tests.
  std::function<void(RankContext&)> on_rank = nullptr;
};

/// Adds one subcommand to `app`; returns what runs it: the exit code.
using Setup = std::function<int()> (*)(CLI::App& app, const Invocation&);

struct CommandEntry {
  const char* name;
  const char* summary;
  const char* example;  ///< shown at the end of its --help
  Setup setup;
};

/// The table of subcommands: one row and one file each.
const std::vector<CommandEntry>& commands();

std::function<int()> setup_inspect(CLI::App& app, const Invocation& with);
std::function<int()> setup_merge(CLI::App& app, const Invocation& with);
std::function<int()> setup_run(CLI::App& app, const Invocation& with);
std::function<int()> setup_schedule(CLI::App& app, const Invocation& with);
std::function<int()> setup_split(CLI::App& app, const Invocation& with);
std::function<int()> setup_verify(CLI::App& app, const Invocation& with);

/// For names of files and folders: an empty one is refused.
CLI::Validator not_empty();

/// The log that `--log` or TORCH_LOGS asks for.
Log make_log(const std::string& spec, const Invocation& with);

/// Adds the split options that several commands share.
struct SplitOptions {
  std::vector<std::string> at;
  int stages = 0;
  std::string balance = "params";
  std::optional<uint64_t> memory;
  std::vector<std::string> inputs;  ///< --input
  bool markers = false;
  bool no_remat = false;
  std::string tied = "replicate";
};
void add_input_option(CLI::App& app, std::vector<std::string>& inputs);
void add_split_options(CLI::App& app, SplitOptions& options);

}  // namespace pp::cli
