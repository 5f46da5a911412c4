#include "runtime/launch/child.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/core/error.h"

namespace pp {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) {
    out.push_back(text.data());
  }
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> merged_environment(
    const std::map<std::string, std::string>& changes) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!changes.contains(text.substr(0, text.find('=')))) {
      out.push_back(text);
    }
  }
  for (const auto& [name, value] : changes) {
    out.push_back(name + "=" + value);
  }
  return out;
}

/// Runs in the new process. Since this process has threads, only calls that are
/// safe between fork and exec are allowed. Writes errno to `report`.
[[noreturn]] void become(
    const std::vector<char*>& argv,
    const std::vector<char*>& environment,
    const sigset_t& mask,
    pid_t parent,
    int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent) {  // else the parent died before the prctl call
    sigprocmask(SIG_SETMASK, &mask, nullptr);
    execvpe(argv[0], argv.data(), environment.data());
    const int error = errno;
    [[maybe_unused]] const auto written = write(report, &error, sizeof(error));
  }
  _exit(127);
}

Error cannot_start(const std::string& program, int error) {
  const std::string limit =
      error == EAGAIN
          ? "; is this user's limit on processes (ulimit -u) reached?"
          : "";
  return usage_error(
      "can't start '" + program + "': " + std::strerror(error) + limit);
}

}  // namespace

std::string to_string(const Exit& exit) {
  if (exit.signal != 0) {
    return "killed by signal " + std::to_string(exit.signal) + " (" +
           strsignal(exit.signal) + ")";
  }
  return "exited with code " + std::to_string(exit.code);
}

Child::Child(
    const std::vector<std::string>& command,
    const std::map<std::string, std::string>& environment,
    const sigset_t& mask) {
  check(!command.empty(), "there must be a command to start");
  auto arguments = command;
  auto variables = merged_environment(environment);
  const auto argv = pointers(arguments);
  const auto envp = pointers(variables);
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) {
    throw cannot_start(command.front(), errno);
  }

  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    become(argv, envp, mask, parent, report[1]);
  }
  const int fork_error = errno;
  close(report[1]);
  int error = 0;
  const bool failed =
      pid_ > 0 && read(report[0], &error, sizeof(error)) == sizeof(error);
  close(report[0]);
  if (failed) {
    waitpid(pid_, nullptr, 0);
  }
  if (failed || pid_ < 0) {
    throw cannot_start(command.front(), failed ? error : fork_error);
  }
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_(other.exit_) {}

Child::~Child() {
  if (pid_ > 0 && running()) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

std::optional<Exit> Child::poll() {
  int status = 0;
  if (!exit_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    exit_ = WIFSIGNALED(status) ? Exit{0, WTERMSIG(status)}
                                : Exit{WEXITSTATUS(status), 0};
  }
  return exit_;
}

void Child::send_signal(int number) {
  if (running()) {
    kill(pid_, number);
  }
}

}  // namespace pp
