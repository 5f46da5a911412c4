#include "cli/command_line.h"

#include <algorithm>
#include <exception>
#include <sstream>

#include "cli/console.h"
#include "loader/core/error.h"
#include "loader/core/first_line.h"
#include "loader/core/known_names.h"
#include "loader/core/text.h"
#include "runtime/rank/failure.h"

namespace pp::cli {

namespace {

/// The subcommand that argv names; null if there is none of that name.
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
  return argv.size() < 2
             ? "expected a command: " + join(known) + "; see 'pp --help'"
             : "unknown command '" + argv[1] + "'" +
                   nearest_or_all(argv[1], known);
}

/// Describes what is wrong with the arguments of a command.
std::string complaint(const CLI::App& command, const CLI::ParseError& error) {
  const std::vector<std::string> rest = command.remaining();
  if (rest.empty() ||
      dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) {
    return error.what();
  }
  return "'pp " + command.get_name() + "' does not accept '" + rest.front() +
         "'; see 'pp " + command.get_name() + " --help'";
}

/// Offers the nearest option if one was misspelled.
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
      return did_you_mean(name, options);
    }
  }
  return "";
}

int run(const Invocation& with) {
  CLI::App app("Splits saved PyTorch models and runs them as pipelines", "pp");
  app.set_version_flag("--version", "pp " PP_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example: pp split gpt2.pt2 -o stages --at transformer.h.2\n"
      "See 'pp COMMAND --help' for the options of a command.");
  std::function<int()> chosen;
  for (const CommandEntry& entry : commands()) {
    CLI::App* command = app.add_subcommand(entry.name, entry.summary);
    command->footer(std::string("Example: ") + entry.example);
    std::function<int()> action = entry.setup(*command, with);
    command->callback([&chosen, action] { chosen = action; });
  }
  const CLI::App* command = chosen_command(app, with.argv);
  if (command == nullptr && with.argv.size() > 1 && with.argv[1][0] != '-') {
    // Parsing would find a later --help and show the help of all commands.
    throw usage_error(unknown_command(app, with.argv));
  }
  try {
    std::vector<const char*> arguments;
    for (const std::string& argument : with.argv) {
      arguments.push_back(argument.c_str());
    }
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      std::ostringstream text;
      app.exit(error, text, text);
      print(text.str());
      return 0;
    }
    const std::string mistake =
        command == nullptr
            ? unknown_command(app, with.argv)
            : complaint(*command, error) + suggestion(*command, with.argv);
    if (command != nullptr && command->get_name() == "run") {
      fail_run(with, usage_error(mistake));
    }
    throw usage_error(mistake);
  }
  return chosen();
}

/// A failure's message, without a rank if the job itself is at fault.
std::string text_of(const JobFailed& failure) {
  const Cause& cause = failure.cause();
  const bool is_job = cause.stage < 0 && (cause.kind == ErrorKind::Usage ||
                                          cause.kind == ErrorKind::Input);
  return is_job ? cause.message : failure.what();
}

}  // namespace

int run_command_line(const Invocation& with) noexcept {
  try {
    return run(with);
  } catch (const JobFailed& failure) {
    if (!failure.told()) {
      print_error(text_of(failure));
    }
    return failure.exit_code();
  } catch (const Error& error) {
    print_error(error.what());
    return static_cast<int>(error.kind());
  } catch (const std::exception& error) {
    print_error(first_line(error.what()));
    return static_cast<int>(ErrorKind::Runtime);
  }
}

}  // namespace pp::cli
