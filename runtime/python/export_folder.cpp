#include "runtime/python/export_folder.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <link.h>
#include <unistd.h>

#include "loader/core/error.h"
#include "runtime/python/export_script.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

/// The path of LibTorch's library; empty if the process has mapped none.
fs::path loaded_libtorch() {
  fs::path out;
  const auto visit = [](dl_phdr_info* info, size_t, void* data) {
    const fs::path path = info->dlpi_name;
    if (path.filename() == "libtorch_cpu.so") {
      *static_cast<fs::path*>(data) = path;
    }
    return 0;
  };
  dl_iterate_phdr(visit, &out);
  return out;
}

bool is_program(const fs::path& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

fs::path python_of(const fs::path& library) {
  // ENVIRONMENT/lib/python3.X/site-packages/torch/lib/libtorch_cpu.so
  const fs::path packages =
      library.lexically_normal().parent_path().parent_path().parent_path();
  const std::string name = packages.filename().string();
  if (name != "site-packages" && name != "dist-packages") {
    return {};
  }
  const fs::path python =
      packages.parent_path().parent_path().parent_path() / "bin/python3";
  return is_program(python) ? python : fs::path();
}

std::string find_python() {
  const fs::path own = python_of(loaded_libtorch());
  return own.empty() ? "python3" : own.string();
}

std::vector<std::string> export_command(const ExportOptions& options) {
  std::vector<std::string> out = {
      options.python.empty() ? find_python() : options.python,
      "-c",
      kExportScript,
      options.folder.string(),
      "--batch=" + std::to_string(options.batch),
      "--seq=" + std::to_string(options.sequence),
      "--seed=" + std::to_string(options.seed)};
  if (!options.output.empty()) {
    out.push_back("--output=" + options.output.string());
  }
  if (!options.class_name.empty()) {
    out.push_back("--class=" + options.class_name);
  }
  if (options.train) {
    out.emplace_back("--train");
  }
  if (options.empty) {
    out.emplace_back("--empty");
  }
  return out;
}

void become(const std::vector<std::string>& command) {
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  ::execvp(argv.front(), argv.data());
  throw usage_error(
      "can't start " + command.front() + ": " + std::strerror(errno) +
      "; name a Python that has torch and transformers with --python");
}

}  // namespace pp
