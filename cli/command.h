#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "loader/allowed/trust.h"
#include "loader/core/error.h"
#include "loader/core/log.h"
#include "loader/sandbox/sandbox.h"

namespace pp {
struct RankContext;
}

namespace pp::cli {

/// Passed to every command: the process's arguments and environment.
struct Invocation {
  std::vector<std::string> argv;  ///< includes the name of `pp` itself
  std::function<const char*(const char*)> getenv;
  /// For tests: the RunOptions::on_rank of `pp run`.
  std::function<void(RankContext&)> on_rank = nullptr;
};

/// Declares the options of one subcommand in `app`. Returns the function that
/// runs it and gives the exit code.
using Setup = std::function<int()> (*)(CLI::App& app, const Invocation&);

struct CommandEntry {
  const char* name;
  const char* summary;
  const char* example;  ///< shown at the end of its --help
  Setup setup;
};

/// The table of subcommands.
const std::vector<CommandEntry>& commands();

/// Ends `pp run` because its command line is wrong. In a job of several ranks
/// every rank finds the same mistake; only one of the ranks that share a
/// console prints it.
/// throws `error` itself; JobFailed with it if the rank belongs to a larger job
[[noreturn]] void fail_run(const Invocation& with, const Error& error);

std::function<int()> setup_inspect(CLI::App& app, const Invocation& with);
std::function<int()> setup_merge(CLI::App& app, const Invocation& with);
std::function<int()> setup_run(CLI::App& app, const Invocation& with);
std::function<int()> setup_schedule(CLI::App& app, const Invocation& with);
std::function<int()> setup_split(CLI::App& app, const Invocation& with);
std::function<int()> setup_verify(CLI::App& app, const Invocation& with);

/// Refuses an empty name of a file or folder.
CLI::Validator not_empty();

/// Makes a log with the level that `--log` sets, or else TORCH_LOGS.
Log make_log(const std::string& spec, const Invocation& with);

/// The command line's part of Trust.
struct TrustOptions {
  std::vector<std::string> allow;  ///< --allow-operator
  bool script = false;             ///< --trust-script
  bool no_sandbox = false;         ///< --no-sandbox
};

/// The split options that several commands share.
struct SplitOptions {
  std::vector<std::string> at;
  int stages = 0;
  std::string balance = "params";
  std::optional<uint64_t> memory;
  std::vector<std::string> inputs;  ///< --input
  TrustOptions trust;
  bool markers = false;
  bool no_remat = false;
  std::string tied = "replicate";
};
void add_input_option(CLI::App& app, std::vector<std::string>& inputs);

/// Declares the options that say how far files are trusted.
void add_trust_options(CLI::App& app, TrustOptions& options);
Trust to_trust(const TrustOptions& options);

/// Enters the sandbox, unless the options say otherwise.
void enter_sandbox(
    const TrustOptions& options, const SandboxRules& rules, const Log& log);
void add_split_options(CLI::App& app, SplitOptions& options);

}  // namespace pp::cli
