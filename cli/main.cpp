#include <cstdlib>
#include <exception>

#include "cli/command.h"
#include "cli/console.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/launch/failure.h"

namespace {

using pp::cli::CommandEntry;

/// Offers the nearest option or command where one was misspelled.
std::string suggestion(
    const CLI::App& app, const std::vector<std::string>& argv) {
  const CLI::App* command = &app;
  std::vector<std::string> known;
  for (const CLI::App* subcommand : app.get_subcommands({})) {
    known.push_back(subcommand->get_name());
  }
  if (argv.size() > 1) {
    for (const CLI::App* subcommand : app.get_subcommands({})) {
      if (subcommand->get_name() == argv[1]) {
        command = subcommand;
      }
    }
  }
  if (command == &app) {
    return argv.size() > 1 ? pp::did_you_mean(argv[1], known) : "";
  }
  std::vector<std::string> options;
  for (const CLI::Option* option : command->get_options()) {
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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      return app.exit(error);
    }
    pp::cli::print_error(error.what() + suggestion(app, with.argv));
    return static_cast<int>(pp::ErrorKind::Usage);
  }
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const pp::Error& error) {
    pp::cli::print_error(error.what());
    return static_cast<int>(error.kind());
  } catch (const std::exception& error) {
    pp::cli::print_error(error.what());
    return static_cast<int>(pp::ErrorKind::Runtime);
  }
}
