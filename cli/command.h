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

/// The process's arguments and environment, which every command receives.
struct Invocation {
  std::vector<std::string> argv;  ///< includes the name of `pp` itself
  /// Looks up an environment variable; null if it is not set.
  std::function<const char*(const char*)> getenv;
  /// For tests: becomes RunOptions::on_rank of `pp run`. Null otherwise.
  std::function<void(RankContext&)> on_rank = nullptr;
};

/// Declares the options of one subcommand in `app`. Returns the function that
/// runs the subcommand and returns its exit code.
using Setup = std::function<int()> (*)(CLI::App& app, const Invocation&);

struct CommandEntry {
  const char* name;
  const char* summary;
  const char* example;  ///< shown at the end of the command's --help
  Setup setup;
};

/// The table of subcommands.
const std::vector<CommandEntry>& commands();

/// Ends `pp run` because its command line is wrong. In a job of several ranks,
/// every rank finds the same mistake, but only one of the ranks that share a
/// console prints it.
/// throws  JobFailed with `error` as its cause if this rank belongs to a job of
///         several ranks; otherwise `error` itself
[[noreturn]] void fail_run(const Invocation& with, const Error& error);

std::function<int()> setup_export(CLI::App& app, const Invocation& with);
std::function<int()> setup_init(CLI::App& app, const Invocation& with);
std::function<int()> setup_inspect(CLI::App& app, const Invocation& with);
std::function<int()> setup_merge(CLI::App& app, const Invocation& with);
std::function<int()> setup_run(CLI::App& app, const Invocation& with);
std::function<int()> setup_schedule(CLI::App& app, const Invocation& with);
std::function<int()> setup_split(CLI::App& app, const Invocation& with);
std::function<int()> setup_verify(CLI::App& app, const Invocation& with);

/// A validator that refuses an empty string as the name of a file or folder.
CLI::Validator not_empty();

/// Creates a log whose level is read from `spec` (--log), or, if that is empty,
/// from the environment variable TORCH_LOGS.
Log make_log(const std::string& spec, const Invocation& with);

/// The options that say how far the user trusts the files. See to_trust().
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

/// Declares --allow-operator, --trust-script and --no-sandbox.
void add_trust_options(CLI::App& app, TrustOptions& options);
Trust to_trust(const TrustOptions& options);

/// Enters the sandbox, unless the user gave --no-sandbox.
void enter_sandbox(
    const TrustOptions& options, const SandboxRules& rules, const Log& log);
void add_split_options(CLI::App& app, SplitOptions& options);

}  // namespace pp::cli
