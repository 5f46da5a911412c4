#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace pp::test {

/// A new folder, which the destructor removes with its content.
class TempFolder {
 public:
  TempFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "pp_archive_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("cannot make a temporary folder");
    }
    path_ = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }
  /// Writes a file without using the code under test.
  std::filesystem::path put(
      const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }
  /// Names of the files in it, hidden ones included, with a space after each.
  std::string names() const {
    std::string out;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      out += entry.path().filename().string() + " ";
    }
    return out;
  }

 private:
  std::filesystem::path path_;
};

/// Reads a file without using the code under test.
inline std::string slurp(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

}  // namespace pp::test
