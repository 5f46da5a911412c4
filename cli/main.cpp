#include <cstdlib>
#include <exception>
#include <sstream>

#include "cli/command.h"
#include "cli/console.h"
#include "loader/core/error.h"
#include "loader/core/heap.h"
#include "loader/core/text.h"
#include "runtime/launch/failure.h"

namespace {

using pp::cli::CommandEntry;

/// The subcommand that was asked for; null if there is none of that name.
const CLI::App* chosen_command(
    const CLI::App& app, const std::vector<std::string>& argv) {
  for (const CLI::App* command : app.get_subcommands({})) {
    if (argv.size() > 1 && command->get_name() == argv[1]) {
      return command;
    }
  }
  return nullptr;
}

std::string unknown_command(
    const CLI::App& app, const std::vector<std::string>& argv) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) {
    known.push_back(command->get_name());
  }
  return (argv.size() < 2 ? "a command is needed"
                          : "unknown command '" + argv[1] + "'" +
                                pp::did_you_mean(argv[1], known)) +
         "; there are " + pp::join(known) + "; 'pp --help' tells more";
}

/// What is wrong with the arguments of a command.
std::string complaint(const CLI::App& command, const CLI::ParseError& error) {
  const std::vector<std::string> rest = command.remaining();
  if (rest.empty() ||
      dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) {
    return error.what();
  }
  return "'pp " + command.get_name() + "' does not take '" + rest.front() +
         "'; 'pp " + command.get_name() + " --help' tells what it takes";
}

/// Offers the nearest option where one was misspelled.
std::string suggestion(
    const CLI::App& command, const std::vector<std::string>& argv) {
  std::vector<std::string> options;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      options.push_back("--" + name);
    }
  }
  for (size_t i = 2; i < argv.size(); ++i) {
    const std::string name = argv[i].substr(0, argv[i].find('='));
    if (name.starts_with("--") &&
        std::ranges::find(options, name) == options.end()) {
      return pp::did_you_mean(name, options);
    }
  }
  return "";
}

int run(int argc, char** argv) {
  pp::keep_freed_memory();
  pp::cli::Invocation with;
  with.argv.assign(argv, argv + argc);
  with.getenv = [](const char* name) { return std::getenv(name); };

  CLI::App app("Splits saved PyTorch models and runs them as pipelines", "pp");
  app.set_version_flag("--version", "pp " PP_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example: pp split gpt2.pt2 -o stages --at transformer.h.2\n"
      "'pp COMMAND --help' tells more.");
  std::function<int()> chosen;
  for (const CommandEntry& entry : pp::cli::commands()) {
    CLI::App* command = app.add_subcommand(entry.name, entry.summary);
    command->footer(std::string("Example: ") + entry.example);
    std::function<int()> action = entry.setup(*command, with);
    command->callback([&chosen, action] { chosen = action; });
  }
  const CLI::App* command = chosen_command(app, with.argv);
  if (command == nullptr && argc > 1 && argv[1][0] != '-') {
    // Before --help behind it would show the help of all.
    throw pp::usage_error(unknown_command(app, with.argv));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      std::ostringstream text;
      app.exit(error, text, text);
      pp::cli::print(text.str());
      return 0;
    }
    throw pp::usage_error(
        command == nullptr
            ? unknown_command(app, with.argv)
            : complaint(*command, error) + suggestion(*command, with.argv));
  }
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const pp::JobFailed& failure) {
    // A fault of the job itself is no rank's in particular.
    const pp::Cause& cause = failure.cause();
    const bool is_job =
        cause.stage < 0 && (cause.kind == pp::ErrorKind::Usage ||
                            cause.kind == pp::ErrorKind::Input);
    pp::cli::print_error(is_job ? cause.message : failure.what());
    return static_cast<int>(failure.kind());
  } catch (const pp::Error& error) {
    pp::cli::print_error(error.what());
    return static_cast<int>(error.kind());
  } catch (const std::exception& error) {
    pp::cli::print_error(error.what());
    return static_cast<int>(pp::ErrorKind::Runtime);
  }
}
