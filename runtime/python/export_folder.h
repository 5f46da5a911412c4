#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pp {

/// The options of `pp export`.
struct ExportOptions {
  std::filesystem::path folder = {};  ///< a model folder of `transformers`
  std::filesystem::path output = {};  ///< empty: the folder's name with .pt2
  std::string python = {};            ///< the interpreter; empty: find_python()
  std::string class_name = {};  ///< empty: the class that the config names
  int batch = 2;                ///< rows of the example that is exported
  int sequence = 16;            ///< tokens of a row of the example
  int seed = 0;                 ///< seeds weights that the folder lacks
  bool train = false;           ///< export with dropout on
  bool empty = false;           ///< export without the values of weights
};

/// Returns the Python interpreter that belongs to a LibTorch: that of the
/// environment whose site-packages hold the library. Returns an empty path if
/// the library lies elsewhere.
///
/// library  the path of libtorch_cpu.so
std::filesystem::path python_of(const std::filesystem::path& library);

/// Returns the interpreter of the LibTorch that this process uses, or else
/// "python3", which is searched for in PATH.
std::string find_python();

/// Returns the command that exports a folder: the interpreter, the text of
/// scripts/export_hf.py and its arguments.
std::vector<std::string> export_command(const ExportOptions& options);

/// Replaces this process by a command; its exit code becomes that of `pp`.
/// throws  Error(Usage): the command can't be started
[[noreturn]] void become(const std::vector<std::string>& command);

}  // namespace pp
